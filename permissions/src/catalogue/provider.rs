//! One provider's actions: looked up by name, expanded by pattern.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use roaring::RoaringBitmap;
use schemas::{Provider, RiskClass};
use smol_str::SmolStr;

use super::action::{ActionIdx, ActionInfo, Plane};
use super::pattern;

/// Patterns remembered per provider; past it, patterns are expanded anew each time. 32,768 patterns of a bitmap each
/// stay under some 100 MB, and a large organization's policies name a few thousand.
const MAX_MEMO: usize = 32_768;
/// Names longer than this are no action's: the longest bundled one has 220 characters.
const MAX_NAME: usize = 512;

/// One provider's actions.
#[derive(Debug)]
pub struct ProviderCatalogue {
    provider: Provider,
    actions: Vec<ActionInfo>,
    by_name: HashMap<SmolStr, u32>,
    /// Folded names and numbers, in order.
    sorted: Vec<(SmolStr, u32)>,
    services: Vec<SmolStr>,
    service_idx: HashMap<SmolStr, u16>,
    service_of: Vec<u16>,
    by_risk: Vec<RoaringBitmap>,
    by_plane: [RoaringBitmap; 3],
    /// AWS: the actions that act on resources whose ARN names a service.
    by_arn_service: HashMap<SmolStr, RoaringBitmap>,
    on_resources: RoaringBitmap,
    memo: Mutex<HashMap<SmolStr, Arc<RoaringBitmap>>>,
}

impl Clone for ProviderCatalogue {
    fn clone(&self) -> Self {
        Self::new(self.provider, self.actions.clone())
    }
}

impl ProviderCatalogue {
    /// Makes one. Of two actions whose names are equal for the provider, the first stays.
    #[must_use]
    pub fn new(provider: Provider, actions: Vec<ActionInfo>) -> Self {
        let mut this = Self {
            provider,
            actions: Vec::with_capacity(actions.len()),
            by_name: HashMap::with_capacity(actions.len()),
            sorted: Vec::with_capacity(actions.len()),
            services: Vec::new(),
            service_idx: HashMap::new(),
            service_of: Vec::with_capacity(actions.len()),
            by_risk: vec![RoaringBitmap::new(); RiskClass::ALL.len()],
            by_plane: [RoaringBitmap::new(), RoaringBitmap::new(), RoaringBitmap::new()],
            by_arn_service: HashMap::new(),
            on_resources: RoaringBitmap::new(),
            memo: Mutex::new(HashMap::new()),
        };
        for action in actions {
            this.push(action);
        }
        this.sorted.sort_unstable();
        this
    }

    fn push(&mut self, action: ActionInfo) {
        let folded = self.fold(&action.name);
        if self.by_name.contains_key(&folded) || folded.len() > MAX_NAME {
            return;
        }
        let idx = self.actions.len() as u32;
        let next = self.services.len().min(usize::from(u16::MAX)) as u16;
        let service = *self.service_idx.entry(action.service.clone()).or_insert(next);
        if usize::from(service) == self.services.len() {
            self.services.push(action.service.clone());
        }
        self.service_of.push(service);
        self.by_risk[action.risk as usize].insert(idx);
        self.by_plane[action.plane as usize].insert(idx);
        for (service, _) in action.containers.iter().filter_map(|kind| kind.split_once(':')) {
            self.on_resources.insert(idx);
            if !self.by_arn_service.contains_key(service) {
                self.by_arn_service.insert(SmolStr::new(service), RoaringBitmap::new());
            }
            if let Some(actions) = self.by_arn_service.get_mut(service) {
                actions.insert(idx);
            }
        }
        self.by_name.insert(folded.clone(), idx);
        self.sorted.push((folded, idx));
        self.actions.push(action);
    }

    /// The provider.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// How many actions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Finds an action by name: AWS and Azure in any case, GCP exactly.
    #[must_use]
    pub fn lookup(&self, name: &str) -> Option<ActionIdx> {
        if name.len() > MAX_NAME {
            return None;
        }
        if self.provider == Provider::Gcp {
            return self.by_name.get(name).copied().map(ActionIdx);
        }
        let mut buffer = [0; MAX_NAME];
        let folded = &mut buffer[..name.len()];
        folded.copy_from_slice(name.as_bytes());
        folded.make_ascii_lowercase();
        let folded = std::str::from_utf8(folded).ok()?;
        self.by_name.get(folded).copied().map(ActionIdx)
    }

    /// Finds an action and returns what is known of it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&ActionInfo> {
        self.lookup(name).map(|idx| self.action(idx))
    }

    /// What is known of an action.
    ///
    /// # Panics
    /// When the number is not of this catalogue.
    #[must_use]
    pub fn action(&self, idx: ActionIdx) -> &ActionInfo {
        &self.actions[idx.0 as usize]
    }

    /// What is known of an action, if the number is of this catalogue.
    #[must_use]
    pub fn get(&self, idx: ActionIdx) -> Option<&ActionInfo> {
        self.actions.get(idx.0 as usize)
    }

    /// All actions with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (ActionIdx, &ActionInfo)> {
        self.actions.iter().enumerate().map(|(idx, action)| (ActionIdx(idx as u32), action))
    }

    /// The services, by number.
    #[must_use]
    pub fn services(&self) -> &[SmolStr] {
        &self.services
    }

    /// Whether any action belongs to a service.
    #[must_use]
    pub fn has_service(&self, service: &str) -> bool {
        self.service_idx.contains_key(service)
    }

    /// The number of an action's service.
    #[must_use]
    pub fn service_of(&self, idx: ActionIdx) -> u16 {
        self.service_of.get(idx.0 as usize).copied().unwrap_or_default()
    }

    /// The actions of a risk class.
    #[must_use]
    pub fn of_risk(&self, class: RiskClass) -> &RoaringBitmap {
        &self.by_risk[class as usize]
    }

    /// The actions of a plane.
    #[must_use]
    pub fn of_plane(&self, plane: Plane) -> &RoaringBitmap {
        &self.by_plane[plane as usize]
    }

    /// The AWS actions that can be granted on a resource pattern that is not `*`: those that act on resources of the
    /// pattern's service. An action without resource types is granted by `*` (service authorization reference, "Resource
    /// types") or by everything of its service, as AWS's own policies grant `s3:ListAllMyBuckets` on `arn:aws:s3:::*`; a
    /// narrower pattern grants it to nobody.
    #[must_use]
    pub fn grantable_on(&self, arn_pattern: &str) -> RoaringBitmap {
        let service = arn_pattern.split(':').nth(2).unwrap_or("*");
        if service.contains(['*', '?']) {
            return self.on_resources.clone();
        }
        let mut found = self.by_arn_service.get(service).cloned().unwrap_or_default();
        if arn_pattern.splitn(6, ':').nth(5) == Some("*") {
            found |= &*self.expand(&format!("{service}:*")) - &self.on_resources;
        }
        found
    }

    /// What a `Deny` on an ARN pattern can take away: as [`Self::grantable_on`], without the actions on no particular
    /// resource, which are asked of `*`.
    #[must_use]
    pub fn deniable_on(&self, arn_pattern: &str) -> RoaringBitmap {
        self.grantable_on(arn_pattern) & &self.on_resources
    }

    /// All actions that a pattern names: `*` for any text, for AWS also `?` for one character. Remembered.
    #[must_use]
    pub fn expand(&self, pattern: &str) -> Arc<RoaringBitmap> {
        let folded = self.fold(pattern);
        if let Ok(memo) = self.memo.lock()
            && let Some(found) = memo.get(&folded)
        {
            return Arc::clone(found);
        }
        let found = Arc::new(self.expand_folded(&folded));
        if let Ok(mut memo) = self.memo.lock()
            && memo.len() < MAX_MEMO
            && folded.len() <= MAX_NAME
        {
            memo.insert(folded, Arc::clone(&found));
        }
        found
    }

    fn expand_folded(&self, folded: &str) -> RoaringBitmap {
        let question_mark = self.provider == Provider::Aws;
        let wild = |c: char| c == '*' || (question_mark && c == '?');
        let Some(first) = folded.find(wild) else {
            return self.by_name.get(folded).copied().into_iter().collect();
        };
        let prefix = &folded[..first];
        let start = self.sorted.partition_point(|(name, _)| name.as_str() < prefix);
        let rest = &folded.as_bytes()[first..];
        let all = rest.iter().all(|c| *c == b'*');
        let mut found = RoaringBitmap::new();
        for (name, idx) in self.sorted[start..].iter().take_while(|(name, _)| name.starts_with(prefix)) {
            if all || pattern::matches(rest, &name.as_bytes()[first..], question_mark, false) {
                found.insert(*idx);
            }
        }
        found
    }

    fn fold(&self, name: &str) -> SmolStr {
        if self.provider == Provider::Gcp || !name.bytes().any(|b| b.is_ascii_uppercase()) {
            SmolStr::new(name)
        } else {
            SmolStr::from(name.to_ascii_lowercase())
        }
    }
}
