//! The sink: rows wait per table and go to the server in large blocks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use schemas::Message;
use schemas::clickhouse::layout;
use stream::clock::Stopwatch;
use stream::metrics::Probe;
use stream::{Batch, Fault, Position, Sink, SinkState};
use tracing::Instrument;

use super::client::Server;
use super::encode::{self, Span};
use super::error::CLICKHOUSE;
use super::{ClickHouseError, Place, ValidConfig, migrate, retry};
use crate::lake::table::Table;
use crate::redact::Redaction;
use crate::{Metrics, metrics, rows};

/// Into how many days' partitions one insert writes: the server refuses more than 100 by default, and each is a part of
/// its own on its disk.
const MAX_DAYS: usize = 90;

/// Stores every noun that has a table in ClickHouse.
///
/// `write` buffers, and inserts the fullest table when the bound of rows or bytes is reached; `commit` inserts the rest, so
/// that whoever commits offsets afterwards knows that the server has acknowledged everything before. While the server is
/// away, both wait: the channel before them fills up, and its source stops. Rows that come twice after a crash are one row
/// by their sorting key; the token of an insert only spares the server the work.
#[derive(Debug)]
pub struct ClickHouse {
    server: Server,
    config: ValidConfig,
    redaction: Redaction,
    pending: BTreeMap<&'static str, Pending>,
    pending_bytes: usize,
    metrics: Arc<Mutex<Metrics>>,
}

/// Rows of one table that wait.
#[derive(Debug)]
struct Pending {
    table: &'static Table,
    rows: Vec<(Position, Message)>,
    n_bytes: usize,
}

impl ClickHouse {
    /// A sink into a place, as whoever the place's password lets in.
    #[must_use]
    pub fn new(config: &crate::ValidConfig, place: &Place) -> Self {
        let clickhouse = config.clickhouse.clone();
        Self {
            server: Server::new(place, clickhouse.timeout),
            config: clickhouse,
            redaction: config.redaction.clone(),
            pending: BTreeMap::new(),
            pending_bytes: 0,
            metrics: Arc::default(),
        }
    }

    /// What it counts, readable while it works.
    #[must_use]
    pub fn metrics(&self) -> Arc<Mutex<Metrics>> {
        Arc::clone(&self.metrics)
    }

    async fn take(&mut self, batch: Batch<Message>) -> Result<(), ClickHouseError> {
        for record in batch.records {
            let Some(table) = rows::table_of(&record.payload) else { continue };
            let (message, n_redacted) = rows::redact(&self.redaction, record.payload);
            {
                let mut metrics = lock(&self.metrics);
                metrics.sinks_rows_total += 1;
                metrics.sinks_redactions_total += n_redacted as u64;
            }
            let n_bytes = rows::memory_bytes(&message);
            let empty = || Pending { table, rows: Vec::new(), n_bytes: 0 };
            let pending = self.pending.entry(table.name).or_insert_with(empty);
            pending.rows.push((record.at, message));
            pending.n_bytes += n_bytes;
            self.pending_bytes += n_bytes;
            if pending.rows.len() >= self.config.max_rows {
                self.flush(table.name).await?;
            }
            while self.pending_bytes >= self.config.buffer_bytes {
                let fullest = self.pending.iter().max_by_key(|(_, pending)| pending.n_bytes).map(|(name, _)| *name);
                let Some(name) = fullest else { break };
                self.flush(name).await?;
            }
        }
        Ok(())
    }

    async fn flush_all(&mut self) -> Result<(), ClickHouseError> {
        while let Some(name) = self.pending.keys().next().copied() {
            self.flush(name).await?;
        }
        Ok(())
    }

    /// Inserts the rows of a table that wait.
    async fn flush(&mut self, name: &'static str) -> Result<(), ClickHouseError> {
        let Some(pending) = self.pending.remove(name) else { return Ok(()) };
        self.pending_bytes = self.pending_bytes.saturating_sub(pending.n_bytes);
        for rows in by_days(pending.table, pending.rows) {
            let span = tracing::debug_span!("insert", table = name, n_rows = rows.len());
            self.insert(pending.table, rows).instrument(span).await?;
        }
        Ok(())
    }

    async fn insert(&self, table: &'static Table, rows: Vec<(Position, Message)>) -> Result<(), ClickHouseError> {
        let watch = Stopwatch::start();
        let encode = move || {
            let span = span(&rows);
            let messages: Vec<Message> = rows.into_iter().map(|(_, message)| message).collect();
            encode::block(table, &messages, &span)
        };
        let panicked = |_| ClickHouseError::Ours("encoding rows panicked; please report this".to_owned());
        let block = tokio::task::spawn_blocking(encode).await.map_err(panicked)??;
        let seed = schemas::Id128::of_parts(&[block.token.as_bytes()]).0 as u64;
        let attempt = || self.server.insert(&block.sql, &block.token, block.bytes.clone());
        let on_retry = || lock(&self.metrics).sinks_insert_retries_total += 1;
        retry::run(self.config.retry_for, seed, attempt, on_retry).await?;
        let mut metrics = lock(&self.metrics);
        metrics.sinks_inserts_total += 1;
        metrics.sinks_rows_written_total += block.n_rows as u64;
        metrics.sinks_insert_bytes += block.bytes.len() as u64;
        metrics.sinks_insert_seconds.note(watch.elapsed());
        Ok(())
    }

    /// Waits for the server and sees that it has the tables that this release writes.
    async fn check(&self) -> Result<(), ClickHouseError> {
        retry::run(self.config.retry_for, 0, || migrate::check(&self.server), || {}).await
    }
}

/// A panic while the lock was held has stopped the pipeline already; the numbers are still good to read.
fn lock(metrics: &Mutex<Metrics>) -> MutexGuard<'_, Metrics> {
    metrics.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first and the last offset of each partition.
fn span(rows: &[(Position, Message)]) -> Span {
    let mut span = Span::new();
    for (at, _) in rows {
        let (first, last) = span.entry(at.partition).or_insert((at.offset, at.offset));
        (*first, *last) = ((*first).min(at.offset), (*last).max(at.offset));
    }
    span
}

/// Cuts rows so that each part has at most [`MAX_DAYS`] days, in the order of days where there is more than one part.
fn by_days(table: &Table, rows: Vec<(Position, Message)>) -> Vec<Vec<(Position, Message)>> {
    if layout::find(table.name).is_none_or(|table| table.partition_by.is_none()) {
        return vec![rows];
    }
    let mut days: BTreeMap<i64, Vec<(Position, Message)>> = BTreeMap::new();
    for row in rows {
        days.entry(row.1.time().day()).or_default().push(row);
    }
    let days: Vec<_> = days.into_values().collect();
    let n_parts = days.len().div_ceil(MAX_DAYS);
    let mut parts: Vec<Vec<_>> = Vec::with_capacity(n_parts);
    for (place, day) in days.into_iter().enumerate() {
        match parts.last_mut() {
            Some(part) if place % MAX_DAYS != 0 => part.extend(day),
            _ => parts.push(day),
        }
    }
    parts
}

impl Sink<Message> for ClickHouse {
    fn keeps_state(&self) -> bool {
        false
    }

    fn restore(&mut self, state: SinkState) -> BoxFuture<'_, Result<(), Fault>> {
        // Nothing lies on the server that a restart would have to remove: rows that come again are the same rows.
        let _ = state;
        self.pending.clear();
        self.pending_bytes = 0;
        Box::pin(async move { self.check().await.map_err(ClickHouseError::into_fault) })
    }

    fn write(&mut self, batch: Batch<Message>) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.take(batch).await.map_err(ClickHouseError::into_fault) })
    }

    fn commit(&mut self, epoch: u64) -> BoxFuture<'_, Result<SinkState, Fault>> {
        Box::pin(async move {
            self.flush_all().await.map_err(ClickHouseError::into_fault)?;
            Ok(serde_json::json!({ "store": CLICKHOUSE, "place": self.server.place.to_string(), "epoch": epoch }))
        })
    }

    fn probe(&self) -> Option<Probe> {
        Some(metrics::probe(&self.metrics))
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Noun, Time, example};

    use super::*;

    fn event(day: i64) -> Message {
        let message = example::all().into_iter().find(|message| message.table() == "access_event").unwrap();
        let Message::AccessEvent(event) = message else { unreachable!() };
        schemas::AccessEvent { time: Time(day * Time::DAY + 1), ..schemas::AccessEvent::clone(&event) }.into_message()
    }

    #[test]
    fn one_insert_never_has_more_days_than_the_server_takes() {
        let table = crate::lake::table::find("access_event").unwrap();
        let rows: Vec<_> = (0..400).map(|n| (Position { partition: 0, offset: n }, event(n as i64 % 200))).collect();
        let parts = by_days(table, rows);
        let n_days: Vec<usize> = parts
            .iter()
            .map(|part| part.iter().map(|(_, row)| row.time().day()).collect::<std::collections::BTreeSet<_>>().len())
            .collect();
        assert_eq!(n_days, [90, 90, 20]);
        assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 400);
    }

    #[test]
    fn a_token_tells_blocks_apart_by_what_is_in_them() {
        let table = crate::lake::table::find("access_event").unwrap();
        let at = Position { partition: 3, offset: 7 };
        let token = |day| {
            let rows = [(at, event(day))];
            encode::block(table, &[rows[0].1.clone()], &span(&rows)).unwrap().token
        };
        assert_eq!(token(1), token(1));
        assert_ne!(token(1), token(2), "offsets start again with the process");
        assert!(token(1).starts_with("access_event/3:7-7/"), "{}", token(1));
    }
}
