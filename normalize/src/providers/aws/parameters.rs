//! The request parameters that name resources, by service, and how their ARNs are made. Formats are those of the service
//! authorization reference ("Resource types defined by …").

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::json::{Str, others_are_default};

/// A parameter that names a resource.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    /// The IAM prefix of the services that take it.
    pub(super) service: &'static str,
    /// Its key, at any depth.
    pub(super) key: &'static str,
    /// The kind of resource, in the words of an inventory.
    pub(super) kind: &'static str,
    /// The ARN behind `arn:<partition>:`, with `{r}` for the region, `{a}` for the account and `{}` for the value. Empty
    /// where the value is an ARN already; another value is then no resource.
    pub(super) form: &'static str,
}

const fn row(service: &'static str, key: &'static str, kind: &'static str, form: &'static str) -> Parameter {
    Parameter { service, key, kind, form }
}

/// By service; within one, what a call is mostly about comes first.
pub(super) const PARAMETERS: &[Parameter] = &[
    row("acm", "certificateArn", "acm:certificate", ""),
    row("athena", "workGroup", "athena:workgroup", "athena:{r}:{a}:workgroup/{}"),
    row(
        "autoscaling",
        "autoScalingGroupName",
        "autoscaling:autoscalinggroup",
        "autoscaling:{r}:{a}:autoScalingGroup:*:autoScalingGroupName/{}",
    ),
    row("bedrock", "modelId", "bedrock:foundation-model", "bedrock:{r}::foundation-model/{}"),
    row("bedrock", "guardrailIdentifier", "bedrock:guardrail", "bedrock:{r}:{a}:guardrail/{}"),
    row("bedrock", "agentId", "bedrock:agent", "bedrock:{r}:{a}:agent/{}"),
    row("bedrock", "knowledgeBaseId", "bedrock:knowledge-base", "bedrock:{r}:{a}:knowledge-base/{}"),
    row("cloudformation", "stackName", "cloudformation:stack", "cloudformation:{r}:{a}:stack/{}/*"),
    row("cloudtrail", "trailName", "cloudtrail:trail", "cloudtrail:{r}:{a}:trail/{}"),
    row("cloudtrail", "name", "cloudtrail:trail", "cloudtrail:{r}:{a}:trail/{}"),
    row("cloudwatch", "alarmNames", "cloudwatch:alarm", "cloudwatch:{r}:{a}:alarm:{}"),
    row("cloudwatch", "alarmName", "cloudwatch:alarm", "cloudwatch:{r}:{a}:alarm:{}"),
    row("codebuild", "projectName", "codebuild:project", "codebuild:{r}:{a}:project/{}"),
    row("dynamodb", "tableName", "dynamodb:table", "dynamodb:{r}:{a}:table/{}"),
    row("dynamodb", "streamArn", "dynamodb:table", ""),
    row("ec2", "instanceId", "ec2:instance", "ec2:{r}:{a}:instance/{}"),
    row("ec2", "snapshotId", "ec2:snapshot", "ec2:{r}::snapshot/{}"),
    row("ec2", "sourceSnapshotId", "ec2:snapshot", "ec2:{r}::snapshot/{}"),
    row("ec2", "volumeId", "ec2:volume", "ec2:{r}:{a}:volume/{}"),
    row("ec2", "groupId", "ec2:security-group", "ec2:{r}:{a}:security-group/{}"),
    row("ec2", "networkAclId", "ec2:network-acl", "ec2:{r}:{a}:network-acl/{}"),
    row("ec2", "routeTableId", "ec2:route-table", "ec2:{r}:{a}:route-table/{}"),
    row("ec2", "internetGatewayId", "ec2:internet-gateway", "ec2:{r}:{a}:internet-gateway/{}"),
    row("ec2", "networkInterfaceId", "ec2:network-interface", "ec2:{r}:{a}:network-interface/{}"),
    row("ec2", "subnetId", "ec2:subnet", "ec2:{r}:{a}:subnet/{}"),
    row("ec2", "vpcId", "ec2:vpc", "ec2:{r}:{a}:vpc/{}"),
    row("ec2", "keyName", "ec2:key-pair", "ec2:{r}:{a}:key-pair/{}"),
    row("ec2", "imageId", "ec2:image", "ec2:{r}::image/{}"),
    row("ec2", "launchTemplateId", "ec2:launch-template", "ec2:{r}:{a}:launch-template/{}"),
    row("ec2-instance-connect", "instanceId", "ec2:instance", "ec2:{r}:{a}:instance/{}"),
    row("ecr", "repositoryName", "ecr:repository", "ecr:{r}:{a}:repository/{}"),
    row("ecs", "service", "ecs:service", ""),
    row("ecs", "cluster", "ecs:cluster", "ecs:{r}:{a}:cluster/{}"),
    row("ecs", "clusterName", "ecs:cluster", "ecs:{r}:{a}:cluster/{}"),
    row("ecs", "taskDefinition", "ecs:task-definition", "ecs:{r}:{a}:task-definition/{}"),
    row("eks", "clusterName", "eks:cluster", "eks:{r}:{a}:cluster/{}"),
    row("eks", "name", "eks:cluster", "eks:{r}:{a}:cluster/{}"),
    row(
        "elasticfilesystem",
        "fileSystemId",
        "elasticfilesystem:file-system",
        "elasticfilesystem:{r}:{a}:file-system/{}",
    ),
    row("elasticloadbalancing", "loadBalancerArn", "elasticloadbalancing:loadbalancer", ""),
    row("elasticloadbalancing", "targetGroupArn", "elasticloadbalancing:targetgroup", ""),
    row(
        "elasticloadbalancing",
        "loadBalancerName",
        "elasticloadbalancing:loadbalancer",
        "elasticloadbalancing:{r}:{a}:loadbalancer/{}",
    ),
    row("events", "rule", "events:rule", "events:{r}:{a}:rule/{}"),
    row("events", "name", "events:rule", "events:{r}:{a}:rule/{}"),
    row("firehose", "deliveryStreamName", "firehose:deliverystream", "firehose:{r}:{a}:deliverystream/{}"),
    row("glacier", "vaultName", "glacier:vaults", "glacier:{r}:{a}:vaults/{}"),
    row("glue", "jobName", "glue:job", "glue:{r}:{a}:job/{}"),
    row("glue", "databaseName", "glue:database", "glue:{r}:{a}:database/{}"),
    row("guardduty", "detectorId", "guardduty:detector", "guardduty:{r}:{a}:detector/{}"),
    row("iam", "roleName", "iam:role", "iam::{a}:role/{}"),
    row("iam", "userName", "iam:user", "iam::{a}:user/{}"),
    row("iam", "groupName", "iam:group", "iam::{a}:group/{}"),
    row("iam", "instanceProfileName", "iam:instance-profile", "iam::{a}:instance-profile/{}"),
    row("iam", "policyArn", "iam:policy", ""),
    row("iam", "sAMLProviderArn", "iam:saml-provider", ""),
    row("iam", "openIDConnectProviderArn", "iam:oidc-provider", ""),
    row("iam", "serialNumber", "iam:mfa", ""),
    row("kinesis", "streamName", "kinesis:stream", "kinesis:{r}:{a}:stream/{}"),
    row("kinesis", "streamARN", "kinesis:stream", ""),
    row("kms", "keyId", "kms:key", "kms:{r}:{a}:key/{}"),
    row("kms", "sourceKeyId", "kms:key", "kms:{r}:{a}:key/{}"),
    row("kms", "destinationKeyId", "kms:key", "kms:{r}:{a}:key/{}"),
    row("lambda", "functionName", "lambda:function", "lambda:{r}:{a}:function:{}"),
    row("lambda", "layerName", "lambda:layer", "lambda:{r}:{a}:layer:{}"),
    row("logs", "logGroupName", "logs:log-group", "logs:{r}:{a}:log-group:{}"),
    row("logs", "logGroupIdentifier", "logs:log-group", "logs:{r}:{a}:log-group:{}"),
    row("organizations", "policyId", "organizations:policy", ""),
    row("rds", "dBInstanceIdentifier", "rds:db", "rds:{r}:{a}:db:{}"),
    row("rds", "dBClusterIdentifier", "rds:cluster", "rds:{r}:{a}:cluster:{}"),
    row("rds", "dBSnapshotIdentifier", "rds:snapshot", "rds:{r}:{a}:snapshot:{}"),
    row("rds", "dBClusterSnapshotIdentifier", "rds:cluster-snapshot", "rds:{r}:{a}:cluster-snapshot:{}"),
    row("rds", "sourceDBSnapshotIdentifier", "rds:snapshot", "rds:{r}:{a}:snapshot:{}"),
    row("rds", "sourceDBClusterSnapshotIdentifier", "rds:cluster-snapshot", "rds:{r}:{a}:cluster-snapshot:{}"),
    row("rds", "dBSecurityGroupName", "rds:secgrp", "rds:{r}:{a}:secgrp:{}"),
    row("rds", "sourceArn", "rds:snapshot", ""),
    row("redshift", "clusterIdentifier", "redshift:cluster", "redshift:{r}:{a}:cluster:{}"),
    row("route53", "hostedZoneId", "route53:hostedzone", "route53:::hostedzone/{}"),
    row("sagemaker", "notebookInstanceName", "sagemaker:notebook-instance", "sagemaker:{r}:{a}:notebook-instance/{}"),
    row("sagemaker", "endpointName", "sagemaker:endpoint", "sagemaker:{r}:{a}:endpoint/{}"),
    row("secretsmanager", "secretId", "secretsmanager:secret", "secretsmanager:{r}:{a}:secret:{}"),
    row("secretsmanager", "secretIdList", "secretsmanager:secret", "secretsmanager:{r}:{a}:secret:{}"),
    row("secretsmanager", "name", "secretsmanager:secret", "secretsmanager:{r}:{a}:secret:{}"),
    row("ses", "source", "ses:identity", "ses:{r}:{a}:identity/{}"),
    row("sns", "topicArn", "sns:topic", ""),
    row("sns", "targetArn", "sns:topic", ""),
    row("sqs", "queueUrl", "sqs:queue", "sqs:{r}:{a}:{}"),
    row("sqs", "queueName", "sqs:queue", "sqs:{r}:{a}:{}"),
    row("ssm", "instanceId", "ec2:instance", "ec2:{r}:{a}:instance/{}"),
    row("ssm", "instanceIds", "ec2:instance", "ec2:{r}:{a}:instance/{}"),
    row("ssm", "target", "ec2:instance", "ec2:{r}:{a}:instance/{}"),
    row("ssm", "documentName", "ssm:document", "ssm:{r}:{a}:document/{}"),
    row("ssm", "sessionId", "ssm:session", "ssm:{r}:{a}:session/{}"),
    row("ssm", "name", "ssm:parameter", "ssm:{r}:{a}:parameter/{}"),
    row("ssm", "names", "ssm:parameter", "ssm:{r}:{a}:parameter/{}"),
    row("states", "stateMachineArn", "states:statemachine", ""),
    row("states", "executionArn", "states:execution", ""),
    row("sts", "roleArn", "iam:role", ""),
];

/// The rows of a service.
pub(super) fn of_service(service: &str) -> &'static [Parameter] {
    let start = PARAMETERS.partition_point(|row| row.service < service);
    let n = PARAMETERS[start..].iter().take_while(|row| row.service == service).count();
    &PARAMETERS[start..start + n]
}

/// Calls `each` with the key and value of every text in a JSON value; the items of an array have the array's key. A
/// value that cannot be read ends the walk.
pub(super) fn walk(json: &str, each: &mut dyn FnMut(&str, &str)) {
    let mut deserializer = sonic_rs::Deserializer::from_str(json);
    // The record's text was read before, so an error here means a number out of range or the like: what was found holds.
    let _ = Walk { key: "", each }.deserialize(&mut deserializer);
}

struct Walk<'k, 'f> {
    key: &'k str,
    each: &'f mut dyn FnMut(&str, &str),
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        (self.each)(self.key, text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Walk { key: self.key, each: &mut *self.each })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Str<'_>>()? {
            map.next_value_seed(Walk { key: key.get().unwrap_or_default(), each: &mut *self.each })?;
        }
        Ok(())
    }

    others_are_default!('de, (); plain);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_services() {
        assert!(PARAMETERS.is_sorted_by(|a, b| a.service <= b.service));
        assert_eq!(of_service("sns").len(), 2);
        assert!(of_service("nothing").is_empty());
    }

    #[test]
    fn every_text_is_visited_with_its_key() {
        let mut found = Vec::new();
        walk(r#"{"a":"1","b":{"c":["2",{"d":"3"}]},"e":4,"f":null,"g":[]}"#, &mut |key, value| {
            found.push(format!("{key}={value}"))
        });
        assert_eq!(found, ["a=1", "c=2", "d=3"]);
    }
}
