//! A store as the belt asks it: rows of topics, the facts first and then day by day and hour by hour.

use std::collections::VecDeque;

use schemas::topic::find;
use schemas::{
    AccessEvent, Anomaly, Entitlement, Inventory, Message, Model, Noun, Pci, Policy, Session, Tally, Time, Usage,
};
use sinks::query::{Expr, col, time};
use sinks::{QueryError, Store};
use stream::Fault;
use stream::kafka::{Archive, Portion};
use tokio::runtime::Handle;

/// Nouns that hold from a time on, in the order in which they are given: who grants comes before who uses.
const FACTS: &[&str] = &["policy", "entitlement", "inventory", "tally"];
/// Nouns that happen, with the column of their time.
const HAPPENS: &[(&str, &str)] = &[
    ("model", "time"),
    ("access_event", "time"),
    ("usage", "window_start"),
    ("pci", "time"),
    ("anomaly", "time"),
    ("session", "issued_at"),
];

/// What is to be read next.
enum Step {
    Facts(&'static str),
    /// A day of all nouns that happen.
    Day(Time),
}

pub(super) struct StoreArchive {
    store: Store,
    sink: &'static str,
    handle: Handle,
    happens: Vec<(&'static str, &'static str)>,
    steps: VecDeque<Step>,
    /// The hours of the day that was read last.
    ready: VecDeque<Portion<Message>>,
}

impl StoreArchive {
    pub(super) fn new(store: Store, sink: &'static str, handle: Handle) -> Self {
        Self { store, sink, handle, happens: Vec::new(), steps: VecDeque::new(), ready: VecDeque::new() }
    }

    /// The first and last day of a table.
    fn days(&self, table: &str, column: &str) -> Result<Option<(Time, Time)>, QueryError> {
        let sql = format!("SELECT count(*) AS n, min({column}) AS first, max({column}) AS last FROM {table}");
        let row = self.handle.block_on(self.store.sql(&sql))?.first_row();
        let [Some(n), Some(first), Some(last)] = row[..] else { return Ok(None) };
        Ok((n > 0).then(|| (Time(first).floor(Time::DAY), Time(last).floor(Time::DAY))))
    }

    fn read(&self, table: &str, filter: Option<Expr>) -> Result<Vec<Message>, QueryError> {
        match table {
            "policy" => self.rows::<Policy>(filter),
            "entitlement" => self.rows::<Entitlement>(filter),
            "inventory" => self.rows::<Inventory>(filter),
            "tally" => self.rows::<Tally>(filter),
            "model" => self.rows::<Model>(filter),
            "access_event" => self.rows::<AccessEvent>(filter),
            "usage" => self.rows::<Usage>(filter),
            "pci" => self.rows::<Pci>(filter),
            "anomaly" => self.rows::<Anomaly>(filter),
            "session" => self.rows::<Session>(filter),
            _ => Ok(Vec::new()),
        }
    }

    /// The rows in an order of their own, so that the same store makes the same state.
    fn rows<N: Noun>(&self, filter: Option<Expr>) -> Result<Vec<Message>, QueryError> {
        let mut rows = self.handle.block_on(self.store.rows_where::<N>(N::NAME, filter))?;
        rows.sort_by_cached_key(|row| (row.time(), row.row_key()));
        Ok(rows.into_iter().map(Noun::into_message).collect())
    }

    /// A day, cut into hours.
    fn day(&mut self, day: Time) -> Result<(), QueryError> {
        let mut hours: Vec<Vec<Message>> = (0..24).map(|_| Vec::new()).collect();
        for (table, column) in self.happens.clone() {
            let next = Time(day.0 + Time::DAY);
            let filter = col(column).gt_eq(time(day)).and(col(column).lt(time(next)));
            for row in self.read(table, Some(filter))? {
                let hour = (row.time().0 - day.0) / Time::HOUR;
                hours[usize::try_from(hour).unwrap_or(0).min(23)].push(row);
            }
        }
        let through = |hour: usize| day.0 + (hour as i64 + 1) * Time::HOUR;
        let portions = hours.into_iter().enumerate();
        self.ready.extend(portions.map(|(hour, rows)| Portion { through: Some(through(hour)), rows }));
        Ok(())
    }
}

impl Archive<Message> for StoreArchive {
    fn sink(&self) -> &'static str {
        self.sink
    }

    /// Bodies are redacted before they are stored, so that raw records are not what they were.
    fn keeps(&self, topic: &str) -> bool {
        table(topic).is_some()
    }

    fn open(&mut self, topics: &[&'static str]) -> Result<(), Fault> {
        let tables: Vec<&str> = topics.iter().filter_map(|topic| table(topic)).collect();
        self.happens = HAPPENS.iter().filter(|(name, _)| tables.contains(name)).copied().collect();
        self.steps = FACTS.iter().filter(|name| tables.contains(name)).map(|name| Step::Facts(name)).collect();
        let mut span: Option<(Time, Time)> = None;
        for (table, column) in &self.happens {
            let Some((first, last)) = self.days(table, column).map_err(fault)? else { continue };
            span = Some(span.map_or((first, last), |(from, to)| (from.min(first), to.max(last))));
        }
        if let Some((first, last)) = span {
            let n_days = (last.0 - first.0) / Time::DAY;
            self.steps.extend((0..=n_days).map(|day| Step::Day(Time(first.0 + day * Time::DAY))));
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Portion<Message>>, Fault> {
        loop {
            if let Some(portion) = self.ready.pop_front() {
                return Ok(Some(portion));
            }
            match self.steps.pop_front() {
                None => return Ok(None),
                Some(Step::Facts(table)) => {
                    let rows = self.read(table, None).map_err(fault)?;
                    return Ok(Some(Portion { through: None, rows }));
                }
                Some(Step::Day(day)) => self.day(day).map_err(fault)?,
            }
        }
    }

    fn highest_revision(&mut self, topics: &[&'static str]) -> Result<i64, Fault> {
        let mut highest = 0;
        for table in topics.iter().filter_map(|topic| find(topic)?.table).filter(|table| counts_revisions(table)) {
            let sql = format!("SELECT max(revision) AS highest FROM {table}");
            let answer = self.handle.block_on(self.store.sql(&sql)).map_err(fault)?;
            highest = highest.max(answer.first_row().first().copied().flatten().unwrap_or(0));
        }
        Ok(highest)
    }
}

/// The table whose rows are a topic's as they were.
fn table(topic: &str) -> Option<&'static str> {
    let table = find(topic)?.table?;
    let is_known = FACTS.contains(&table) || HAPPENS.iter().any(|(name, _)| *name == table);
    is_known.then_some(table)
}

/// Whether rows of a table count their revisions; those of letters are times.
fn counts_revisions(table: &str) -> bool {
    !["raw_record", "policy", "access_event", "model", "dead_letter"].contains(&table)
}

fn fault(error: QueryError) -> Fault {
    Fault::edge("store", error)
}

#[test]
fn every_table_that_is_read_has_a_topic() {
    for name in FACTS.iter().chain(HAPPENS.iter().map(|(name, _)| name)) {
        assert!(schemas::topic::TOPICS.iter().any(|topic| topic.table == Some(name)), "{name}");
    }
}
