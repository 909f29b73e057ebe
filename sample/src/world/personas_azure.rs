//! Who works in Azure.

use crate::{
    rhythm::Rhythm::{Around, Never, Office},
    world::{
        Cloud, Grant,
        grants::Scope,
        personas::{Persona, Rank, Start, Subject},
    },
};
use Grant::{Role, RoleAt, RoleByGroup};
use Start::{Person, Service, Web};
use Subject::{ManagedIdentity, ServicePrincipal, User};

const fn azure(key: &'static str, subject: Subject, base: &'static str, start: Start, rank: Rank) -> Persona {
    Persona {
        key,
        cloud: Cloud::Azure,
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

pub(super) static AZURE: [Persona; 11] = [
    Persona {
        rhythm: Office(1.0),
        grants: &[Role("Owner")],
        tasks: &[
            (3, "group.write deploy.validate"),
            (2, "web.config web.restart"),
            (1, "diag.write"),
            (1, "nsg.write"),
        ],
        ..azure("az.owner", User, "", Person, Rank::Admin)
    },
    Persona {
        rhythm: Around(5.0),
        pinned: true,
        grants: &[Role("Harrowgate VM Restarter")],
        tasks: &[(1, "vm.deallocate vm.start vm.restart")],
        ..azure("az.restart", ServicePrincipal, "restarter", Service("automation"), Rank::Modest)
    },
    Persona {
        grants: &[Role("User Access Administrator"), Role("Storage Account Contributor")],
        ..azure("az.dormant", ServicePrincipal, "provision", Web, Rank::Unranked)
    },
    Persona {
        rhythm: Around(5.0),
        pinned: true,
        grants: &[
            RoleAt("Storage Blob Data Contributor", Scope::Storage),
            RoleAt("Key Vault Secrets User", Scope::Vault),
        ],
        tasks: &[(4, "blob.get*1-4 blob.put*1-2"), (2, "blob.list~1-3 blob.get*1-3"), (1, "kv.get")],
        ..azure("az.app", ManagedIdentity, "app", Service("app"), Rank::Modest)
    },
    Persona {
        rhythm: Office(2.2),
        grants: &[RoleByGroup("Contributor", "engineering")],
        tasks: &[
            (4, "web.restart"),
            (3, "deploy.validate deploy.write"),
            (2, "vm.start"),
            (2, "web.config"),
            (1, "storage.listKeys"),
            (1, "disk.write vm.write"),
            (1, "web.publish"),
            (1, "storage.container"),
        ],
        tries: &["role.write"],
        ..azure("az.dev", User, "", Person, Rank::Power)
    },
    Persona {
        rhythm: Office(7.0),
        grants: &[Role("Contributor")],
        tasks: &[
            (4, "deploy.validate deploy.write web.config web.restart"),
            (2, "acr.push deploy.write"),
            (1, "storage.write sql.write deploy.write"),
        ],
        ..azure("az.ci", ServicePrincipal, "deploy", Web, Rank::Power)
    },
    Persona { rhythm: Office(0.9), grants: &[Role("Reader")], ..azure("az.reader", User, "", Person, Rank::Modest) },
    Persona {
        rhythm: Office(1.1),
        grants: &[Role("Key Vault Secrets Officer"), Role("Reader")],
        tasks: &[(3, "kv.list~1-2 kv.get*1-2"), (1, "kv.set")],
        tries: &["nsg.write"],
        ..azure("az.secrets", User, "", Person, Rank::Unranked)
    },
    Persona {
        rhythm: Office(1.2),
        grants: &[Role("Storage Account Contributor")],
        tasks: &[(3, "storage.container"), (2, "storage.listKeys"), (1, "storage.write"), (1, "storage.listSas")],
        tries: &["vm.start", "role.write"],
        ..azure("az.storage", User, "", Person, Rank::Unranked)
    },
    Persona { grants: &[Role("Contributor")], ..azure("az.departed", User, "", Person, Rank::Power) },
    Persona { grants: &[Role("Owner")], ..azure("az.break_glass", User, "", Person, Rank::AdminUnused) },
];
