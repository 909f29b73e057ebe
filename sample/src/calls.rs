//! Calls, sessions and tasks. A call is a few numbers; the clouds' renderers make records of it later, so that memory
//! stays small.

use std::collections::BTreeMap;

use crate::{ops::Ops, world::Cloud};

/// Nobody of the company: an AWS service, an identity provider, another company.
pub(crate) const NOBODY: u32 = u32::MAX;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    /// Not granted: no use.
    Denied,
    /// Allowed, but the thing was not there or not ready: use.
    Missing,
    /// Turned away before authorization: no use.
    Throttled,
}

/// One call of an API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) at: i64,
    /// The identity's index, or [`NOBODY`].
    pub(crate) who: u32,
    pub(crate) session: u32,
    pub(crate) op: u16,
    /// Index in the pool of the operation's target.
    pub(crate) res: u16,
    /// Another identity the call is about (a role assumed, a user given a key), or [`NOBODY`].
    pub(crate) aux: u32,
    pub(crate) account: u8,
    /// 0 home, 1 second region.
    pub(crate) region: u8,
    pub(crate) outcome: Outcome,
    /// Source of the record's ids and small choices.
    pub(crate) noise: u64,
}

/// Credentials in use for a while.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Whose credentials these are.
    pub(crate) who: u32,
    pub(crate) at: i64,
    pub(crate) name: String,
    pub(crate) console: bool,
    pub(crate) mfa: bool,
    /// Who assumed the role or impersonated the account, if somebody of the company did.
    pub(crate) caller: u32,
    pub(crate) noise: u64,
    /// For the caller of a chain: the noise of the session it starts.
    pub(crate) parent_noise: u64,
    /// A stolen credential in use from elsewhere.
    pub(crate) stolen: bool,
}

/// One step of a task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) op: u16,
    pub(crate) least: u32,
    pub(crate) most: u32,
    /// Repeats follow each other as pages do.
    pub(crate) pages: bool,
}

/// Reads a task: `op`, `op*2-5` or `op~2-5`, split by blanks.
pub(crate) fn steps(task: &str, ops: &Ops) -> Vec<Step> {
    task.split_whitespace().map(|word| step(word, ops)).collect()
}

fn step(word: &str, ops: &Ops) -> Step {
    let Some((key, range)) = word.split_once(['*', '~']) else {
        return Step { op: ops.idx(word), least: 1, most: 1, pages: false };
    };
    let (least, most) = range.split_once('-').unwrap_or((range, range));
    let number = |text: &str| text.parse().unwrap_or(1);
    Step { op: ops.idx(key), least: number(least), most: number(most), pages: word.contains('~') }
}

/// Everything that happened, in the order of identities.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) calls: BTreeMap<Cloud, Vec<Call>>,
    pub(crate) sessions: Vec<Session>,
}

impl Traffic {
    pub(crate) fn push(&mut self, cloud: Cloud, call: Call) {
        self.calls.entry(cloud).or_default().push(call);
    }

    pub(crate) fn open(&mut self, session: Session) -> u32 {
        self.sessions.push(session);
        self.sessions.len() as u32 - 1
    }

    /// Sorts each cloud's calls by time.
    pub(crate) fn sort(&mut self) {
        for calls in self.calls.values_mut() {
            calls.sort_by_key(|call| (call.at, call.noise));
        }
    }
}
