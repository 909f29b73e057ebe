//! Who may do what, asked of a store that was read from the clouds' own files, and of policy files.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::overgrant::{done, overgrant, run};

const ACCOUNT: &str = "111122223333";
const TENANT: &str = "5b0c7d1e-93a4-4f2b-8e60-2f1d9a7c4b33";

fn write(folder: &Path, name: &str, value: &Value) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, value.to_string()).unwrap();
}

/// What `aws iam get-account-authorization-details` prints of one user with one policy and an administrator's role.
fn details(action: &str) -> Value {
    let allow = |action: &str, resource: &str| json!({"Version": "2012-10-17", "Statement": [{"Sid": "Use", "Effect": "Allow", "Action": action, "Resource": resource}]});
    json!({
        "UserDetailList": [{
            "UserName": "ada", "UserId": "AIDAEXAMPLE1", "Path": "/team/", "CreateDate": "2025-01-01T00:00:00Z",
            "Arn": format!("arn:aws:iam::{ACCOUNT}:user/team/ada"),
            "UserPolicyList": [{"PolicyName": "work", "PolicyDocument": allow(action, "*")},
                {"PolicyName": "own", "PolicyDocument": allow("iam:CreateAccessKey", &format!("arn:aws:iam::{ACCOUNT}:user/boss"))}],
            "AttachedManagedPolicies": [], "GroupList": []
        }, {
            "UserName": "boss", "UserId": "AIDAEXAMPLE2", "Path": "/", "CreateDate": "2025-01-01T00:00:00Z",
            "Arn": format!("arn:aws:iam::{ACCOUNT}:user/boss"),
            "UserPolicyList": [{"PolicyName": "all", "PolicyDocument": allow("*", "*")}],
            "AttachedManagedPolicies": [], "GroupList": []
        }],
        "RoleDetailList": [], "Policies": [],
        // A group asks nothing itself, and must not keep the others from being asked.
        "GroupDetailList": [{"GroupName": "devs", "GroupId": "AGPAEXAMPLE1", "Path": "/", "CreateDate": "2025-01-01T00:00:00Z",
            "Arn": format!("arn:aws:iam::{ACCOUNT}:group/devs"), "GroupPolicyList": [], "AttachedManagedPolicies": []}]
    })
}

/// The organization: under an SCP that keeps deletes of buckets away.
fn organization(folder: &Path) {
    let policy = |id: &str, name: &str, content: &Value| {
        json!({"Policy": {"PolicySummary": {
        "Id": id, "Arn": format!("arn:aws:organizations::999999999999:policy/o-exampleorgid/service_control_policy/{id}"),
        "Name": name, "Type": "SERVICE_CONTROL_POLICY", "AwsManaged": false}, "Content": content.to_string()}})
    };
    let deny = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "KeepBuckets", "Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}]});
    write(folder, "policies/keep.json", &policy("p-examplepol1", "keep", &deny));
    let attached = |id: &str, kind: &str| {
        json!({"Targets": [{"TargetId": id,
        "Arn": format!("arn:aws:organizations::999999999999:{kind}/o-exampleorgid/{id}"), "Name": id,
        "Type": if kind == "root" { "ROOT" } else { "ACCOUNT" }}]})
    };
    write(
        folder,
        "targets/p-examplepol1.json",
        &json!({"Targets": [
        attached("r-examplerootid111", "root")["Targets"][0].clone(), attached(ACCOUNT, "account")["Targets"][0].clone()]}),
    );
    write(folder, "targets/p-FullAWSAccess.json", &json!({"Targets": []}));
    write(
        folder,
        &format!("parents/{ACCOUNT}.json"),
        &json!({"Parents": [{"Id": "r-examplerootid111", "Type": "ROOT"}]}),
    );
    write(
        folder,
        "accounts.json",
        &json!({"Accounts": [{"Id": ACCOUNT, "Arn": format!("arn:aws:organizations::999999999999:account/o-exampleorgid/{ACCOUNT}"),
        "Email": "a@example.com", "Name": "prod", "Status": "ACTIVE"}]}),
    );
    write(
        folder,
        "organization.json",
        &json!({"Organization": {"Id": "o-exampleorgid",
        "Arn": "arn:aws:organizations::999999999999:organization/o-exampleorgid", "FeatureSet": "ALL", "MasterAccountId": "999999999999"}}),
    );
    write(
        folder,
        "roots.json",
        &json!({"Roots": [{"Id": "r-examplerootid111", "Arn": "arn:aws:organizations::999999999999:root/o-exampleorgid/r-examplerootid111",
        "Name": "Root", "PolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]}]}),
    );
}

/// A bucket that ada is let into and whose other half anybody may read, later not any more.
fn bucket(folder: &Path) {
    let allow = |who: Value, on: &str| json!({"Sid": on, "Effect": "Allow", "Principal": who, "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::shop/{on}/*")});
    let ada = allow(json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:user/team/ada")}), "own");
    let open = json!({"Statement": [ada, allow(json!("*"), "open")]});
    let item = json!({"resourceType": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::shop", "awsAccountId": ACCOUNT, "awsRegion": "eu-west-1",
        "configurationItemStatus": "OK", "configuration": {"name": "shop"},
        "supplementaryConfiguration": {"BucketPolicy": {"policyText": open.to_string()}}});
    let snapshot = json!({"fileVersion": "1.0", "configSnapshotId": "0f1d63cc-aee4-48b8-82ab-4f38087be14e", "configurationItems": [item]});
    write(
        folder,
        &format!("2026-10-01/{ACCOUNT}_Config_eu-west-1_ConfigSnapshot_20261001T000000Z_0f1d63cc.json"),
        &snapshot,
    );
    let none = json!({"Policy": json!({"Statement": [{"Sid": "Nobody", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}).to_string()});
    write(folder, &format!("2026-10-20/{ACCOUNT}/arn:aws:s3:::shop.json"), &none);
}

fn azure() -> Value {
    let id = "00000000-0000-0000-0000-0000000000aa";
    json!([{
        "id": "/subscriptions/c3a9e5f0-1d74-4c8b-9a25-7e60b1f4d812/providers/Microsoft.Authorization/roleAssignments/0a5b0000-0000-0000-0000-000000000001",
        "name": "0a5b0000-0000-0000-0000-000000000001", "type": "Microsoft.Authorization/roleAssignments",
        "principalId": id, "principalName": "uma@example.com", "principalType": "User",
        "roleDefinitionId": "/subscriptions/c3a9e5f0-1d74-4c8b-9a25-7e60b1f4d812/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "roleDefinitionName": "Reader", "scope": "/subscriptions/c3a9e5f0-1d74-4c8b-9a25-7e60b1f4d812/resourceGroups/web"
    }])
}

fn store(folder: &Path) -> std::path::PathBuf {
    let input = folder.join("in");
    write(&input, "aws/2026-10-01/details.json", &details("s3:*"));
    write(&input, "aws/2026-10-20/details.json", &details("sqs:SendMessage"));
    organization(&input.join("aws/2026-10-01/o-exampleorgid"));
    bucket(&input.join("aws"));
    write(&input, "azure/2026-10-01/assignments.json", &azure());
    write(
        &input,
        "gcp/2026-10-01/shop-prod/policy.json",
        &json!({"bindings": [
        {"role": "roles/storage.objectViewer", "members": ["user:ann@example.com"]}], "etag": "x", "version": 3}),
    );
    let config = folder.join("config.toml");
    std::fs::write(&config, format!("[normalize]\nazure_tenant = \"{TENANT}\"\n")).unwrap();
    let (inputs, store) = ([input], folder.join("store"));
    let mut command = run(&inputs, &store, Some(&config));
    command.args(["--as-of", "2026-10-31T00:00:00Z"]);
    done(command);
    store
}

fn ask(store: &Path, arguments: &[&str]) -> Output {
    let mut command: Command = overgrant();
    command.args(arguments).arg("--store").arg(store);
    command.output().unwrap()
}

/// The answer of `can` on a day, and its exit code.
fn can(store: &Path, arguments: &[&str]) -> String {
    let output = ask(store, &[&["can"], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    let line = text.lines().take(3).map(str::trim).collect::<Vec<_>>().join(" | ");
    format!("{} {line}", output.status.code().unwrap())
}

#[test]
fn a_store_answers_who_may_do_what_on_which_day_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let (early, late) = (["--at", "2026-10-10T00:00:00Z"], ["--at", "2026-10-25T00:00:00Z"]);
    let get = ["ada", "s3:GetObject", "arn:aws:s3:::b/x"];
    let vm = "/subscriptions/c3a9e5f0-1d74-4c8b-9a25-7e60b1f4d812/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/vm";
    let answers = [
        can(&store, &[&get[..], &early].concat()),
        can(&store, &[&get[..], &late].concat()),
        can(&store, &[&get[..], &late, &["--expect", "allowed"]].concat()),
        can(&store, &[&["ada", "s3:DeleteBucket", "arn:aws:s3:::b"], &early[..]].concat()),
        can(&store, &[&["boss", "s3:DeleteBucket", "arn:aws:s3:::b"], &late[..]].concat()),
        can(&store, &[&["boss", "iam:CreateUser", "arn:aws:iam::111122223333:user/x"], &late[..]].concat()),
        can(&store, &["uma@example.com", "Microsoft.Compute/virtualMachines/read", vm]),
        can(&store, &["uma@example.com", "Microsoft.Compute/virtualMachines/delete", vm]),
        can(&store, &["ann@example.com", "storage.objects.get", "projects/shop-prod"]),
        can(&store, &[&["ada", "s3:GetObject", "arn:aws:s3:::shop/own/x"], &early[..]].concat()),
        can(&store, &[&["ada", "s3:GetObject", "arn:aws:s3:::shop/own/x"], &late[..]].concat()),
        can(&store, &["nobody", "s3:GetObject"]),
        can(&store, &["ada", "sqs:SendMessage"]),
    ];
    expect_test::expect![[r#"
        0 yes: aws:111122223333:user/ada, s3:GetObject on arn:aws:s3:::b/x, as of 2026-10-10T00:00:00Z | allowed by identity policy | by `work`, statement `Use`
        0 no: aws:111122223333:user/ada, s3:GetObject on arn:aws:s3:::b/x, as of 2026-10-25T00:00:00Z | not allowed by identity policy | not read: resource policies, session policies, VPC endpoint policies
        4 no: aws:111122223333:user/ada, s3:GetObject on arn:aws:s3:::b/x, as of 2026-10-25T00:00:00Z | not allowed by identity policy | not read: resource policies, session policies, VPC endpoint policies
        0 no: aws:111122223333:user/ada, s3:DeleteBucket on arn:aws:s3:::b, as of 2026-10-10T00:00:00Z | denied by SCP | by `r-examplerootid111`, statement `KeepBuckets`
        0 no: aws:111122223333:user/boss, s3:DeleteBucket on arn:aws:s3:::b, as of 2026-10-25T00:00:00Z | denied by SCP | by `r-examplerootid111`, statement `KeepBuckets`
        0 yes: aws:111122223333:user/boss, iam:CreateUser on arn:aws:iam::111122223333:user/x, as of 2026-10-25T00:00:00Z | allowed by identity policy | by `all`, statement `Use`
        0 yes: azure:5b0c7d1e-93a4-4f2b-8e60-2f1d9a7c4b33:00000000-0000-0000-0000-0000000000aa, Microsoft.Compute/virtualMachines/read on /subscriptions/c3a9e5f0-1d74-4c8b-9a25-7e60b1f4d812/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/vm, as of 2026-10-31T00:00:00Z | allowed by role at the resource group | by `assignment:0a5b0000-0000-0000-0000-000000000001`, statement `Reader`
        0 no: azure:5b0c7d1e-93a4-4f2b-8e60-2f1d9a7c4b33:00000000-0000-0000-0000-0000000000aa, Microsoft.Compute/virtualMachines/delete on /subscriptions/c3a9e5f0-1d74-4c8b-9a25-7e60b1f4d812/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/vm, as of 2026-10-31T00:00:00Z | in no assigned role | not read: locks, access policies of key vaults
        0 yes: gcp:ann@example.com, storage.objects.get on projects/shop-prod, as of 2026-10-31T00:00:00Z | allowed by binding at the project | by `projects/shop-prod`, statement `roles/storage.objectViewer`
        0 yes: aws:111122223333:user/ada, s3:GetObject on arn:aws:s3:::shop/own/x, as of 2026-10-10T00:00:00Z | named by the resource policy | by `arn:aws:s3:::shop`, statement `own`
        0 no: aws:111122223333:user/ada, s3:GetObject on arn:aws:s3:::shop/own/x, as of 2026-10-25T00:00:00Z | denied by resource policy | by `arn:aws:s3:::shop`, statement `Nobody`
        2 error: nothing is known of `nobody`; entitlement files tell who there is
        0 yes: aws:111122223333:user/ada, sqs:SendMessage on anything, as of 2026-10-31T00:00:00Z | on * in 111122223333, by `work`"#]].assert_eq(&answers.join("\n"));
}

#[test]
fn a_store_answers_who_can_and_who_becomes_administrator() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let rows = |arguments: &[&str]| -> Vec<Value> {
        let output = ask(&store, &[arguments, &["--format", "ndjson"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let names =
        |rows: &[Value]| rows.iter().map(|row| row["identity_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(
        names(&rows(&["who-can", "sqs:SendMessage"])),
        ["aws:111122223333:user/ada", "aws:111122223333:user/boss"]
    );
    assert_eq!(names(&rows(&["who-can", "s3:DeleteBucket", "arn:aws:s3:::b"])), [""; 0]);
    assert_eq!(names(&rows(&["who-can", "s3:GetObject", "arn:aws:s3:::b/x"])), ["aws:111122223333:user/boss"]);
    assert_eq!(names(&rows(&["who-can", "storage.objects.get", "projects/shop-prod"])), ["gcp:ann@example.com"]);
    let early = ["who-can", "s3:GetObject", "arn:aws:s3:::shop/open/x", "--at", "2026-10-10T00:00:00Z"];
    assert_eq!(names(&rows(&early)), ["aws:111122223333:user/ada", "aws:111122223333:user/boss", "aws:anonymous"]);
    assert_eq!(names(&rows(&early[..3])), [""; 0]);
    let paths = rows(&["paths"]);
    let chain = |id: &str| paths.iter().find(|row| row["identity_id"] == id).map(|row| row["n_steps"].clone());
    assert_eq!(chain("aws:111122223333:user/ada"), Some(json!(1)), "{paths:?}");
    let of_ada = &rows(&["paths", "ada"])[0];
    let becomes = of_ada["becomes"].as_array().unwrap();
    let boss = json!({"identity_id": "aws:111122223333:user/boss", "n_steps": 1, "certain": true});
    assert!(becomes.contains(&boss), "{becomes:?}");
    let held = rows(&["permissions", "ada", "--each"]);
    let actions: Vec<&str> = held.iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["sqs:SendMessage", "iam:CreateAccessKey"]);
    let broken = rows(&["guardrails"]);
    let who: Vec<&Value> =
        broken.iter().filter(|row| row["rule"] == "aws-no-standing-administrator").map(|row| &row["who"]).collect();
    // The SCP takes one of twenty thousand actions from the administrator, who stays one.
    assert_eq!(who, [&json!("aws:111122223333:user/boss")]);
    // The run found what the command finds.
    let found =
        rows(&["query", "SELECT rule, scope_id AS who, account_id FROM finding_current WHERE kind = 'guardrail'"]);
    let keys = |rows: &[Value]| {
        let key = |row: &Value| ["rule", "who", "account_id"].map(|name| row[name].to_string());
        rows.iter().map(key).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(keys(&found), keys(&broken));
}

#[test]
fn policy_files_are_expanded_linted_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.json");
    let output = |arguments: &[&str]| {
        let mut command = overgrant();
        command.args(arguments).arg(&path);
        let output = command.output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    std::fs::write(&path, r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*Message","Resource":"*"},{"Effect":"Deny","Action":"sqs:SendMessage","Resource":"*"}]}"#).unwrap();
    assert_eq!(output(&["permissions", "--policy"]).1, "sqs:DeleteMessage\nsqs:ReceiveMessage\n");
    assert_eq!(output(&["lint"]).0, 0);
    assert_eq!(output(&["guardrails", "--format", "ndjson", "--policy"]), (0, String::new(), String::new()));
    std::fs::write(&path, r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Acton":"*","Resource":"*"}]}"#)
        .unwrap();
    let (code, text, _) = output(&["lint"]);
    assert!(code == 4 && text.contains("policy.json:1:") && text.contains("Acton"), "{code} {text}");
    let sarif: Value = serde_json::from_str(&output(&["lint", "--format", "sarif"]).1).unwrap();
    assert_eq!((&sarif["version"], &sarif["runs"][0]["results"][0]["level"]), (&json!("2.1.0"), &json!("error")));
    // What a policy says does not move the cursor of whoever reads about it.
    std::fs::write(
        &path,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:\u001b[2J","Resource":"*"}]}"#,
    )
    .unwrap();
    let told = [output(&["lint"]).1, output(&["permissions", "--policy"]).2];
    assert!(told.iter().all(|text| text.contains("[2J") && !text.contains('\u{1b}')), "{told:?}");
    std::fs::write(&path, "{").unwrap();
    let (code, _, error) = output(&["permissions", "--policy"]);
    assert!(code == 2 && error.contains("it is not JSON"), "{code} {error}");
}

#[test]
fn the_catalogue_is_shown_and_takes_in_what_a_cloud_lists() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = folder.path().join("catalogue");
    let call = |arguments: &[&str]| {
        let mut command = overgrant();
        command.arg("--catalogue").arg(&catalogue).args(arguments);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let show = ["catalog", "show", "--format", "ndjson"];
    let known: Value = serde_json::from_str(&call(&[&show[..], &["iam:CreateAccessKey"]].concat()).1).unwrap();
    assert_eq!((&known["risk"], &known["access_level"]), (&json!("escalation"), &json!("permissions")), "{known}");
    let new = [&show[..], &["Example.Service/things/read"]].concat();
    assert_eq!(call(&new).0, 2);
    let listing = folder.path().join("operations.json");
    let operations = json!([{"name": "Example.Service", "displayName": "Example", "operations": [], "resourceTypes": [
        {"name": "things", "displayName": "Things", "operations": [{"name": "Example.Service/things/read", "isDataAction": false, "displayName": "Read"}]}]}]);
    std::fs::write(&listing, operations.to_string()).unwrap();
    let (code, text) = call(&["catalog", "update", "--provider", "azure", listing.to_str().unwrap()]);
    assert!(code == 0 && text.starts_with("1 actions are new"), "{text}");
    let found: Value = serde_json::from_str(&call(&new).1).unwrap();
    assert_eq!(found["risk"], "read");
}
