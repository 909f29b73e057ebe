//! The streaming stages beside a slow and obvious implementation, under every cut of the same inputs.

#![allow(clippy::unwrap_used, reason = "a failed test should panic")]

#[path = "oracle/guardrails.rs"]
mod guardrails;
#[path = "oracle/scenario.rs"]
mod scenario;
#[path = "oracle/slow.rs"]
mod slow;
#[path = "oracle/stories.rs"]
mod stories;

use std::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{Message, Pci, ScopeKind, Time};
use score::{Accounts, ScopeScorer, Scorer, ValidConfig};
use stream::{Batch, Output, Transform, Watermarks};

use scenario::{ACCOUNT, END, Scenario, config, scenario};

/// How a scenario is run.
#[derive(Clone, Debug)]
struct Cuts {
    /// A place in the inputs for each of them: their order.
    order: Vec<u32>,
    /// Lengths of batches, over and over.
    batches: Vec<usize>,
    /// The watermark after each batch, in hours before the end; it never goes back.
    watermarks: Vec<i64>,
    /// After which batches the stages are written down and read back.
    restarts: Vec<bool>,
    n_partitions: u32,
}

fn cuts() -> impl Strategy<Value = Cuts> {
    (
        prop::collection::vec(any::<u32>(), 1..40),
        prop::collection::vec(1usize..9, 1..6),
        prop::collection::vec(0i64..500, 1..12),
        prop::collection::vec(any::<bool>(), 1..6),
        prop_oneof![Just(1u32), Just(2), Just(4)],
    )
        .prop_map(|(order, batches, watermarks, restarts, n_partitions)| Cuts {
            order,
            batches,
            watermarks,
            restarts,
            n_partitions,
        })
}

/// Everything in one batch, one watermark at the end.
fn plain() -> Cuts {
    Cuts { order: vec![0], batches: vec![usize::MAX], watermarks: vec![0], restarts: vec![false], n_partitions: 1 }
}

/// The rows that stand at the end, by table and key.
type Rows = BTreeMap<(String, String), Message>;

struct Pipeline {
    accounts: Accounts,
    scorers: Vec<Scorer>,
    scope: ScopeScorer,
    rows: Rows,
}

impl Pipeline {
    fn with(config: &ValidConfig, n_partitions: u32) -> Self {
        Self {
            accounts: Accounts::new(config),
            scorers: (0..n_partitions).map(|_| Scorer::new(config)).collect(),
            scope: ScopeScorer::new(config),
            rows: Rows::new(),
        }
    }

    fn keep(&mut self, told: Vec<Message>) {
        for message in told {
            let key = (message.table().to_owned(), message.row_key());
            let newer = self.rows.get(&key).is_none_or(|held| held.revision() < message.revision());
            assert!(newer, "a row was told again without a higher revision: {key:?}");
            self.rows.insert(key, message);
        }
    }

    fn step(&mut self, batch: Vec<Message>, watermark: Option<i64>) {
        let watermarks = watermark.map(|through| Watermarks::default().with(ACCOUNT, through));
        let mut facts = Output::default();
        self.accounts.apply(Batch::of(0, 0, batch.clone()), &mut facts);
        if let Some(watermarks) = &watermarks {
            self.accounts.advance(watermarks, &mut facts);
        }
        let facts: Vec<Message> = facts.emitted;
        let mut told = Output::default();
        let n = self.scorers.len() as u32;
        for (at, scorer) in (0u32..).zip(&mut self.scorers) {
            let mine = batch.iter().chain(&facts).filter(|message| is_for(message, at, n)).cloned();
            scorer.apply(Batch::of(0, 0, mine), &mut told);
            if let Some(watermarks) = &watermarks {
                scorer.advance(watermarks, &mut told);
            }
        }
        let grants = batch.iter().chain(&facts).filter(|message| matches!(message, Message::Entitlement(_)));
        let inputs: Vec<Message> = grants.chain(&told.emitted).cloned().collect();
        let mut sums = Output::default();
        self.scope.apply(Batch::of(0, 0, inputs), &mut sums);
        if let Some(watermarks) = &watermarks {
            self.scope.advance(watermarks, &mut sums);
        }
        self.keep(told.emitted);
        self.keep(sums.emitted);
    }

    fn restart(&mut self) {
        let config = config();
        let accounts = self.accounts.snapshot().unwrap();
        self.accounts = Accounts::new(&config);
        self.accounts.restore(&accounts).unwrap();
        for scorer in &mut self.scorers {
            let bytes = scorer.snapshot().unwrap();
            *scorer = Scorer::new(&config);
            scorer.restore(&bytes).unwrap();
            assert_eq!(scorer.snapshot().unwrap(), bytes, "a state reads back what it wrote");
        }
        let scope = self.scope.snapshot().unwrap();
        self.scope = ScopeScorer::new(&config);
        self.scope.restore(&scope).unwrap();
    }

    fn finish(&mut self, as_of: i64) {
        let (mut told, mut sums) = (Output::default(), Output::default());
        for scorer in &mut self.scorers {
            scorer.finish(as_of, &mut told);
        }
        self.scope.apply(Batch::of(0, 0, told.emitted.clone()), &mut sums);
        self.scope.finish(as_of, &mut sums);
        self.keep(told.emitted);
        self.keep(sums.emitted);
    }
}

fn is_for(message: &Message, partition: u32, n_partitions: u32) -> bool {
    use schemas::topic::PartitionBy;
    match message.partition_by() {
        PartitionBy::Broadcast => true,
        PartitionBy::Text(text) => stream::partition::of_key(text.as_bytes(), n_partitions) == partition,
        PartitionBy::Salted(..) => false,
    }
}

/// Runs a scenario; returns the rows that stand, without their revisions.
fn run(scenario: &Scenario, cuts: &Cuts, as_of: i64) -> Rows {
    let mut pipeline = Pipeline::with(&config(), cuts.n_partitions);
    let mut inputs: Vec<(u32, Message)> =
        scenario.messages().into_iter().zip(cuts.order.iter().cycle()).map(|(m, at)| (*at, m)).collect();
    inputs.sort_by_key(|(at, _)| *at);
    let mut inputs = inputs.into_iter().map(|(_, message)| message).peekable();
    let mut watermark = i64::MIN;
    let mut round = 0;
    while inputs.peek().is_some() {
        let n = cuts.batches[round % cuts.batches.len()];
        let batch: Vec<Message> = inputs.by_ref().take(n).collect();
        watermark = watermark.max(END - cuts.watermarks[round % cuts.watermarks.len()] * Time::HOUR);
        pipeline.step(batch, (round % 3 != 2).then_some(watermark));
        if cuts.restarts[round % cuts.restarts.len()] {
            pipeline.restart();
        }
        round += 1;
    }
    pipeline.step(Vec::new(), Some(END));
    pipeline.finish(as_of);
    let stands = |message: &Message| match message {
        Message::Pci(row) => row.deleted_at.is_none(),
        Message::Finding(row) => row.deleted_at.is_none(),
        _ => true,
    };
    pipeline
        .rows
        .into_iter()
        .filter(|(_, message)| stands(message))
        .map(|(key, message)| (key, without_revision(message)))
        .collect()
}

fn without_revision(message: Message) -> Message {
    use schemas::{Finding, Noun, Usage};
    match message {
        Message::Pci(row) => Pci { revision: 0, ..row.as_ref().clone() }.into_message(),
        Message::Finding(row) => Finding { revision: 0, ..row.as_ref().clone() }.into_message(),
        Message::Usage(row) => Usage { revision: 0, ..row.as_ref().clone() }.into_message(),
        other => other,
    }
}

fn identity_rows(rows: &Rows) -> Vec<&Pci> {
    let mut found = Vec::new();
    for message in rows.values() {
        if let Message::Pci(row) = message
            && row.scope_kind == ScopeKind::Identity
        {
            found.push(row.as_ref());
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn neither_batches_nor_order_nor_partitions_nor_restarts_change_the_answer(
        scenario in scenario(), cuts in cuts(), early in 0i64..30,
    ) {
        let as_of = END + (10 - early) * Time::HOUR;
        let expected = run(&scenario, &plain(), as_of);
        let found = run(&scenario, &cuts, as_of);
        let differ = |(key, row): &(&(String, String), &Message)| expected.get(*key) != Some(row);
        let more: Vec<_> = found.iter().filter(differ).collect();
        let less: Vec<_> = expected.keys().filter(|key| !found.contains_key(*key)).collect();
        prop_assert!(more.is_empty() && less.is_empty(), "{more:#?} beside {less:#?}");
    }

    #[test]
    fn usage_is_what_a_plain_count_says(scenario in scenario()) {
        let rows = run(&scenario, &plain(), END);
        let found: BTreeMap<_, _> = rows.values().filter_map(slow::counted).collect();
        prop_assert_eq!(found, slow::usage(&scenario));
    }

    #[test]
    fn scores_are_what_a_recount_of_everything_says(scenario in scenario()) {
        let as_of = END + 5 * Time::HOUR;
        let rows = run(&scenario, &plain(), as_of);
        let rows = identity_rows(&rows);
        let oracle = slow::Oracle::new(&scenario);
        for identity in scenario.granted() {
            let series: Vec<&&Pci> = rows.iter().filter(|row| row.scope_id.as_str() == identity).collect();
            for at in oracle.days().chain([Time(as_of)]) {
                let told = series.iter().rev().find(|row| row.time <= at).map(|row| slow::Score::told(row));
                prop_assert_eq!(told.filter(|score| score.n_granted > 0), oracle.score(identity, at).filter(|s| s.n_granted > 0), "{} at {}", identity, at);
            }
            let last = series.last();
            prop_assert!(last.is_none_or(|row| row.n_granted == 0 || row.time == Time(as_of) && row.provisional));
        }
    }

    #[test]
    fn the_laws_of_the_index_hold(scenario in scenario()) {
        let rows = run(&scenario, &plain(), END);
        for row in identity_rows(&rows) {
            prop_assert_eq!(row.score < 0.005, row.n_unused + row.n_unknowable == 0, "{:?}", row);
            prop_assert!(row.score_lo <= row.score && row.n_used + row.n_unused + row.n_unknowable == row.n_granted);
        }
        // Using more never raises a score: as if each identity had used one action more, on the last day.
        let more = scenario.with_more_use();
        let used_more = run(&more, &plain(), END);
        let last = |rows: &Rows| -> BTreeMap<String, f64> {
            identity_rows(rows).iter().filter(|row| row.time == Time(END)).map(|row| (row.scope_id.to_string(), row.score)).collect()
        };
        for (identity, score) in last(&rows) {
            prop_assert!(last(&used_more).get(&identity).is_none_or(|more| *more <= score), "{}", identity);
        }
    }
}
