//! The permissions a call used: the operation's own, those its parameters call for, and the one a denial names.

use permissions::Catalogue;
use permissions::resource::container_kind;
use schemas::{
    AccessEvent, AccountId, Action, ActionKnown, Granted, How, Outcome, Provider, Resource, ResourceId, Use,
};

use super::operation::{Operation, OperationAction};
use super::parameters::walk;
use super::record::Record;
use super::shown;

/// How many roles of one call are looked at.
const MAX_ROLES: usize = 16;

const PASS_ROLE: &str = "iam:PassRole";
const GET_OBJECT: &str = "s3:GetObject";
const GET_OBJECT_VERSION: &str = "s3:GetObjectVersion";

/// Fills `uses`, `action`, `action_known` and `access_level`.
pub(super) fn fill(event: &mut AccessEvent, record: &Record<'_>, operation: &Operation) {
    event.action_known = operation.known;
    let granted = if event.outcome == Outcome::Success { Granted::Yes } else { Granted::Unknown };
    let parameters = record.request_parameters.object();
    let mut uses = Vec::with_capacity(operation.actions.len());
    for (place, used) in operation.actions.iter().enumerate() {
        if used.action == PASS_ROLE || (used.implied && !shown::is_shown(used, parameters)) {
            continue;
        }
        let resource = resource_of(used, place, operation, &event.resources);
        let how = if used.implied { How::Derived } else { How::Mapped };
        uses.push(one(used.action.clone(), resource, granted, how));
    }
    if operation.name == "GetObject" {
        keep_the_versions_own(&mut uses);
    }
    if uses.is_empty() && event.action_known == ActionKnown::Mapped {
        // Every action depends on the parameters, and they show none.
        event.action_known = ActionKnown::Unknown;
    }
    if let Some(parameters) =
        parameters.filter(|text| passes_role(operation) || (operation.may_pass_role && names_role(text)))
    {
        pass_roles(&mut uses, parameters, operation, event, granted);
    }
    if has_instance_profile(record, operation, &uses) {
        uses.push(pass_role(None, granted));
    }
    if event.outcome == Outcome::Denied {
        note_denied(&mut uses, record.error_message.get(), event);
    }
    let first = uses.first().map(|used| used.action.clone());
    event.access_level = match operation.actions.first() {
        Some(own) if first.as_ref() == Some(&own.action) => own.level,
        _ => first.as_deref().and_then(level_of),
    };
    event.action = first;
    event.uses = uses;
}

fn level_of(action: &str) -> Option<schemas::AccessLevel> {
    Catalogue::bundled().provider(Provider::Aws).find(action).map(|info| info.level)
}

fn one(action: Action, resource: Option<&Resource>, granted: Granted, how: How) -> Use {
    let resource_account = resource.and_then(|resource| resource.account_id.clone());
    Use { action, resource_id: resource.map(|resource| resource.id.clone()), resource_account, granted, how }
}

fn passes_role(operation: &Operation) -> bool {
    operation.actions.iter().any(|used| used.action == PASS_ROLE)
}

/// Whether the parameters hold a role's ARN, escaped slashes included; spares most calls the walk.
fn names_role(parameters: &str) -> bool {
    memchr::memmem::find(parameters.as_bytes(), b":role").is_some()
}

/// "If you include a versionId in your request header, you must have the s3:GetObjectVersion permission to access a
/// specific version of an object. The s3:GetObject permission is not required in this scenario." (S3 API reference,
/// GetObject.) Of other calls the pages say no such thing, and both count.
fn keep_the_versions_own(uses: &mut Vec<Use>) {
    if uses.iter().any(|used| used.action == GET_OBJECT_VERSION) {
        uses.retain(|used| used.action != GET_OBJECT);
    }
}

/// Whether an instance was launched with a role that its parameters do not name, since a launch template does: the answer
/// shows its instance profile.
fn has_instance_profile(record: &Record<'_>, operation: &Operation, uses: &[Use]) -> bool {
    operation.service == "ec2"
        && operation.name == "RunInstances"
        && uses.iter().all(|used| used.action != PASS_ROLE)
        && record.response_elements.object().is_some_and(|answer| answer.contains(":instance-profile/"))
}

fn pass_role(role: Option<ResourceId>, granted: Granted) -> Use {
    let account = |arn: &str| arn.split(':').nth(4).filter(|account| !account.is_empty()).map(AccountId::from);
    Use {
        action: Action::from(PASS_ROLE),
        resource_account: role.as_deref().and_then(account),
        resource_id: role,
        granted,
        how: How::Derived,
    }
}

/// The resource of one of the call's actions: the one of a kind that the action acts on, else the first.
fn resource_of<'r>(
    used: &OperationAction,
    place: usize,
    operation: &Operation,
    resources: &'r [Resource],
) -> Option<&'r Resource> {
    match (operation.service.as_str(), operation.name.as_str()) {
        // The second action of a copy reads the source, the second of a re-encryption writes with the other key.
        ("s3", "CopyObject" | "UploadPartCopy") | ("kms", "ReEncrypt") => {
            let reads_source =
                matches!(used.action.as_str(), "s3:GetObject" | "s3:GetObjectVersion" | "s3:GetObjectTagging");
            let nth = if operation.service == "kms" { place.min(1) } else { usize::from(reads_source) };
            return resources.get(nth).or(resources.first());
        }
        _ if used.containers.is_empty() => return None,
        // What EC2 creates has its id from the answer; the parameters name what it is made of.
        ("ec2", _) if used.implied => return None,
        _ if resources.len() < 2 => return resources.first(),
        _ => {}
    }
    let of_kind = |resource: &&Resource| {
        container_kind(Provider::Aws, &resource.id).is_some_and(|kind| used.containers.contains(&kind))
    };
    resources.iter().find(of_kind).or(resources.first())
}

/// Adds `iam:PassRole` for each role that the parameters hand to the service, by ARN or, where the key says so, by name.
fn pass_roles(uses: &mut Vec<Use>, parameters: &str, operation: &Operation, event: &AccessEvent, granted: Granted) {
    let mut roles: Vec<ResourceId> = Vec::new();
    let mut instance_profile = false;
    let partition = super::resources::partition(event.region.as_deref());
    let by_name = passes_role(operation);
    walk(parameters, &mut |key, value| {
        let lower = key.to_ascii_lowercase();
        let is_role_key = ["role", "rolearn", "rolearns", "rolename", "roles"].iter().any(|end| lower.ends_with(end));
        instance_profile |= by_name && (value.contains(":instance-profile/") || lower.ends_with("instanceprofile"));
        if !is_role_key || roles.len() >= MAX_ROLES {
            return;
        }
        let role = if value.starts_with("arn:") && value.contains(":role/") {
            ResourceId::from(value)
        } else if by_name && !value.is_empty() && !value.contains([':', ' ', '{']) {
            ResourceId::from(format!(
                "arn:{partition}:iam::{}:role/{}",
                event.account_id,
                value.trim_start_matches('/')
            ))
        } else {
            return;
        };
        if !roles.contains(&role) {
            roles.push(role);
        }
    });
    // An instance profile hands over the role in it, which the record does not name.
    if roles.is_empty() && (instance_profile || (by_name && parameters.contains("nstanceProfile"))) {
        uses.push(pass_role(None, granted));
    }
    uses.extend(roles.into_iter().map(|role| pass_role(Some(role), granted)));
}

/// A denial's message names the permission that was wanting, and often the resource: `… is not authorized to perform:
/// iam:PassRole on resource: arn:…`. That one was denied; of the others nothing is known.
fn note_denied(uses: &mut Vec<Use>, message: Option<&str>, event: &mut AccessEvent) {
    let named = message.and_then(denied_action);
    let Some((action, resource)) = named else {
        if let Some(first) = uses.first_mut() {
            first.granted = Granted::No;
        }
        return;
    };
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    let action = catalogue.find(action).map_or_else(|| Action::from(action), |info| Action::from(info.name.clone()));
    let resource_id = resource.filter(|text| text.starts_with("arn:")).map(ResourceId::from);
    if let Some(used) = uses.iter_mut().find(|used| used.action == action) {
        used.granted = Granted::No;
        used.how = How::Logged;
        if used.resource_id.is_none() {
            used.resource_id = resource_id;
        }
        return;
    }
    if uses.is_empty() {
        event.action_known = ActionKnown::Logged;
    }
    uses.push(Use { action, resource_id, resource_account: None, granted: Granted::No, how: How::Logged });
}

fn denied_action(message: &str) -> Option<(&str, Option<&str>)> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    let action = rest.split([' ', ',']).next()?;
    let plausible = action.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    let resource = rest.split_once("on resource: ").and_then(|(_, rest)| rest.split(' ').next());
    plausible.then_some((action, resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_what_was_wanting() {
        let message = "User: arn:aws:iam::1:user/a is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/b because no identity-based policy allows the iam:PassRole action";
        assert_eq!(denied_action(message), Some(("iam:PassRole", Some("arn:aws:iam::1:role/b"))));
        assert_eq!(denied_action("Access Denied"), None);
        assert_eq!(denied_action("not authorized to perform: this on that"), None);
    }
}
