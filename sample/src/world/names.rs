//! Names of people and of workloads, all invented.

use crate::world::{Cloud, Persona, Start, Subject, sso_suffix};

/// The company's domain; `example` can never be registered.
const DOMAIN: &str = "harrowgate.example";

const FIRST: [&str; 48] = [
    "ada", "amir", "anouk", "bela", "bruno", "carla", "chidi", "dagny", "dario", "edda", "emre", "esme", "fadi",
    "fenna", "gael", "greta", "hana", "henk", "ilse", "ivo", "jana", "jorge", "kaito", "kira", "lars", "leila",
    "malik", "mara", "nadia", "nils", "odile", "omar", "pia", "priya", "quinn", "rafa", "rosa", "sami", "senna",
    "tariq", "tilda", "uma", "viktor", "wanda", "xenia", "yann", "yuki", "zora",
];
const LAST: [&str; 48] = [
    "abara",
    "adler",
    "bakker",
    "baptiste",
    "castellan",
    "correa",
    "dahl",
    "demir",
    "eklund",
    "farkas",
    "faye",
    "galvan",
    "grieg",
    "haddad",
    "hollis",
    "ibsen",
    "imani",
    "jansson",
    "juhasz",
    "kamara",
    "keller",
    "lindqvist",
    "lombard",
    "marchetti",
    "moreau",
    "nakata",
    "novak",
    "okoye",
    "olsen",
    "pereira",
    "petrov",
    "quist",
    "rahimi",
    "rossi",
    "sandoval",
    "sorensen",
    "takeda",
    "toth",
    "ueda",
    "ulrich",
    "valdez",
    "visser",
    "weiss",
    "wolff",
    "yamada",
    "yilmaz",
    "zeman",
    "zubiri",
];
const PART: [&str; 31] = [
    "orders", "checkout", "catalog", "search", "billing", "ledger", "shipping", "returns", "pricing", "loyalty",
    "stock", "mailer", "reports", "profile", "media", "fraud", "events", "ranking", "tax", "quotes", "labels",
    "routes", "import", "export", "invoice", "archive", "session", "gateway", "coupon", "survey", "vision",
];
const TRAIT: [&str; 29] = [
    "core", "edge", "blue", "fast", "night", "sync", "prime", "lite", "delta", "hub", "stream", "batch", "north",
    "south", "alpha", "relay", "mirror", "index", "cache", "feed", "audit", "query", "push", "pull", "store", "view",
    "graph", "queue", "shard",
];

/// First and last name, different for each index below 2304 (241 is prime, so the pairs do not repeat).
fn person(idx: u32) -> (&'static str, String) {
    let i = idx as usize;
    let last = LAST[(i / FIRST.len() + 5 * i) % LAST.len()];
    let again = i / (FIRST.len() * LAST.len());
    let last = if again == 0 { last.to_owned() } else { format!("{last}{}", again + 1) };
    (FIRST[i % FIRST.len()], last)
}

/// The address of the person with this index.
pub(crate) fn email(idx: u32) -> String {
    let (first, last) = person(idx);
    format!("{first}.{last}@{DOMAIN}")
}

/// The name an identity has in its cloud.
pub(super) fn of(persona: &Persona, idx: u32, noise: u64) -> String {
    if persona.subject == Subject::User {
        let (first, last) = person(idx);
        return match (persona.cloud, persona.base) {
            (Cloud::Aws, "") | (Cloud::Azure | Cloud::Gcp, _) => format!("{first}.{last}"),
            (Cloud::Aws, base) => format!("{base}-{first}.{last}"),
        };
    }
    if persona.start == Start::Saml {
        return format!("AWSReservedSSO_{}_{}", persona.base, sso_suffix(noise));
    }
    let i = idx as usize;
    let words = format!("{}-{}", PART[i % PART.len()], TRAIT[(i / PART.len() + 7 * i) % TRAIT.len()]);
    // 899 pairs of words; service account names are at most 30 characters.
    let again = i / (PART.len() * TRAIT.len());
    let tail = if again == 0 { String::new() } else { again.to_string() };
    format!("{words}-{}{tail}", persona.base)
}

/// A person's full name in capitals and small letters, or the workload's name.
pub(super) fn display(persona: &Persona, idx: u32, name: &str) -> String {
    if persona.subject != Subject::User {
        return name.to_owned();
    }
    let (first, last) = person(idx);
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    format!("{} {}", capital(first), capital(&last))
}
