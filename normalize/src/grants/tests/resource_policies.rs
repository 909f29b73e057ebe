//! Policies of AWS resources, from AWS Config and from the services' own answers.

use expect_test::expect;

use super::*;

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:q";

fn document(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"}]})
}

/// An item as a snapshot has it.
fn item(kind: &str, arn: &str, configuration: Value, supplement: Value) -> Value {
    json!({"resourceType": kind, "ARN": arn, "awsAccountId": ACCOUNT, "awsRegion": "eu-west-1",
        "configurationItemStatus": "OK", "configurationItemCaptureTime": "2026-10-01T00:00:00.000Z",
        "configuration": configuration, "supplementaryConfiguration": supplement})
}

fn queue(action: Option<&str>) -> Value {
    let policy = action.map(|action| Value::from(document(action).to_string()));
    let policy = policy.map_or(json!({"DelaySeconds": 0}), |policy| json!({"Policy": policy}));
    item("AWS::SQS::Queue", QUEUE, policy, json!({}))
}

fn config(at: i64, items: Vec<Value>) -> Vec<RawGrant> {
    let items: Vec<(&str, Value)> = items.into_iter().map(|item| ("item", item)).collect();
    snapshot("aws.config/eu-west-1", ACCOUNT, at, &items, Mark::End)
}

/// Each row that ever held: its resource, the actions of its policy, and when.
fn policies(out: &Output<Message>) -> String {
    let mut statements = BTreeMap::new();
    for message in &out.emitted {
        if let Message::Policy(policy) = message {
            statements.insert(policy.policy_hash.clone(), policy.clone());
        }
    }
    let line = |row: &Entitlement| {
        let actions: Vec<String> = row
            .policy_hashes
            .iter()
            .map(|hash| match statements[hash].statements.first() {
                Some(first) => first.actions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
                None => statements[hash].errors.iter().map(ToString::to_string).collect(),
            })
            .collect();
        let until = row.deleted_at.map_or("-".to_owned(), |at| at.0.to_string());
        let what = if actions.is_empty() { "none".to_owned() } else { actions.join(",") };
        format!(
            "{} {} {}: {what}, {} to {until}\n",
            row.identity_id,
            row.kind.as_str(),
            row.scopes[0],
            row.valid_from.0
        )
    };
    last_rows(out).values().map(line).collect()
}

#[test]
fn a_configuration_snapshot_tells_policies_where_each_service_has_them() {
    let text = |action: &str| Value::from(document(action).to_string());
    let bucket = |policy: Value| json!({"BucketPolicy": {"policyText": policy}});
    // The API gives texts where the delivered file has objects.
    let in_texts = json!({"BucketPolicy": bucket(text("s3:PutObject"))["BucketPolicy"].to_string()});
    let gone = json!({"resourceType": "AWS::SNS::Topic", "ARN": "arn:aws:sns:eu-west-1:111122223333:gone",
        "configurationItemStatus": "ResourceDeleted", "configuration": null});
    let key = "arn:aws:kms:eu-west-1:111122223333:key/k";
    let out = run(&[config(
        10,
        vec![
            item("AWS::S3::Bucket", "arn:aws:s3:::a", json!({"name": "a"}), bucket(text("s3:GetObject"))),
            item("AWS::S3::Bucket", "arn:aws:s3:::b", json!({"name": "b"}).to_string().into(), in_texts),
            item("AWS::S3::Bucket", "arn:aws:s3:::bare", json!({"name": "bare"}), bucket(Value::Null)),
            item("AWS::S3::Bucket", "arn:aws:s3:::broken", json!({"name": "broken"}), bucket("{\"Statement\":".into())),
            item("AWS::KMS::Key", key, json!({"keyId": "k"}), json!({"Policy": text("kms:*")})),
            queue(Some("sqs:SendMessage")),
            item(
                "AWS::SNS::Topic",
                "arn:aws:sns:eu-west-1:111122223333:t",
                json!({"Policy": text("sns:Publish")}),
                json!({}),
            ),
            item(
                "AWS::EC2::VPCEndpoint",
                "arn:aws:ec2:eu-west-1:111122223333:vpc-endpoint/e",
                json!({"Policy": text("*")}),
                json!({}),
            ),
            item("AWS::IAM::Role", "arn:aws:iam::111122223333:role/r", json!({"Policy": text("*")}), json!({})),
            gone,
        ],
    )]);
    expect![[r#"
        aws:111122223333:root resource_policy arn:aws:kms:eu-west-1:111122223333:key/k: kms:*, 10 to -
        aws:111122223333:root resource_policy arn:aws:s3:::a: s3:GetObject, 10 to -
        aws:111122223333:root resource_policy arn:aws:s3:::bare: none, 10 to -
        aws:111122223333:root resource_policy arn:aws:s3:::broken: the document is not JSON: EOF while parsing a value at line 1 column 13, 10 to -
        aws:111122223333:root resource_policy arn:aws:s3:::b: s3:PutObject, 10 to -
        aws:111122223333:root resource_policy arn:aws:sns:eu-west-1:111122223333:t: sns:Publish, 10 to -
        aws:111122223333:root resource_policy arn:aws:sqs:eu-west-1:111122223333:q: sqs:SendMessage, 10 to -
    "#]].assert_eq(&policies(&out));
    expect![[r#"
        111122223333 ec2:vpc-endpoint 1: arn:aws:ec2:eu-west-1:111122223333:vpc-endpoint/e
        111122223333 iam:role 1: arn:aws:iam::111122223333:role/r
        111122223333 kms:key 1: arn:aws:kms:eu-west-1:111122223333:key/k
        111122223333 s3:bucket 4: arn:aws:s3:::a arn:aws:s3:::b arn:aws:s3:::bare arn:aws:s3:::broken
        111122223333 sns:topic 1: arn:aws:sns:eu-west-1:111122223333:t
        111122223333 sqs:queue 1: arn:aws:sqs:eu-west-1:111122223333:q"#]]
    .assert_eq(&inventories(&out).join("\n"));
    expect![""].assert_eq(&reasons(&out).join("\n"));
}

#[test]
fn a_policy_has_a_history_in_whatever_order_snapshots_come() {
    let all = [
        config(10, vec![queue(Some("sqs:SendMessage"))]),
        config(20, vec![queue(Some("sqs:*"))]),
        config(30, vec![queue(None)]),
        config(40, vec![]),
    ];
    let whole = run(&all);
    expect![[r#"
        aws:111122223333:root resource_policy arn:aws:sqs:eu-west-1:111122223333:q: sqs:SendMessage, 10 to 20
        aws:111122223333:root resource_policy arn:aws:sqs:eu-west-1:111122223333:q: sqs:*, 20 to 30
        aws:111122223333:root resource_policy arn:aws:sqs:eu-west-1:111122223333:q: none, 30 to 40
    "#]]
    .assert_eq(&policies(&whole));
    for order in orders(all.len()) {
        let found = run(&order.iter().map(|at| all[*at].clone()).collect::<Vec<_>>());
        assert_eq!(policies(&found), policies(&whole), "{order:?}");
    }
}

#[test]
fn what_one_list_said_before_another_is_history_too() {
    let answer = |action: &str| {
        let attributes = json!({"Attributes": {"QueueArn": QUEUE, "Policy": document(action).to_string()}});
        one(&format!("aws.resource_policies/{QUEUE}"), ACCOUNT, 20, "policy", QUEUE, attributes)
    };
    let snapshot = config(10, vec![queue(Some("sqs:SendMessage"))]);
    let other = [snapshot.clone(), answer("sqs:*")];
    expect![[r#"
        aws:111122223333:root resource_policy arn:aws:sqs:eu-west-1:111122223333:q: sqs:SendMessage, 10 to 20
        aws:111122223333:root resource_policy arn:aws:sqs:eu-west-1:111122223333:q: sqs:*, 20 to -
    "#]]
    .assert_eq(&policies(&run(&other)));
    let same = [snapshot, answer("sqs:SendMessage")];
    expect![[r#"
        aws:111122223333:root resource_policy arn:aws:sqs:eu-west-1:111122223333:q: sqs:SendMessage, 10 to -
    "#]]
    .assert_eq(&policies(&run(&same)));
    for [one, two] in [other, same] {
        assert_eq!(policies(&run(&[two.clone(), one.clone()])), policies(&run(&[one, two])));
    }
}

#[test]
fn whom_an_allow_names_in_the_account_holds_it() {
    let user = "arn:aws:iam::111122223333:user/team/a";
    let allowed = json!([
        user,
        "arn:aws:iam::111122223333:role/r",
        "arn:aws:iam::111122223333:root",
        "999988887777",
        "arn:aws:iam::999988887777:user/b",
        "arn:aws:sts::111122223333:assumed-role/r/s"
    ]);
    let denied = "arn:aws:iam::111122223333:user/c";
    let policy = json!({"Statement": [
        {"Effect": "Allow", "Principal": {"AWS": allowed, "Service": "sns.amazonaws.com"}, "Action": "sqs:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": {"AWS": denied}, "Action": "sqs:*", "Resource": "*"}]});
    let of = |policy: Value| item("AWS::SQS::Queue", QUEUE, json!({"Policy": policy.to_string()}), json!({}));
    let out = run(&[config(10, vec![of(policy)]), config(20, vec![queue(Some("sqs:*"))])]);
    expect![[r#"
        aws:111122223333:role/r resource_policy arn:aws:sqs:eu-west-1:111122223333:q: sqs:*, 10 to 20
        aws:111122223333:root resource_policy arn:aws:sqs:eu-west-1:111122223333:q: sqs:*, 10 to 20
        aws:111122223333:root resource_policy arn:aws:sqs:eu-west-1:111122223333:q: sqs:*, 20 to -
        aws:111122223333:user/a resource_policy arn:aws:sqs:eu-west-1:111122223333:q: sqs:*, 10 to 20
    "#]]
    .assert_eq(&policies(&out));
}

#[test]
fn services_answer_for_one_resource_each() {
    let bucket = "arn:aws:s3:::a";
    let answer =
        |arn: &str, answer: Value| one(&format!("aws.resource_policies/{arn}"), ACCOUNT, 10, "policy", arn, answer);
    let out = run(&[
        answer(bucket, json!({"Policy": document("s3:GetObject").to_string()})),
        answer(QUEUE, json!({"Attributes": {"QueueArn": QUEUE, "Policy": document("sqs:*").to_string()}})),
        answer(
            "arn:aws:sns:eu-west-1:111122223333:t",
            json!({"Attributes": {"TopicArn": "arn:aws:sns:eu-west-1:111122223333:t"}}),
        ),
        answer("arn:aws:s3:::x", json!({})),
        answer("", json!({"Policy": document("s3:GetObject").to_string()})),
    ]);
    expect![[r#"
        aws:111122223333:root resource_policy arn:aws:s3:::a: s3:GetObject, 10 to -
        aws:111122223333:root resource_policy arn:aws:sns:eu-west-1:111122223333:t: none, 10 to -
        aws:111122223333:root resource_policy arn:aws:sqs:eu-west-1:111122223333:q: sqs:*, 10 to -
    "#]]
    .assert_eq(&policies(&out));
    expect!["there is no policy in the answer\nthe answer does not say whose policy it is; name its file by the ARN of the resource"]
        .assert_eq(&reasons(&out).join("\n"));
}
