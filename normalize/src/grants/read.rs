//! What was read of one object: facts, and what could not be read, each with its place.

use super::facts::Fact;

/// Troubles of one object that are told; the rest is counted.
const MAX_TOLD: usize = 5;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) facts: Vec<Fact>,
    wrong: Vec<String>,
    n_wrong: usize,
}

impl Read {
    /// Something could not be read; what stands beside it was.
    pub(super) fn wrong(&mut self, why: String) {
        self.n_wrong += 1;
        if self.wrong.len() < MAX_TOLD {
            self.wrong.push(why);
        }
    }

    /// Takes a fact, or why there is none.
    pub(super) fn take(&mut self, place: &str, found: Result<Fact, String>) {
        match found {
            Ok(fact) => self.facts.push(fact),
            Err(why) => self.wrong(format!("{place}: {why}")),
        }
    }

    /// All that is wrong in one text.
    pub(super) fn trouble(&self) -> Option<String> {
        let n_more = self.n_wrong - self.wrong.len();
        let more = if n_more > 0 { format!("; and {n_more} more") } else { String::new() };
        (self.n_wrong > 0).then(|| format!("{}{more}", self.wrong.join("; ")))
    }
}

impl From<Vec<Fact>> for Read {
    fn from(facts: Vec<Fact>) -> Self {
        Self { facts, ..Self::default() }
    }
}
