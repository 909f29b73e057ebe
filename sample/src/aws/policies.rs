//! The AWS policies in use: the managed ones of AWS as facts, and the company's own.

use serde_json::{Value, json};

use crate::world::Rule;

/// One statement of a policy.
#[derive(Debug)]
pub(super) struct Statement {
    deny: bool,
    /// `NotAction` instead of `Action`.
    invert: bool,
    actions: &'static [&'static str],
    resource: &'static str,
    /// Condition operator, key and value.
    condition: Option<(&'static str, &'static str, &'static str)>,
}

/// A policy by name.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    /// Owned by AWS rather than by the account.
    pub(super) by_aws: bool,
    pub(super) statements: &'static [Statement],
}

const fn allow(actions: &'static [&'static str]) -> Statement {
    Statement { deny: false, invert: false, actions, resource: "*", condition: None }
}

const fn allow_on(actions: &'static [&'static str], resource: &'static str) -> Statement {
    Statement { deny: false, invert: false, actions, resource, condition: None }
}

const fn aws(name: &'static str, statements: &'static [Statement]) -> Policy {
    Policy { name, path: "/", by_aws: true, statements }
}

const fn own(name: &'static str, statements: &'static [Statement]) -> Policy {
    Policy { name, path: "/", by_aws: false, statements }
}

/// Every policy that an account-authorization-details file of this company can name.
pub(super) const POLICIES: &[Policy] = &[
    aws("AdministratorAccess", &[allow(&["*"])]),
    aws(
        "PowerUserAccess",
        &[
            Statement {
                deny: false,
                invert: true,
                actions: &["iam:*", "organizations:*", "account:*"],
                resource: "*",
                condition: None,
            },
            allow(&[
                "account:GetAccountInformation",
                "account:GetGovCloudAccountInformation",
                "account:GetPrimaryEmail",
                "account:ListRegions",
                "iam:CreateServiceLinkedRole",
                "iam:DeleteServiceLinkedRole",
                "iam:ListRoles",
                "organizations:DescribeEffectivePolicy",
                "organizations:DescribeOrganization",
            ]),
        ],
    ),
    aws(
        "IAMFullAccess",
        &[allow(&[
            "iam:*",
            "organizations:DescribeAccount",
            "organizations:DescribeOrganization",
            "organizations:DescribeOrganizationalUnit",
            "organizations:DescribePolicy",
            "organizations:ListChildren",
            "organizations:ListParents",
            "organizations:ListPoliciesForTarget",
            "organizations:ListRoots",
            "organizations:ListPolicies",
            "organizations:ListTargetsForPolicy",
        ])],
    ),
    aws(
        "IAMReadOnlyAccess",
        &[allow(&[
            "iam:GenerateCredentialReport",
            "iam:GenerateServiceLastAccessedDetails",
            "iam:Get*",
            "iam:List*",
            "iam:SimulateCustomPolicy",
            "iam:SimulatePrincipalPolicy",
        ])],
    ),
    aws("AmazonS3FullAccess", &[allow(&["s3:*", "s3-object-lambda:*"])]),
    aws(
        "AmazonS3ReadOnlyAccess",
        &[allow(&["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"])],
    ),
    aws(
        "AmazonEC2ReadOnlyAccess",
        &[
            allow(&["ec2:Describe*", "ec2:GetSecurityGroupsForVpc"]),
            allow(&["elasticloadbalancing:Describe*"]),
            allow(&["cloudwatch:ListMetrics", "cloudwatch:GetMetricStatistics", "cloudwatch:Describe*"]),
            allow(&["autoscaling:Describe*"]),
        ],
    ),
    aws(
        "AWSCloudTrail_ReadOnlyAccess",
        &[allow(&["cloudtrail:Get*", "cloudtrail:Describe*", "cloudtrail:List*", "cloudtrail:LookupEvents"])],
    ),
    aws(
        "AmazonSSMManagedInstanceCore",
        &[
            allow(&[
                "ssm:DescribeAssociation",
                "ssm:GetDeployablePatchSnapshotForInstance",
                "ssm:GetDocument",
                "ssm:DescribeDocument",
                "ssm:GetManifest",
                "ssm:GetParameter",
                "ssm:GetParameters",
                "ssm:ListAssociations",
                "ssm:ListInstanceAssociations",
                "ssm:PutInventory",
                "ssm:PutComplianceItems",
                "ssm:PutConfigurePackageResult",
                "ssm:UpdateAssociationStatus",
                "ssm:UpdateInstanceAssociationStatus",
                "ssm:UpdateInstanceInformation",
            ]),
            allow(&[
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ]),
            allow(&[
                "ec2messages:AcknowledgeMessage",
                "ec2messages:DeleteMessage",
                "ec2messages:FailMessage",
                "ec2messages:GetEndpoint",
                "ec2messages:GetMessages",
                "ec2messages:SendReply",
            ]),
        ],
    ),
    own(
        "TeamDeveloper",
        &[
            allow(&[
                "s3:ListAllMyBuckets",
                "s3:GetBucketLocation",
                "s3:ListBucket",
                "s3:GetObject",
                "s3:PutObject",
                "lambda:ListFunctions",
                "lambda:GetFunction",
                "lambda:GetFunctionConfiguration",
                "lambda:InvokeFunction",
                "dynamodb:ListTables",
                "dynamodb:DescribeTable",
                "dynamodb:Query",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "logs:DescribeLogGroups",
                "logs:DescribeLogStreams",
                "logs:FilterLogEvents",
                "logs:StartQuery",
                "logs:GetQueryResults",
                "cloudwatch:DescribeAlarms",
                "cloudwatch:ListMetrics",
                "cloudwatch:GetMetricStatistics",
                "ec2:DescribeInstances",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
                "ec2:StartInstances",
                "ec2:StopInstances",
                "sqs:ListQueues",
                "sqs:GetQueueAttributes",
                "sqs:PurgeQueue",
                "secretsmanager:ListSecrets",
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "kms:ListAliases",
                "kms:Decrypt",
                "ecr:GetAuthorizationToken",
                "ecr:DescribeRepositories",
                "cloudformation:ListStacks",
                "cloudformation:DescribeStacks",
            ]),
            allow_on(&["sts:AssumeRole"], "arn:aws:iam::*:role/ops/*"),
            allow_on(&["iam:ChangePassword", "iam:GetUser"], "arn:aws:iam::*:user/${aws:username}"),
            Statement {
                deny: true,
                invert: false,
                actions: &["cloudtrail:*", "organizations:LeaveOrganization"],
                resource: "*",
                condition: None,
            },
        ],
    ),
    own(
        "DataWorkbench",
        &[allow(&[
            "athena:StartQueryExecution",
            "athena:StopQueryExecution",
            "athena:GetQueryExecution",
            "athena:GetQueryResults",
            "athena:ListWorkGroups",
            "athena:ListQueryExecutions",
            "glue:GetDatabases",
            "glue:GetTables",
            "glue:GetTable",
            "glue:GetPartitions",
            "glue:StartJobRun",
            "glue:GetJobRun",
            "lakeformation:GetDataAccess",
        ])],
    ),
    own(
        "CiDeploy",
        &[
            allow(&[
                "ecr:GetAuthorizationToken",
                "ecr:BatchCheckLayerAvailability",
                "ecr:InitiateLayerUpload",
                "ecr:UploadLayerPart",
                "ecr:CompleteLayerUpload",
                "ecr:PutImage",
                "lambda:CreateFunction",
                "lambda:DeleteFunction",
                "lambda:GetFunction",
                "lambda:GetFunctionConfiguration",
                "lambda:UpdateFunctionCode",
                "lambda:UpdateFunctionConfiguration",
                "lambda:PublishVersion",
                "lambda:UpdateAlias",
                "cloudformation:CreateChangeSet",
                "cloudformation:DescribeChangeSet",
                "cloudformation:ExecuteChangeSet",
                "cloudformation:DescribeStacks",
                "cloudformation:DescribeStackEvents",
                "cloudformation:DeleteStack",
                "ssm:GetParameter",
                "s3:PutObject",
                "s3:GetObject",
            ]),
            Statement {
                deny: false,
                invert: false,
                actions: &["iam:PassRole"],
                resource: "arn:aws:iam::*:role/*-fn*",
                condition: Some(("StringEquals", "iam:PassedToService", "lambda.amazonaws.com")),
            },
        ],
    ),
    own(
        "PlatformTooling",
        &[
            allow(&["ec2:*", "autoscaling:*", "elasticloadbalancing:*", "cloudformation:*"]),
            allow(&[
                "iam:PassRole",
                "iam:CreatePolicyVersion",
                "iam:GetRole",
                "iam:GetPolicyVersion",
                "iam:ListPolicies",
            ]),
        ],
    ),
    own(
        "OpsRunbook",
        &[allow(&[
            "ec2:DescribeInstances",
            "ec2:StartInstances",
            "ec2:StopInstances",
            "ec2:RebootInstances",
            "ssm:SendCommand",
            "ssm:GetCommandInvocation",
            "rds:DescribeDBInstances",
            "rds:RebootDBInstance",
            "cloudwatch:DescribeAlarms",
        ])],
    ),
    own("OpsBoundary", &[allow(&["ec2:*", "ssm:*", "rds:*", "cloudwatch:*", "logs:*"])]),
    own(
        "NightlyBackup",
        &[allow(&[
            "rds:DescribeDBInstances",
            "rds:CreateDBSnapshot",
            "rds:DeleteDBSnapshot",
            "ec2:DescribeVolumes",
            "ec2:DescribeSnapshots",
            "ec2:CreateSnapshot",
            "ec2:DeleteSnapshot",
        ])],
    ),
    own(
        "YearEndClose",
        &[allow(&[
            "dynamodb:Scan",
            "dynamodb:DescribeTable",
            "s3:GetObject",
            "s3:PutObject",
            "athena:StartQueryExecution",
        ])],
    ),
];

/// The company's groups and their policies.
pub(super) const GROUPS: &[(&str, &[&str])] = &[("developers", &["TeamDeveloper"]), ("alumni", &[])];

pub(super) fn policy(name: &str) -> Option<&'static Policy> {
    POLICIES.iter().find(|policy| policy.name == name)
}

/// The rules of a policy; a name outside the table gives none, and so would grant nothing.
pub(crate) fn policy_rules(name: &str) -> Vec<Rule> {
    let statements = policy(name).map_or(&[][..], |policy| policy.statements);
    statements.iter().map(|s| Rule { deny: s.deny, invert: s.invert, ..Rule::allow(s.actions) }).collect()
}

/// The customer policies of a group.
pub(crate) fn group_policies(name: &str) -> &'static [&'static str] {
    GROUPS.iter().find(|(group, _)| *group == name).map_or(&[], |(_, policies)| policies)
}

impl Policy {
    /// The ARN in an account.
    pub(super) fn arn(&self, account: &str) -> String {
        let owner = if self.by_aws { "aws" } else { account };
        format!("arn:aws:iam::{owner}:policy{}{}", self.path, self.name)
    }

    /// The policy document.
    pub(super) fn document(&self) -> Value {
        let statements: Vec<Value> = self.statements.iter().enumerate().map(|(i, s)| s.json(i, self.by_aws)).collect();
        json!({ "Version": "2012-10-17", "Statement": statements })
    }
}

impl Statement {
    fn json(&self, idx: usize, by_aws: bool) -> Value {
        let mut out = serde_json::Map::new();
        if !by_aws {
            out.insert("Sid".into(), json!(format!("S{idx}")));
        }
        out.insert("Effect".into(), json!(if self.deny { "Deny" } else { "Allow" }));
        // A single action is a plain string, as the console writes it.
        let actions = if self.actions.len() == 1 { json!(self.actions[0]) } else { json!(self.actions) };
        out.insert(if self.invert { "NotAction" } else { "Action" }.into(), actions);
        out.insert("Resource".into(), json!(self.resource));
        if let Some((operator, key, value)) = self.condition {
            out.insert("Condition".into(), json!({ operator: { key: value } }));
        }
        Value::Object(out)
    }
}
