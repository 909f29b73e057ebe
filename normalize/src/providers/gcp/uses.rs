//! Which permissions a call used: those that it names, else what its method checks, and those that it implies.

use std::collections::HashSet;

use permissions::Catalogue;
use permissions::gcp::method_permissions;
use schemas::{AccessEvent, Action, ActionKnown, Category, Granted, How, Outcome, Provider, Resource, ResourceId, Use};

use super::outcome::End;
use super::passed;
use super::record::Audit;
use super::resource::{Names, owner};

const ACT_AS: &str = "iam.serviceAccounts.actAs";

/// The services whose requests are about service accounts and pass none.
const NO_PASSING: [&str; 2] = ["iam.googleapis.com", "iamcredentials.googleapis.com"];

/// Fills in `uses`, `action`, `action_known` and `access_level`, and adds the checked resources to `resources`, whose
/// first is the record's own.
pub(super) fn fill(event: &mut AccessEvent, audit: &Audit<'_>, names: &Names<'_>, end: &End) {
    logged(event, audit, names, end);
    let method = audit.method_name.get().unwrap_or_default();
    if event.uses.is_empty() {
        by_method(event, names.service, method, end);
    } else {
        event.action_known = ActionKnown::Logged;
        own_first(event, names.service, method);
    }
    if event.outcome != Outcome::Denied && !NO_PASSING.contains(&names.service) {
        derived(event, audit, end);
    }
    event.action = event.uses.first().map(|used| used.action.clone());
    let catalogue = Catalogue::bundled().provider(Provider::Gcp);
    event.access_level = event.action.as_deref().and_then(|action| catalogue.find(action)).map(|action| action.level);
}

/// The permissions that the record names, each with its resource once.
fn logged(event: &mut AccessEvent, audit: &Audit<'_>, names: &Names<'_>, end: &End) {
    let main = event.resources.first().map(|resource| resource.id.clone());
    let first = audit.authorization.0.iter().find_map(|check| check.permission.get()).unwrap_or_default();
    let mut seen = HashSet::new();
    for check in &audit.authorization.0 {
        let Some(permission) = check.permission.get() else { continue };
        let named = check.resource.get().or_else(|| check.attributes.name.get());
        let resource = named.and_then(|name| names.canonical(name).into_iter().next()).map(ResourceId::from);
        let own = resource.is_none();
        // What names no resource is about the record's own, unless it is a permission on another kind of thing.
        let resource_id =
            resource.or_else(|| main.clone().filter(|main| permission == first || is_of(permission, main)));
        if !seen.insert((permission, resource_id.clone())) {
            continue;
        }
        let granted = match check.granted.0 {
            Some(true) => Granted::Yes,
            Some(false) => Granted::No,
            None => from_outcome(end),
        };
        let resource_account = resource_id.as_deref().and_then(owner);
        if !own && let Some(id) = &resource_id {
            touch(&mut event.resources, id, check.attributes.kind.get());
        }
        event.uses.push(Use {
            action: Action::from(permission),
            resource_id,
            resource_account,
            granted,
            how: How::Logged,
        });
    }
}

/// Whether a resource's name holds the collection that a permission is on: `instances` of `compute.instances.create`.
fn is_of(permission: &str, name: &str) -> bool {
    permission.rsplit('.').nth(1).is_some_and(|collection| name.split('/').any(|segment| segment == collection))
}

fn from_outcome(end: &End) -> Granted {
    match end.outcome {
        Outcome::Denied => Granted::No,
        _ if end.used => Granted::Yes,
        _ => Granted::Unknown,
    }
}

/// Adds a checked resource, unless it is there or is only the project around.
fn touch(resources: &mut Vec<Resource>, id: &ResourceId, kind: Option<&str>) {
    /// Past it, further resources stand in `uses` alone; each addition looks through the list.
    const MAX_TOUCHED: usize = 64;
    let is_more = resources.is_empty() || id.split('/').count() > 2;
    if is_more && resources.len() < MAX_TOUCHED && !resources.iter().any(|resource| resource.id == *id) {
        resources.push(Resource { id: id.clone(), kind: kind.map(schemas::Text::from), account_id: owner(id) });
    }
}

/// The method's own permission comes first, since `action` is the first: overwriting an object logs
/// `storage.objects.delete` before `storage.objects.create`.
fn own_first(event: &mut AccessEvent, service: &str, method: &str) {
    if event.uses.len() < 2 {
        return;
    }
    let own = method_permissions(service, method).permissions.into_iter().next();
    if let Some(place) = own.and_then(|own| event.uses.iter().position(|used| used.action == own)) {
        event.uses[..=place].rotate_right(1);
    }
}

/// What the method checks, for records that name no permission.
fn by_method(event: &mut AccessEvent, service: &str, method: &str, end: &End) {
    // System events are Google's own doings, and sign-ins come before any permission.
    if matches!(event.category, Category::System | Category::SignIn) {
        event.action_known = ActionKnown::NoneNeeded;
        return;
    }
    let found = method_permissions(service, method);
    event.action_known = found.known;
    let resource_id = event.resources.first().map(|resource| resource.id.clone());
    let resource_account = resource_id.as_deref().and_then(owner);
    // A table cannot tell which of the others were checked; counting one that was not would hide that it is unused.
    if let Some(action) = found.permissions.into_iter().next() {
        event.uses.push(Use { action, resource_id, resource_account, granted: from_outcome(end), how: How::Mapped });
    }
}

/// `actAs` on each service account that the request passes, unless the record names it.
fn derived(event: &mut AccessEvent, audit: &Audit<'_>, end: &End) {
    if event.uses.iter().any(|used| used.action == ACT_AS) {
        return;
    }
    let Some(request) = audit.request.object() else { return };
    for email in passed::service_accounts(request) {
        // The wildcard form: an account's e-mail is unique over all projects.
        let resource_id = Some(ResourceId::from(format!("projects/-/serviceAccounts/{email}")));
        let resource_account = super::identity::project_of(&email).map(schemas::AccountId::from);
        let action = Action::from(ACT_AS);
        event.uses.push(Use { action, resource_id, resource_account, granted: from_outcome(end), how: How::Derived });
    }
}
