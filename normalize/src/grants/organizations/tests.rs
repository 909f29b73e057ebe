use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use schemas::{Entitlement, Message, Noun, RawGrant};
use serde_json::{Value, json};
use stream::Output;

use super::super::tests::{grants, last_rows, one, orders};

const DAY: i64 = 86_400_000_000;
const ORG: &str = "o-exampleorgid";
const ROOT: &str = "r-root";
const UNIT: &str = "ou-root-unit1";
const ACCOUNT: &str = "111122223333";
const MANAGER: &str = "999999999999";

fn answer(at: i64, kind: &str, id: &str, value: Value) -> Vec<RawGrant> {
    one(&format!("aws.organizations/{kind}/{id}"), ORG, at, kind, id, value)
}

fn policy(at: i64, id: &str, kind: &str, content: &Value) -> Vec<RawGrant> {
    let arn = format!("arn:aws:organizations::{MANAGER}:policy/{ORG}/{}/{id}", kind.to_lowercase());
    let summary = json!({"Id": id, "Arn": arn, "Name": id, "Type": kind, "AwsManaged": false});
    answer(at, "policy", id, json!({"Policy": {"PolicySummary": summary, "Content": content.to_string()}}))
}

fn targets(at: i64, policy: &str, ids: &[&str]) -> Vec<RawGrant> {
    let list: Vec<Value> = ids.iter().map(|id| json!({"TargetId": id, "Arn": "", "Name": format!("<{id}>")})).collect();
    answer(at, "targets", policy, json!({"Targets": list}))
}

fn parent(at: i64, child: &str, parent: &str) -> Vec<RawGrant> {
    answer(at, "parents", child, json!({"Parents": [{"Id": parent, "Type": "x"}]}))
}

fn deny(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": action, "Resource": "*"}})
}

/// An organization of one unit and one account, with an SCP at the unit.
fn small(at: i64) -> Vec<Vec<RawGrant>> {
    vec![
        parent(at, ACCOUNT, UNIT),
        parent(at, UNIT, ROOT),
        targets(at, "p-FullAWSAccess", &[ROOT, UNIT, ACCOUNT]),
        policy(at, "p-1", "SERVICE_CONTROL_POLICY", &deny("s3:*")),
        targets(at, "p-1", &[UNIT]),
    ]
}

fn run<'g>(snapshots: impl IntoIterator<Item = &'g Vec<RawGrant>>) -> Output<Message> {
    let (mut grants, mut out) = (grants(), Output::default());
    for snapshot in snapshots {
        snapshot.iter().for_each(|grant| grants.apply(grant, &mut out));
        grants.settle(&mut out);
    }
    out
}

/// Every row as it ended: source, times in days, and what its policies say.
fn told(out: &Output<Message>) -> String {
    let mut policies = BTreeMap::new();
    for message in &out.emitted {
        if let Message::Policy(policy) = message {
            let statements = policy.statements.iter().map(|s| {
                format!("{} {}", s.effect, s.actions.iter().map(|a| a.as_str()).collect::<Vec<_>>().join(","))
            });
            let errors = policy.errors.iter().map(|error| format!("({error})"));
            policies.insert(policy.policy_hash.clone(), statements.chain(errors).collect::<Vec<_>>().join(" + "));
        }
    }
    let day = |time: schemas::Time| format!("{}", time.0 / DAY);
    let line = |row: &Entitlement| {
        let says: BTreeSet<&str> = row.policy_hashes.iter().map(|hash| policies[hash].as_str()).collect();
        let until = row.deleted_at.map_or("now".to_owned(), day);
        let name = row.source_name.as_deref().unwrap_or("-");
        format!(
            "{} {} {name} {}..{until}: {}\n",
            row.account_id,
            row.source,
            day(row.valid_from),
            says.into_iter().collect::<Vec<_>>().join("; ")
        )
    };
    let rows = last_rows(out);
    assert!(rows.values().all(|row| row.identity_id.as_str() == format!("aws:{}:root", row.account_id)));
    // A row that is not so any more at the time from which it held never was.
    rows.values().filter(|row| row.deleted_at != Some(row.valid_from)).map(line).collect()
}

#[test]
fn what_stands_above_an_account_has_a_row_for_each_level() {
    let mut all = small(DAY);
    let summary = json!({"Organization": {"Id": ORG, "MasterAccountId": MANAGER}});
    all.push(answer(DAY, "organization", ORG, summary));
    all.push(parent(DAY, MANAGER, ROOT));
    all.push(targets(DAY, "p-RCPFullAWSAccess", &[ROOT, UNIT, ACCOUNT]));
    let out = run(&all);
    assert_eq!(out.rejected, []);
    expect![[r#"
        111122223333 rcp:00:r-root <r-root> 1..now: allow *
        111122223333 rcp:01:ou-root-unit1 <ou-root-unit1> 1..now: allow *
        111122223333 rcp:02:111122223333 <111122223333> 1..now: allow *
        111122223333 scp:00:r-root <r-root> 1..now: allow *
        111122223333 scp:01:ou-root-unit1 <ou-root-unit1> 1..now: allow *; deny s3:*
        111122223333 scp:02:111122223333 <111122223333> 1..now: allow *
    "#]]
    .assert_eq(&told(&out));
    let rows = last_rows(&out);
    assert!(
        rows.values().filter(|row| row.deleted_at.is_none()).all(|row| row.org_id.as_deref() == Some(ORG)),
        "{rows:?}"
    );
    let mut above = BTreeMap::new();
    for message in &out.emitted {
        if let Message::Inventory(row) = message {
            above.insert(row.account_id.to_string(), format!("{} {:?}", row.kind, row.resource_ids));
        }
    }
    expect![[r#"
        {
            "111122223333": "ancestor [ResourceId(\"r-root\"), ResourceId(\"ou-root-unit1\")]",
            "999999999999": "ancestor [ResourceId(\"r-root\")]",
        }"#]]
    .assert_eq(&format!("{above:#?}"));
}

#[test]
fn what_is_not_known_is_named() {
    // Nobody said what is above the unit, which policies are at the account, or what `p-2` says.
    let all =
        vec![parent(DAY, ACCOUNT, UNIT), targets(DAY, "p-FullAWSAccess", &[ROOT, UNIT]), targets(DAY, "p-2", &[UNIT])];
    expect![[r#"
        111122223333 rcp:00:unknown unknown 1..now: (nobody says what lies above `ou-root-unit1`)
        111122223333 rcp:01:ou-root-unit1 <ou-root-unit1> 1..now: (nobody says all policies that are attached at `ou-root-unit1`); (policy `p-2` is not in the snapshot)
        111122223333 rcp:02:111122223333 111122223333 1..now: (nobody says all policies that are attached at `111122223333`)
        111122223333 scp:00:unknown unknown 1..now: (nobody says what lies above `ou-root-unit1`)
        111122223333 scp:01:ou-root-unit1 <ou-root-unit1> 1..now: (policy `p-2` is not in the snapshot); allow *
        111122223333 scp:02:111122223333 111122223333 1..now: (nobody says all policies that are attached at `111122223333`)
    "#]].assert_eq(&told(&run(&all)));
    // A policy whose targets nobody listed may be anywhere.
    let mut all = small(DAY);
    all.pop();
    expect![[r#"
        111122223333 scp:00:r-root <r-root> 1..now: (nobody says all policies that are attached at `r-root`); allow *
        111122223333 scp:01:ou-root-unit1 <ou-root-unit1> 1..now: (nobody says all policies that are attached at `ou-root-unit1`); allow *
        111122223333 scp:02:111122223333 <111122223333> 1..now: (nobody says all policies that are attached at `111122223333`); allow *
    "#]].assert_eq(&told(&run(&all)));
}

#[test]
fn a_change_has_its_day_whatever_the_order() {
    let groups = [
        small(DAY),
        vec![policy(10 * DAY, "p-1", "SERVICE_CONTROL_POLICY", &deny("ec2:*"))],
        vec![targets(20 * DAY, "p-1", &[])],
        vec![targets(30 * DAY, "p-1", &[UNIT]), parent(30 * DAY, ACCOUNT, ROOT)],
    ];
    let whole = run(groups.iter().flatten());
    expect![[r#"
        111122223333 scp:00:r-root <r-root> 1..now: allow *
        111122223333 scp:01:111122223333 <111122223333> 30..now: allow *
        111122223333 scp:01:ou-root-unit1 <ou-root-unit1> 20..30: allow *
        111122223333 scp:01:ou-root-unit1 <ou-root-unit1> 1..10: allow *; deny s3:*
        111122223333 scp:01:ou-root-unit1 <ou-root-unit1> 10..20: allow *; deny ec2:*
        111122223333 scp:02:111122223333 <111122223333> 1..30: allow *
    "#]]
    .assert_eq(&told(&whole));
    for order in orders(groups.len()) {
        let found = run(order.iter().flat_map(|at| &groups[*at]));
        assert_eq!(told(&found), told(&whole), "{order:?}");
    }
}

#[test]
fn an_entry_that_cannot_be_read_hides_no_other() {
    let mut all = small(DAY);
    let list = json!([{"TargetId": UNIT}, {"Name": "x"}, 7]);
    all[4] = answer(DAY, "targets", "p-1", json!({ "Targets": list }));
    let statements = json!([{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}, {"Effect": "Perhaps"}]);
    all[3] = policy(DAY, "p-1", "SERVICE_CONTROL_POLICY", &json!({ "Statement": statements }));
    let out = run(&all);
    let reasons = |message: &Message| match message {
        Message::DeadLetter(letter) => letter.reason.to_string(),
        other => format!("{other:?}"),
    };
    expect!["`Targets[1]`: field `TargetId` is missing or no text; `Targets[2]`: field `TargetId` is missing or no text; `Targets[1]`: field `TargetId` is missing or no text; `Targets[2]`: field `TargetId` is missing or no text"].assert_eq(&out.rejected.iter().map(reasons).collect::<Vec<_>>().join("\n"));
    expect![[r#"
        111122223333 scp:00:r-root <r-root> 1..now: allow *
        111122223333 scp:01:ou-root-unit1 <ou-root-unit1> 1..now: allow *; deny s3:* + (`Statement[1]`: `Effect` is `Perhaps`, neither `Allow` nor `Deny`)
        111122223333 scp:02:111122223333 <111122223333> 1..now: allow *
    "#]].assert_eq(&told(&out));
    // What a broken answer does not name is not gone.
    let mut later = small(DAY);
    later.push(answer(9 * DAY, "targets", "p-1", json!({"Targets": [7]})));
    assert_eq!(told(&run(&later)), told(&run(&small(DAY))));
}

#[test]
fn a_restart_and_a_rebuild_change_nothing() {
    let all = small(DAY);
    let later = [policy(10 * DAY, "p-1", "SERVICE_CONTROL_POLICY", &deny("ec2:*"))];
    let whole = run(all.iter().chain(&later));
    let (mut first, mut out) = (grants(), Output::default());
    for grant in all.iter().flatten() {
        first.apply(grant, &mut out);
    }
    first.settle(&mut out);
    let mut second = grants();
    second.restore(&first.snapshot().unwrap()).unwrap();
    later.iter().flatten().for_each(|grant| second.apply(grant, &mut out));
    second.settle(&mut out);
    assert_eq!(told(&out), told(&whole));

    let (mut rebuilt, mut again) = (grants(), Output::default());
    for row in last_rows(&whole).into_values() {
        rebuilt.recall(row.into_message());
    }
    all.iter().chain(&later).flatten().for_each(|grant| rebuilt.apply(grant, &mut again));
    rebuilt.recalled(&mut again);
    let mut again_newest = Output::default();
    let mut rebuilt_of_newest = grants();
    for row in last_rows(&whole).into_values() {
        rebuilt_of_newest.recall(row.into_message());
    }
    // Topics keep the newest snapshot of each answer: that of the first policy is gone.
    let newest = all.iter().filter(|snapshot| snapshot[0].list != later[0][0].list);
    newest.chain(&later).flatten().for_each(|grant| rebuilt_of_newest.apply(grant, &mut again_newest));
    rebuilt_of_newest.recalled(&mut again_newest);
    rebuilt_of_newest.settle(&mut again_newest);
    let of_newest: BTreeMap<_, _> = last_rows(&whole).into_iter().chain(last_rows(&again_newest)).collect();
    let both = whole.emitted.iter().chain(&again_newest.emitted);
    let policies = both.filter(|message| matches!(message, Message::Policy(_))).cloned();
    let emitted = policies.chain(of_newest.into_values().map(Noun::into_message)).collect();
    let joined = Output { emitted, ..Output::default() };
    assert_eq!(told(&joined), told(&whole));

    let changed: Vec<&Message> =
        again.emitted.iter().filter(|message| matches!(message, Message::Entitlement(_))).collect();
    assert_eq!(changed, Vec::<&Message>::new());
}
