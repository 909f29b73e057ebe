//! The resources an account is known to have, and how many of them a pattern reaches.

use std::collections::HashMap;
use std::sync::Mutex;

use schemas::{Inventory, Provider};
use smol_str::SmolStr;

use crate::exposure::Reach;
use crate::grants::Area;
use crate::resource;

/// Patterns remembered per account; past it, they are counted anew each time.
const MAX_MEMO: usize = 65_536;

/// One account's known resources by kind.
#[derive(Debug)]
pub struct KnownResources {
    provider: Provider,
    kinds: HashMap<SmolStr, Kind>,
    assumed: u64,
    memo: Mutex<HashMap<(SmolStr, SmolStr), Reach>>,
}

#[derive(Debug)]
struct Kind {
    n_resources: u64,
    ids: Vec<SmolStr>,
}

impl KnownResources {
    /// Takes one account's inventory rows; kinds compare in any case. Deleted rows count as none.
    #[must_use]
    pub fn new<'r>(provider: Provider, rows: impl IntoIterator<Item = &'r Inventory>) -> Self {
        let mut kinds = HashMap::new();
        for row in rows.into_iter().filter(|row| row.deleted_at.is_none() && row.provider == provider) {
            let mut ids: Vec<SmolStr> = row.resource_ids.iter().map(|id| SmolStr::new(id.as_str())).collect();
            ids.sort_unstable();
            let n_resources = u64::try_from(row.n_resources).unwrap_or(0).max(ids.len() as u64);
            kinds.insert(SmolStr::from(row.kind.to_ascii_lowercase()), Kind { n_resources, ids });
        }
        Self { provider, kinds, assumed: 0, memo: Mutex::new(HashMap::new()) }
    }

    /// Assumes this many resources of every kind that no inventory row names: a grant on one named resource then reaches
    /// one of them, a grant by wildcard all. With none assumed, a grant on a kind of which nothing is known reaches
    /// everything, because (0 + 1) / (0 + 1) = 1.
    #[must_use]
    pub fn assuming(mut self, n_resources: u64) -> Self {
        self.assumed = n_resources;
        self
    }

    /// An area's reach over a kind. Where the ids were cut at a bound, the matches are scaled up.
    #[must_use]
    pub fn reach(&self, area: &Area, kind: &str) -> Reach {
        let kind = SmolStr::from(kind.to_ascii_lowercase());
        let Some(known) = self.kinds.get(&kind) else { return self.guess(&area.resource) };
        let key = (SmolStr::new(area.key()), kind);
        if let Ok(memo) = self.memo.lock()
            && let Some(reach) = memo.get(&key)
        {
            return *reach;
        }
        let reach = Reach { matching: self.matching(area, known), known: known.n_resources };
        if let Ok(mut memo) = self.memo.lock()
            && memo.len() < MAX_MEMO
        {
            memo.insert(key, reach);
        }
        reach
    }

    fn guess(&self, pattern: &str) -> Reach {
        let container = resource::container(self.provider, pattern);
        let exact = self.provider != Provider::Azure && !container.contains(['*', '?']);
        Reach { matching: if exact { self.assumed.min(1) } else { self.assumed }, known: self.assumed }
    }

    fn matching(&self, area: &Area, known: &Kind) -> u64 {
        // `arn:aws:s3:::logs/*` reaches the bucket `logs`.
        let container = resource::container(self.provider, &area.resource);
        let exact = self.provider == Provider::Aws && area.is_plain() && !container.contains(['*', '?']);
        let n = if exact {
            known.ids.binary_search_by(|id| id.as_str().cmp(container)).is_ok() as u64
        } else {
            known.ids.iter().filter(|id| area.reaches(self.provider, id)).count() as u64
        };
        let listed = (known.ids.len() as u64).max(1);
        u64::try_from(u128::from(n) * u128::from(known.n_resources) / u128::from(listed)).unwrap_or(n)
    }
}

#[cfg(test)]
mod tests {
    use schemas::{AccountId, ResourceId, Text, Time};

    use super::*;

    fn row(provider: Provider, kind: &str, ids: &[&str], n_resources: i64) -> Inventory {
        Inventory {
            provider,
            account_id: AccountId::from("1"),
            kind: Text::from(kind),
            time: Time(0),
            n_resources,
            resource_ids: ids.iter().map(|id| ResourceId::from(*id)).collect(),
            deleted_at: None,
            revision: 1,
        }
    }

    #[test]
    fn a_pattern_reaches_the_resources_it_matches() {
        let buckets = ["arn:aws:s3:::logs-1", "arn:aws:s3:::logs-2", "arn:aws:s3:::web"];
        let aws = KnownResources::new(Provider::Aws, [&row(Provider::Aws, "s3:bucket", &buckets, 3)]);
        let reach = |pattern, kind| {
            let Reach { matching, known } = aws.reach(&Area::of(pattern), kind);
            (matching, known)
        };
        assert_eq!(reach("arn:aws:s3:::logs-1/*", "s3:bucket"), (1, 3));
        assert_eq!(reach("arn:aws:s3:::logs-*", "s3:bucket"), (2, 3));
        assert_eq!(reach("arn:aws:s3:::other", "s3:bucket"), (0, 3));
        assert_eq!(reach("arn:aws:s3:::*/*", "S3:Bucket"), (3, 3));
        assert_eq!(reach("arn:aws:s3:::logs-1/*", "sqs:queue"), (0, 0));
        let guess = KnownResources::new(Provider::Aws, []).assuming(50);
        let found = |pattern| guess.reach(&Area::of(pattern), "s3:bucket").matching;
        assert_eq!((found("arn:aws:s3:::logs/*"), found("arn:aws:s3:::logs*")), (1, 50));
        let vm = "/subscriptions/s/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/vm";
        let azure = KnownResources::new(
            Provider::Azure,
            [&row(Provider::Azure, "Microsoft.Compute/virtualMachines", &[vm], 10)],
        );
        let found = azure.reach(&Area::of("/subscriptions/s/resourcegroups/g"), "microsoft.compute/virtualmachines");
        assert_eq!((found.matching, found.known), (10, 10));
    }
}
