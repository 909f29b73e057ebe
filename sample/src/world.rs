//! The invented company: its accounts, what they hold, and who works there.
//!
//! Everything here follows from the seed and an identity's own index, so one identity more changes none of the others.

mod grants;
mod kind;
mod names;
mod personas;
mod personas_azure;
mod personas_gcp;

use crate::{
    aws, azure, gcp,
    ids::{aws_id, digits, hex, mix, pick, uuid},
};
pub(crate) use grants::{Grant, Rule, Scope, wildcard};
pub(crate) use kind::Kind;
pub(crate) use personas::{Persona, Rank, Start, Subject};

/// A cloud provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cloud {
    Aws,
    Azure,
    Gcp,
}

impl Cloud {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Azure => "azure",
            Self::Gcp => "gcp",
        }
    }
}

/// The AWS organization's id.
pub(crate) const AWS_ORG: &str = "o-7k2mq9x4hd";
/// The Entra tenant.
pub(crate) const TENANT: &str = "5b0c7d1e-93a4-4f2b-8e60-2f1d9a7c4b33";
/// The GCP organization's number.
pub(crate) const GCP_ORG: &str = "830416927755";

/// An AWS account, Azure subscription or GCP project.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// The project's number (GCP only).
    pub(crate) number: &'static str,
    /// What resource names of this account begin with.
    pub(crate) prefix: &'static str,
}

const AWS_ACCOUNTS: [Account; 3] = [
    Account { id: "214507739162", name: "hg-prod", number: "", prefix: "prod" },
    Account { id: "368190254471", name: "hg-staging", number: "", prefix: "stg" },
    Account { id: "905418827736", name: "hg-data", number: "", prefix: "data" },
];
const AZURE_ACCOUNTS: [Account; 2] = [
    Account { id: "c3a9e5f0-1d74-4c8b-9a25-7e60b1f4d812", name: "Harrowgate Core", number: "", prefix: "core" },
    Account { id: "e81f26b7-50c3-4a9d-b7f8-90d2c6a13e54", name: "Harrowgate Analytics", number: "", prefix: "anl" },
];
const GCP_ACCOUNTS: [Account; 2] = [
    Account { id: "hg-shop-prod-7261", name: "hg shop prod", number: "481902337715", prefix: "shop" },
    Account { id: "hg-data-lab-7261", name: "hg data lab", number: "772160958341", prefix: "lab" },
];

/// The accounts of a cloud.
pub(crate) fn accounts(cloud: Cloud) -> &'static [Account] {
    match cloud {
        Cloud::Aws => &AWS_ACCOUNTS,
        Cloud::Azure => &AZURE_ACCOUNTS,
        Cloud::Gcp => &GCP_ACCOUNTS,
    }
}

/// One who can act, with what was granted.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) idx: u32,
    pub(crate) persona: &'static Persona,
    pub(crate) account: usize,
    /// User name, role name, display name or the local part of an e-mail.
    pub(crate) name: String,
    /// A person's full name, or the name again.
    pub(crate) display: String,
    /// E-mail or user principal name; for AWS the address behind a session name.
    pub(crate) email: String,
    /// `AIDA…`, `AROA…`, object id or the service account's number.
    pub(crate) unique: String,
    /// The id form that truth and entitlements share.
    pub(crate) id: String,
    /// Local time minus UTC, in minutes; no daylight saving.
    pub(crate) offset_min: i32,
    /// When a newcomer joined, if that was within the span.
    pub(crate) joined: Option<i64>,
    /// Source of this identity's own choices.
    pub(crate) noise: u64,
    pub(crate) rules: Vec<Rule>,
}

impl Identity {
    /// A resource of this kind that is this identity's own for good.
    pub(crate) fn pin(&self, kind: Kind) -> u16 {
        let kind = kind.container();
        pick(self.noise, 0x70_69 + kind as u64, usize::from(kind.everyday())) as u16
    }

    /// The id by which the inventory knows a resource of the identity's account; `None` for what it does not list.
    pub(crate) fn resource_id(&self, kind: Kind, idx: u16) -> Option<String> {
        match self.persona.cloud {
            Cloud::Aws => aws::inventory_id(kind, self.account(), idx),
            Cloud::Azure => azure::inventory_id(kind, self.account(), idx),
            Cloud::Gcp => gcp::inventory_id(kind, self.account(), idx),
        }
    }

    /// Whether the grants allow an action; `data` tells Azure's two planes apart.
    pub(crate) fn allows(&self, action: &str, data: bool) -> bool {
        let hits = |rule: &&Rule| rule.covers(action, data);
        self.rules.iter().any(|rule| !rule.deny && hits(&rule))
            && !self.rules.iter().any(|rule| rule.deny && hits(&rule))
    }

    pub(crate) fn account(&self) -> &'static Account {
        &accounts(self.persona.cloud)[self.account]
    }

    /// The four people behind an Identity Center role, of a dozen who share all such roles.
    pub(crate) fn people(&self) -> Vec<String> {
        let first = pick(self.noise, 90, 12);
        (0..4).map(|i| names::email((1_900 + (first + i) % 12) as u32)).collect()
    }
}

/// The whole company.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    /// The span of the logs in microseconds since 1970.
    pub(crate) span: (i64, i64),
    pub(crate) people: Vec<Identity>,
}

impl World {
    /// Hires `n` identities, their personas taken in a fixed order.
    pub(crate) fn new(seed: u64, span: (i64, i64), n: u32) -> Self {
        Self { seed, span, people: (0..n).map(|idx| hire(seed, span, idx)).collect() }
    }

    pub(crate) fn identity(&self, idx: u32) -> &Identity {
        &self.people[idx as usize]
    }

    /// The identities of one account, in order.
    pub(crate) fn of_account(&self, cloud: Cloud, account: usize) -> impl Iterator<Item = &Identity> {
        self.people.iter().filter(move |i| i.persona.cloud == cloud && i.account == account)
    }
}

const OFFSETS_MIN: [i32; 8] = [60, 60, 120, 0, -300, -480, 330, 60];

fn hire(seed: u64, span: (i64, i64), idx: u32) -> Identity {
    let persona = personas::of_index(idx);
    let noise = mix(mix(seed, 0x0068_656c_6c6f), u64::from(idx));
    let n_accounts = accounts(persona.cloud).len();
    // Who impersonates a GCP service account does so within one project; an AWS role chain crosses accounts.
    let same = persona.cloud == Cloud::Gcp && persona.start == Start::Chain;
    let at = idx.saturating_sub(u32::from(same)) as usize;
    let account = (at + at / n_accounts) % n_accounts;
    let name = names::of(persona, idx, noise);
    let display = names::display(persona, idx, &name);
    let project = accounts(Cloud::Gcp)[account % 2].id;
    let email = match persona.subject {
        Subject::ServiceAccount => format!("{name}@{project}.iam.gserviceaccount.com"),
        _ => names::email(idx),
    };
    let unique = match (persona.cloud, persona.subject) {
        (Cloud::Aws, Subject::User) => aws_id("AIDA", noise),
        (Cloud::Aws, _) => aws_id("AROA", noise),
        (Cloud::Azure, _) => uuid(noise, 2),
        (Cloud::Gcp, _) => digits(noise, 3, 21),
    };
    let id = match (persona.cloud, persona.subject) {
        (Cloud::Aws, Subject::User) => {
            format!("aws:{}:user/{name}", accounts(Cloud::Aws)[account].id)
        }
        (Cloud::Aws, _) => format!("aws:{}:role/{name}", accounts(Cloud::Aws)[account].id),
        (Cloud::Azure, _) => format!("azure:{TENANT}:{unique}"),
        (Cloud::Gcp, _) => format!("gcp:{email}"),
    };
    let offset_min = OFFSETS_MIN[pick(noise, 4, OFFSETS_MIN.len())];
    let rules = grants::compile(persona.cloud, persona.grants);
    // One developer in seven is new: the first months of a person look like nobody's usual day.
    let new = persona.key == "aws.developer" && mix(noise, 6).is_multiple_of(7);
    let joined = new.then(|| span.0 + (span.1 - span.0) / 100 * (30 + (noise % 35) as i64));
    Identity { idx, persona, account, name, display, email, unique, id, offset_min, joined, noise, rules }
}

/// The random tail that AWS puts behind the permission set's name.
pub(crate) fn sso_suffix(noise: u64) -> String {
    hex(noise, 0x55, 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_do_not_depend_on_how_many_there_are() {
        let many = World::new(1, (0, 1), 2_000);
        let few = World::new(1, (0, 1), 60);
        let ids: std::collections::BTreeSet<&str> = many.people.iter().map(|i| i.id.as_str()).collect();
        assert_eq!(ids.len(), many.people.len());
        assert!(few.people.iter().zip(&many.people).all(|(a, b)| a.id == b.id && a.account == b.account));
    }
}
