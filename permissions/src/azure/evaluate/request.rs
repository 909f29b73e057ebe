//! What is asked, and by whom.

use smol_str::SmolStr;

use super::actions::Action;
use super::scope::Resource;

/// Who asks: a user, a service principal or a managed identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its own object id and those of its groups, in lower case, each once.
    ids: Vec<SmolStr>,
    directory_roles: Vec<SmolStr>,
    app_roles: Vec<SmolStr>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub identity: Identity,
    /// The action.
    pub action: Action,
    /// What it is done to.
    pub resource: Resource,
}

impl Identity {
    /// An identity by its object id, with the groups that it belongs to directly or through other groups: an access token
    /// has them all (Azure RBAC overview, «How Azure RBAC determines if a user has access to a resource»).
    pub fn new<'t>(id: &'t str, groups: impl IntoIterator<Item = &'t str>) -> Self {
        let mut ids = Vec::new();
        for id in std::iter::once(id).chain(groups) {
            let id = SmolStr::from(id.to_lowercase());
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Self { ids, directory_roles: Vec::new(), app_roles: Vec::new() }
    }

    /// Adds active Entra directory roles, by name or id, and app roles of Microsoft Graph, likewise.
    #[must_use]
    pub fn with_roles(mut self, directory: &[String], app: &[String]) -> Self {
        self.directory_roles.extend(directory.iter().map(SmolStr::new));
        self.app_roles.extend(app.iter().map(SmolStr::new));
        self
    }

    pub(super) fn ids(&self) -> &[SmolStr] {
        &self.ids
    }

    /// Whether an id in lower case is its own or that of a group.
    pub(super) fn is(&self, id: &SmolStr) -> bool {
        self.ids.contains(id)
    }

    pub(super) fn directory_roles(&self) -> &[SmolStr] {
        &self.directory_roles
    }

    pub(super) fn app_roles(&self) -> &[SmolStr] {
        &self.app_roles
    }
}
