//! On Kafka: the records go to their topics again, in one transaction with their letters' closing.
//!
//! The letters are those of the topic, whose bytes are whole and unredacted. They are read after the redrive before was locked
//! out, so that nobody sends one twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context;
use ingest::FileSource;
use schemas::{Body, DeadLetter, Id128, Message, Noun, Time};
use stream::Fault;
use stream::bodies::BodyStore;
use stream::clock::Clock;
use stream::kafka::{Codec, Decoded, Incoming, Tool};

use super::plan::{FileWork, Report, Way, way};
use super::{Wanted, files, tell};
use crate::args::RedriveArgs;
use crate::config::ValidConfig;
use crate::kafka::KafkaConfig;
use crate::wire::AvroCodec;
use crate::wire::redrive::{HEADER, Redrive};
use crate::{Exit, pipeline};

const TOPIC: &str = "dead_letter.v1";
/// How many letters are told apart; a topic that keeps more of them has been left alone for too long.
const MAX_LETTERS: usize = 1_000_000;
/// How many letters one transaction holds.
const IN_ONE: usize = 500;

pub(super) fn run(
    args: &RedriveArgs,
    config: &ValidConfig,
    kafka: &KafkaConfig,
    wanted: &Wanted,
) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let options = super::super::super::run::kafka::options(&args.store, true, config, kafka)?;
    let bodies = BodyStore::in_folder(kafka.bodies.clone(), runtime.handle().clone())?;
    let codec = Arc::new(super::super::super::run::kafka::codec(kafka, bodies.clone())?);
    let tool = Tool::open(&options, Arc::clone(&codec) as Arc<dyn Codec<Message>>, pipeline::wiring(), "dead-letters")?;
    let mut redriving = Redriving {
        tool,
        codec,
        bodies,
        files: files(args, config)?,
        by_file: BTreeMap::new(),
        report: Report::default(),
        now: Time(Clock::system().now()),
        is_dry: args.dry_run,
        n_open: 0,
    };
    let chosen = redriving.choose(wanted)?;
    redriving.send(&chosen)?;
    redriving.read_files()?;
    redriving.tool.commit()?;
    tell(&redriving.report, args.dry_run, None)
}

struct Redriving {
    tool: Tool<Message>,
    codec: Arc<AvroCodec>,
    bodies: BodyStore,
    files: FileSource,
    by_file: BTreeMap<String, Vec<DeadLetter>>,
    report: Report,
    now: Time,
    is_dry: bool,
    n_open: usize,
}

/// Where a record stands in its topic.
type Place = (i32, i64);

impl Redriving {
    /// The places of the wanted letters, each in its newest revision.
    fn choose(&self, wanted: &Wanted) -> Result<BTreeSet<Place>, Fault> {
        let mut newest: BTreeMap<Id128, (i64, Option<Place>)> = BTreeMap::new();
        self.tool.read(TOPIC, |record| {
            let Some(letter) = letter_of(&self.codec, record)? else { return Ok(()) };
            if newest.len() >= MAX_LETTERS && !newest.contains_key(&letter.dead_letter_id) {
                return Ok(());
            }
            let place = wanted.takes(&letter).then_some((record.partition, record.offset));
            let known = newest.entry(letter.dead_letter_id).or_insert((letter.revision, place));
            if letter.revision >= known.0 {
                *known = (letter.revision, place);
            }
            Ok(())
        })?;
        Ok(newest.into_values().filter_map(|(_, place)| place).collect())
    }

    /// Sends what can be sent with the bytes of the topic, and gathers the others by file.
    fn send(&mut self, chosen: &BTreeSet<Place>) -> Result<(), Fault> {
        let mut waiting: Vec<DeadLetter> = Vec::new();
        let mut left = chosen.clone();
        // What is read is sent in between: the reader holds some megabytes, whatever the topic has.
        while !left.is_empty() {
            let before = left.len();
            self.tool.read(TOPIC, |record| {
                if waiting.len() < IN_ONE && left.remove(&(record.partition, record.offset)) {
                    waiting.extend(letter_of(&self.codec, record)?);
                }
                Ok(())
            })?;
            for letter in std::mem::take(&mut waiting) {
                self.letter(letter)?;
            }
            if left.len() == before {
                break;
            }
        }
        Ok(())
    }

    fn letter(&mut self, mut letter: DeadLetter) -> Result<(), Fault> {
        let at = letter.redriven_at(self.now);
        let whole = match &letter.body_object {
            Some(object) => self.bodies.get(object)?.ok().map(|bytes| Body(bytes.into())),
            None => letter.is_whole().then(|| letter.body.clone()),
        };
        match way(&letter, whole, at) {
            Way::Record(record) => {
                // A record of another producer goes where it stood; the others where their account has them.
                let partition = letter.origin.file.is_none().then_some(letter.origin.partition);
                self.closed(&letter, at)?;
                self.message(&record.into_message(), partition)
            }
            Way::Bytes => {
                self.closed(&letter, at)?;
                self.bytes(&letter, at)
            }
            Way::File => {
                letter.body = Body::default();
                let file = letter.origin.file.as_deref().unwrap_or_default().to_owned();
                self.by_file.entry(file).or_default().push(letter);
                Ok(())
            }
            Way::Never(why) => {
                self.report.refuse(why);
                Ok(())
            }
        }
    }

    fn closed(&mut self, letter: &DeadLetter, at: Time) -> Result<(), Fault> {
        self.report.sent.push(letter.dead_letter_id);
        self.n_open += 1;
        if self.n_open > IN_ONE && !self.is_dry {
            self.tool.commit()?;
            self.n_open = 1;
        }
        self.message(&letter.closed(at).into_message(), None)
    }

    fn message(&mut self, message: &Message, partition: Option<i32>) -> Result<(), Fault> {
        if self.is_dry { Ok(()) } else { self.tool.send(message, partition) }
    }

    /// The record as it stood, with a header that says of which letter it is.
    fn bytes(&mut self, letter: &DeadLetter, at: Time) -> Result<(), Fault> {
        if self.is_dry {
            return Ok(());
        }
        let redrive = Redrive::of(letter, at).write();
        let headers = letter.headers.iter().map(|header| (header.name.as_str(), header.value.0.as_ref()));
        let headers: Vec<(&str, &[u8])> = headers.chain([(HEADER, redrive.as_slice())]).collect();
        let key = letter.key.as_ref().map(|key| key.0.as_ref()).unwrap_or_default();
        self.tool.send_parts(&letter.origin.topic, letter.origin.partition, key, Some(&letter.body.0), &headers)
    }

    fn read_files(&mut self) -> Result<(), Fault> {
        for (_, letters) in std::mem::take(&mut self.by_file) {
            let mut work = match FileWork::open(&self.files, letters, self.now) {
                Ok(work) => work,
                Err((n, why)) => {
                    (0..n).for_each(|_| self.report.refuse(why.clone()));
                    continue;
                }
            };
            // A record and its letter's closing are never in two transactions, so a file is one.
            while let Some(messages) = work.next(IN_ONE, &mut self.report) {
                messages.iter().try_for_each(|message| self.message(message, None))?;
            }
            work.finish(&mut self.report).iter().try_for_each(|message| self.message(message, None))?;
        }
        Ok(())
    }
}

/// The dead letter that a record holds.
fn letter_of(codec: &AvroCodec, record: &Incoming<'_>) -> Result<Option<DeadLetter>, Fault> {
    Ok(match codec.decode(record)? {
        Decoded::Payload(Message::DeadLetter(letter)) => Some(DeadLetter::clone(&letter)),
        _ => None,
    })
}
