//! Resources by name, so that a pattern finds what it could match without asking all.

use roaring::RoaringBitmap;
use schemas::Provider;
use smol_str::SmolStr;

/// Names in order, each with a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    names: Vec<(SmolStr, u32)>,
    all: RoaringBitmap,
}

impl Index {
    /// Names that are empty are found by nothing.
    pub(super) fn of<'n>(provider: Provider, names: impl Iterator<Item = (&'n str, u32)>) -> Self {
        let mut names: Vec<(SmolStr, u32)> =
            names.filter(|(name, _)| !name.is_empty()).map(|(name, place)| (fold(provider, name), place)).collect();
        names.sort_unstable();
        let all = names.iter().map(|(_, place)| *place).collect();
        Self { names, all }
    }

    /// Those that a pattern or scope may match: those that begin as it does up to its first wildcard or variable.
    pub(super) fn like(&self, provider: Provider, pattern: &str) -> RoaringBitmap {
        let literal = match provider {
            Provider::Aws => pattern.find(['*', '?', '$']).map_or(pattern, |end| &pattern[..end]),
            Provider::Azure | Provider::Gcp => pattern.trim_end_matches('/'),
        };
        if literal.is_empty() || pattern == "*" {
            return self.all.clone();
        }
        let prefix = fold(provider, literal);
        let from = self.names.partition_point(|(name, _)| name.as_str() < prefix.as_str());
        self.names[from..].iter().take_while(|(name, _)| name.starts_with(prefix.as_str())).map(|(_, at)| *at).collect()
    }

    pub(super) fn all(&self) -> &RoaringBitmap {
        &self.all
    }
}

/// Azure's names are the same in any case; GCP's are the same with and without `//host/`.
fn fold(provider: Provider, name: &str) -> SmolStr {
    match provider {
        Provider::Aws => name.into(),
        Provider::Azure => name.to_ascii_lowercase().into(),
        Provider::Gcp => {
            name.strip_prefix("//").and_then(|rest| rest.split_once('/')).map_or(name, |(_, path)| path).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_finds_what_begins_as_it_does() {
        let names = ["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/ab", "arn:aws:iam::1:user/a", ""];
        let index = Index::of(Provider::Aws, names.into_iter().zip(0..));
        let found = |pattern| index.like(Provider::Aws, pattern).iter().collect::<Vec<_>>();
        assert_eq!(found("arn:aws:iam::1:role/a*"), [0, 1]);
        assert_eq!(found("arn:aws:iam::*:role/a"), [0, 1, 2]);
        assert_eq!(found("arn:aws:iam::1:user/${aws:username}"), [2]);
        assert_eq!(found("*"), [0, 1, 2]);
        let index = Index::of(Provider::Gcp, [("//iam.googleapis.com/projects/p/serviceAccounts/s", 7)].into_iter());
        assert_eq!(index.like(Provider::Gcp, "projects/p/serviceAccounts/s").min(), Some(7));
    }
}
