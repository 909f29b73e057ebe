//! Who works in AWS: what each persona is granted, what it does, how often.
//!
//! A task is a list of operations; `*2-6` repeats one, `~3-9` repeats it as quickly as pages are fetched.

use crate::{
    rhythm::Rhythm,
    world::{Cloud, Grant, personas_azure::AZURE, personas_gcp::GCP},
};
use Grant::{Boundary, Customer, Group, Inline, Managed};

/// What kind of identity a persona is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    User,
    Role,
    ServicePrincipal,
    ManagedIdentity,
    ServiceAccount,
}

impl Subject {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::ServicePrincipal => "service_principal",
            Self::ManagedIdentity => "managed_identity",
            Self::ServiceAccount => "service_account",
        }
    }
}

/// How a session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Long-lived keys or a console sign-in.
    Person,
    /// A pipeline's OIDC token.
    Web,
    /// An AWS service assumes the role, or the platform issues a token.
    Service(&'static str),
    /// Identity Center.
    Saml,
    /// The identity just before in the list assumes the role or impersonates the account.
    Chain,
    /// Another company assumes the role.
    Vendor,
}

/// Where an identity's score must stand, as far as that follows from its grants alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// Grants that may escalate (a role to assume or pass, a policy to change) or cannot be compared.
    Unranked,
    /// Uses a few of some dozens of harmless actions.
    Modest,
    /// A whole service, mostly unused.
    Broad,
    /// Everything but permissions management.
    Power,
    /// An administrator.
    Admin,
    /// An administrator that never acts.
    AdminUnused,
}

/// A way of working, shared by many identities.
#[derive(Debug)]
pub(crate) struct Persona {
    pub(crate) key: &'static str,
    pub(crate) cloud: Cloud,
    pub(crate) subject: Subject,
    /// Last part of a workload's name, permission set, or first part of a special user's name.
    pub(crate) base: &'static str,
    pub(crate) rhythm: Rhythm,
    pub(crate) start: Start,
    pub(crate) rank: Rank,
    /// Always the same resource of each kind, and every task in every session.
    pub(crate) pinned: bool,
    pub(crate) grants: &'static [Grant],
    pub(crate) tasks: &'static [(u32, &'static str)],
    /// Operations tried now and then without being granted.
    pub(crate) tries: &'static [&'static str],
}

/// The books of the year are closed on the third of January.
const YEAR_END: Rhythm = Rhythm::Yearly { month: 1, day: 3 };

const fn aws(
    key: &'static str,
    subject: Subject,
    base: &'static str,
    rhythm: Rhythm,
    start: Start,
    rank: Rank,
) -> Persona {
    Persona {
        key,
        cloud: Cloud::Aws,
        subject,
        base,
        rhythm,
        start,
        rank,
        pinned: false,
        grants: &[],
        tasks: &[],
        tries: &[],
    }
}

use Rhythm::{Around, Monthly, Never, Nightly, Office};
use Start::{Chain, Person, Saml, Service, Vendor, Web};
use Subject::{Role, User};

static AWS: [Persona; 17] = [
    Persona {
        grants: &[Group("developers")],
        tasks: &[
            (5, "logs.DescribeLogGroups~1-4 logs.DescribeLogStreams logs.FilterLogEvents~1-6"),
            (4, "lambda.List~1-3 lambda.Get*1-2 lambda.Invoke*1-3"),
            (4, "s3.ListBuckets s3.GetBucketLocation s3.ListObjects~1-3 s3.GetObject*1-5"),
            (3, "dynamodb.ListTables dynamodb.DescribeTable dynamodb.Query*1-4 dynamodb.GetItem*1-3"),
            (2, "ec2.DescribeInstances~1-3 ec2.DescribeSecurityGroups ec2.StopInstances"),
            (1, "ec2.DescribeInstances ec2.StartInstances"),
            (2, "sqs.ListQueues sqs.GetQueueAttributes*1-3"),
            (1, "secrets.List secrets.Describe secrets.Get"),
            (2, "cfn.DescribeStacks*1-2 cfn.ListStacks~1-3"),
            (2, "cw.DescribeAlarms~1-2"),
            (1, "s3.PutObject*1-3"),
        ],
        tries: &["iam.ListUsers", "iam.ListRoles", "rds.DescribeDBInstances", "ssm.GetParameter", "trail.LookupEvents"],
        ..aws("aws.developer", User, "", Office(2.0), Person, Rank::Unranked)
    },
    Persona {
        grants: &[Customer("OpsRunbook"), Boundary("OpsBoundary")],
        tasks: &[
            (4, "ec2.DescribeInstances~1-2 ec2.RebootInstances"),
            (3, "cw.DescribeAlarms rds.DescribeDBInstances"),
            (2, "ssm.SendCommand ssm.GetCommandInvocation*2-5"),
        ],
        ..aws("aws.ops_chain", Role, "ops", Office(0.7), Chain, Rank::Unranked)
    },
    Persona {
        grants: &[Managed("AdministratorAccess")],
        ..aws("aws.break_glass", User, "breakglass", Never, Person, Rank::AdminUnused)
    },
    Persona {
        pinned: true,
        grants: &[
            Inline("table", &["dynamodb:GetItem", "dynamodb:UpdateItem"], &["{table}"]),
            Inline("files", &["s3:GetObject"], &["{bucket}/*"]),
            Inline("secret", &["secretsmanager:GetSecretValue"], &["{secret}"]),
            Inline("key", &["kms:Decrypt"], &["{key}"]),
        ],
        tasks: &[(1, "secrets.Get kms.Decrypt dynamodb.GetItem*1-3 s3.GetObject*1-2 dynamodb.UpdateItem")],
        ..aws("aws.function", Role, "fn", Around(7.0), Service("lambda"), Rank::Modest)
    },
    Persona {
        grants: &[Managed("AdministratorAccess")],
        tasks: &[
            (4, "ec2.DescribeInstances~1-3 ec2.DescribeVolumes ec2.DescribeVpcs ec2.DescribeSubnets"),
            (3, "iam.ListUsers iam.ListRoles~1-3 iam.GetRole"),
            (3, "s3.ListBuckets s3.GetBucketPolicy*1-2 s3.GetBucketAcl"),
            (2, "rds.DescribeDBInstances rds.DescribeDBSnapshots~1-2"),
            (2, "trail.DescribeTrails trail.GetTrailStatus"),
            (1, "ec2.CreateTags"),
        ],
        ..aws("aws.admin", User, "", Office(1.5), Person, Rank::Admin)
    },
    Persona {
        grants: &[Customer("CiDeploy")],
        tasks: &[
            (
                5,
                "ecr.GetAuthorizationToken ecr.BatchCheckLayerAvailability*2-4 ecr.InitiateLayerUpload \
                 ecr.UploadLayerPart*1-3 ecr.CompleteLayerUpload ecr.PutImage",
            ),
            (4, "s3.PutObject lambda.UpdateCode lambda.GetConfig*2-4 lambda.Publish lambda.UpdateAlias"),
            (
                3,
                "cfn.DescribeStacks cfn.CreateChangeSet cfn.DescribeChangeSet*2-3 cfn.ExecuteChangeSet \
                 cfn.DescribeStackEvents*3-6",
            ),
            (2, "ssm.GetParameter*1-3 lambda.UpdateConfig lambda.GetConfig*2-3"),
        ],
        ..aws("aws.ci", Role, "deploy", Office(8.5), Web, Rank::Unranked)
    },
    Persona {
        grants: &[Managed("IAMFullAccess")],
        tasks: &[
            (3, "iam.ListUsers~1-2 iam.GetUser*1-3 iam.ListAttachedUserPolicies*1-2"),
            (2, "iam.ListGroups iam.AddUserToGroup"),
            (2, "iam.ListRoles~1-3 iam.ListPolicies~1-3"),
            (1, "iam.ListAccessKeys*2-5 iam.TagUser"),
        ],
        ..aws("aws.iam_manager", User, "", Office(0.7), Person, Rank::Unranked)
    },
    Persona {
        grants: &[Managed("AmazonS3ReadOnlyAccess"), Customer("DataWorkbench")],
        tasks: &[
            (5, "athena.StartQueryExecution athena.GetQueryExecution*2-6 athena.GetQueryResults~1-3"),
            (4, "s3.ListObjects~1-4 s3.GetObject*3-9"),
            (3, "glue.GetDatabases glue.GetTables~1-2 glue.GetTable*1-2 glue.GetPartitions~1-3"),
            (1, "glue.StartJobRun"),
            (1, "athena.ListWorkGroups s3.ListBuckets"),
        ],
        tries: &["s3.PutObject", "dynamodb.Scan", "lambda.List"],
        ..aws("aws.data", User, "", Office(1.7), Person, Rank::Modest)
    },
    Persona {
        grants: &[Managed("AmazonS3FullAccess"), Managed("AmazonSSMManagedInstanceCore")],
        tasks: &[(1, "ssm.UpdateInstanceInformation*1-2 s3.GetObject*1-3 s3.PutObject")],
        ..aws("aws.server", Role, "server", Around(6.0), Service("ec2"), Rank::Broad)
    },
    Persona { grants: &[Managed("PowerUserAccess")], ..aws("aws.departed", User, "", Never, Person, Rank::Power) },
    Persona {
        grants: &[Managed("PowerUserAccess")],
        tasks: &[
            (4, "ec2.DescribeInstances~1-3 ec2.DescribeVolumes ec2.DescribeSnapshots~1-4"),
            (3, "logs.DescribeLogGroups~1-3 logs.StartQuery logs.GetQueryResults*2-5"),
            (3, "lambda.List~1-2 lambda.Get lambda.GetConfig"),
            (2, "cfn.ListStacks cfn.DescribeStacks cfn.GetTemplate"),
            (2, "s3.ListBuckets s3.ListObjects~1-3"),
        ],
        tries: &["iam.ListUsers", "iam.GetAccountSummary"],
        ..aws("aws.sso_power", Role, "PowerUserAccess", Office(4.0), Saml, Rank::Power)
    },
    Persona {
        grants: &[
            Managed("IAMReadOnlyAccess"),
            Managed("AWSCloudTrail_ReadOnlyAccess"),
            Managed("AmazonEC2ReadOnlyAccess"),
        ],
        tasks: &[
            (3, "iam.GetAccountSummary iam.ListUsers~1-2 iam.ListAccessKeys*3-8 iam.GetCredentialReport"),
            (3, "trail.DescribeTrails trail.GetTrailStatus trail.LookupEvents~2-6"),
            (2, "ec2.DescribeRegions ec2.DescribeInstances~1-3 ec2.DescribeSecurityGroups~1-3"),
            (2, "iam.ListRoles~1-4 iam.ListAttachedRolePolicies*2-5"),
        ],
        ..aws("aws.sso_audit", Role, "SecurityReview", Office(1.2), Saml, Rank::Modest)
    },
    Persona {
        grants: &[Customer("PlatformTooling")],
        tasks: &[
            (4, "ec2.DescribeInstances~1-3 ec2.DescribeSubnets ec2.DescribeSecurityGroups"),
            (2, "ec2.RunInstances ec2.CreateTags ec2.DescribeInstances*2-4"),
            (2, "cfn.DescribeStacks cfn.CreateChangeSet cfn.ExecuteChangeSet cfn.DescribeStackEvents*2-4"),
            (1, "ec2.AuthorizeSecurityGroupIngress"),
        ],
        tries: &["iam.CreateAccessKey", "secrets.List"],
        ..aws("aws.platform", User, "", Office(1.5), Person, Rank::Unranked)
    },
    Persona {
        pinned: true,
        grants: &[Inline(
            "watch",
            &["cloudwatch:ListMetrics", "cloudwatch:GetMetricStatistics", "ec2:DescribeInstances", "tag:GetResources"],
            &["*"],
        )],
        tasks: &[(1, "cw.ListMetrics~1-2 cw.GetMetricStatistics*1-2 ec2.DescribeInstances tag.GetResources")],
        ..aws("aws.vendor", Role, "watch", Around(8.0), Vendor, Rank::Modest)
    },
    Persona {
        grants: &[Customer("NightlyBackup")],
        tasks: &[(
            1,
            "rds.DescribeDBInstances rds.CreateDBSnapshot*1-3 ec2.DescribeVolumes~1-2 ec2.CreateSnapshot*3-8 \
             ec2.DescribeSnapshots~1-3 ec2.DeleteSnapshot*2-5",
        )],
        ..aws("aws.backup", Role, "backup", Nightly(1), Service("backup"), Rank::Unranked)
    },
    Persona {
        pinned: true,
        grants: &[
            Inline("close", &["dynamodb:Scan", "dynamodb:DescribeTable"], &["{table}"]),
            Inline("files", &["s3:GetObject", "s3:PutObject"], &["{bucket}/*"]),
        ],
        tasks: &[(1, "dynamodb.DescribeTable dynamodb.Scan*4-9 s3.GetObject*2-4 s3.PutObject*1-3")],
        ..aws("aws.month_end", Role, "month-end", Monthly(1), Service("states"), Rank::Modest)
    },
    Persona {
        grants: &[Customer("YearEndClose")],
        tasks: &[(1, "dynamodb.DescribeTable dynamodb.Scan*4-9 s3.GetObject*2-4 s3.PutObject")],
        ..aws("aws.year_end", Role, "year-end", YEAR_END, Service("states"), Rank::Modest)
    },
];

/// The order in which personas are hired; the first dozen tell most.
const ORDER: [&str; 56] = [
    "aws.developer",
    "aws.ops_chain",
    "aws.break_glass",
    "aws.function",
    "az.owner",
    "az.restart",
    "gcp.owner",
    "gcp.pipeline",
    "aws.admin",
    "aws.ci",
    "az.dormant",
    "gcp.impersonator",
    "gcp.impersonated",
    "aws.iam_manager",
    "aws.data",
    "aws.server",
    "az.app",
    "gcp.editor",
    "aws.departed",
    "aws.sso_power",
    "gcp.analyst",
    "az.dev",
    "aws.developer",
    "aws.sso_audit",
    "aws.platform",
    "gcp.oversized",
    "az.ci",
    "aws.vendor",
    "aws.backup",
    "aws.month_end",
    "aws.year_end",
    "az.reader",
    "gcp.ci",
    "aws.developer",
    "aws.function",
    "aws.data",
    "az.secrets",
    "aws.ci",
    "gcp.auditor",
    "az.storage",
    "aws.developer",
    "aws.developer",
    "az.dev",
    "gcp.secrets",
    "aws.function",
    "aws.server",
    "aws.developer",
    "az.departed",
    "gcp.departed",
    "aws.developer",
    "az.break_glass",
    "gcp.break_glass",
    "aws.developer",
    "az.app",
    "aws.data",
    "gcp.pipeline",
];

/// The persona of the identity with this index.
pub(super) fn of_index(idx: u32) -> &'static Persona {
    let key = ORDER[idx as usize % ORDER.len()];
    let mut all = AWS.iter().chain(&AZURE).chain(&GCP);
    let found = all.find(|persona| persona.key == key);
    found.expect("a test finds every name of the order in the three tables")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calls::steps, ops::AllOps};

    #[test]
    fn every_persona_is_hired_and_knows_its_operations() {
        let ops = AllOps::new();
        for persona in AWS.iter().chain(&AZURE).chain(&GCP) {
            assert!(ORDER.contains(&persona.key), "{} is never hired", persona.key);
            for (_, task) in persona.tasks {
                assert!(!steps(task, ops.of(persona.cloud)).is_empty());
            }
            for key in persona.tries {
                ops.of(persona.cloud).idx(key);
            }
        }
        for idx in 0..ORDER.len() as u32 {
            of_index(idx);
        }
    }

    #[test]
    fn a_chain_follows_its_caller_in_the_same_cloud() {
        for (at, key) in ORDER.iter().enumerate() {
            if of_index(at as u32).start == Start::Chain {
                assert!(at > 0 && key.split('.').next() == ORDER[at - 1].split('.').next());
            }
        }
    }
}
