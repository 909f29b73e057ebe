//! The MITRE ATT&CK technique that an action is known for: facts, by the action's name.

/// One line of the map: a technique, what an alert says of it, and actions in lower case; `*` at the end matches any rest.
struct Known {
    technique: &'static str,
    verb: &'static str,
    actions: &'static [&'static str],
}

/// From the weightiest down: an alert names the first that one of its actions matches.
/// Source: ATT&CK for IaaS v15 and the clouds' own names of the calls.
const MAP: &[Known] = &[
    Known {
        technique: "T1562.008",
        verb: "switched off or thinned out logging",
        actions: &[
            "cloudtrail:stoplogging",
            "cloudtrail:deletetrail",
            "cloudtrail:updatetrail",
            "cloudtrail:puteventselectors",
            "cloudtrail:deleteeventdatastore",
            "ec2:deleteflowlogs",
            "logs:deleteloggroup",
            "logs:deletelogstream",
            "logs:putretentionpolicy",
            "config:stopconfigurationrecorder",
            "config:deleteconfigurationrecorder",
            "config:deletedeliverychannel",
            "route53resolver:deleteresolverquerylogconfig",
            "s3:putbucketlogging",
            "microsoft.insights/diagnosticsettings/delete",
            "microsoft.insights/logprofiles/delete",
            "microsoft.operationalinsights/workspaces/delete",
            "microsoft.network/networkwatchers/flowlogs/delete",
            "microsoft.eventhub/namespaces/eventhubs/delete",
            "logging.sinks.delete",
            "logging.sinks.update",
            "logging.buckets.delete",
            "logging.buckets.update",
            "logging.exclusions.create",
            "logging.logs.delete",
        ],
    },
    Known {
        technique: "T1562.001",
        verb: "switched off a guard",
        actions: &[
            "guardduty:deletedetector",
            "guardduty:updatedetector",
            "guardduty:createfilter",
            "guardduty:createipset",
            "guardduty:disassociatefrom*",
            "guardduty:stopmonitoringmembers",
            "securityhub:disablesecurityhub",
            "securityhub:batchdisablestandards",
            "access-analyzer:deleteanalyzer",
            "inspector2:disable",
            "macie2:disablemacie",
            "organizations:leaveorganization",
            "cloudwatch:deletealarms",
            "cloudwatch:disablealarmactions",
            "events:disablerule",
            "events:deleterule",
            "wafv2:deletewebacl",
            "microsoft.security/pricings/write",
            "microsoft.security/securitycontacts/delete",
            "microsoft.security/autoprovisioningsettings/write",
            "microsoft.authorization/locks/delete",
            "microsoft.authorization/policyassignments/delete",
            "securitycenter.muteconfigs.create",
            "monitoring.alertpolicies.delete",
            "orgpolicy.policy.set",
            "accesscontextmanager.serviceperimeters.delete",
        ],
    },
    Known {
        technique: "T1098.001",
        verb: "made credentials that last",
        actions: &[
            "iam:createaccesskey",
            "iam:updateaccesskey",
            "iam:createloginprofile",
            "iam:updateloginprofile",
            "iam:uploadsshpublickey",
            "iam:createservicespecificcredential",
            "iam:uploadsigningcertificate",
            "iam.serviceaccountkeys.create",
            "iam.serviceaccountkeys.upload",
            "ec2:importkeypair",
            "microsoft.directory/applications/credentials/update",
            "microsoft.directory/serviceprincipals/credentials/update",
        ],
    },
    Known {
        technique: "T1098.003",
        verb: "gave out permissions",
        actions: &[
            "iam:attachuserpolicy",
            "iam:attachrolepolicy",
            "iam:attachgrouppolicy",
            "iam:putuserpolicy",
            "iam:putrolepolicy",
            "iam:putgrouppolicy",
            "iam:createpolicyversion",
            "iam:setdefaultpolicyversion",
            "iam:addusertogroup",
            "iam:updateassumerolepolicy",
            "iam:deleterolepermissionsboundary",
            "iam:deleteuserpermissionsboundary",
            "sso:createaccountassignment",
            "sso:attachmanagedpolicytopermissionset",
            "microsoft.authorization/roleassignments/write",
            "microsoft.authorization/roledefinitions/write",
            "microsoft.authorization/elevateaccess/action",
            "microsoft.directory/users/assignrole*",
            "resourcemanager.projects.setiampolicy",
            "resourcemanager.folders.setiampolicy",
            "resourcemanager.organizations.setiampolicy",
            "iam.serviceaccounts.setiampolicy",
            "iam.roles.update",
            "storage.buckets.setiampolicy",
        ],
    },
    Known {
        technique: "T1136.003",
        verb: "made an account to come back with",
        actions: &["iam:createuser", "iam.serviceaccounts.create", "microsoft.directory/users/create"],
    },
    Known {
        technique: "T1550.001",
        verb: "took on another identity",
        actions: &[
            "iam.serviceaccounts.getaccesstoken",
            "iam.serviceaccounts.getopenidtoken",
            "iam.serviceaccounts.signblob",
            "iam.serviceaccounts.signjwt",
            "iam.serviceaccounts.implicitdelegation",
            "sts:getfederationtoken",
        ],
    },
    Known {
        technique: "T1555.006",
        verb: "read secrets",
        actions: &[
            "secretsmanager:getsecretvalue",
            "secretsmanager:batchgetsecretvalue",
            "ssm:getparameter*",
            "microsoft.keyvault/vaults/secrets/getsecret/action",
            "microsoft.keyvault/vaults/secrets/readmetadata/action",
            "secretmanager.versions.access",
            "ec2:getpassworddata",
        ],
    },
    Known {
        technique: "T1552",
        verb: "took keys out of a service",
        actions: &[
            "microsoft.storage/storageaccounts/listkeys/action",
            "microsoft.documentdb/databaseaccounts/listkeys/action",
            "microsoft.containerservice/managedclusters/listclusteradmincredential/action",
            "microsoft.web/sites/publishxml/action",
            "microsoft.web/sites/config/list/action",
            "lambda:getfunction",
        ],
    },
    Known {
        technique: "T1485",
        verb: "destroyed data",
        actions: &[
            "kms:schedulekeydeletion",
            "rds:deletedb*",
            "dynamodb:deletetable",
            "s3:deletebucket",
            "ec2:deletesnapshot",
            "cloudkms.cryptokeyversions.destroy",
            "microsoft.recoveryservices/vaults/delete",
            "storage.buckets.delete",
        ],
    },
    Known {
        technique: "T1537",
        verb: "shared data outside",
        actions: &[
            "ec2:modifysnapshotattribute",
            "ec2:modifyimageattribute",
            "rds:modifydbsnapshotattribute",
            "s3:putbucketpolicy",
            "s3:putbucketreplication",
            "microsoft.compute/snapshots/begingetaccess/action",
            "microsoft.compute/disks/begingetaccess/action",
            "compute.snapshots.setiampolicy",
        ],
    },
    Known {
        technique: "T1651",
        verb: "ran commands on machines",
        actions: &[
            "ssm:sendcommand",
            "ssm:startsession",
            "microsoft.compute/virtualmachines/runcommand/action",
            "ec2-instance-connect:sendsshpublickey",
            "compute.projects.setcommoninstancemetadata",
            "compute.instances.setmetadata",
        ],
    },
    Known {
        technique: "T1530",
        verb: "read stored data",
        actions: &[
            "s3:getobject*",
            "storage.objects.get",
            "microsoft.storage/storageaccounts/blobservices/containers/blobs/read",
            "dynamodb:scan",
            "bigquery.tables.getdata",
            "bigquery.tables.export",
        ],
    },
    Known {
        technique: "T1578.002",
        verb: "started machines",
        actions: &["ec2:runinstances", "compute.instances.create", "microsoft.compute/virtualmachines/write"],
    },
    Known {
        technique: "T1087.004",
        verb: "looked around",
        actions: &[
            "iam:list*",
            "iam:getaccountauthorizationdetails",
            "sts:getcalleridentity",
            "resourcemanager.projects.getiampolicy",
            "microsoft.authorization/roleassignments/read",
        ],
    },
];

fn names(pattern: &str, action: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(head) => action.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head)),
        None => action.eq_ignore_ascii_case(pattern),
    }
}

fn find(action: &str) -> Option<usize> {
    MAP.iter().position(|known| known.actions.iter().any(|pattern| names(pattern, action)))
}

/// What some actions are known for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match<'a> {
    pub technique: &'static str,
    /// What an alert says of it.
    pub verb: &'static str,
    /// The first action that is known for it.
    pub action: &'a str,
}

/// The weightiest technique among some actions.
pub(crate) fn of<'a>(actions: impl IntoIterator<Item = &'a str>) -> Option<Match<'a>> {
    let found = actions.into_iter().filter_map(|action| Some((find(action)?, action)));
    let (at, action) = found.min_by_key(|(at, _)| *at)?;
    MAP.get(at).map(|known| Match { technique: known.technique, verb: known.verb, action })
}

/// Whether an action switches off logs or guards.
pub(crate) fn is_tampering(action: &str) -> bool {
    find(action).is_some_and(|at| at < 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weightiest_technique_is_named_in_any_case() {
        assert_eq!(of(["s3:GetObject", "iam:CreateAccessKey"]).map(|m| m.technique), Some("T1098.001"));
        assert_eq!(of(["Microsoft.Insights/DiagnosticSettings/Delete"]).map(|m| m.technique), Some("T1562.008"));
        assert_eq!(of(["ec2:DescribeInstances"]), None);
        assert!(is_tampering("cloudtrail:StopLogging") && is_tampering("guardduty:DeleteDetector"));
        assert!(!is_tampering("iam:CreateUser"));
    }

    #[test]
    fn the_map_is_in_lower_case_and_names_an_action_once() {
        let mut all: Vec<&str> = MAP.iter().flat_map(|known| known.actions.iter().copied()).collect();
        assert!(all.iter().all(|a| a.chars().all(|c| !c.is_ascii_uppercase())));
        let n = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), n);
    }
}
