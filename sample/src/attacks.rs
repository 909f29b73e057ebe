//! Attacks by stolen credentials of otherwise normal identities, in the last two fifths of the span.

use std::collections::BTreeSet;

use rand::Rng as _;

use crate::{
    aws, azure,
    calls::{Call, NOBODY, Outcome, Session, Step, Traffic, steps},
    gcp,
    ids::{Rng, iso_seconds, rng},
    ops::{AllOps, Ops},
    simulate::record,
    truth::{AttackTruth, Tally},
    world::{Cloud, Identity, Kind, Subject, World},
};

const SECOND_US: i64 = 1_000_000;

/// Which resources the steps of an attack touch.
#[derive(Clone, Copy, PartialEq)]
enum Aim {
    /// One after the other, all there are.
    Sweep,
    /// The archive that ordinary work never opens.
    Archive,
}

/// A kind of attack.
struct Script {
    kind: &'static str,
    cloud: Cloud,
    /// MITRE ATT&CK technique.
    technique: &'static str,
    /// Personas whose grants let it succeed.
    victims: &'static [&'static str],
    steps: &'static str,
    aim: Aim,
    /// Whether it is about another identity of the same account.
    on_other: bool,
}

const fn script(
    kind: &'static str,
    cloud: Cloud,
    technique: &'static str,
    victims: &'static [&'static str],
    steps: &'static str,
) -> Script {
    Script { kind, cloud, technique, victims, steps, aim: Aim::Sweep, on_other: false }
}

const SCRIPTS: [Script; 14] = [
    script(
        "aws_stolen_key_enumeration",
        Cloud::Aws,
        "T1580",
        &["aws.developer"],
        "sts.GetCallerIdentity*1-2 s3.ListBuckets iam.ListUsers iam.ListRoles iam.GetAccountSummary ec2.DescribeRegions \
         ec2.DescribeInstances~2-4 ec2.DescribeSecurityGroups ec2.DescribeSubnets ec2.DescribeVpcs lambda.List~1-3 \
         secrets.List rds.DescribeDBInstances dynamodb.ListTables sqs.ListQueues trail.DescribeTrails \
         ecr.DescribeRepositories kms.ListAliases iam.ListPolicies s3.GetBucketLocation~8-16",
    ),
    Script {
        on_other: true,
        ..script(
            "gcp_key_and_impersonation",
            Cloud::Gcp,
            "T1098.001",
            &["gcp.impersonator"],
            "iam.listSa iam.createKey*1-2 cred.token*4-8",
        )
    },
    script(
        "azure_dormant_principal_takes_over",
        Cloud::Azure,
        "T1098.003",
        &["az.dormant"],
        "signin role.write storage.listKeys*5-7",
    ),
    Script {
        aim: Aim::Archive,
        ..script(
            "aws_bucket_exfiltration",
            Cloud::Aws,
            "T1530",
            &["aws.data", "aws.server"],
            "s3.ListObjects~2-4 s3.GetObject~120-260",
        )
    },
    script(
        "aws_privilege_escalation_attach",
        Cloud::Aws,
        "T1098.003",
        &["aws.iam_manager"],
        "sts.GetCallerIdentity iam.ListAttachedUserPolicies iam.ListPolicies iam.AttachUserPolicy",
    ),
    script("azure_vault_sweep", Cloud::Azure, "T1555.006", &["az.secrets"], "kv.list~2-3 kv.get~24-32"),
    Script {
        on_other: true,
        ..script("gcp_owner_granted", Cloud::Gcp, "T1098.003", &["gcp.owner"], "crm.getIam crm.setIam")
    },
    script("aws_secret_sweep", Cloud::Aws, "T1555.006", &["aws.developer"], "secrets.List~1-2 secrets.Get~14-18"),
    Script {
        on_other: true,
        ..script(
            "aws_persistence",
            Cloud::Aws,
            "T1098.001",
            &["aws.iam_manager", "aws.admin"],
            "iam.ListUsers iam.CreateAccessKey*1-2 iam.CreateLoginProfile",
        )
    },
    script("azure_diagnostics_deleted", Cloud::Azure, "T1562.008", &["az.dev", "az.owner"], "diag.delete*4-7"),
    Script {
        aim: Aim::Archive,
        ..script("gcp_bucket_sweep", Cloud::Gcp, "T1530", &["gcp.analyst"], "gcs.list~3-6 gcs.get~100-200")
    },
    script(
        "aws_log_tampering",
        Cloud::Aws,
        "T1562.008",
        &["aws.admin"],
        "trail.DescribeTrails trail.StopLogging trail.DeleteTrail",
    ),
    script(
        "aws_privilege_escalation_version",
        Cloud::Aws,
        "T1098.003",
        &["aws.platform"],
        "iam.GetPolicyVersion iam.CreatePolicyVersion ec2.RunInstances",
    ),
    script("gcp_sinks_deleted", Cloud::Gcp, "T1562.008", &["gcp.owner"], "log.sinks log.deleteSink*2-2"),
];

/// Injects `n` attacks, fewer when the company has no fitting victims, and says what they were, in order of time.
pub(crate) fn inject(
    world: &World,
    ops: &AllOps,
    n: u32,
    traffic: &mut Traffic,
    tally: &mut Tally,
) -> Vec<AttackTruth> {
    let mut out = Vec::new();
    let mut hit = BTreeSet::new();
    for i in 0..n {
        let mut rng = rng(world.seed, 0x61_74_6b, u64::from(i));
        // A kind without victims passes its turn to the next.
        let turn = (0..SCRIPTS.len()).map(|shift| &SCRIPTS[(i as usize + shift) % SCRIPTS.len()]);
        let found = turn.into_iter().find_map(|script| victim(world, script, &hit, &mut rng).map(|v| (script, v)));
        let Some((script, victim)) = found else { break };
        hit.insert(victim.idx);
        let attack = Attack { world, ops: ops.of(script.cloud), script, victim, traffic, tally, rng };
        out.extend(attack.run());
    }
    out.sort_by(|a, b| a.start.cmp(&b.start));
    for (i, attack) in out.iter_mut().enumerate() {
        attack.id = format!("attack-{:02}", i + 1);
    }
    out
}

/// A fitting identity, one that was not attacked yet if there is one.
fn victim<'a>(world: &'a World, script: &Script, hit: &BTreeSet<u32>, rng: &mut Rng) -> Option<&'a Identity> {
    let fitting: Vec<&Identity> = world.people.iter().filter(|i| script.victims.contains(&i.persona.key)).collect();
    let fresh: Vec<&Identity> = fitting.iter().copied().filter(|i| !hit.contains(&i.idx)).collect();
    let from = if fresh.is_empty() { fitting } else { fresh };
    if from.is_empty() { None } else { Some(from[rng.gen_range(0..from.len())]) }
}

struct Attack<'a> {
    world: &'a World,
    ops: &'a Ops,
    script: &'static Script,
    victim: &'a Identity,
    traffic: &'a mut Traffic,
    tally: &'a mut Tally,
    rng: Rng,
}

impl Attack<'_> {
    fn run(mut self) -> Option<AttackTruth> {
        let (from, to) = self.world.span;
        let start = from + ((to - from) as f64 * self.rng.gen_range(0.62..0.96)) as i64;
        let before = self.used_before(start);
        let noise: u64 = self.rng.r#gen();
        let session = self.traffic.open(Session {
            who: self.victim.idx,
            at: start - 60 * SECOND_US,
            name: self.session_name(),
            console: false,
            mfa: false,
            caller: NOBODY,
            noise,
            parent_noise: 0,
            stolen: true,
        });
        let mut calls = Vec::new();
        let mut at = start;
        for step in steps(self.script.steps, self.ops) {
            self.step(step, session, &mut at, &mut calls);
        }
        self.truth(&calls, &before)
    }

    /// A role's stolen credentials keep the session name they were issued under.
    fn session_name(&self) -> String {
        let mut own = self.traffic.sessions.iter().filter(|s| s.who == self.victim.idx);
        own.next().map(|s| s.name.clone()).unwrap_or_default()
    }

    fn step(&mut self, step: Step, session: u32, at: &mut i64, calls: &mut Vec<Call>) {
        let n = self.rng.gen_range(step.least..=step.most);
        for i in 0..n {
            let noise: u64 = self.rng.r#gen();
            let target = self.ops.get(step.op).target;
            let call = Call {
                at: *at,
                who: self.victim.idx,
                session,
                op: step.op,
                res: self.resource(target, i),
                aux: self.other(i),
                account: self.victim.account as u8,
                region: 0,
                outcome: Outcome::Success,
                noise,
            };
            if record(self.world, self.ops, self.victim, call, self.traffic, self.tally) {
                let kept = self.traffic.calls.get(&self.script.cloud).and_then(|calls| calls.last());
                calls.extend(kept.copied());
            }
            *at += if step.pages {
                self.rng.gen_range(120_000..1_400_000)
            } else {
                self.rng.gen_range(SECOND_US..25 * SECOND_US)
            };
        }
    }

    fn resource(&self, kind: Kind, i: u32) -> u16 {
        let archive = matches!(kind, Kind::Bucket | Kind::Object | Kind::GcsBucket | Kind::GcsObject);
        if self.script.aim == Aim::Archive && archive {
            return kind.pool() - 1;
        }
        (i % u32::from(kind.pool())) as u16
    }

    /// Another identity of the same account: a user in AWS, a service account in GCP.
    fn other(&self, i: u32) -> u32 {
        if !self.script.on_other {
            return NOBODY;
        }
        let wanted = if self.script.cloud == Cloud::Aws { Subject::User } else { Subject::ServiceAccount };
        let all: Vec<u32> = self
            .world
            .of_account(self.script.cloud, self.victim.account)
            .filter(|o| o.idx != self.victim.idx && o.persona.subject == wanted)
            .map(|o| o.idx)
            .collect();
        if all.is_empty() { NOBODY } else { all[(self.victim.idx + i) as usize % all.len()] }
    }

    /// The actions and resources the victim had used before a moment.
    fn used_before(&self, at: i64) -> (BTreeSet<&'static str>, BTreeSet<String>) {
        let calls = self.traffic.calls.get(&self.script.cloud).map_or(&[][..], Vec::as_slice);
        let own = calls.iter().filter(|call| call.who == self.victim.idx && call.at < at);
        self.uses(own)
    }

    fn uses<'c>(&self, calls: impl Iterator<Item = &'c Call>) -> (BTreeSet<&'static str>, BTreeSet<String>) {
        let (mut actions, mut touched) = (BTreeSet::new(), BTreeSet::new());
        for call in calls.filter(|call| matches!(call.outcome, Outcome::Success | Outcome::Missing)) {
            let op = self.ops.get(call.op);
            actions.extend(op.actions.iter().copied());
            touched.insert((op.target, call.res));
        }
        let ids = touched.into_iter().filter_map(|(kind, res)| self.victim.resource_id(kind, res));
        (actions, ids.collect())
    }

    fn truth(&self, calls: &[Call], before: &(BTreeSet<&'static str>, BTreeSet<String>)) -> Option<AttackTruth> {
        let (first, last) = (calls.first()?, calls.last()?);
        let (actions, resources) = self.uses(calls.iter());
        let refused = calls.iter().filter(|call| call.outcome == Outcome::Denied);
        let denied: BTreeSet<&str> = refused.flat_map(|call| self.ops.get(call.op).actions.iter().copied()).collect();
        let id = match self.script.cloud {
            Cloud::Aws => aws::event_id,
            Cloud::Azure => azure::correlation_id,
            Cloud::Gcp => gcp::insert_id,
        };
        Some(AttackTruth {
            id: String::new(),
            kind: self.script.kind.to_owned(),
            technique: self.script.technique.to_owned(),
            identity: self.victim.id.clone(),
            start: iso_seconds(first.at),
            end: iso_seconds(last.at),
            event_ids: calls.iter().map(id).collect(),
            first_actions: actions.difference(&before.0).map(|action| (*action).to_owned()).collect(),
            first_resources: resources.difference(&before.1).cloned().collect(),
            denied_actions: denied.into_iter().map(str::to_owned).collect(),
        })
    }
}
