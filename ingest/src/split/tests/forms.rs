//! Every form is recognised by its content.

use super::*;

#[test]
fn chunk_boundaries_do_not_change_the_records() {
    let Some(data) = data() else { return };
    for path in files(&data.join("raw")) {
        let mut text = Vec::new();
        Decoded::new(std::fs::File::open(&path).unwrap()).read_to_end(&mut text).unwrap();
        let whole: Vec<Item> = split(Cursor::new(&text), None, "x").collect();
        for sizes in [&[1][..], &[2, 3, 5, 7, 11], &[1000, 1, 65_536]] {
            let cut: Vec<Item> = split(Cut::new(&text, sizes), None, "x").collect();
            assert!(cut == whole, "{} cut at {sizes:?}", path.display());
        }
    }
}

#[test]
fn every_form_of_log_is_recognised_by_its_content() {
    let event = r#"{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventID":"1"}"#;
    let quoted = Value::from(event).to_string();
    check(
        format!("{event}\n{event}\n"),
        &expect![[r#"
        0 aws 70 bytes
        1 aws 70 bytes
    "#]],
    );
    check(
        format!("[{event},\n {event}]"),
        &expect![[r#"
        0 aws 70 bytes
        1 aws 70 bytes
    "#]],
    );
    check(
        format!("{{\"Records\": [{event}, {event}]}}\n"),
        &expect![[r#"
        0 aws 70 bytes
        1 aws 70 bytes
    "#]],
    );
    check(
        format!("{{\"NextToken\":\"n\",\"Events\":[{{\"EventId\":\"1\",\"CloudTrailEvent\":{quoted}}}]}}"),
        &expect![[r#"
        0 aws 70 bytes
    "#]],
    );
    let azure = r#"{"time":"2024-01-01T00:00:00Z","category":"Administrative","operationName":"x"}"#;
    check(
        format!("{{\"records\":[{azure}]}}\n{{\"records\":[{azure},{azure}]}}\n"),
        &expect![[r#"
        0 azure 79 bytes
        1 azure 79 bytes
        2 azure 79 bytes
    "#]],
    );
    let nested =
        r#"{"eventTimestamp":"2024-01-01T00:00:00Z","operationName":{"value":"x","localizedValue":"X"},"id":"/s"}"#;
    check(
        format!("[{nested}]"),
        &expect![[r#"
        0 azure 102 bytes
    "#]],
    );
    let gcp = r#"{"logName":"projects/p/logs/x","protoPayload":{},"insertId":"1"}"#;
    check(
        gcp,
        &expect![[r#"
        0 gcp 64 bytes
    "#]],
    );
    check(
        format!("\u{feff}[\n  {gcp}\n]\n"),
        &expect![[r#"
        0 gcp 64 bytes
    "#]],
    );
}

#[test]
fn entitlements_become_snapshots() {
    let assignments =
        r#"[{"id":"/subscriptions/S1/a/1","scope":"/subscriptions/S1","principalId":"p","roleDefinitionId":"r"}]"#;
    check(
        assignments,
        &expect![[r#"
        -1 begin azure.role_assignments s1  
        0 object azure.role_assignments s1 assignment /subscriptions/S1/a/1
        1 end azure.role_assignments s1  
    "#]],
    );
    check(
        r#"[{"id":"/subscriptions/S1/d/1","roleName":"Owner","roleType":"BuiltInRole","permissions":[]}]"#,
        &expect![[r#"
        -1 begin azure.role_definitions s1  
        0 object azure.role_definitions s1 definition /subscriptions/S1/d/1
        1 end azure.role_definitions s1  
    "#]],
    );
    check(
        r#"{"UserDetailList":[],"GroupDetailList":[],"RoleDetailList":[{"RoleName":"r","Arn":"arn:aws:iam::111122223333:role/r"}],"Policies":[],"IsTruncated":true}"#,
        &expect![[r#"
            1 dead, 0 bytes: the answer goes on in another page, so nothing of it is used; put all pages into one answer
            -1 begin aws.authorization_details 111122223333  
            0 object aws.authorization_details 111122223333 role arn:aws:iam::111122223333:role/r
            1 abort aws.authorization_details 111122223333  
        "#]],
    );
    check(
        r#"{"ResourceTagMappingList":[{"ResourceARN":"arn:aws:s3:::b"},{"ResourceARN":"arn:aws:sqs:eu-west-1:111122223333:q"}]}"#,
        &expect![[r#"
        -1 begin aws.resources 111122223333  
        0 object aws.resources 111122223333 resource arn:aws:s3:::b
        1 object aws.resources 111122223333 resource arn:aws:sqs:eu-west-1:111122223333:q
        2 end aws.resources 111122223333  
    "#]],
    );
}

#[test]
fn gcp_entitlements_are_cut_into_projects() {
    check(
        r#"[{"resource":"//cloudresourcemanager.googleapis.com/projects/proj-a","project":"projects/1","policy":{"bindings":[]}},{"resource":"//storage.googleapis.com/b","project":"projects/1","policy":{}},{"resource":"//cloudresourcemanager.googleapis.com/organizations/9","policy":{}}]"#,
        &expect![[r#"
        -1 begin gcp.search_all_iam_policies organizations/9  
        0 object gcp.search_all_iam_policies organizations/9 policy //cloudresourcemanager.googleapis.com/organizations/9
        1 end gcp.search_all_iam_policies organizations/9  
        -1 begin gcp.search_all_iam_policies proj-a  
        0 object gcp.search_all_iam_policies proj-a policy //cloudresourcemanager.googleapis.com/projects/proj-a
        1 object gcp.search_all_iam_policies proj-a policy //storage.googleapis.com/b
        2 end gcp.search_all_iam_policies proj-a  
    "#]],
    );
    check(
        r#"{"name":"projects/proj-a/roles/x","title":"X","stage":"GA","includedPermissions":["a.b.c"]}"#,
        &expect![[r#"
        -1 begin gcp.roles proj-a  
        0 object gcp.roles proj-a role projects/proj-a/roles/x
        1 end gcp.roles proj-a  
    "#]],
    );
    check(
        r#"[{"name":"//compute.googleapis.com/projects/proj-a/x","assetType":"compute.googleapis.com/Disk"}]"#,
        &expect![[r#"
        -1 begin gcp.resources proj-a  
        0 object gcp.resources proj-a resource //compute.googleapis.com/projects/proj-a/x
        1 end gcp.resources proj-a  
    "#]],
    );
    check(
        r#"{"bindings":[{"role":"roles/owner","members":["user:a@b.c"]}],"etag":"x","version":1}"#,
        &expect![[r#"
        0 dead, 47 bytes: `gcp.iam_policy` does not say which account it is of; put the file into a folder named by the account
    "#]],
    );
    check(
        r#"[{"id":"g1","displayName":"eng","members":[{"id":"u1"}]}]"#,
        &expect![[r#"
        0 dead, 55 bytes: `azure.group_members` does not say which account it is of; put the file into a folder named by the account
    "#]],
    );
}

#[test]
fn where_a_policy_has_no_name_in_it_the_folder_tells_whose_it_is() {
    let policy = r#"{"bindings":[{"role":"r","members":[]},{"role":"r","members":[]},{"role":"r","condition":{"expression":"e"}}],"etag":"x"}"#;
    let found = told(split(Cursor::new(policy), None, "gcp/entitlements/acme-prod-1/iam-policy.json"));
    expect![[r#"
        -1 begin gcp.iam_policy acme-prod-1  
        0 object gcp.iam_policy acme-prod-1 binding r
        1 object gcp.iam_policy acme-prod-1 binding r~1
        2 object gcp.iam_policy acme-prod-1 binding r#dfca479a581a1d4bbca3b713c2c6d306
        3 end gcp.iam_policy acme-prod-1  
    "#]]
    .assert_eq(&found);
    let members =
        r##"[{"@odata.type":"#microsoft.graph.user","id":"u1"},{"@odata.type":"#microsoft.graph.user","id":"u2"}]"##;
    let name = "12345678-1234-1234-1234-123456789abc/ABC.json";
    let bodies: Vec<String> = split(Cursor::new(members), None, name)
        .map(|item| match item {
            Item::Grant(grant) => format!("{} {} {}", grant.account_id, grant.object_id, grant.body.0.escape_ascii()),
            other => panic!("{other:?}"),
        })
        .collect();
    expect![[r##"
        12345678-1234-1234-1234-123456789abc  
        12345678-1234-1234-1234-123456789abc abc {\"id\":\"abc\",\"members\":[{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"u1\"},{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"u2\"}]}
        12345678-1234-1234-1234-123456789abc  "##]].assert_eq(&bodies.join("\n"));
}
