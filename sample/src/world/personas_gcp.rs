//! Who works in GCP.

use crate::{
    rhythm::Rhythm::{Around, Never, Office},
    world::{
        Cloud, Grant,
        personas::{Persona, Rank, Start, Subject},
    },
};
use Grant::Role;
use Start::{Chain, Person, Service, Web};
use Subject::{ServiceAccount, User};

const fn gcp(key: &'static str, subject: Subject, base: &'static str, start: Start, rank: Rank) -> Persona {
    Persona {
        key,
        cloud: Cloud::Gcp,
        subject,
        base,
        rhythm: Never,
        start,
        rank,
        pinned: false,
        grants: &[],
        tasks: &[],
        tries: &[],
    }
}

pub(super) static GCP: [Persona; 12] = [
    Persona {
        rhythm: Office(1.3),
        grants: &[Role("roles/owner")],
        tasks: &[
            (3, "crm.get gce.list~1-2 gce.get*1-2"),
            (2, "iam.listSa iam.listRoles crm.getIam"),
            (2, "run.list run.get*1-2"),
            (1, "log.sinks log.list~1-3"),
            (1, "gcs.buckets"),
        ],
        ..gcp("gcp.owner", User, "", Person, Rank::Admin)
    },
    Persona {
        rhythm: Around(9.0),
        pinned: true,
        grants: &[Role("orderPipelineWriter")],
        tasks: &[(1, "ps.pull*1-2 gcs.get gcs.put bq.update*1-2")],
        ..gcp("gcp.pipeline", ServiceAccount, "load", Service("compute"), Rank::Modest)
    },
    Persona {
        rhythm: Office(1.2),
        grants: &[Role("roles/editor"), Role("roles/iam.serviceAccountTokenCreator")],
        tasks: &[(2, "gce.list gce.get*1-2"), (2, "ps.list ps.create"), (1, "gke.list gke.get"), (1, "mon.list~1-4")],
        tries: &["crm.setIam", "sm.access"],
        ..gcp("gcp.impersonator", User, "", Person, Rank::Unranked)
    },
    Persona {
        rhythm: Office(0.9),
        grants: &[Role("roles/run.developer"), Role("roles/iam.serviceAccountUser")],
        tasks: &[(2, "run.list run.get"), (1, "run.get run.replace")],
        ..gcp("gcp.impersonated", ServiceAccount, "release", Chain, Rank::Unranked)
    },
    Persona {
        rhythm: Office(1.6),
        grants: &[Role("roles/editor")],
        tasks: &[
            (3, "gce.list~1-3 gce.get*1-2 gce.stop"),
            (2, "gce.start"),
            (3, "run.list run.get*1-3"),
            (2, "log.list~1-5"),
            (1, "gce.insert gce.get*1-3"),
            (1, "sm.list"),
            (1, "gce.setMetadata"),
            (1, "build.create"),
        ],
        tries: &["crm.setIam", "sm.access", "log.deleteSink"],
        ..gcp("gcp.editor", User, "", Person, Rank::Power)
    },
    Persona {
        rhythm: Office(1.8),
        grants: &[
            Role("roles/bigquery.dataViewer"),
            Role("roles/bigquery.jobUser"),
            Role("roles/storage.objectViewer"),
        ],
        tasks: &[(5, "bq.tables bq.job bq.data~1-5"), (3, "gcs.list~1-3 gcs.get*2-6")],
        tries: &["bq.update", "gcs.put", "sm.list"],
        ..gcp("gcp.analyst", User, "", Person, Rank::Modest)
    },
    Persona {
        rhythm: Around(10.0),
        grants: &[Role("roles/editor")],
        tasks: &[(1, "ps.publish*1-4")],
        ..gcp("gcp.oversized", ServiceAccount, "emit", Service("compute"), Rank::Power)
    },
    Persona {
        rhythm: Office(6.0),
        grants: &[
            Role("roles/run.developer"),
            Role("roles/artifactregistry.writer"),
            Role("roles/iam.serviceAccountUser"),
        ],
        tasks: &[(3, "ar.upload*1-3 run.get run.replace run.get*1-3"), (1, "ar.download run.get")],
        ..gcp("gcp.ci", ServiceAccount, "deploy", Web, Rank::Unranked)
    },
    Persona {
        rhythm: Office(0.8),
        grants: &[Role("roles/viewer")],
        tasks: &[
            (2, "crm.get crm.getIam iam.listSa"),
            (2, "gce.list~1-3 gce.firewalls"),
            (1, "log.list~2-6"),
            (1, "sm.list"),
        ],
        ..gcp("gcp.auditor", User, "", Person, Rank::Modest)
    },
    Persona {
        rhythm: Around(8.0),
        pinned: true,
        grants: &[Role("roles/secretmanager.secretAccessor")],
        tasks: &[(1, "sm.access*1-2")],
        ..gcp("gcp.secrets", ServiceAccount, "vault", Service("compute"), Rank::Modest)
    },
    Persona { grants: &[Role("roles/editor")], ..gcp("gcp.departed", User, "", Person, Rank::Power) },
    Persona { grants: &[Role("roles/owner")], ..gcp("gcp.break_glass", User, "", Person, Rank::AdminUnused) },
];
