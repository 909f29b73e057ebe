//! Actions: the one that is asked for, and lists of patterns that name some.
//!
//! Source: Understand Azure role definitions, «Actions format»
//! (<https://learn.microsoft.com/azure/role-based-access-control/role-definitions>): `*` stands for any text wherever it
//! is, `actions` and `dataActions` are apart, `notActions` are taken out of `actions` of the same role alone.

use roaring::RoaringBitmap;
use schemas::Provider;
use smol_str::SmolStr;

use crate::catalogue::{ActionIdx, Catalogue, Plane};
use crate::patterns::{MAX_BYTES, Patterns};
use crate::truth::Truth;

/// An action that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    lower: SmolStr,
    idx: Option<ActionIdx>,
    is_data: bool,
}

impl Action {
    /// Reads an action such as `Microsoft.Compute/virtualMachines/read`. `is_data` says whether it is a data action; when
    /// nobody says, the catalogue does, and an action it does not know is taken for one of the control plane.
    ///
    /// # Errors
    /// When it is no action of Azure Resource Manager.
    pub fn parse(text: &str, is_data: Option<bool>) -> Result<Self, String> {
        let shown = super::short(text);
        if !text.contains('/') || text.contains('*') || text.len() > MAX_BYTES || text.contains(char::is_whitespace) {
            return Err(format!("`{shown}` is no action; one is `Microsoft.Compute/virtualMachines/read`"));
        }
        let catalogue = Catalogue::bundled().provider(Provider::Azure);
        let idx = catalogue.lookup(text);
        let plane = idx.map(|idx| catalogue.action(idx).plane);
        if plane == Some(Plane::Directory) {
            return Err(format!("`{shown}` is an action of Entra ID, which role assignments do not grant"));
        }
        let is_data = is_data.unwrap_or(plane == Some(Plane::Data));
        Ok(Self { lower: text.to_lowercase().into(), idx, is_data })
    }

    /// Its name in lower case.
    #[must_use]
    pub fn lower(&self) -> &str {
        &self.lower
    }

    /// Whether it acts on what resources hold.
    #[must_use]
    pub fn is_data(&self) -> bool {
        self.is_data
    }
}

/// Patterns of a list of a role or a deny assignment.
pub(super) fn patterns<'t>(texts: impl IntoIterator<Item = &'t str>, flawed: bool) -> Patterns {
    Patterns::new(Provider::Azure, texts.into_iter().map(|text| SmolStr::from(text.to_lowercase())), flawed)
}

/// Actions without those that are taken out: `actions` and `notActions`, or `dataActions` and `notDataActions`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ActionSet {
    pub(super) named: Patterns,
    pub(super) except: Patterns,
}

impl ActionSet {
    /// Whether the action is among them; unknown where an entry could not be read.
    pub(super) fn holds(&self, action: &Action) -> Truth {
        match self.named.name(action.idx, &action.lower) {
            Truth::False => Truth::False,
            named => named.min(self.except.name(action.idx, &action.lower).not()),
        }
    }

    /// Those of the catalogue in a plane, where entries that could not be read name nothing and except everything.
    pub(super) fn known(&self, plane: Plane) -> RoaringBitmap {
        if self.except.is_flawed() {
            return RoaringBitmap::new();
        }
        (self.named.known() & Catalogue::bundled().provider(Provider::Azure).of_plane(plane)) - self.except.known()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patterns::slow;

    #[test]
    fn the_expansion_of_a_pattern_equals_brute_force_over_the_catalogue() {
        let catalogue = Catalogue::bundled().provider(Provider::Azure);
        for text in
            ["*", "*/read", "Microsoft.Compute/*", "microsoft.compute/*/READ", "*/roleassignments/*", "a/b", "M*/*s/*"]
        {
            let patterns = patterns([text], false);
            for (idx, action) in catalogue.iter() {
                let by_hand = slow(text.to_lowercase().as_bytes(), action.name.to_lowercase().as_bytes());
                assert_eq!(patterns.known().contains(idx.0), by_hand, "{text} {}", action.name);
            }
        }
    }

    #[test]
    fn the_catalogue_says_which_plane_unless_the_request_does() {
        let blob = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
        let is_data = |text: &str, said| Action::parse(text, said).map(|action| action.is_data);
        assert_eq!(is_data(blob, None), Ok(true));
        assert_eq!(is_data(blob, Some(false)), Ok(false));
        assert_eq!(is_data("Contoso.New/things/read", None), Ok(false));
        assert!(is_data("microsoft.directory/users/create", None).is_err());
        assert!(is_data("Microsoft.Compute/*", None).is_err());
        assert!(is_data("read", None).is_err());
    }
}
