//! The detectors, one file each: pure functions from an event (or an hour) and what was known before it to candidates.

pub(crate) mod context;
pub(crate) mod first_activity;
pub(crate) mod first_use;
pub(crate) mod volume;

use std::cell::OnceCell;

use schemas::{AccountId, RiskClass, Text, Time};

use crate::config::ValidConfig;
use crate::detector::grants::Grants;
use crate::detector::history::{History, Kind, Rhythm, is_weekend};
use crate::detector::models::PeerModel;
use crate::detector::rows::Candidate;
use crate::event::Seen;
use crate::evidence::{self, Channel, Evidence};
use crate::{law, technique};

/// Everything an event is judged by. All of it is as of `as_of`, the end of the frozen model.
pub(crate) struct Scene<'a> {
    pub config: &'a ValidConfig,
    pub account: &'a AccountId,
    pub time: Time,
    pub as_of: Time,
    pub event: &'a Seen,
    /// `None` when the identity was not seen before `as_of`.
    pub history: Option<&'a History>,
    pub rhythm: OnceCell<Rhythm>,
    pub model: Option<&'a PeerModel>,
    pub grants: Option<&'a Grants>,
}

/// Runs every detector that judges single events.
pub(crate) fn run(scene: &Scene<'_>) -> Vec<Candidate> {
    if !scene.is_learned() {
        return Vec::new();
    }
    let mut found = Vec::new();
    first_activity::find(scene, &mut found);
    first_use::find(scene, &mut found);
    context::find(scene, &mut found);
    found
}

impl Scene<'_> {
    /// Whether enough of the account's log is known to tell first uses. Both beginnings are the same in every partition:
    /// the model's, which all partitions share, and the identity's own, which one partition holds whole.
    fn is_learned(&self) -> bool {
        let of_model = self.model.and_then(|model| model.body.since(self.account));
        let of_identity = self.history.map(|history| history.first);
        let since = of_model.into_iter().chain(of_identity).min();
        since.is_some_and(|since| since.0.saturating_add(self.config.learn_us) <= self.as_of.0)
    }

    /// The identity's name for people.
    fn name(&self) -> &Text {
        static NOBODY: std::sync::LazyLock<Text> = std::sync::LazyLock::new(Text::default);
        self.event.name.as_ref().unwrap_or(&NOBODY)
    }

    fn who(&self) -> &str {
        if self.name().is_empty() { &self.event.identity } else { self.name() }
    }

    /// The identity's rhythm, summed up when it is first asked for: most events are usual and never ask.
    fn rhythm(&self) -> &Rhythm {
        self.rhythm.get_or_init(|| self.history.map(|history| history.rhythm(self.as_of)).unwrap_or_default())
    }

    /// The chance of something new of a kind in one of its hours, in nats.
    fn novelty_nats(&self, kind: Kind) -> f64 {
        -evidence::novelty(self.rhythm().n_new[kind as usize], self.rhythm().n_hours).ln()
    }

    fn knows(&self, kind: Kind, value: &str) -> bool {
        self.history.is_some_and(|history| history.knows(kind, value, self.as_of))
    }

    /// `in 21 days`, as long as the identity is known.
    fn span(&self) -> String {
        match self.history.map_or(0, |history| self.as_of.day() - history.first.day()) {
            0 => "on its first day".to_owned(),
            1 => "in 1 day".to_owned(),
            n => format!("in {n} days"),
        }
    }

    /// How much the action's risk weighs.
    fn risk(&self, action: &str, class: RiskClass) -> Evidence {
        if technique::is_tampering(action) {
            let text = format!("`{action}` switches off logs or guards");
            return Evidence::new(Channel::Risk, law::TAMPERING_WEIGHT.ln(), text);
        }
        Evidence::new(Channel::Risk, law::weight(class).ln(), format!("`{action}` {}", law::in_words(class)))
    }

    /// How unusual the hour is: the share of the identity's active hours that fall in hours of the week at most as usual
    /// as this one, with neighbours counting half. Only told beside something else, and only of a known rhythm.
    fn hour(&self) -> Option<Evidence> {
        const MIN_HOURS: f64 = 40.0;
        let weekend = usize::from(is_weekend(self.time.day()));
        let mass = |part: usize, hour: usize| {
            let cells = &self.rhythm().cells[part];
            cells[hour] + f64::midpoint(cells[(hour + 1) % 24], cells[(hour + 23) % 24]) + 0.25
        };
        let known: f64 = self.rhythm().cells.iter().flatten().sum();
        if known < MIN_HOURS {
            return None;
        }
        let hour = usize::try_from(self.time.0.rem_euclid(Time::DAY) / Time::HOUR).unwrap_or(0);
        let here = mass(weekend, hour);
        let all = (0..2).flat_map(|part| (0..24).map(move |hour| (part, hour)));
        let (mut below, mut total) = (0.0, 0.0);
        for (part, hour) in all {
            let m = mass(part, hour);
            total += m;
            below += if m <= here { m } else { 0.0 };
        }
        let nats = -(below / total).ln();
        let seen = self.rhythm().cells[weekend][hour];
        let day = if weekend == 1 { "weekend" } else { "weekday" };
        let text =
            format!("{hour:02}:00 UTC on a {day}: active then on {seen} of its days, {known} active hours in all");
        (nats > 1.0).then(|| Evidence::new(Channel::Hour, nats, text))
    }

    /// Keeps a candidate when it is unlikely enough.
    fn keep(&self, candidate: Candidate, found: &mut Vec<Candidate>) {
        let nats = evidence::together(candidate.evidence.iter());
        if evidence::p_value(nats) <= self.config.given.candidate_p {
            found.push(candidate);
        }
    }
}
