//! What a redrive makes of a letter: its record again, and the letter closed behind it.

use std::collections::BTreeMap;

use ingest::{FileSource, Item, Split};
use schemas::message::raw_log_topic;
use schemas::{Body, DeadLetter, Id128, Message, Noun, RawGrant, RawRecord, Time};

/// How the bytes of a letter can be had.
#[derive(Debug)]
pub(super) enum Way {
    /// They are here: a raw log record that its room reads once more.
    Record(Box<RawRecord>),
    /// They go to their topic as they are.
    Bytes,
    /// They stand in the file that they came from.
    File,
    /// Not at all, for people.
    Never(String),
}

/// How a letter can be redriven; `whole` is its bytes where they are neither cut nor redacted.
pub(super) fn way(letter: &DeadLetter, whole: Option<Body>, at: Time) -> Way {
    let is_log = letter.provider.is_some_and(|provider| letter.origin.topic == raw_log_topic(provider));
    let is_file = letter.origin.file.is_some();
    match letter.room.as_str() {
        "normalize" if is_log => match whole.and_then(|body| letter.record(body, at)) {
            Some(record) => Way::Record(Box::new(record)),
            None if is_file => Way::File,
            None => Way::Never("its bytes are redacted or cut here, and it came from no file".to_owned()),
        },
        "normalize" | "ingest" if is_file => Way::File,
        DeadLetter::STREAM if whole.is_some() => Way::Bytes,
        DeadLetter::STREAM => Way::Never("its bytes are cut".to_owned()),
        room => Way::Never(format!("what `{room}` rejects was written by another room")),
    }
}

/// What became of the letters.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Those that were sent again.
    pub(super) sent: Vec<Id128>,
    /// How many are still what they were when they were read again.
    pub(super) n_broken: usize,
    /// Why others cannot be sent, and how many.
    pub(super) refused: BTreeMap<String, usize>,
}

impl Report {
    pub(super) fn refuse(&mut self, why: String) {
        *self.refused.entry(why).or_default() += 1;
    }
}

/// One letter of a file.
struct Wanted {
    letter: DeadLetter,
    at: Time,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nothing of it has been seen.
    Open,
    /// It was sent again.
    Sent,
    /// It was rejected again while it was read.
    Broken,
    /// There is another record in its place.
    Another,
}

type File = Split<Box<dyn std::io::Read + Send>>;

/// A file that is read once more for the letters that came of it.
pub(super) struct FileWork {
    wanted: BTreeMap<i64, Wanted>,
    split: File,
    read_at: Time,
    has_grants: bool,
}

impl FileWork {
    /// Opens the file of some letters.
    pub(super) fn open(files: &FileSource, letters: Vec<DeadLetter>, now: Time) -> Result<Self, (usize, String)> {
        let n = letters.len();
        let Some(origin) = letters.first().map(|letter| letter.origin.clone()) else {
            return Err((0, String::new()));
        };
        let mut wanted = BTreeMap::new();
        let mut read_at = now;
        for letter in letters {
            let at = letter.redriven_at(now);
            // Whatever is rejected of grants opens its letter again: it must be read later than the letter is closed.
            read_at = read_at.max(Time(at.0.saturating_add(1)));
            wanted.insert(letter.origin.offset, Wanted { letter, at, fate: Fate::Open });
        }
        let split = files.again(&origin, read_at).map_err(|why| (n, why))?;
        Ok(Self { wanted, split, read_at, has_grants: false })
    }

    /// Reads on; the messages are to be sent in their order. `None` when the file is at its end.
    pub(super) fn next(&mut self, max: usize, report: &mut Report) -> Option<Vec<Message>> {
        let mut messages = Vec::new();
        for _ in 0..max.max(1) {
            let Some(item) = self.split.next() else {
                return if messages.is_empty() { None } else { Some(messages) };
            };
            match item {
                Item::Log(record) => self.log(record, &mut messages, report),
                Item::Rejected(letter) => self.rejected(letter, &mut messages),
                Item::Grant(grant) => self.grant(grant, &mut messages),
            }
        }
        Some(messages)
    }

    /// The letter that stands at an offset.
    fn at(&mut self, offset: i64) -> Option<&mut Wanted> {
        let (first, wanted) = self.wanted.range_mut(..=offset).next_back()?;
        (offset < first + ingest::n_values(&wanted.letter)).then_some(wanted)
    }

    fn log(&mut self, record: RawRecord, messages: &mut Vec<Message>, report: &mut Report) {
        let Some(wanted) = self.at(record.origin.offset) else { return };
        let letter = &wanted.letter;
        let again = if letter.room == "ingest" {
            Some(RawRecord { ingested_at: letter.time, ..record })
        } else if Id128::of_parts(&[&record.body.0]) == letter.body_hash {
            letter.record(record.body, wanted.at)
        } else {
            None
        };
        let Some(again) = again else {
            wanted.fate = Fate::Another;
            return;
        };
        messages.push(again.into_message());
        if wanted.fate == Fate::Open {
            wanted.fate = Fate::Sent;
            report.sent.push(letter.dead_letter_id);
            messages.push(letter.closed(wanted.at).into_message());
        }
    }

    /// What is rejected once more stays, with the reason of now. What stood beside it in one letter has one of its own.
    fn rejected(&mut self, found: DeadLetter, messages: &mut Vec<Message>) {
        let offset = found.origin.offset;
        let Some(wanted) = self.at(offset).filter(|wanted| wanted.letter.room == "ingest") else { return };
        let old = &wanted.letter;
        if offset != old.origin.offset {
            messages.push(found.into_message());
            return;
        }
        if found.reason != old.reason {
            let (dead_letter_id, origin, time) = (old.dead_letter_id, old.origin.clone(), old.time);
            let again = DeadLetter { dead_letter_id, origin, time, revision: wanted.at.0, ..found };
            messages.push(again.into_message());
        }
        wanted.fate = Fate::Broken;
    }

    /// Grants count as whole snapshots only, so all of the file's are sent.
    fn grant(&mut self, grant: RawGrant, messages: &mut Vec<Message>) {
        let is_wanted = |wanted: &Wanted| wanted.fate == Fate::Open || wanted.letter.room == "normalize";
        if self.has_grants || self.wanted.values().any(is_wanted) {
            self.has_grants = true;
            messages.push(RawGrant { ingested_at: self.read_at, ..grant }.into_message());
        }
    }

    /// What became of the letters whose records did not come by themselves.
    pub(super) fn finish(self, report: &mut Report) -> Vec<Message> {
        let mut messages = Vec::new();
        for wanted in self.wanted.into_values() {
            match wanted.fate {
                Fate::Sent => {}
                Fate::Broken => report.n_broken += 1,
                Fate::Open if self.has_grants => {
                    report.sent.push(wanted.letter.dead_letter_id);
                    messages.push(wanted.letter.closed(wanted.at).into_message());
                }
                Fate::Open => report.refuse("its file has no such record any more".to_owned()),
                Fate::Another => report.refuse("its file has another record in its place".to_owned()),
            }
        }
        messages
    }
}
