//! The official forms of entitlements that are not logs' neighbours: what each is recognised as, and whose it is.

use super::*;

/// What an input of that path becomes; marks but for the first are left out.
fn seen(path: &str, text: &str) -> String {
    let mut out = String::new();
    for item in split(Cursor::new(text), None, path) {
        match item {
            Item::Grant(grant) if grant.mark == schemas::Mark::Object => {
                out.push_str(&format!("  {} `{}`\n", grant.object_kind, grant.object_id));
            }
            Item::Grant(grant) if grant.mark == schemas::Mark::Begin => {
                out.push_str(&format!("{} of {}\n", grant.list, grant.account_id));
            }
            Item::Grant(grant) if grant.mark == schemas::Mark::End => {}
            Item::Grant(_) => out.push_str("  broken off\n"),
            Item::Rejected(letter) => out.push_str(&format!("dead: {}\n", letter.reason)),
            other => out.push_str(&format!("{other:?}\n")),
        }
    }
    out
}

fn check_all(cases: &[(&str, &str)], expected: &expect_test::Expect) {
    expected.assert_eq(&cases.iter().map(|(path, text)| seen(path, text)).collect::<String>());
}

#[test]
fn the_answers_of_aws_organizations() {
    let policy = r#"{"Policy":{"PolicySummary":{"Id":"p-examplepol1","Arn":"arn:aws:organizations::999999999999:policy/o-exampleorgid/service_control_policy/p-examplepol1","Name":"deny","Type":"SERVICE_CONTROL_POLICY","AwsManaged":false},"Content":"{}"}}"#;
    let targets = r#"{"Targets":[{"TargetId":"ou-examplerootid-unit1","Arn":"arn:aws:organizations::999999999999:ou/o-exampleorgid/ou-examplerootid-unit1","Name":"prod","Type":"ORGANIZATIONAL_UNIT"}]}"#;
    let parents = r#"{"Parents":[{"Id":"ou-examplerootid-unit1","Type":"ORGANIZATIONAL_UNIT"}]}"#;
    let accounts = r#"{"Accounts":[{"Id":"111122223333","Arn":"arn:aws:organizations::999999999999:account/o-exampleorgid/111122223333","Email":"a@example.com","Name":"prod","Status":"ACTIVE"}]}"#;
    let policies = r#"{"Policies":[{"Id":"p-FullAWSAccess","Arn":"arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess","Name":"FullAWSAccess","Description":"","Type":"SERVICE_CONTROL_POLICY","AwsManaged":true}]}"#;
    let organization = r#"{"Organization":{"Id":"o-exampleorgid","Arn":"arn:aws:organizations::999999999999:organization/o-exampleorgid","FeatureSet":"ALL","MasterAccountId":"999999999999"}}"#;
    check_all(
        &[
            ("policies/x.json", policy),
            ("targets/p-examplepol1.json", targets),
            ("targets/p-FullAWSAccess.json", r#"{"Targets":[]}"#),
            ("o-exampleorgid/111122223333.json", parents),
            ("999999999999/111122223333.json", parents),
            ("parents/111122223333.json", parents),
            ("accounts.json", accounts),
            ("o-exampleorgid/ou-examplerootid-unit1.json", accounts),
            ("o-exampleorgid/policies.json", policies),
            ("o-exampleorgid/scp/ou-examplerootid-unit1.json", policies),
            ("org.json", organization),
            ("o-exampleorgid/roots.json", r#"{"Roots":[{"Id":"r-root","Arn":"","Name":"Root","PolicyTypes":[]}]}"#),
        ],
        &expect![[r#"
            aws.organizations/policy/p-examplepol1 of o-exampleorgid
              policy `p-examplepol1`
            aws.organizations/targets/p-examplepol1 of o-exampleorgid
              targets `p-examplepol1`
            aws.organizations/targets/p-FullAWSAccess of organization
              targets `p-FullAWSAccess`
            aws.organizations/parents/111122223333 of o-exampleorgid
              parents `111122223333`
            aws.organizations/parents/111122223333 of 999999999999
              parents `111122223333`
            aws.organizations/parents/111122223333 of organization
              parents `111122223333`
            aws.organizations/accounts/ of o-exampleorgid
              accounts ``
            aws.organizations/accounts/ou-examplerootid-unit1 of o-exampleorgid
              accounts `ou-examplerootid-unit1`
            aws.organizations/policies/SERVICE_CONTROL_POLICY of o-exampleorgid
              summary `p-FullAWSAccess`
            aws.organizations/attached/ou-examplerootid-unit1/SERVICE_CONTROL_POLICY of o-exampleorgid
              attached `ou-examplerootid-unit1`
            aws.organizations/organization/o-exampleorgid of o-exampleorgid
              organization `o-exampleorgid`
            aws.organizations/roots/ of o-exampleorgid
              roots ``
        "#]],
    );
}

#[test]
fn credential_reports_and_last_accesses() {
    let report = "user,arn,user_creation_time,password_enabled\n<root_account>,arn:aws:iam::111122223333:root,2020-01-01T00:00:00+00:00,not_supported\n";
    let encoded = r#"{"Content":"dXNlcixhcm4sdXNlcl9jcmVhdGlvbl90aW1lCmEsYXJuOmF3czppYW06OjExMTEyMjIyMzMzMzp1c2VyL2EseAo=","ReportFormat":"text/csv","GeneratedTime":"2026-10-31T00:00:00Z"}"#;
    let access = r#"{"JobStatus":"COMPLETED","ServicesLastAccessed":[]}"#;
    check_all(
        &[
            ("report.csv", report),
            ("report.json", encoded),
            ("half.csv", "user,arn,"),
            ("111122223333/role/a.b.json", access),
            ("x/arn:aws:iam::111122223333:user/team/ann.json", access),
            (
                "x.json",
                r#"{"Arn":"arn:aws:iam::111122223333:user/ann","JobStatus":"COMPLETED","ServicesLastAccessed":[]}"#,
            ),
        ],
        &expect![[r#"
            aws.credential_report of 111122223333
              report ``
            aws.credential_report of 111122223333
              report ``
            dead: no JSON at byte 0; expected log records, entitlements or an inventory as the clouds write them
            aws.service_last_accessed/role/a.b of 111122223333
              last_accessed `role/a.b`
            aws.service_last_accessed/arn:aws:iam::111122223333:user/team/ann of 111122223333
              last_accessed `arn:aws:iam::111122223333:user/team/ann`
            aws.service_last_accessed/arn:aws:iam::111122223333:user/ann of 111122223333
              last_accessed `arn:aws:iam::111122223333:user/ann`
        "#]],
    );
    let bodies: Vec<String> = [report, encoded]
        .iter()
        .flat_map(|text| split(Cursor::new(text), None, "x"))
        .filter_map(|item| match item {
            Item::Grant(grant) if grant.mark == schemas::Mark::Object => {
                Some(String::from_utf8_lossy(&grant.body.0).into_owned())
            }
            _ => None,
        })
        .collect();
    let plain = "user,arn,user_creation_time\na,arn:aws:iam::111122223333:user/a,x\n";
    assert_eq!(bodies, [report, plain]);
    check(
        report,
        &expect![[r#"
        -1 begin aws.credential_report 111122223333  
        0 object aws.credential_report 111122223333 report 
        1 end aws.credential_report 111122223333  
    "#]],
    );
}

#[test]
fn policies_of_resources() {
    let item = |arn: &str, region: &str| {
        format!(
            r#"{{"ARN":"{arn}","awsAccountId":"111122223333","awsRegion":"{region}","resourceType":"AWS::S3::Bucket","configuration":{{}},"supplementaryConfiguration":{{}}}}"#
        )
    };
    let delivered = format!(
        r#"{{"fileVersion":"1.0","configSnapshotId":"0f1d63cc-aee4-48b8-82ab-4f38087be14e","configurationItems":[{},{}]}}"#,
        item("arn:aws:s3:::a", "eu-west-1"),
        item("arn:aws:s3:::b", "eu-west-1")
    );
    let asked = r#"{"baseConfigurationItems":[{"version":"1.3","accountId":"111122223333","arn":"arn:aws:s3:::a","resourceType":"AWS::S3::Bucket","configuration":"{}"}],"unprocessedResourceKeys":[]}"#;
    let policy = r#"{"Policy":"{\"Version\":\"2012-10-17\",\"Statement\":[]}","PolicyName":"default"}"#;
    let queue = r#"{"Attributes":{"QueueArn":"arn:aws:sqs:eu-west-1:111122223333:q","Policy":"{\"Statement\":[]}"}}"#;
    let secret = r#"{"ARN":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:s-AbCdEf","Name":"s","ResourcePolicy":"{\"Statement\":[]}"}"#;
    let repository = r#"{"registryId":"111122223333","repositoryName":"r","policyText":"{\"Statement\":[]}"}"#;
    check_all(
        &[
            ("c/111122223333_Config_eu-west-1_ConfigSnapshot_20261031T000000Z_0f1d63cc.json.gz", &delivered),
            ("c/111122223333_Config_eu-west-1_ConfigHistory_AWS::S3::Bucket_20261031T000000Z_1.json.gz", &delivered),
            ("x.json", asked),
            ("111122223333/arn:aws:s3:::a.b.json", policy),
            ("p/arn:aws:kms:eu-west-1:111122223333:key/k.json", policy),
            ("arn:aws:s3:::nowhere.json", policy),
            ("x.json", queue),
            ("x.json", r#"{"Attributes":{"TopicArn":"arn:aws:sns:eu-west-1:111122223333:t"}}"#),
            ("x.json", secret),
            ("arn:aws:ecr:eu-west-1:111122223333:repository/team/r.json", repository),
        ],
        &expect![[r#"
            aws.config/eu-west-1 of 111122223333
              item `arn:aws:s3:::a`
              item `arn:aws:s3:::b`
            aws.config/arn:aws:s3:::a of 111122223333
              item `arn:aws:s3:::a`
            aws.config/arn:aws:s3:::b of 111122223333
              item `arn:aws:s3:::b`
            aws.config/arn:aws:s3:::a of 111122223333
              item `arn:aws:s3:::a`
            aws.resource_policies/arn:aws:s3:::a.b of 111122223333
              policy `arn:aws:s3:::a.b`
            aws.resource_policies/arn:aws:kms:eu-west-1:111122223333:key/k of 111122223333
              policy `arn:aws:kms:eu-west-1:111122223333:key/k`
            dead: `aws.resource_policies` does not say which account it is of; put the file into a folder named by the account
            aws.resource_policies/arn:aws:sqs:eu-west-1:111122223333:q of 111122223333
              policy `arn:aws:sqs:eu-west-1:111122223333:q`
            aws.resource_policies/arn:aws:sns:eu-west-1:111122223333:t of 111122223333
              policy `arn:aws:sns:eu-west-1:111122223333:t`
            aws.resource_policies/arn:aws:secretsmanager:eu-west-1:111122223333:secret:s-AbCdEf of 111122223333
              policy `arn:aws:secretsmanager:eu-west-1:111122223333:secret:s-AbCdEf`
            aws.resource_policies/arn:aws:ecr:eu-west-1:111122223333:repository/team/r of 111122223333
              policy `arn:aws:ecr:eu-west-1:111122223333:repository/team/r`
        "#]],
    );
}

#[test]
fn the_answers_of_azure() {
    const SUB: &str = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333";
    let arm = |kind: &str| {
        format!(
            r#"{{"value":[{{"properties":{{"principalId":"p","roleDefinitionId":"r","scope":"{SUB}"}},"id":"{SUB}/providers/Microsoft.Authorization/{kind}/n1","name":"n1","type":"Microsoft.Authorization/{kind}"}}]}}"#
        )
    };
    let deny = arm("denyAssignments");
    let eligible = arm("roleEligibilityScheduleInstances");
    let schedules = arm("roleEligibilitySchedules");
    let active = arm("roleAssignmentScheduleInstances");
    let classic = arm("classicAdministrators");
    let snake = format!(
        r#"[{{"id":"{SUB}/providers/Microsoft.Authorization/roleAssignments/a1","name":"a1","principal_id":"p","role_definition_id":"r","scope":"{SUB}"}}]"#
    );
    let flat = format!(
        r#"[{{"id":"{SUB}/providers/Microsoft.Authorization/denyAssignments/d1","denyAssignmentName":"d","permissions":[],"principals":[],"excludePrincipals":[],"scope":"{SUB}"}}]"#
    );
    let group = r#"{"children":[{"children":null,"displayName":"Pay","id":"/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333","name":"0b1f6471-1bf0-4dda-aec3-111122223333","type":"/subscriptions"}],"details":{"parent":{"name":"root"}},"displayName":"Prod","id":"/providers/Microsoft.Management/managementGroups/prod","name":"prod","tenantId":"aaaaaaaa-0000-4000-8000-000000000001","type":"Microsoft.Management/managementGroups"}"#;
    let entity = r#"[{"displayName":"Pay","id":"/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333","name":"0b1f6471-1bf0-4dda-aec3-111122223333","parentNameChain":["root","prod"],"tenantId":"aaaaaaaa-0000-4000-8000-000000000001","type":"/subscriptions"}]"#;
    check_all(
        &[
            ("x.json", &deny),
            ("x.json", &eligible),
            ("x.json", &schedules),
            ("x.json", &active),
            ("x.json", &classic),
            ("x.json", &snake),
            ("x.json", &flat),
            ("x.json", group),
            ("x.json", entity),
        ],
        &expect![[r#"
            azure.deny_assignments of 0b1f6471-1bf0-4dda-aec3-111122223333
              deny_assignment `/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/providers/Microsoft.Authorization/denyAssignments/n1`
            azure.role_eligibility_schedule_instances of 0b1f6471-1bf0-4dda-aec3-111122223333
              eligibility `/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/providers/Microsoft.Authorization/roleEligibilityScheduleInstances/n1`
            azure.role_eligibility_schedules of 0b1f6471-1bf0-4dda-aec3-111122223333
              eligibility `/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/providers/Microsoft.Authorization/roleEligibilitySchedules/n1`
            azure.role_assignment_schedule_instances of 0b1f6471-1bf0-4dda-aec3-111122223333
              schedule `/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/providers/Microsoft.Authorization/roleAssignmentScheduleInstances/n1`
            azure.classic_administrators of 0b1f6471-1bf0-4dda-aec3-111122223333
              administrator `/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/providers/Microsoft.Authorization/classicAdministrators/n1`
            azure.role_assignments of 0b1f6471-1bf0-4dda-aec3-111122223333
              assignment `/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/providers/Microsoft.Authorization/roleAssignments/a1`
            azure.deny_assignments of 0b1f6471-1bf0-4dda-aec3-111122223333
              deny_assignment `/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/providers/Microsoft.Authorization/denyAssignments/d1`
            azure.management_groups/prod of aaaaaaaa-0000-4000-8000-000000000001
              management_group `prod`
            azure.management_entities of aaaaaaaa-0000-4000-8000-000000000001
              entity `/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333`
        "#]],
    );
}

#[test]
fn the_answers_of_gcp() {
    let asset = r#"{"name":"//storage.googleapis.com/b1","assetType":"storage.googleapis.com/Bucket","iamPolicy":{"bindings":[]},"ancestors":["projects/123","folders/2","organizations/3"],"updateTime":"2026-10-31T00:00:00Z"}"#;
    let project = r#"{"name":"//compute.googleapis.com/projects/acme-prod-1/zones/z/instances/i","assetType":"compute.googleapis.com/Instance","iamPolicy":{"bindings":[]},"ancestors":["projects/123","folders/2","organizations/3"]}"#;
    let deny = r#"{"name":"policies/cloudresourcemanager.googleapis.com%2Fprojects%2Facme-prod-1/denypolicies/no-delete","uid":"u","kind":"DenyPolicy","displayName":"x","rules":[]}"#;
    let account = r#"{"name":"projects/acme-prod-1/serviceAccounts/ci@acme-prod-1.iam.gserviceaccount.com","projectId":"acme-prod-1","uniqueId":"112233","email":"ci@acme-prod-1.iam.gserviceaccount.com","displayName":"CI","etag":"x"}"#;
    let key = r#"{"name":"projects/acme-prod-1/serviceAccounts/ci@acme-prod-1.iam.gserviceaccount.com/keys/k1","keyType":"USER_MANAGED","validAfterTime":"2026-01-01T00:00:00Z"}"#;
    let membership = r#"{"name":"groups/g/memberships/1","preferredMemberKey":{"id":"ann@example.com"},"roles":[{"name":"MEMBER"}]}"#;
    check_all(
        &[
            ("x.json", &format!("[{asset},{project}]")),
            ("x.ndjson", &format!("{asset}\n{project}\n")),
            ("x.json", &format!(r#"{{"readTime":"x","assets":[{asset}]}}"#)),
            ("x.json", deny),
            ("x.json", &format!("[{deny}]")),
            ("x.json", &format!("[{account}]")),
            ("x.json", &format!(r#"{{"accounts":[{account}]}}"#)),
            ("x.json", &format!(r#"{{"keys":[{key}]}}"#)),
            ("groups/Devs@example.com.json", &format!("[{membership}]")),
            ("x.json", &format!(r#"{{"group":"devs@example.com","memberships":[{membership}]}}"#)),
            (
                "devs@example.com.json",
                r#"{"kind":"admin#directory#members","members":[{"email":"ann@example.com","type":"USER"}]}"#,
            ),
            (
                "x.json",
                r#"[{"id":"acme-prod-1","type":"project"},{"id":"2","type":"folder"},{"id":"3","type":"organization"}]"#,
            ),
            ("x.json", r#"{"ancestor":[{"resourceId":{"type":"project","id":"acme-prod-1"}}]}"#),
        ],
        &expect![[r#"
            gcp.asset_iam_policies of acme-prod-1
              policy `//storage.googleapis.com/b1`
              policy `//compute.googleapis.com/projects/acme-prod-1/zones/z/instances/i`
            gcp.asset_iam_policies of acme-prod-1
              policy `//storage.googleapis.com/b1`
              policy `//compute.googleapis.com/projects/acme-prod-1/zones/z/instances/i`
            gcp.asset_iam_policies of 123
              policy `//storage.googleapis.com/b1`
            gcp.deny_policies/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Facme-prod-1/denypolicies/no-delete of acme-prod-1
              deny_policy `policies/cloudresourcemanager.googleapis.com%2Fprojects%2Facme-prod-1/denypolicies/no-delete`
            gcp.deny_policies of acme-prod-1
              deny_policy `policies/cloudresourcemanager.googleapis.com%2Fprojects%2Facme-prod-1/denypolicies/no-delete`
            gcp.service_accounts of acme-prod-1
              service_account `projects/acme-prod-1/serviceAccounts/ci@acme-prod-1.iam.gserviceaccount.com`
            gcp.service_accounts of acme-prod-1
              service_account `projects/acme-prod-1/serviceAccounts/ci@acme-prod-1.iam.gserviceaccount.com`
            gcp.service_account_keys/ci@acme-prod-1.iam.gserviceaccount.com of acme-prod-1
              key `projects/acme-prod-1/serviceAccounts/ci@acme-prod-1.iam.gserviceaccount.com/keys/k1`
            gcp.group_members/devs@example.com of global
              group `devs@example.com`
            gcp.group_members/devs@example.com of global
              group `devs@example.com`
            gcp.group_members/devs@example.com of global
              group `devs@example.com`
            gcp.ancestors of acme-prod-1
              ancestor `acme-prod-1`
              ancestor `2`
              ancestor `3`
            gcp.ancestors of acme-prod-1
              ancestry `c90e2248c02f9c919e4a8bcadd6a9214`
        "#]],
    );
}

#[test]
fn a_page_of_an_answer_is_not_the_whole() {
    let page = |more: &str| {
        format!(
            r#"{{"value":[{{"id":"/subscriptions/s1/d/1","name":"1","type":"Microsoft.Authorization/denyAssignments"}}]{more}}}"#
        )
    };
    let (first, last, null) = (page(r#","nextLink":"https://x""#), page(""), page(r#","nextLink":null"#));
    check_all(
        &[("x", &first), ("x", &last), ("x", &null)],
        &expect![[r#"
        dead: the answer goes on in another page, so nothing of it is used; put all pages into one answer
        azure.deny_assignments of s1
          deny_assignment `/subscriptions/s1/d/1`
          broken off
        azure.deny_assignments of s1
          deny_assignment `/subscriptions/s1/d/1`
        azure.deny_assignments of s1
          deny_assignment `/subscriptions/s1/d/1`
    "#]],
    );
}
