//! Credential reports, last accesses and instance profiles.

use expect_test::expect;

use super::*;

const REPORT: &str = "user,arn,user_creation_time,password_enabled,password_last_used,access_key_1_last_used_date,access_key_2_last_used_date\n\
<root_account>,arn:aws:iam::111122223333:root,2020-01-01T00:00:00+00:00,not_supported,2026-01-01T00:00:00+00:00,N/A,N/A\n\
a,arn:aws:iam::111122223333:user/team/a,2021-01-01T00:00:00+00:00,true,no_information,2026-02-01T00:00:00+00:00,2026-03-01T00:00:00+00:00\n\
broken,line\n\
\"b,c\",arn:aws:iam::111122223333:user/b,2022-01-01T00:00:00+00:00,false,N/A,N/A,N/A\n";

/// 2026-10-31, before which everything here was used.
const AT: i64 = 1_793_404_800_000_000;

fn report(at: i64) -> Vec<RawGrant> {
    let mut grants = one("aws.credential_report", ACCOUNT, at, "report", "", Value::Null);
    grants.iter_mut().filter(|grant| grant.mark == Mark::Object).for_each(|grant| grant.body = Body(REPORT.into()));
    grants
}

fn access(at: i64, entity: &str, last: &str) -> Vec<RawGrant> {
    let services = json!([{"ServiceNamespace": "s3", "LastAuthenticated": last}, {"ServiceNamespace": "ec2"}]);
    let answer = json!({"JobStatus": "COMPLETED", "ServicesLastAccessed": services});
    one(&format!("aws.service_last_accessed/{entity}"), ACCOUNT, at, "last_accessed", entity, answer)
}

fn lives(out: &Output<Message>) -> String {
    let day = |time: Option<Time>| time.map_or("-".to_owned(), |time| time.to_string()[..10].to_owned());
    let line = |row: &Entitlement| {
        let (created, used) = (day(row.identity_created_at), day(row.identity_last_used_at));
        let gone = day(row.deleted_at);
        format!(
            "{} {} {}: created {created}, used {used}, gone {gone}\n",
            row.identity_id, row.identity_kind, row.source
        )
    };
    last_rows(out).values().map(line).collect()
}

#[test]
fn a_report_and_last_accesses_date_the_rows_of_an_account_in_any_order() {
    let all = [
        aws(AT, &[user("a", "A1", &["p"])], Mark::End),
        report(AT),
        access(AT, "role/Admin", "2026-05-01T00:00:00Z"),
        access(AT, "arn:aws:iam::111122223333:user/a", "2026-04-01T00:00:00Z"),
    ];
    let whole = run(&all);
    expect![[r#"
        aws:111122223333:role/Admin role identity: created -, used 2026-05-01, gone -
        aws:111122223333:root root identity: created 2020-01-01, used 2026-01-01, gone -
        aws:111122223333:user/a user attached:p: created 2021-01-01, used 2026-04-01, gone -
        aws:111122223333:user/a user identity: created 2021-01-01, used 2026-04-01, gone -
        aws:111122223333:user/b user identity: created 2022-01-01, used -, gone -
    "#]]
    .assert_eq(&lives(&whole));
    expect!["line 4: `line` is no identity, or cells are missing"].assert_eq(&reasons(&whole).join("\n"));
    for order in orders(all.len()) {
        let found = run(&order.iter().map(|at| all[*at].clone()).collect::<Vec<_>>());
        assert_eq!(lives(&found), lives(&whole), "{order:?}");
    }
}

#[test]
fn what_tells_of_lives_alone_keeps_nobody_alive() {
    let all = [
        report(AT),
        aws(AT + 1, &[user("a", "A1", &[]), user("b", "B1", &[])], Mark::End),
        aws(AT + 2, &[user("b", "B1", &[])], Mark::End),
    ];
    for order in orders(all.len()) {
        let rows = last_rows(&run(&order.iter().map(|at| all[*at].clone()).collect::<Vec<_>>()));
        let gone: Vec<&str> =
            rows.values().filter(|row| row.deleted_at.is_some()).map(|row| row.identity_id.as_str()).collect();
        assert_eq!(gone, ["aws:111122223333:user/a"], "{order:?}");
    }
}

#[test]
fn an_access_of_nobody_is_said() {
    let unfinished = json!({"JobStatus": "IN_PROGRESS"});
    let all = [
        access(AT, "", "2026-05-01T00:00:00Z"),
        access(AT, "role/r", "yesterday"),
        one("aws.service_last_accessed/role/x", ACCOUNT, AT, "last_accessed", "role/x", unfinished),
    ];
    expect![[r#"
        nothing says whose access it is: name the file by the ARN, or put it into a folder `user` or `role`
        `ServicesLastAccessed[0]`: `yesterday` in `LastAuthenticated` is no time
        `JobStatus` is `IN_PROGRESS`: ask again when it is `COMPLETED`"#]]
    .assert_eq(&reasons(&run(&all)).join("\n"));
}

#[test]
fn instance_profiles_and_their_roles_are_an_inventory() {
    let profile = json!({"InstanceProfileName": "web", "Arn": "arn:aws:iam::111122223333:instance-profile/web"});
    let role = |name: &str, profiles: Value| {
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
        ("role", json!({"RoleName": name, "RoleId": name, "Arn": arn, "InstanceProfileList": profiles}))
    };
    let first = aws(AT, &[role("web", json!([profile])), role("other", json!([]))], Mark::End);
    expect![[r#"
        111122223333 iam:instance-profile 1: arn:aws:iam::111122223333:instance-profile/web
        111122223333 iam:instance-profile:role 1: arn:aws:iam::111122223333:role/web"#]]
    .assert_eq(&inventories(&run(std::slice::from_ref(&first))).join("\n"));
    // Another list names a profile more, and then the role is gone.
    let tagged = json!({"ResourceARN": "arn:aws:iam::111122223333:instance-profile/tagged"});
    let resources = snapshot("aws.resources", ACCOUNT, AT, &[("resource", tagged)], Mark::End);
    expect![[r#"
        111122223333 iam:instance-profile 2: arn:aws:iam::111122223333:instance-profile/tagged arn:aws:iam::111122223333:instance-profile/web
        111122223333 iam:instance-profile:role 1: arn:aws:iam::111122223333:role/web"#]].assert_eq(&inventories(&run(&[first.clone(), resources.clone()])).join("\n"));
    let last = aws(AT + 1, &[role("other", json!([]))], Mark::End);
    expect!["111122223333 iam:instance-profile 1: arn:aws:iam::111122223333:instance-profile/tagged"]
        .assert_eq(&inventories(&run(&[first, resources, last])).join("\n"));
}
