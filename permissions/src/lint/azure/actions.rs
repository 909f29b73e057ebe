//! Lists of actions, less what they exclude.

use roaring::RoaringBitmap;

use crate::catalogue::{Plane, ProviderCatalogue, pattern};
use crate::lint::json::Node;
use crate::lint::nearest::nearest;
use crate::lint::{Found, RuleId, short};

/// Entries that are compared each with each.
const MAX_ENTRIES: usize = 1024;

/// Actions and what is taken out of them, on one plane.
pub(super) struct List<'n> {
    actions: Vec<(&'n str, u32)>,
    not: Vec<(&'n str, u32)>,
    data: bool,
}

impl<'n> List<'n> {
    pub(super) fn read(block: &'n Node, actions: &str, not: &str, data: bool) -> Self {
        let texts = |key: &str| {
            let list = block.get(key).and_then(Node::list).unwrap_or_default();
            list.iter().filter_map(|item| Some((item.text()?, item.start))).collect()
        };
        Self { actions: texts(actions), not: texts(not), data }
    }

    fn plane(&self) -> Plane {
        if self.data { Plane::Data } else { Plane::Control }
    }

    /// What a pattern names on this plane.
    fn expand(&self, text: &str, catalogue: &ProviderCatalogue) -> RoaringBitmap {
        &*catalogue.expand(text) & catalogue.of_plane(self.plane())
    }

    fn union(&self, list: &[(&str, u32)], catalogue: &ProviderCatalogue) -> RoaringBitmap {
        let mut union = RoaringBitmap::new();
        list.iter().for_each(|(text, _)| union |= self.expand(text, catalogue));
        union
    }

    /// What is granted.
    pub(super) fn granted(&self, catalogue: &ProviderCatalogue) -> RoaringBitmap {
        self.union(&self.actions, catalogue) - self.union(&self.not, catalogue)
    }

    pub(super) fn check(&self, catalogue: &ProviderCatalogue, found: &mut Found) {
        for (n, (text, at)) in self.actions.iter().chain(&self.not).enumerate() {
            self.name(text, *at, n < MAX_ENTRIES, catalogue, found);
        }
        for (text, at) in &self.actions {
            self.breadth(text, *at, found);
        }
        self.exclusions(catalogue, found);
        if self.actions.len() <= MAX_ENTRIES {
            self.redundant(found);
        }
    }

    /// Form and existence.
    fn name(&self, text: &str, at: u32, searched: bool, catalogue: &ProviderCatalogue, found: &mut Found) {
        let fine = |b: u8| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'*' | b'-' | b'_' | b'$' | b':' | b'{' | b'}')
        };
        if text != "*" && (!text.contains('/') || !text.bytes().all(fine)) {
            let message = format!("`{}` is not `Company.Service/type/verb`", short(text));
            return found.add(RuleId::AzureMalformedAction, at, message);
        }
        let named = catalogue.expand(text);
        if !self.expand(text, catalogue).is_empty() {
            return;
        }
        if !named.is_empty() {
            let (rule, message) = if named.is_subset(catalogue.of_plane(Plane::Directory)) {
                (RuleId::AzureDirectory, format!("`{}` acts on the directory, not on resources", short(text)))
            } else {
                let (here, there) = if self.data { ("data", "the control plane") } else { ("control", "data") };
                (RuleId::AzurePlane, format!("`{}` acts on {there} and stands among the {here} actions", short(text)))
            };
            return found.add(rule, at, message);
        }
        let provider = text.split('/').next().unwrap_or_default();
        let known = |name: &&str| name.eq_ignore_ascii_case(provider);
        let services = || catalogue.services().iter().map(|s| s.as_str());
        if !provider.contains('*') && services().find(known).is_none() {
            let hint = nearest(provider, services().filter(|_| searched));
            let hint = hint.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            let message = format!("no resource provider is called `{}`{hint}", short(provider));
            found.add(RuleId::AzureUnknownProvider, at, message);
        } else if text.contains('*') {
            found.add(RuleId::AzurePatternMatchesNothing, at, format!("`{}` matches no known action", short(text)));
        } else {
            let of_provider = catalogue.expand(&format!("{provider}/*"));
            let infos = of_provider.iter().filter_map(|idx| catalogue.get(crate::ActionIdx(idx)));
            let hint = nearest(text, infos.map(|info| info.name.as_str()).filter(|_| searched));
            let hint = hint.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            found.add(RuleId::AzureUnknownAction, at, format!("no action is called `{}`{hint}", short(text)));
        }
    }

    fn breadth(&self, text: &str, at: u32, found: &mut Found) {
        match (text, self.data) {
            ("*" | "*/*", false) => {
                found.add(RuleId::AzureWildcard, at, format!("`{text}` is every action on resources"))
            }
            ("*" | "*/*", true) => {
                found.add(RuleId::AzureWildcardData, at, format!("`{text}` is every action on data"))
            }
            ("*/read", false) => {}
            _ if text.starts_with("*/") => {
                found.add(RuleId::AzureWildcardVerb, at, format!("`{}` is for every kind of resource", short(text)));
            }
            _ => {}
        }
    }

    /// Exclusions that exclude nothing, or not what they are meant to.
    fn exclusions(&self, catalogue: &ProviderCatalogue, found: &mut Found) {
        let granted = self.union(&self.actions, catalogue);
        for (text, at) in &self.not {
            let out = self.expand(text, catalogue);
            if !out.is_empty() && out.is_disjoint(&granted) {
                let message = format!("`{}` takes nothing out of what is granted", short(text));
                found.add(RuleId::AzureNotActionIdle, *at, message);
            }
        }
        let idx = |name: &str| catalogue.lookup(name).map(|idx| idx.0);
        let left = self.granted(catalogue);
        let assign = idx("Microsoft.Authorization/roleAssignments/write");
        let excluded = assign.is_some_and(|idx| granted.contains(idx) && !left.contains(idx));
        const OTHERS: [&str; 4] = [
            "Microsoft.Authorization/roleDefinitions/write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Authorization/roleAssignmentScheduleRequests/write",
            "Microsoft.Authorization/roleEligibilityScheduleRequests/write",
        ];
        let other = OTHERS.iter().find(|name| idx(name).is_some_and(|idx| left.contains(idx)));
        if let (true, Some(other), Some((_, at))) = (excluded, other, self.not.first()) {
            let message = format!("assigning roles is excluded, and `{other}` is left");
            found.add(RuleId::AzureNotActionsNoDeny, *at, message);
        }
    }

    fn redundant(&self, found: &mut Found) {
        let covers = |wide: &str, narrow: &str| pattern::covers(wide.as_bytes(), narrow.as_bytes(), false, true);
        for (i, (text, at)) in self.actions.iter().enumerate() {
            let by = self
                .actions
                .iter()
                .enumerate()
                .find(|(j, (other, _))| *j != i && covers(other, text) && (*j < i || !covers(text, other)));
            if let Some((_, (other, _))) = by {
                let message = format!("`{}` is covered by `{}`", short(text), short(other));
                found.add(RuleId::AzureRedundantAction, *at, message);
            }
        }
    }
}
