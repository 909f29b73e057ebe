//! What is asked, by whom, and where in the hierarchy of resources.

use smol_str::SmolStr;

use super::context::Context;
use super::identity::Identity;
use super::permission::Action;

/// Longest resource name that is read.
const MAX_BYTES: usize = 8192;
/// Most ancestors; Google takes ten levels of folders.
const MAX_ANCESTORS: usize = 64;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub identity: Identity,
    /// The permission.
    pub action: Action,
    /// Where.
    pub path: Path,
    /// What else is known.
    pub context: Context,
}

/// A resource with what is above it, the organization first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    names: Vec<SmolStr>,
}

/// Where a policy is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// An organization.
    Organization,
    /// A folder.
    Folder,
    /// A project.
    Project,
    /// A resource of a service.
    Resource,
}

impl Path {
    /// Reads a resource, `projects/p` or `//storage.googleapis.com/b`, and its ancestors, `organizations/1` first.
    ///
    /// # Errors
    /// When one is no name, or there are too many.
    pub fn new(ancestors: &[String], resource: &str) -> Result<Self, String> {
        if ancestors.len() > MAX_ANCESTORS {
            return Err(format!("{} ancestors, more than {MAX_ANCESTORS}", ancestors.len()));
        }
        let mut names = Vec::with_capacity(ancestors.len() + 1);
        for text in ancestors.iter().map(String::as_str).chain([resource]) {
            let name = attach_point(text);
            if name.is_empty() || text.len() > MAX_BYTES || name.contains('*') {
                return Err(format!("`{}` is no resource; one is `projects/p`", super::short(text)));
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(Self { names })
    }

    /// The names, the organization first.
    pub(super) fn names(&self) -> &[SmolStr] {
        &self.names
    }
}

/// The name of where a policy is attached, without the host of the resource manager.
pub(super) fn attach_point(text: &str) -> SmolStr {
    let name = text.strip_prefix("//cloudresourcemanager.googleapis.com/").unwrap_or(text);
    SmolStr::new(name.strip_suffix('/').unwrap_or(name))
}

impl Level {
    pub(super) fn of(name: &str) -> Self {
        match name.split_once('/') {
            Some(("organizations", rest)) if !rest.contains('/') => Self::Organization,
            Some(("folders", rest)) if !rest.contains('/') => Self::Folder,
            Some(("projects", rest)) if !rest.contains('/') => Self::Project,
            _ => Self::Resource,
        }
    }
}
