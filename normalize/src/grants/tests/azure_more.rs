//! PIM, deny assignments, classic administrators and management groups.

use expect_test::expect;

use super::*;

const AT: i64 = 1_793_404_800_000_000;

fn list(name: &str, at: i64, objects: &[Value]) -> Vec<RawGrant> {
    let objects: Vec<(&str, Value)> = objects.iter().map(|object| ("", object.clone())).collect();
    snapshot(name, SUBSCRIPTION, at, &objects, Mark::End)
}

fn arm(kind: &str, name: &str, properties: Value) -> Value {
    let id = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/{kind}/{name}");
    json!({"id": id, "name": name, "type": format!("Microsoft.Authorization/{kind}"), "properties": properties})
}

fn given(extra: Value) -> Value {
    let role = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}");
    let mut properties = json!({"scope": format!("/subscriptions/{SUBSCRIPTION}"), "roleDefinitionId": role,
        "principalId": "User-1", "principalType": "User"});
    properties.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    properties
}

fn run_known(snapshots: &[Vec<RawGrant>]) -> Output<Message> {
    let (mut grants, mut out) = (grants(), Output::default());
    grants.learn_tenant(&SUBSCRIPTION.into(), &TENANT.into(), &mut out);
    snapshots.iter().flatten().for_each(|grant| grants.apply(grant, &mut out));
    out
}

/// `who kind source from..until condition`, without the rows that only say who exists.
fn held(out: &Output<Message>) -> String {
    let day = |time: Time| time.to_string()[..10].to_owned();
    let line = |row: &Entitlement| {
        let who = row.identity_id.rsplit(':').next().unwrap_or_default();
        let until = row.valid_until.map_or("-".to_owned(), day);
        let condition = row.condition.as_deref().unwrap_or("-");
        format!("{who} {} {} {}..{until} {condition}\n", row.kind, row.source, day(row.valid_from))
    };
    let is_held = |row: &&Entitlement| row.kind != EntitlementKind::Identity && row.deleted_at.is_none();
    last_rows(out).values().filter(is_held).map(line).collect()
}

#[test]
fn pim_says_who_may_activate_and_until_when_what_is_active_holds() {
    let eligible = given(json!({"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z",
        "roleEligibilityScheduleId": "/x/roleEligibilitySchedules/E1", "memberType": "Direct"}));
    let schedule = given(
        json!({"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z", "status": "Provisioned"}),
    );
    let revoked = given(json!({"status": "Revoked"}));
    let active = given(json!({"startDateTime": "2026-10-30T08:00:00Z", "endDateTime": "2026-10-30T16:00:00Z",
        "assignmentType": "Activated", "originRoleAssignmentId": "/x/roleAssignments/A1", "roleAssignmentScheduleId": "/x/S1"}));
    let assigned = given(
        json!({"startDateTime": "2026-10-01T00:00:00Z", "endDateTime": null, "assignmentType": "Assigned", "principalId": "User-2"}),
    );
    let plain = given(json!({"createdOn": "2026-10-30T08:00:00Z"}));
    let broken = arm("roleAssignmentScheduleInstances", "i9", json!({"scope": "/x"}));
    let lists = [
        list(
            "azure.role_eligibility_schedule_instances",
            AT,
            &[arm("roleEligibilityScheduleInstances", "i1", eligible)],
        ),
        list(
            "azure.role_eligibility_schedules",
            AT,
            &[arm("roleEligibilitySchedules", "E1", schedule), arm("roleEligibilitySchedules", "E2", revoked)],
        ),
        list(
            "azure.role_assignment_schedule_instances",
            AT,
            &[
                arm("roleAssignmentScheduleInstances", "i2", active),
                broken,
                arm("roleAssignmentScheduleInstances", "i3", assigned),
            ],
        ),
        list("azure.role_assignments", AT, &[arm("roleAssignments", "A1", plain)]),
    ];
    let whole = run_known(&lists);
    expect![[r#"
        user-1 role_assignment assignment:a1 2026-10-30..2026-10-30 -
        user-1 eligible assignment:e1 2026-01-01..2027-01-01 -
        user-2 role_assignment assignment:i3 2026-10-01..- -
    "#]]
    .assert_eq(&held(&whole));
    expect!["field `principalId` is missing or no text"].assert_eq(&reasons(&whole).join("\n"));
    for order in orders(lists.len()) {
        let found = run_known(&order.iter().map(|at| lists[*at].clone()).collect::<Vec<_>>());
        assert_eq!(held(&found), held(&whole), "{order:?}");
    }
}

#[test]
fn a_deny_assignment_is_a_row_for_each_whom_it_does_not_spare() {
    let everyone = "00000000-0000-0000-0000-000000000000";
    let block = json!([{"actions": ["*/delete"], "notActions": [], "dataActions": [], "notDataActions": []}]);
    let deny = |name: &str, more: Value| {
        let mut properties = json!({"denyAssignmentName": name, "permissions": block, "scope": format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/g")});
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arm("denyAssignments", name, properties)
    };
    let group = json!({"id": "g1", "members": ["u1", "u2", {"id": "g2", "type": "#microsoft.graph.group"}]});
    let inner = json!({"id": "g2", "members": ["u3"]});
    let lists = [
        list("azure.group_members", AT, &[group, inner]),
        list(
            "azure.deny_assignments",
            AT,
            &[
                deny(
                    "all",
                    json!({"principals": [{"id": everyone, "type": "SystemDefined"}], "excludePrincipals": [{"id": "u9", "type": "User"}], "isSystemProtected": true}),
                ),
                deny(
                    "some",
                    json!({"principals": [{"id": "g1", "type": "Group"}], "excludePrincipals": [{"id": "g2", "type": "Group"}, {"id": "u1", "type": "User"}]}),
                ),
                deny("here", json!({"principals": [{"id": "u5"}, {"type": "User"}], "doNotApplyToChildScopes": true})),
                arm("denyAssignments", "empty", json!({"scope": "/x"})),
            ],
        ),
    ];
    let out = run_known(&lists);
    expect![[r#"
        00000000-0000-0000-0000-000000000000 deny_assignment assignment:all 2026-10-31..- -
        g1 deny_assignment assignment:some 2026-10-31..- -
        u2 deny_assignment group:g1/assignment:some 2026-10-31..- -
        u5 deny_assignment assignment:here 2026-10-31..- doNotApplyToChildScopes
    "#]]
    .assert_eq(&held(&out));
    expect![[r#"
        `principals[1]`: field `id` is missing or no text
        field `permissions` is missing"#]]
    .assert_eq(&reasons(&out).join("\n"));
    let named: Vec<String> = out
        .emitted
        .iter()
        .filter_map(|message| match message {
            Message::Policy(policy) => {
                Some(format!("{:?} but {:?}", policy.statements[0].identities, policy.statements[0].not_identities))
            }
            _ => None,
        })
        .collect();
    expect![[r#"
        [Text("00000000-0000-0000-0000-000000000000")] but [Text("u9")]
        [Text("g1")] but [Text("g2"), Text("u1")]
        [Text("u5")] but []"#]]
    .assert_eq(&named.join("\n"));
}

#[test]
fn a_classic_administrator_is_an_owner() {
    let of = |email: &str, role: &str| json!({"id": "x", "type": "Microsoft.Authorization/classicAdministrators", "properties": {"emailAddress": email, "role": role}});
    let group = json!({"id": "g1", "members": [{"id": "u1", "userPrincipalName": "Ann@Example.com"}]});
    let lists = [
        list("azure.group_members", AT, &[group]),
        list(
            "azure.classic_administrators",
            AT,
            &[
                of("ann@example.com", "ServiceAdministrator;AccountAdministrator"),
                of("old@example.com", "CoAdministrator"),
                of("pay@example.com", "AccountAdministrator"),
            ],
        ),
    ];
    expect![[r#"
        old@example.com role_assignment assignment:classic:CoAdministrator 2026-10-31..- -
        u1 role_assignment assignment:classic:ServiceAdministrator 2026-10-31..- -
    "#]]
    .assert_eq(&held(&run_known(&lists)));
}

#[test]
fn snake_case_reads_like_the_rest() {
    let snake = json!({"id": "/x/roleAssignments/A1", "name": "A1", "principal_id": "User-1", "principal_type": "User",
        "role_definition_id": format!("/x/roleDefinitions/{READER}"), "scope": format!("/subscriptions/{SUBSCRIPTION}")});
    let camel = json!({"id": "/x/roleAssignments/A1", "name": "A1", "principalId": "User-1", "principalType": "User",
        "roleDefinitionId": format!("/x/roleDefinitions/{READER}"), "scope": format!("/subscriptions/{SUBSCRIPTION}")});
    let of = |object| last_rows(&run_known(&[list("azure.role_assignments", AT, &[object])]));
    assert_eq!(of(snake), of(camel));
}

#[test]
fn what_lies_above_a_subscription_is_an_inventory() {
    let sub = |name: &str| json!({"id": format!("/subscriptions/{name}"), "name": name, "type": "/subscriptions"});
    let group = |name: &str, children: Value| json!({"id": format!("/providers/Microsoft.Management/managementGroups/{name}"), "name": name, "type": "Microsoft.Management/managementGroups", "children": children});
    let mut root = group("prod", json!([sub("s1"), group("pay", json!([sub("s2")])), {"type": "x"}]));
    root["details"] = json!({"parent": {"name": "root"}});
    let shown = |at, object: &Value| {
        one("azure.management_groups/prod", TENANT, at, "management_group", "prod", object.clone())
    };
    let entity =
        json!({"id": "/subscriptions/s3", "name": "s3", "type": "/subscriptions", "parentNameChain": ["root", "dev"]});
    let entities = one("azure.management_entities", TENANT, AT, "entity", "s3", entity);
    let out = run(&[shown(AT, &root), entities.clone()]);
    expect![[r#"
        s1 ancestor 2: /providers/Microsoft.Management/managementGroups/root /providers/Microsoft.Management/managementGroups/prod
        s2 ancestor 3: /providers/Microsoft.Management/managementGroups/root /providers/Microsoft.Management/managementGroups/prod /providers/Microsoft.Management/managementGroups/pay
        s3 ancestor 2: /providers/Microsoft.Management/managementGroups/root /providers/Microsoft.Management/managementGroups/dev"#]].assert_eq(&inventories(&out).join("\n"));
    expect!["`children[2]` below `2`: field `name` is missing, or too deep"].assert_eq(&reasons(&out).join("\n"));
    // A subscription that left the group has nothing above it that is known.
    let whole = group("prod", json!([sub("s1"), sub("s2")]));
    let less = group("prod", json!([sub("s1")]));
    expect!["s1 ancestor 1: /providers/Microsoft.Management/managementGroups/prod"]
        .assert_eq(&inventories(&run(&[shown(AT, &whole), shown(AT + 1, &less)])).join("\n"));
}
