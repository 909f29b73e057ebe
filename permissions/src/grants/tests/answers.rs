//! Sets of Azure and GCP: of the same rows, a set says what the cloud's evaluator answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::{
    AccountId, Effect, Entitlement, EntitlementKind, Granted, IdentityId, IdentityKind, Policy, PolicyHash, Provider,
    ResourceId, Statement, Text, Time,
};

use crate::catalogue::Catalogue;
use crate::draw::Draw;
use crate::grants::Grants;
use crate::question::{Asker, Holdings, Question};

const N_DRAWS: u64 = 4_000;

/// What one cloud's rows are drawn from.
struct Cloud {
    provider: Provider,
    who: (&'static str, IdentityKind),
    account: &'static str,
    grant: EntitlementKind,
    deny: EntitlementKind,
    /// What lies above the account's resources.
    above: &'static [&'static str],
    scopes: &'static [&'static str],
    resources: &'static [&'static str],
    actions: &'static [&'static str],
    roles: &'static [&'static str],
    /// Conditions of grants, and of denies.
    conditions: [&'static [&'static str]; 2],
}

const AZURE: Cloud = Cloud {
    provider: Provider::Azure,
    who: ("azure:t:00000000-0000-0000-0000-00000000000a", IdentityKind::User),
    account: "s1",
    grant: EntitlementKind::RoleAssignment,
    deny: EntitlementKind::DenyAssignment,
    above: &["top"],
    scopes: &[
        "/",
        "/providers/Microsoft.Management/managementGroups/Top",
        "/subscriptions/s1",
        "/Subscriptions/S1/resourceGroups/Web",
        "/subscriptions/s1/resourceGroups/web2",
        "/subscriptions/s1/resourcegroups/web/providers/Microsoft.Compute/virtualMachines/a",
        "/subscriptions/s1/resourcegroups/web/providers/Microsoft.Storage/storageAccounts/b",
    ],
    resources: &[
        "/subscriptions/s1/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/a",
        "/subscriptions/s1/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/ab",
        "/subscriptions/s1/resourceGroups/web/providers/Microsoft.Storage/storageAccounts/b/blobServices/default/containers/c",
        "/subscriptions/s1/resourceGroups/web2",
    ],
    actions: &[
        "Microsoft.Compute/virtualMachines/read",
        "Microsoft.Compute/virtualMachines/start/action",
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.Storage/storageAccounts/blobServices/containers/read",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
    ],
    // Owner, Contributor, Reader, Storage Blob Data Contributor.
    roles: &[
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    ],
    conditions: [
        &[
            "!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'}) OR @Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'x'",
            "ActionMatches{'*/read'}",
            "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEquals 'User'",
        ],
        &["ActionMatches{'*/action'}", "@Resource[a:b] StringEquals 'x'"],
    ],
};

const GCP: Cloud = Cloud {
    provider: Provider::Gcp,
    who: ("gcp:ann@example.com", IdentityKind::User),
    account: "p",
    grant: EntitlementKind::Binding,
    deny: EntitlementKind::DenyRule,
    above: &["organizations/1", "folders/2", "projects/p"],
    scopes: &[
        "//cloudresourcemanager.googleapis.com/organizations/1",
        "//cloudresourcemanager.googleapis.com/folders/2",
        "//cloudresourcemanager.googleapis.com/projects/p",
        "//storage.googleapis.com/projects/_/buckets/b",
        "//storage.googleapis.com/projects/_/buckets/bb",
        "//compute.googleapis.com/projects/p/zones/z/instances/i",
    ],
    resources: &[
        "//storage.googleapis.com/projects/_/buckets/b",
        "//compute.googleapis.com/projects/p/zones/z/instances/i",
        "//compute.googleapis.com/projects/p/zones/z/instances/i2",
    ],
    actions: &[
        "storage.objects.get",
        "storage.objects.delete",
        "compute.instances.list",
        "compute.instances.delete",
        "resourcemanager.projects.setIamPolicy",
    ],
    roles: &["roles/viewer", "roles/editor", "roles/owner", "roles/storage.objectViewer", "roles/compute.admin"],
    conditions: [
        &["destination.port == 21", "'l' in request.auth.access_levels || destination.port == 22", "false"],
        &["destination.port == 21", "true"],
    ],
};

impl Cloud {
    fn pattern(&self, draw: &mut Draw) -> Text {
        let action = *draw.one(self.actions);
        if self.provider == Provider::Gcp {
            return action.into();
        }
        let (provider, verb) =
            (action.split('/').next().unwrap_or_default(), action.rsplit('/').next().unwrap_or_default());
        match draw.below(4) {
            0 => format!("{provider}/*").into(),
            1 => format!("*/{verb}").into(),
            2 => "*".into(),
            _ => action.to_uppercase().into(),
        }
    }

    /// The permission as a deny policy writes it.
    fn denied(&self, draw: &mut Draw) -> Text {
        let pattern = self.pattern(draw);
        let (service, rest) = match pattern.split_once('.') {
            Some((service, rest)) if self.provider == Provider::Gcp => (service, rest),
            _ => return pattern,
        };
        let service = if service == "resourcemanager" { "cloudresourcemanager" } else { service };
        let rest = if draw.chance(30) { "*.*" } else { rest };
        format!("{service}.googleapis.com/{rest}").into()
    }

    fn statement(&self, draw: &mut Draw, denies: bool) -> Statement {
        let some = |draw: &mut Draw, least: usize, most: usize| -> Vec<Text> {
            let n = least + draw.below(most + 1 - least);
            (0..n).map(|_| if denies { self.denied(draw) } else { self.pattern(draw) }).collect()
        };
        let azure = self.provider == Provider::Azure;
        let actions = some(draw, usize::from(!azure), 2);
        let mut statement = Statement::allow(actions.iter().map(|text| text.as_str().into()).collect());
        statement.effect = if denies { Effect::Deny } else { Effect::Allow };
        let list = |texts: Vec<Text>| texts.iter().map(|text| text.as_str().into()).collect();
        if azure || denies {
            statement.not_actions = list(some(draw, 0, 1));
        }
        if azure {
            statement.data_actions = list(some(draw, 0, 2));
            statement.not_data_actions = list(some(draw, 0, 1));
        }
        statement
    }

    fn row(&self, draw: &mut Draw, at: usize, denies: bool, policies: &mut Policies) -> Entitlement {
        let statement = match draw.chance(50) && !denies {
            true => Statement { role: Some((*draw.one(self.roles)).into()), ..Statement::allow(Vec::new()) },
            false => self.statement(draw, denies),
        };
        let policy = Policy::of(self.provider, vec![statement], Vec::new(), Time(0));
        let (hash, kind) = (policy.policy_hash.clone(), if denies { self.deny } else { self.grant });
        policies.insert(hash.clone(), Arc::new(policy));
        let who = (IdentityId::from(self.who.0), self.who.1);
        let source = Text::from(format!("{kind}:{at}", kind = kind.as_str()));
        let mut row = Entitlement::of(self.provider, AccountId::from(self.account), who, kind, source, Time(0));
        row.policy_hashes.push(hash);
        row.scopes.push(ResourceId::from(*draw.one(self.scopes)));
        // Of a deny assignment, the condition of a row says how far it reaches; that of its statement, when.
        if draw.chance(35) && !(denies && self.provider == Provider::Azure) {
            row.condition = Some((*draw.one(self.conditions[usize::from(denies)])).into());
        }
        row
    }

    /// How often each answer was given.
    fn check(&self) -> BTreeMap<Granted, usize> {
        let catalogue = Catalogue::bundled();
        let mut answers = BTreeMap::new();
        for seed in 0..N_DRAWS {
            let (draw, mut policies) = (&mut Draw::new(seed), Policies::new());
            let n_grants = 1 + draw.below(4);
            let n_denies = if draw.chance(50) { 1 + draw.below(2) } else { 0 };
            let rows: Vec<Entitlement> =
                (0..n_grants + n_denies).map(|at| self.row(draw, at, at >= n_grants, &mut policies)).collect();
            let find = |hash: &PolicyHash| policies.get(hash).cloned();
            let set = Grants::new().build(self.provider, &rows, &find, catalogue);
            let mut asker = Asker::new(&find);
            let holdings = Holdings { own: rows.iter().collect(), ..Holdings::default() };
            for action in self.actions {
                let resource = *draw.one(self.resources);
                let question = Question {
                    action: (*action).to_owned(),
                    resource: resource.to_owned(),
                    ancestors: Some(self.above.iter().map(ToString::to_string).collect()),
                    ..Question::default()
                };
                let expected = asker.ask(&holdings, &question).unwrap().granted();
                let idx = catalogue.provider(self.provider).lookup(action).unwrap();
                let got = set.verdict(idx, Some(resource));
                let rows = rows.iter().map(|row| shown(row, &policies)).collect::<String>();
                assert_eq!(got, expected, "draw {seed}: {action} on {resource}\n{rows}");
                *answers.entry(expected).or_default() += 1;
            }
        }
        answers
    }
}

fn shown(row: &Entitlement, policies: &Policies) -> String {
    let statement = &policies[&row.policy_hashes[0]].statements[0];
    let Statement { actions, not_actions, data_actions, not_data_actions, role, .. } = statement;
    format!(
        "{} on {:?}: role {role:?}, {actions:?} - {not_actions:?}, data {data_actions:?} - {not_data_actions:?}, if {:?}\n",
        row.source, row.scopes, row.condition
    )
}

type Policies = BTreeMap<PolicyHash, Arc<Policy>>;

#[test]
fn a_set_of_azure_says_what_the_evaluator_answers() {
    let answers = AZURE.check();
    assert!([Granted::Yes, Granted::No, Granted::Unknown].iter().all(|one| answers[one] > 500), "{answers:?}");
}

#[test]
fn a_set_of_gcp_says_what_the_evaluator_answers() {
    let answers = GCP.check();
    assert!([Granted::Yes, Granted::No, Granted::Unknown].iter().all(|one| answers[one] > 500), "{answers:?}");
}
