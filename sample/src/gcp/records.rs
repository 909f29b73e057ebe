//! One call as a Cloud Audit `LogEntry`.

use serde_json::{Map, Value, json};

use crate::{
    calls::{Call, NOBODY, Outcome, Session},
    gcp::resources::{REGION, ZONE, member, name, number, resource_name},
    ids::{digits, hex, iso_fraction, mix, uuid, word},
    network,
    ops::Op,
    world::{Account, Cloud, Identity, Kind, Start, Subject, World},
};

/// The `insertId` of a call's first record.
pub(crate) fn insert_id(call: &Call) -> String {
    word(call.noise, 0xd1, 12)
}

/// One call on its way to becoming an entry.
pub(super) struct View<'a> {
    pub(super) world: &'a World,
    pub(super) op: &'a Op,
    pub(super) call: &'a Call,
    pub(super) session: &'a Session,
    pub(super) me: &'a Identity,
    pub(super) account: &'a Account,
}

impl View<'_> {
    /// When a long operation ended.
    pub(super) fn end_at(&self) -> i64 {
        self.call.at + 2_000_000 + (mix(self.call.noise, 21) % 40_000_000) as i64
    }

    /// The log an entry belongs to.
    pub(super) fn log(&self) -> &'static str {
        if self.op.data { "data_access" } else { "activity" }
    }

    fn resource_name(&self) -> String {
        if self.op.target == Kind::ServiceAccount && self.call.aux != NOBODY {
            let sa = self.world.identity(self.call.aux);
            return format!("projects/-/serviceAccounts/{}", sa.unique);
        }
        resource_name(self.op.target, self.account, self.call.res, self.call.noise)
    }

    /// The entry; `last` is the end of a long operation, which names no permission any more.
    pub(super) fn entry(&self, last: bool) -> Value {
        let (call, noise) = (self.call, self.call.noise);
        let at = if last { self.end_at() } else { call.at };
        let id = if last { word(noise, 0xd2, 12) } else { insert_id(call) };
        let mut out = Map::new();
        out.insert("protoPayload".into(), self.payload(last, at));
        out.insert("insertId".into(), json!(id));
        out.insert("resource".into(), self.monitored());
        out.insert("timestamp".into(), json!(iso_fraction(at, noise, 9)));
        let severity = match call.outcome {
            Outcome::Success if self.op.data => "INFO",
            Outcome::Success => "NOTICE",
            _ => "ERROR",
        };
        out.insert("severity".into(), json!(severity));
        let log = format!("projects/{}/logs/cloudaudit.googleapis.com%2F{}", self.account.id, self.log());
        out.insert("logName".into(), json!(log));
        if self.op.pair {
            let mut operation = json!({ "id": self.operation_id(), "producer": self.op.service });
            // A call that was refused starts and ends in one entry.
            if call.outcome != Outcome::Success {
                operation["first"] = json!(true);
                operation["last"] = json!(true);
            } else {
                operation[if last { "last" } else { "first" }] = json!(true);
            }
            out.insert("operation".into(), operation);
        }
        out.insert("receiveTimestamp".into(), json!(iso_fraction(at + 700_000, noise ^ 5, 9)));
        Value::Object(out)
    }

    fn operation_id(&self) -> String {
        let (a, b) = (hex(self.call.noise, 0xd4, 13), hex(self.call.noise, 0xd5, 8));
        format!("operation-{}-{a}-{b}-{}", self.call.at / 1000, hex(self.call.noise, 0xd6, 8))
    }

    fn payload(&self, last: bool, at: i64) -> Value {
        let (ip, agent) = network::of_call(self.me, self.session, self.call, Cloud::Gcp);
        let mut out = Map::new();
        out.insert("@type".into(), json!("type.googleapis.com/google.cloud.audit.AuditLog"));
        out.insert("status".into(), self.status());
        out.insert("authenticationInfo".into(), self.authentication());
        out.insert(
            "requestMetadata".into(),
            json!({
                "callerIp": ip,
                "callerSuppliedUserAgent": agent,
                "requestAttributes": { "time": iso_fraction(at, self.call.noise, 9), "auth": {} },
                "destinationAttributes": {},
            }),
        );
        out.insert("serviceName".into(), json!(self.op.service));
        out.insert("methodName".into(), json!(self.op.name));
        if !last {
            out.insert("authorizationInfo".into(), self.authorization());
        }
        out.insert("resourceName".into(), json!(self.resource_name()));
        self.request(&mut out, last);
        if self.op.target != Kind::Project {
            out.insert("resourceLocation".into(), json!({ "currentLocations": [REGION] }));
        }
        Value::Object(out)
    }

    fn status(&self) -> Value {
        match self.call.outcome {
            Outcome::Success => json!({}),
            Outcome::Denied => {
                let permission = self.op.actions.first().copied().unwrap_or_default();
                json!({ "code": 7, "message": format!("Permission `{permission}` denied on resource (or it may not exist).") })
            }
            _ => json!({ "code": 5, "message": "Resource not found." }),
        }
    }

    fn authentication(&self) -> Value {
        let mut out = json!({ "principalEmail": self.me.email, "principalSubject": member(self.me) });
        if self.me.persona.subject != Subject::ServiceAccount {
            return out;
        }
        match self.me.persona.start {
            Start::Chain if self.session.caller != NOBODY => {
                let caller = self.world.identity(self.session.caller);
                out["serviceAccountDelegationInfo"] = json!([{
                    "firstPartyPrincipal": { "principalEmail": caller.email },
                    "principalSubject": member(caller),
                }]);
            }
            Start::Web => {
                let pool = format!(
                    "principal://iam.googleapis.com/projects/{}/locations/global/workloadIdentityPools/github/subject/repo:harrowgate/{}:ref:refs/heads/main",
                    self.account.number,
                    self.me.name.trim_end_matches("-deploy"),
                );
                out["serviceAccountDelegationInfo"] = json!([{ "principalSubject": pool }]);
            }
            _ if self.me.noise.is_multiple_of(3) => {
                out["serviceAccountKeyName"] = json!(format!(
                    "//iam.googleapis.com/projects/{}/serviceAccounts/{}/keys/{}",
                    self.account.id,
                    self.me.email,
                    hex(self.me.noise, 0x6b, 40)
                ));
            }
            _ => {}
        }
        out
    }

    fn authorization(&self) -> Value {
        let kind = match (self.op.read, self.op.data) {
            (true, _) => {
                if self.op.target == Kind::Project {
                    "ADMIN_READ"
                } else {
                    "DATA_READ"
                }
            }
            (false, true) => "DATA_WRITE",
            (false, false) => "ADMIN_WRITE",
        };
        let granted = self.call.outcome != Outcome::Denied;
        let list: Vec<Value> = self
            .op
            .actions
            .iter()
            .map(|permission| {
                let mut one = json!({ "permission": permission, "permissionType": kind, "resource": self.checked_on(permission) });
                // The log leaves `granted` out when it is false.
                if granted {
                    one["granted"] = json!(true);
                }
                one["resourceAttributes"] = json!({});
                one
            })
            .collect();
        json!(list)
    }

    /// The resource a permission was checked on: disks, subnetworks and service accounts are not the instance.
    fn checked_on(&self, permission: &str) -> String {
        let project = self.account.id;
        match permission {
            "compute.disks.create" => {
                format!("projects/{project}/zones/{ZONE}/disks/{}", name(Kind::Gce, self.account, self.call.res))
            }
            "compute.subnetworks.use" => {
                format!("projects/{project}/regions/{REGION}/subnetworks/default")
            }
            "iam.serviceAccounts.actAs" => {
                format!(
                    "projects/{project}/serviceAccounts/{}-compute@developer.gserviceaccount.com",
                    self.account.number
                )
            }
            _ => self.resource_name(),
        }
    }

    fn request(&self, out: &mut Map<String, Value>, last: bool) {
        let noise = self.call.noise;
        if self.op.pair && !last && self.call.outcome == Outcome::Success {
            out.insert(
                "request".into(),
                json!({ "@type": format!("type.googleapis.com/{}", self.op.name.trim_start_matches("v1.")) }),
            );
            out.insert(
                "response".into(),
                json!({
                    "@type": "type.googleapis.com/operation",
                    "id": digits(noise, 0xd7, 19),
                    "name": self.operation_id(),
                    "status": "RUNNING",
                    "targetId": number(self.op.target, self.account, self.call.res),
                }),
            );
        }
        match self.op.key {
            "crm.setIam" => {
                let whom = if self.call.aux == NOBODY { self.me } else { self.world.identity(self.call.aux) };
                let delta = json!({ "action": "ADD", "role": "roles/owner", "member": member(whom) });
                out.insert(
                    "serviceData".into(),
                    json!({
                        "@type": "type.googleapis.com/google.iam.v1.logging.AuditData",
                        "policyDelta": { "bindingDeltas": [delta] },
                    }),
                );
            }
            "iam.createKey" => {
                let request = json!({ "@type": "type.googleapis.com/google.iam.admin.v1.CreateServiceAccountKeyRequest", "name": self.resource_name(), "private_key_type": 2 });
                out.insert("request".into(), request);
            }
            "cred.token" => {
                out.insert("metadata".into(), json!({ "identityDelegationChain": [self.resource_name()] }));
                let request = json!({ "@type": "type.googleapis.com/google.iam.credentials.v1.GenerateAccessTokenRequest", "name": self.resource_name() });
                out.insert("request".into(), request);
            }
            "bq.job" => {
                let job = format!("projects/{}/jobs/{}", self.account.id, uuid(noise, 0xd8));
                out.insert("metadata".into(), json!({
                    "@type": "type.googleapis.com/google.cloud.audit.BigQueryAuditMetadata",
                    "jobInsertion": { "job": { "jobName": job, "jobConfig": { "type": "QUERY" } }, "reason": "JOB_INSERT_REQUEST" },
                }));
            }
            _ => {}
        }
    }

    fn monitored(&self) -> Value {
        let (account, res) = (self.account, self.call.res);
        let name = name(self.op.target, account, res);
        let (kind, mut labels) = match self.op.target {
            Kind::Gce => ("gce_instance", json!({ "instance_id": number(Kind::Gce, account, res), "zone": ZONE })),
            Kind::GcsBucket | Kind::GcsObject => ("gcs_bucket", json!({ "bucket_name": name, "location": REGION })),
            Kind::Topic => ("pubsub_topic", json!({ "topic_id": format!("projects/{}/topics/{name}", account.id) })),
            Kind::Subscription => (
                "pubsub_subscription",
                json!({ "subscription_id": format!("projects/{}/subscriptions/{name}", account.id) }),
            ),
            Kind::Dataset | Kind::BqTable => {
                ("bigquery_dataset", json!({ "dataset_id": name.split('/').next().unwrap_or_default() }))
            }
            Kind::RunService => ("cloud_run_revision", json!({ "service_name": name, "location": REGION })),
            Kind::Cluster => ("gke_cluster", json!({ "cluster_name": name, "location": ZONE })),
            Kind::ServiceAccount => {
                let sa = if self.call.aux == NOBODY { self.me } else { self.world.identity(self.call.aux) };
                ("service_account", json!({ "email_id": sa.email, "unique_id": sa.unique }))
            }
            Kind::Sink => ("logging_sink", json!({ "name": name, "destination": "storage.googleapis.com/hg-siem" })),
            Kind::Project if self.op.service.starts_with("cloudresourcemanager") => ("project", json!({})),
            _ => ("audited_resource", json!({ "service": self.op.service, "method": self.op.name })),
        };
        labels["project_id"] = json!(account.id);
        json!({ "type": kind, "labels": labels })
    }
}
