//! One example of each noun, for tests and pages.

use bytes::Bytes;

use crate::{
    AccessEvent, AccessLevel, ActionKnown, Alert, Anomaly, Body, Bucket, Category, Contribution, DeadLetter, Effect,
    Entitlement, EntitlementKind, Finding, FindingKind, Granted, How, Id128, IdentityKind, Inventory, KindCount, Mark,
    Message, Model, Noun, Origin, Outcome, Pci, Policy, Provider, RawGrant, RawRecord, Reason, Resource, RiskClass,
    ScopeKind, Session, Severity, Statement, Tally, Time, Usage, Use, Vantage,
};

const NOON: Time = Time(1_793_448_000_000_000);
const ACCOUNT: &str = "123456789012";
const ALICE: &str = "aws:123456789012:user/alice";

fn origin() -> Origin {
    Origin { topic: "raw.aws.cloudtrail".into(), partition: 0, offset: 7, file: Some("trail.json.gz".into()) }
}

/// A raw record.
#[must_use]
pub fn raw_record() -> RawRecord {
    RawRecord {
        record_id: RawRecord::id_at(&origin()),
        provider: Provider::Aws,
        origin: origin(),
        account_id: Some(ACCOUNT.into()),
        time: Some(NOON),
        ingested_at: NOON,
        body: Body(Bytes::from_static(b"{\"eventName\":\"GetObject\"}")),
        n_redacted: 0,
        redriven_at: None,
    }
}

/// A raw grant.
#[must_use]
pub fn raw_grant() -> RawGrant {
    RawGrant {
        provider: Provider::Aws,
        account_id: ACCOUNT.into(),
        list: "aws.authorization_details".into(),
        snapshot_id: Id128(1),
        place: 0,
        mark: Mark::Object,
        object_kind: "user".into(),
        object_id: "AIDAEXAMPLE".into(),
        body: Body::from("{\"UserName\":\"alice\"}"),
        collected_at: NOON,
        ingested_at: NOON,
        origin: Origin { topic: "raw.aws.iam".into(), ..origin() },
    }
}

/// An access event.
#[must_use]
pub fn access_event() -> AccessEvent {
    AccessEvent {
        event_id: Id128(2),
        time: NOON,
        ingested_at: NOON,
        provider: Provider::Aws,
        account_id: ACCOUNT.into(),
        org_id: None,
        region: Some("eu-central-1".into()),
        category: Category::Data,
        identity_id: ALICE.into(),
        identity_kind: IdentityKind::User,
        identity_name: Some("alice".into()),
        identity_account: Some(ACCOUNT.into()),
        identity_generation: Some("AIDAEXAMPLE".into()),
        session_name: None,
        on_behalf_of: Vec::new(),
        credential_id: Some("AKIAEXAMPLE".into()),
        mfa: Some(true),
        service: "s3".into(),
        operation: "HeadObject".into(),
        action: Some("s3:GetObject".into()),
        action_known: ActionKnown::Mapped,
        access_level: Some(AccessLevel::Read),
        uses: vec![Use {
            action: "s3:GetObject".into(),
            resource_id: Some("arn:aws:s3:::reports/2026/10.csv".into()),
            resource_account: Some(ACCOUNT.into()),
            granted: Granted::Yes,
            how: How::Mapped,
        }],
        resources: vec![Resource {
            id: "arn:aws:s3:::reports/2026/10.csv".into(),
            kind: Some("AWS::S3::Object".into()),
            account_id: Some(ACCOUNT.into()),
        }],
        outcome: Outcome::Success,
        error_code: None,
        counts_as_use: true,
        source_ip: Some("198.51.100.7".into()),
        source_service: None,
        user_agent: Some("aws-cli/2.31.0".into()),
        tool: Some("aws-cli".into()),
        call_id: Some("K5EXAMPLE".into()),
        vantage: Vantage::Only,
        provider_event_id: Some("219bad61-0000-4adc-bc78-5620acc14ce7".into()),
        origin: origin(),
    }
}

/// A session.
#[must_use]
pub fn session() -> Session {
    Session {
        credential_id: "ASIAEXAMPLE".into(),
        provider: Provider::Aws,
        account_id: ACCOUNT.into(),
        identity_id: "aws:123456789012:role/Deploy".into(),
        session_name: Some("alice".into()),
        assumed_by: ALICE.into(),
        chain: vec![ALICE.into()],
        parent_credential_id: Some("AKIAEXAMPLE".into()),
        issued_at: NOON,
        expires_at: Some(Time(NOON.0 + Time::HOUR)),
        event_id: Id128(3),
        revision: 1,
    }
}

/// A policy.
#[must_use]
pub fn policy() -> Policy {
    let statement = Statement {
        sid: Some("ReadReports".into()),
        effect: Effect::Allow,
        actions: vec!["s3:Get*".into()],
        not_actions: Vec::new(),
        data_actions: Vec::new(),
        not_data_actions: Vec::new(),
        role: None,
        resources: vec!["arn:aws:s3:::reports/*".into()],
        not_resources: Vec::new(),
        identities: Vec::new(),
        not_identities: Vec::new(),
        condition: None,
    };
    Policy::of(Provider::Aws, vec![statement], Vec::new(), NOON)
}

/// An entitlement.
#[must_use]
pub fn entitlement() -> Entitlement {
    let (alice, kind) = ((ALICE.into(), IdentityKind::User), EntitlementKind::IdentityPolicy);
    Entitlement {
        source_name: Some("reports".into()),
        identity_name: Some("alice".into()),
        identity_generation: Some("AIDAEXAMPLE".into()),
        identity_created_at: Some(Time(NOON.0 - 400 * Time::DAY)),
        policy_hashes: vec![policy().policy_hash],
        revision: 1,
        ..Entitlement::of(Provider::Aws, ACCOUNT.into(), alice, kind, "inline:reports".into(), NOON)
    }
}

/// An inventory.
#[must_use]
pub fn inventory() -> Inventory {
    Inventory {
        provider: Provider::Aws,
        account_id: ACCOUNT.into(),
        kind: "s3:bucket".into(),
        time: NOON,
        n_resources: 2,
        resource_ids: vec!["arn:aws:s3:::backups".into(), "arn:aws:s3:::reports".into()],
        deleted_at: None,
        revision: 1,
    }
}

/// A usage row.
#[must_use]
pub fn usage() -> Usage {
    Usage {
        identity_id: ALICE.into(),
        identity_kind: IdentityKind::User,
        provider: Provider::Aws,
        account_id: ACCOUNT.into(),
        action: "s3:GetObject".into(),
        access_level: Some(AccessLevel::Read),
        risk_class: Some(RiskClass::DataExfiltration),
        resource_id: "arn:aws:s3:::reports".into(),
        window_start: NOON,
        window_us: Time::HOUR,
        n_uses: 12,
        n_denied: 0,
        n_errors: 1,
        first_at: NOON,
        last_at: Time(NOON.0 + 5_000_000),
        provisional: false,
        revision: 1,
    }
}

/// A score.
#[must_use]
pub fn pci() -> Pci {
    Pci {
        scope_kind: ScopeKind::Identity,
        scope_id: ALICE.into(),
        account_id: ACCOUNT.into(),
        provider: Provider::Aws,
        scope_name: Some("alice".into()),
        identity_kind: Some(IdentityKind::User),
        time: NOON,
        score: 4.25,
        score_lo: 3.5,
        bucket: Bucket::Low,
        exposure: 8_000_000,
        exposure_lo: 6_000_000,
        capacity: 90_000_000_000,
        n_granted: 9,
        n_used: 1,
        n_unused: 6,
        n_unknowable: 2,
        contributions: vec![Contribution {
            label: "s3: 6 actions of read on arn:aws:s3:::reports/*".into(),
            service: "s3".into(),
            risk_class: RiskClass::Read,
            resource: "arn:aws:s3:::reports/*".into(),
            source: "reports".into(),
            n_actions: 6,
            exposure: 6_000_000,
        }],
        escalation: None,
        ignored: Vec::new(),
        cause: Some("+4.25: inline policy `reports`".into()),
        change: Some(4.25),
        last_used_at: Some(NOON),
        young: false,
        window_us: 90 * Time::DAY,
        model_version: "1".into(),
        catalogue_version: "1".into(),
        provisional: false,
        deleted_at: None,
        revision: 1,
    }
}

/// A finding.
#[must_use]
pub fn finding() -> Finding {
    Finding {
        finding_id: Finding::id_of(FindingKind::InactiveIdentity, None, ACCOUNT, ALICE),
        kind: FindingKind::InactiveIdentity,
        provider: Provider::Aws,
        account_id: ACCOUNT.into(),
        rule: None,
        scope_kind: ScopeKind::Identity,
        scope_id: ALICE.into(),
        scope_name: Some("alice".into()),
        identity_kind: Some(IdentityKind::User),
        severity: Severity::Medium,
        title: "`alice` used nothing for 90 days".into(),
        evidence: vec!["9 actions granted, last use unknown".into()],
        advice: "disable the identity, or remove its grants".into(),
        controls: Vec::new(),
        first_seen_at: NOON,
        time: NOON,
        deleted_at: None,
        revision: 1,
    }
}

fn reason() -> Reason {
    Reason { channel: "action".into(), nats: 9.5, text: "first `iam:CreateAccessKey` of `alice`".into() }
}

/// A candidate.
#[must_use]
pub fn anomaly() -> Anomaly {
    Anomaly {
        anomaly_id: Id128(4),
        detector: "first_action".into(),
        time: NOON,
        provider: Provider::Aws,
        account_id: ACCOUNT.into(),
        org_id: ACCOUNT.into(),
        identity_id: ALICE.into(),
        identity_kind: IdentityKind::User,
        identity_name: Some("alice".into()),
        action: Some("iam:CreateAccessKey".into()),
        risk_class: Some(RiskClass::CredentialAccess),
        resource_id: None,
        source_ip: Some("198.51.100.7".into()),
        tool: Some("aws-cli".into()),
        p_value: 7.5e-5,
        n_tested: 10_000,
        reasons: vec![reason()],
        event_ids: vec![Id128(2)],
        model_id: Some("peers@2026-10-30".into()),
        provisional: false,
        revision: 1,
    }
}

/// An alert.
#[must_use]
pub fn alert() -> Alert {
    Alert {
        alert_id: Id128(5),
        time: NOON,
        first_at: NOON,
        last_at: NOON,
        provider: Provider::Aws,
        account_id: ACCOUNT.into(),
        org_id: ACCOUNT.into(),
        identity_id: ALICE.into(),
        identity_kind: IdentityKind::User,
        identity_name: Some("alice".into()),
        severity: Severity::High,
        title: "`alice` created an access key for the first time".into(),
        nats: 9.5,
        reasons: vec![reason()],
        actions: vec!["iam:CreateAccessKey".into()],
        resources: Vec::new(),
        source_ips: vec!["198.51.100.7".into()],
        could: Some("PCI 88, administrator of 123456789012".into()),
        technique: Some("T1098.001".into()),
        event_ids: vec![Id128(2)],
        n_events: 1,
        anomaly_ids: vec![Id128(4)],
        suppressed: None,
        provisional: false,
        revision: 1,
    }
}

/// A model.
#[must_use]
pub fn model() -> Model {
    Model {
        model_id: "peers@2026-10-30".into(),
        kind: "peers".into(),
        time: NOON,
        effective_from: Time(NOON.0 + Time::DAY),
        format: 1,
        body: "{}".into(),
    }
}

/// A dead letter.
#[must_use]
pub fn dead_letter() -> DeadLetter {
    let body = Body::from("{\"eventName\":");
    let headers = [("account_id", ACCOUNT.as_bytes())];
    DeadLetter::of("normalize", "the JSON ends early", Some(Provider::Aws), origin(), NOON, &body)
        .with_headers(None, headers.into_iter())
}

/// A tally.
#[must_use]
pub fn tally() -> Tally {
    Tally {
        room: "normalize".into(),
        partition: 0,
        provider: Some(Provider::Aws),
        topic: "raw.aws.cloudtrail".into(),
        file: "trail.json.gz".into(),
        n_read: 4,
        n_events: 1,
        n_copies: 1,
        n_not_access: 1,
        n_dead_letters: 1,
        n_id_collisions: 0,
        n_known: 1,
        n_assumed: 0,
        n_none_needed: 0,
        n_unknown: 0,
        not_access: vec![KindCount { kind: "insight".into(), n: 1 }],
        time: NOON,
        revision: 1,
    }
}

/// One message of each noun.
#[must_use]
pub fn all() -> Vec<Message> {
    vec![
        raw_record().into_message(),
        raw_grant().into_message(),
        access_event().into_message(),
        session().into_message(),
        policy().into_message(),
        entitlement().into_message(),
        inventory().into_message(),
        usage().into_message(),
        pci().into_message(),
        finding().into_message(),
        anomaly().into_message(),
        alert().into_message(),
        model().into_message(),
        dead_letter().into_message(),
        tally().into_message(),
    ]
}
