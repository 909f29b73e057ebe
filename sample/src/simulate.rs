//! What each identity does over the days: sessions, tasks in them, calls in those.

use std::collections::BTreeMap;

use rand::Rng as _;

use crate::{
    calls::{Call, NOBODY, Outcome, Session, Step, Traffic, steps},
    ids::{Rng, mix, rng},
    ops::{AllOps, Ops},
    rhythm::session_starts,
    truth::Tally,
    world::{Cloud, Identity, Kind, Start, World},
};

const SECOND_US: i64 = 1_000_000;
/// Lets one identity live through the span.
pub(crate) fn live(world: &World, ops: &AllOps, me: &Identity, traffic: &mut Traffic, tally: &mut Tally) {
    let mut life = Life {
        world,
        ops: ops.of(me.persona.cloud),
        me,
        rng: rng(world.seed, 0x6c69_6665, u64::from(me.idx)),
        tasks: me.persona.tasks.iter().map(|(w, task)| (*w, steps(task, ops.of(me.persona.cloud)))).collect(),
        known: BTreeMap::new(),
        traffic,
        tally,
    };
    // A newcomer does nothing before joining, and nobody acts through a role before then.
    let caller = (me.persona.start == Start::Chain).then(|| world.identity(me.idx.saturating_sub(1)));
    let joined = me.joined.max(caller.and_then(|caller| caller.joined));
    for at in session_starts(me.persona.rhythm, world.span, me.offset_min, &mut life.rng) {
        if joined.is_none_or(|joined| at > joined) {
            life.session(at);
        }
    }
}

struct Life<'a> {
    world: &'a World,
    ops: &'a Ops,
    me: &'a Identity,
    rng: Rng,
    tasks: Vec<(u32, Vec<Step>)>,
    /// Resources worked with before, with how often: old ones come back, new ones become rare.
    known: BTreeMap<Kind, Vec<(u16, u32)>>,
    traffic: &'a mut Traffic,
    tally: &'a mut Tally,
}

impl Life<'_> {
    fn session(&mut self, start: i64) {
        let mut at = start;
        let session = self.open(&mut at);
        if self.tasks.is_empty() {
            return;
        }
        if self.me.persona.pinned {
            for idx in 0..self.tasks.len() {
                self.task(idx, session, &mut at);
            }
            return;
        }
        for _ in 0..self.rng.gen_range(1..=3) {
            let idx = self.weighted();
            self.task(idx, session, &mut at);
            at += self.rng.gen_range(20 * SECOND_US..420 * SECOND_US);
        }
        if !self.me.persona.tries.is_empty() && self.rng.gen_bool(0.06) {
            let key = self.me.persona.tries[self.rng.gen_range(0..self.me.persona.tries.len())];
            let op = self.ops.idx(key);
            self.act(op, session, at);
        }
    }

    fn weighted(&mut self) -> usize {
        let total: u32 = self.tasks.iter().map(|(weight, _)| weight).sum();
        let mut at = self.rng.gen_range(0..total.max(1));
        for (idx, (weight, _)) in self.tasks.iter().enumerate() {
            if at < *weight {
                return idx;
            }
            at -= weight;
        }
        0
    }

    /// Opens the session, with the records that a sign-in or an assumed role leaves.
    fn open(&mut self, at: &mut i64) -> u32 {
        let noise: u64 = self.rng.r#gen();
        let console = self.me.persona.start == Start::Person && self.rng.gen_bool(0.4);
        let caller = if self.me.persona.start == Start::Chain { self.me.idx.saturating_sub(1) } else { NOBODY };
        let name = self.session_name(noise);
        let mfa = console || self.me.persona.start == Start::Saml;
        let session =
            Session { who: self.me.idx, at: *at, name, console, mfa, caller, noise, parent_noise: 0, stolen: false };
        let idx = self.traffic.open(session);
        if caller != NOBODY && !self.assume(caller, idx, at) {
            return idx;
        }
        let key = match (self.me.persona.cloud, self.me.persona.start) {
            (Cloud::Aws, Start::Web) => "sts.AssumeRoleWithWebIdentity",
            (Cloud::Aws, Start::Saml) => "sts.AssumeRoleWithSAML",
            (Cloud::Aws, Start::Service(_)) => "sts.ServiceAssumeRole",
            (Cloud::Aws, Start::Vendor) => "sts.VendorAssumeRole",
            (Cloud::Aws, Start::Person) if console => "signin.ConsoleLogin",
            (Cloud::Aws, Start::Person) if noise.is_multiple_of(5) => "sts.GetCallerIdentity",
            (Cloud::Azure, Start::Person) => "signin",
            (Cloud::Azure, _) if noise.is_multiple_of(4) => "signin",
            _ => return idx,
        };
        // A wrong password now and then.
        if noise % 37 == 3 && key.contains("sign") && self.me.persona.start == Start::Person {
            self.plain(key, self.me.idx, idx, *at, Outcome::Missing);
            *at += 21 * SECOND_US;
        }
        let by_others = key.starts_with("sts.") && key != "sts.GetCallerIdentity";
        let who = if by_others { NOBODY } else { self.me.idx };
        self.plain(key, who, idx, *at, Outcome::Success);
        *at += self.rng.gen_range(1..20) * SECOND_US;
        idx
    }

    /// The caller's own call that starts a chain; false when the span ends before it.
    fn assume(&mut self, caller: u32, session: u32, at: &mut i64) -> bool {
        let key = if self.me.persona.cloud == Cloud::Aws { "sts.AssumeRole" } else { "cred.token" };
        let who = self.world.identity(caller);
        let own = Session {
            who: caller,
            at: *at - 30 * SECOND_US,
            name: String::new(),
            console: false,
            mfa: true,
            caller: NOBODY,
            noise: mix(self.traffic.sessions[session as usize].noise, 1),
            parent_noise: self.traffic.sessions[session as usize].noise,
            stolen: false,
        };
        let idx = self.traffic.open(own);
        let op = self.ops.idx(key);
        let call = Call { aux: self.me.idx, account: who.account as u8, ..self.blank(op, caller, idx, *at) };
        record(self.world, self.ops, who, call, self.traffic, self.tally);
        *at += 3 * SECOND_US;
        *at < self.world.span.1
    }

    fn session_name(&mut self, noise: u64) -> String {
        match self.me.persona.start {
            Start::Web => "GitHubActions".to_owned(),
            Start::Saml => {
                let people = self.me.people();
                people[self.rng.gen_range(0..people.len())].clone()
            }
            Start::Chain => self.world.identity(self.me.idx.saturating_sub(1)).name.clone(),
            Start::Service("ec2") => {
                format!("i-0{}", crate::ids::hex(mix(self.me.noise, u64::from(self.me.pin(Kind::Instance))), 3, 16))
            }
            Start::Service("backup") => "AWSBackup-AWSBackupDefaultServiceRole".to_owned(),
            Start::Service(_) => self.me.name.clone(),
            Start::Vendor => format!("collector-{}", noise % 4),
            Start::Person => String::new(),
        }
    }

    fn task(&mut self, idx: usize, session: u32, at: &mut i64) {
        for step in self.tasks[idx].1.clone() {
            let n = self.rng.gen_range(step.least..=step.most);
            let mut same = None;
            for _ in 0..n {
                let res = same.unwrap_or_else(|| self.resource(step.op));
                if step.pages {
                    same = Some(res);
                }
                self.act_on(step.op, res, session, *at);
                *at += if step.pages {
                    self.rng.gen_range(180_000..900_000)
                } else if self.me.persona.start == Start::Person {
                    self.rng.gen_range(2 * SECOND_US..70 * SECOND_US)
                } else {
                    self.rng.gen_range(SECOND_US / 4..9 * SECOND_US)
                };
            }
        }
    }

    /// Picks a resource: an old one in proportion to its use, a new one with a falling chance.
    fn resource(&mut self, op: u16) -> u16 {
        let kind = self.ops.get(op).target.container();
        if self.me.persona.pinned {
            return self.me.pin(kind);
        }
        let everyday = kind.everyday();
        let known = self.known.entry(kind).or_default();
        let total: u32 = known.iter().map(|(_, n)| n).sum();
        if self.rng.gen_bool(2.0 / (2.0 + f64::from(total))) || known.is_empty() {
            let fresh = self.rng.gen_range(0..everyday);
            if let Some(entry) = known.iter_mut().find(|(res, _)| *res == fresh) {
                entry.1 += 1;
            } else {
                known.push((fresh, 1));
            }
            return fresh;
        }
        let mut at = self.rng.gen_range(0..total);
        for (res, n) in known.iter_mut() {
            if at < *n {
                *n += 1;
                return *res;
            }
            at -= *n;
        }
        0
    }

    fn act(&mut self, op: u16, session: u32, at: i64) {
        let res = self.resource(op);
        self.act_on(op, res, session, at);
    }

    fn act_on(&mut self, op: u16, res: u16, session: u32, at: i64) {
        let mut call = Call { res, ..self.blank(op, self.me.idx, session, at) };
        let read = self.ops.get(op).read;
        if !self.me.persona.pinned && read {
            call.outcome = match call.noise % 500 {
                0..=3 if self.ops.get(op).target != Kind::None => Outcome::Missing,
                4 if self.me.persona.cloud == Cloud::Aws => Outcome::Throttled,
                _ => Outcome::Success,
            };
        }
        record(self.world, self.ops, self.me, call, self.traffic, self.tally);
    }

    fn plain(&mut self, key: &str, who: u32, session: u32, at: i64, outcome: Outcome) {
        let op = self.ops.idx(key);
        let call = Call { aux: self.me.idx, outcome, ..self.blank(op, who, session, at) };
        record(self.world, self.ops, self.me, call, self.traffic, self.tally);
    }

    fn blank(&mut self, op: u16, who: u32, session: u32, at: i64) -> Call {
        let noise: u64 = self.rng.r#gen();
        Call {
            at,
            who,
            session,
            op,
            res: 0,
            aux: NOBODY,
            account: self.me.account as u8,
            region: u8::from(mix(noise, 77).is_multiple_of(9) && !self.me.persona.pinned),
            outcome: Outcome::Success,
            noise,
        }
    }
}

/// Decides the outcome from what is granted, counts it and keeps the call. Calls outside the span are not made.
pub(crate) fn record(
    world: &World,
    ops: &Ops,
    who: &Identity,
    mut call: Call,
    traffic: &mut Traffic,
    tally: &mut Tally,
) -> bool {
    if !(world.span.0..world.span.1).contains(&call.at) {
        return false;
    }
    let op = ops.get(call.op);
    let granted = call.who == NOBODY || op.actions.iter().all(|action| who.allows(action, op.data));
    if !granted {
        call.outcome = Outcome::Denied;
    }
    if call.who == NOBODY {
        tally.by_others(who.persona.cloud);
    } else {
        let session = &traffic.sessions[call.session as usize];
        let person = (who.persona.start == Start::Saml).then_some(session.name.as_str());
        tally.call(who.idx, person, op, &call);
    }
    traffic.push(who.persona.cloud, call);
    true
}
