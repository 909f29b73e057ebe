//! Which actions stand out: rules of ours over names, and the published lists of facts.

use schemas::{AccessLevel, RiskClass};

/// The risk that follows from an access level alone.
pub(super) fn of_level(level: AccessLevel, destroys: bool) -> RiskClass {
    match level {
        AccessLevel::List => RiskClass::List,
        AccessLevel::Read => RiskClass::Read,
        AccessLevel::Tag => RiskClass::Tag,
        AccessLevel::Permissions => RiskClass::PermissionsManagement,
        AccessLevel::Write if destroys => RiskClass::Delete,
        AccessLevel::Write => RiskClass::Write,
    }
}

/// Whether a verb destroys what it acts on. `Remove` and `Detach` only undo a link, so they are writes.
pub(super) fn destroys(verb: &str) -> bool {
    const WORDS: [&str; 7] = ["delete", "terminate", "purge", "destroy", "batchdelete", "schedulekeydeletion", "wipe"];
    let verb = verb.to_ascii_lowercase();
    WORDS.iter().any(|word| verb.starts_with(word))
}

/// Whether a verb only looks.
pub(super) fn looks(verb: &str) -> Option<AccessLevel> {
    const LISTS: [&str; 2] = ["list", "search"];
    const READS: [&str; 23] = [
        "get",
        "read",
        "view",
        "query",
        "fetch",
        "lookup",
        "check",
        "validate",
        "describe",
        "download",
        "export",
        "verify",
        "analyze",
        "calculate",
        "aggregate",
        "resolve",
        "test",
        "batchget",
        "simulate",
        "preview",
        "estimate",
        "compare",
        "access",
    ];
    let lower = verb.to_ascii_lowercase();
    if LISTS.iter().any(|word| lower.starts_with(word)) {
        return Some(AccessLevel::List);
    }
    READS.iter().any(|word| lower.starts_with(word)).then_some(AccessLevel::Read)
}

/// Whether a verb such as `listKeys` or `regenerateKey` hands out a credential.
pub(super) fn hands_out_credential(verb: &str) -> bool {
    const STARTS: [&str; 9] =
        ["list", "get", "regenerate", "generate", "rotate", "retrieve", "fetch", "renew", "reset"];
    const THINGS: [&str; 12] = [
        "key",
        "keys",
        "secret",
        "secrets",
        "credential",
        "credentials",
        "token",
        "tokens",
        "connectionstring",
        "connectionstrings",
        "sas",
        "password",
    ];
    let lower = verb.to_ascii_lowercase();
    STARTS.iter().any(|word| lower.starts_with(word)) && THINGS.iter().any(|thing| lower.ends_with(thing))
}
