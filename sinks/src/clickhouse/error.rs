//! What can go wrong with a ClickHouse server, and which of it passes by itself.

use clickhouse::error::Error;
use stream::Fault;

use crate::error::chain;

/// The name of the sink, under which its faults are told too.
pub const CLICKHOUSE: &str = "clickhouse";

/// Why the server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClickHouseError {
    /// It refused.
    #[error("ClickHouse at `{place}` refuses: {text} (code {code})")]
    Refused {
        /// Where.
        place: String,
        /// The server's code of the error; 0 when a proxy answered in its place.
        code: u32,
        /// Its words.
        text: String,
    },
    /// It does not know the user, or not with this password.
    #[error("ClickHouse at `{place}` does not let the user in; is the password in the environment right?")]
    Login {
        /// Where, and as whom.
        place: String,
    },
    /// It cannot be reached, or went away.
    #[error("ClickHouse at `{place}` cannot be reached: {text}")]
    Away {
        /// Where.
        place: String,
        /// Why.
        text: String,
    },
    /// It did not answer in time.
    #[error("ClickHouse at `{place}` did not answer within {seconds} s")]
    Slow {
        /// Where.
        place: String,
        /// The bound.
        seconds: u64,
    },
    /// The database has no tables, or old ones.
    #[error("the database at `{place}` lacks the migration `{name}`; run `overgrant migrate`")]
    NotMigrated {
        /// Where.
        place: String,
        /// The first one that it lacks.
        name: String,
    },
    /// A migration that was applied is not the one of this release.
    #[error("migration `{name}` was applied with other words than this release has; use the release that applied it")]
    Changed {
        /// Which.
        name: String,
    },
    /// A user who is bound to other settings than questions are asked with.
    #[error(
        "the user at `{place}` may not choose how a question is read; give the user the profile `overgrant_analyst`, or \
         `readonly = 2` in place of 1"
    )]
    Dialect {
        /// Where, and as whom.
        place: String,
    },
    /// An answer that is not what was asked for, or rows that do not become columns: a mistake of ours.
    #[error("{0}")]
    Ours(String),
}

impl ClickHouseError {
    /// Reads an error of the client.
    pub(crate) fn of(place: &super::Place, error: &Error) -> Self {
        let place = place.to_string();
        match error {
            Error::BadResponse(text) => match code_of(text) {
                516 | 192 | 193 | 194 => Self::Login { place },
                code => Self::Refused { place, code, text: words_of(text) },
            },
            Error::Network(source) => Self::Away { place, text: chain(source.as_ref()) },
            Error::TimedOut => Self::Away { place, text: "it does not answer".to_owned() },
            other => Self::Ours(chain(other)),
        }
    }

    /// A database in which nothing was applied.
    pub(crate) fn not_migrated(place: &super::Place) -> Self {
        let name = schemas::clickhouse::MIGRATIONS.first().map_or("", |first| first.name);
        Self::NotMigrated { place: place.to_string(), name: name.to_owned() }
    }

    /// Why trying again may help; `None` when it cannot.
    pub(crate) fn passes(&self) -> Option<&'static str> {
        match self {
            Self::Away { .. } => Some("a server that is restarted or a network that fails comes back"),
            Self::Slow { .. } => Some("an overloaded server recovers"),
            Self::Refused { code: 0, text, .. } => {
                // A proxy in front says so by HTTP status, since it knows no codes.
                let is_passing = ["429", "502", "503", "504"].iter().any(|status| text.starts_with(status));
                is_passing.then_some("the proxy has no server just now")
            }
            Self::Refused { code, .. } => {
                PASSING.iter().find(|(passing, _)| passing == code).map(|(_, reason)| *reason)
            }
            Self::Login { .. }
            | Self::NotMigrated { .. }
            | Self::Changed { .. }
            | Self::Dialect { .. }
            | Self::Ours(_) => None,
        }
    }

    pub(crate) fn into_fault(self) -> Fault {
        Fault::edge(CLICKHOUSE, self)
    }
}

/// The server's codes (`src/Common/ErrorCodes.cpp`) after which the same insert may well succeed, each with its reason.
/// Everything else (a wrong password, a missing table, a type that does not fit) needs a person.
pub(crate) const PASSING: &[(u32, &str)] = &[
    (3, "UNEXPECTED_END_OF_FILE: the connection broke within the body"),
    (159, "TIMEOUT_EXCEEDED: the server is busy"),
    (160, "TOO_SLOW: the server is busy"),
    (201, "QUOTA_EXCEEDED: the quota's interval ends"),
    (202, "TOO_MANY_SIMULTANEOUS_QUERIES: others end"),
    (203, "NO_FREE_CONNECTION: others end"),
    (209, "SOCKET_TIMEOUT: the network is slow"),
    (210, "NETWORK_ERROR: the network fails"),
    (225, "NO_ZOOKEEPER: the keeper is elected anew"),
    (236, "ABORTED: the server is shutting down, and comes back"),
    (241, "MEMORY_LIMIT_EXCEEDED: other queries hold the memory, and end"),
    (242, "TABLE_IS_READ_ONLY: the replica has lost its keeper, and finds it"),
    (243, "NOT_ENOUGH_SPACE: somebody makes room; nothing is lost meanwhile"),
    (252, "TOO_MANY_PARTS: merges catch up"),
    (279, "ALL_CONNECTION_TRIES_FAILED: a shard is restarted"),
    (285, "TOO_FEW_LIVE_REPLICAS: a replica comes back"),
    (286, "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE: the quorum comes together"),
    (319, "UNKNOWN_STATUS_OF_INSERT: the same token makes a second insert safe"),
    (394, "QUERY_WAS_CANCELLED: an administrator or a shutdown ended it"),
    (425, "SYSTEM_ERROR: the machine was out of something"),
    (439, "CANNOT_SCHEDULE_TASK: all threads are busy"),
    (473, "DEADLOCK_AVOIDED: another statement holds the table"),
    (745, "SERVER_OVERLOADED: it says so itself"),
    (999, "KEEPER_EXCEPTION: the keeper is elected anew"),
];

/// The code in a server's words, `Code: 60. DB::Exception: …`; 0 when there is none.
pub(crate) fn code_of(text: &str) -> u32 {
    let digits = text.split_once("Code: ").map(|(_, rest)| rest.trim_start()).unwrap_or_default();
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().unwrap_or_default()
}

/// The server's words without code, version and the names of its classes, on one line, at most a few hundred letters.
pub(crate) fn words_of(text: &str) -> String {
    let text = text.split_once("DB::Exception: ").map_or(text, |(_, rest)| rest);
    let text = text.split(" (version ").next().unwrap_or_default();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.trim_end_matches('.').chars().take(400).collect();
    line.replace("DB::Exception: ", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_words_are_read() {
        let text = "Code: 60. DB::Exception: Table overgrant.foo does not exist. (UNKNOWN_TABLE) (version 26.9.2.1)";
        assert_eq!(code_of(text), 60);
        assert_eq!(words_of(text), "Table overgrant.foo does not exist. (UNKNOWN_TABLE)");
        assert_eq!(code_of("502 Bad Gateway"), 0);
    }

    #[test]
    fn what_passes_is_tried_again_and_the_rest_is_not() {
        let refused = |code, text: &str| ClickHouseError::Refused { place: String::new(), code, text: text.to_owned() };
        assert!(refused(252, "Too many parts").passes().is_some());
        assert!(refused(0, "503 Service Unavailable").passes().is_some());
        for (code, text) in
            [(60, "no table"), (53, "type mismatch"), (497, "not enough privileges"), (0, "404 Not Found")]
        {
            assert!(refused(code, text).passes().is_none(), "{code}");
        }
        assert!(ClickHouseError::Login { place: String::new() }.passes().is_none());
        assert!(PASSING.is_sorted_by_key(|(code, _)| *code), "one line a code, in order");
    }
}
