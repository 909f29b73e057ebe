//! Compares what is on disk with what was read, and plans the rest.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

use super::cursor::{Accounts, Class, Cursor, Known, Planned, Stamp};
use super::find::{Found, What, date_in, stamp};
use super::index::{Reading, Seen, is_plain, open};
use super::plan;
use crate::{Metrics, Split};

/// A scan under way: files are looked into a few at a time, so that a large folder does not hold everything up.
#[derive(Debug)]
pub(super) struct Scan {
    todo: VecDeque<(String, Found)>,
    planned: Vec<(Planned, String)>,
    pub(super) paths: BTreeMap<String, PathBuf>,
    accounts: Accounts,
    names: Vec<String>,
    highs: BTreeMap<u32, i64>,
    now: i64,
    once: bool,
    with_streams: bool,
}

/// What a known file needs.
enum Need {
    Nothing,
    /// Only its stamp is new.
    Touched(Stamp),
    /// It is to be read from a byte and an offset on, as a generation.
    Read {
        stamp: Stamp,
        generation: u32,
        start: u64,
        first_offset: i64,
    },
}

impl Scan {
    pub(super) fn new(
        found: BTreeMap<String, Found>,
        cursor: &Cursor,
        now: i64,
        once: bool,
        with_streams: bool,
    ) -> Self {
        Self {
            paths: found.iter().map(|(name, file)| (name.clone(), file.path.clone())).collect(),
            todo: found.into_iter().collect(),
            planned: Vec::new(),
            accounts: Accounts::of(cursor),
            names: cursor.accounts.clone(),
            highs: cursor.highs.clone(),
            now,
            once,
            with_streams,
        }
    }

    /// Looks into one more file; false when there is none.
    pub(super) fn step(&mut self, cursor: &mut Cursor, reading: &Reading, metrics: &Metrics) -> bool {
        let Some((name, file)) = self.todo.pop_front() else { return false };
        match file.what {
            What::Stream if self.with_streams => {
                let generation = cursor.known.get(&name).map_or(0, |known| known.generation + 1);
                self.plan(&name, Class::Stream, Stamp::default(), generation);
            }
            What::Stream => {}
            What::Trouble(reason) => self.trouble(cursor, &name, reason),
            What::File => match need(cursor.known.get(&name), &file, reading, self.now) {
                Err(error) => self.trouble(cursor, &name, error.to_string()),
                Ok(Need::Nothing) => {}
                Ok(Need::Touched(stamp)) => {
                    if let Some(known) = cursor.known.get_mut(&name) {
                        known.stamp = stamp;
                    }
                }
                Ok(Need::Read { stamp, generation, start, first_offset }) => {
                    metrics.ingest_found_files.add(1);
                    metrics.ingest_found_bytes.add(stamp.n_bytes - start.min(stamp.n_bytes));
                    self.plan(&name, Class::Logs, stamp, generation);
                    if let Some((planned, _)) = self.planned.last_mut() {
                        (planned.start, planned.first_offset) = (start, first_offset);
                    }
                    self.index(&name, &file, reading);
                    metrics.ingest_indexed_files.add(1);
                    metrics.ingest_indexed_bytes.add(stamp.n_bytes - start.min(stamp.n_bytes));
                }
            },
        }
        true
    }

    fn plan(&mut self, name: &str, class: Class, stamp: Stamp, generation: u32) {
        let planned = Planned {
            name: name.to_owned(),
            class,
            stamp,
            generation,
            grows: false,
            waits: false,
            start: 0,
            end: None,
            first_offset: 0,
            min: None,
            chunks: Vec::new(),
            collected_at: date_in(name).unwrap_or(stamp.modified).min(self.now),
        };
        self.planned.push((planned, String::new()));
    }

    /// Reports what cannot be read, once.
    fn trouble(&mut self, cursor: &Cursor, name: &str, reason: String) {
        if !cursor.known.contains_key(name) {
            self.plan(name, Class::Trouble(reason), Stamp::default(), 0);
        }
    }

    /// The first pass over the file planned last.
    fn index(&mut self, name: &str, file: &Found, reading: &Reading) {
        let Some((planned, list)) = self.planned.last_mut() else { return };
        let looked = is_plain(&file.path).and_then(|plain| {
            let end = plain.then_some(planned.stamp.n_bytes);
            Ok((plain, open(&file.path, planned.start, end)?))
        });
        let (plain, bytes) = match looked {
            Ok(looked) => looked,
            Err(error) => {
                planned.class = Class::Trouble(error.to_string());
                return;
            }
        };
        let options = reading.options(name, &file.path, self.now, planned.collected_at);
        let seen = Seen::of(Split::new(bytes, options), &reading.config, &mut self.accounts, &mut self.names);
        planned.class = seen.class();
        planned.min = seen.min;
        for (place, high) in &seen.highs {
            self.highs.entry(*place).and_modify(|known| *known = (*high).max(*known)).or_insert(*high);
        }
        if plain {
            let (size, safe) = (planned.stamp.n_bytes, planned.start + seen.safe);
            let idle_us = i64::try_from(reading.config.idle_after.as_micros()).unwrap_or(i64::MAX);
            let is_fresh = self.now.saturating_sub(planned.stamp.modified) < idle_us;
            planned.waits = !self.once && is_fresh && safe < size && seen.lines != Some(false);
            planned.grows = seen.lines != Some(false) && !seen.is_grants;
            planned.end = Some(if planned.waits { safe } else { size });
        }
        planned.chunks = seen.chunks;
        *list = seen.snapshots.into_iter().collect::<Vec<_>>().join(" ");
    }

    /// Every file was looked into: what is to be read becomes the cursor's plan.
    pub(super) fn finish(mut self, cursor: &mut Cursor, as_of: Option<i64>) {
        cursor.accounts = self.names;
        cursor.highs = self.highs;
        if self.once
            && let Some(as_of) = as_of.or_else(|| plan::high(cursor))
        {
            plan::collect_by(as_of, &mut self.planned);
        }
        cursor.plan =
            self.planned.into_iter().map(|(planned, _)| planned).filter(|planned| !is_idle(planned)).collect();
        plan::sort(&mut cursor.plan);
        let grants = cursor.plan.iter().filter(|planned| planned.class == Class::Grants);
        cursor.collected = cursor.collected.max(grants.map(|planned| planned.collected_at).max());
        (cursor.at, cursor.n_items, cursor.opened) = (0, 0, false);
    }
}

/// Whether a file has nothing to read yet but half a value.
fn is_idle(planned: &Planned) -> bool {
    planned.waits && planned.end == Some(planned.start)
}

fn need(known: Option<&Known>, file: &Found, reading: &Reading, now: i64) -> std::io::Result<Need> {
    let Some(known) = known else {
        return Ok(Need::Read { stamp: stamp(&file.path, None)?, generation: 0, start: 0, first_offset: 0 });
    };
    let same_prefix = stamp(&file.path, Some(known.stamp.prefix_bytes))?;
    let idle_us = i64::try_from(reading.config.idle_after.as_micros()).unwrap_or(i64::MAX);
    let gave_up = known.waits && now.saturating_sub(same_prefix.modified) >= idle_us;
    if same_prefix == known.stamp && !gave_up {
        return Ok(Need::Nothing);
    }
    let grown = known.grows && same_prefix.prefix == known.stamp.prefix && same_prefix.n_bytes >= known.end;
    let stamp = stamp(&file.path, None)?;
    if grown && stamp.n_bytes == known.end {
        return Ok(Need::Touched(stamp));
    }
    Ok(if grown {
        Need::Read { stamp, generation: known.generation, start: known.end, first_offset: known.next_offset }
    } else {
        Need::Read { stamp, generation: known.generation + 1, start: 0, first_offset: 0 }
    })
}
