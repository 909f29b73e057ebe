//! Which schema id stands for which noun, and how to read what each writer's schema wrote.

use std::sync::{Arc, OnceLock};

use apache_avro::Schema;

use super::error::{DatumError, WireError};
use super::plan::{self, Plan};
use super::read::Input;
use super::resolve::Resolving;
use crate::avro::history;
use crate::{Message, Noun};

type Read = for<'de> fn(&'de [u8], &'de Plan) -> Result<Message, DatumError>;

/// What the wire knows of a noun.
pub(super) struct NounType {
    pub(super) name: &'static str,
    /// The CloudEvents type, such as `overgrant.access_event.v1`.
    pub(super) event_type: String,
    /// Our schema.
    schema: Schema,
    read: Read,
}

fn read<N: Noun>(bytes: &[u8], plan: &Plan) -> Result<Message, DatumError> {
    let mut input = Input::new(bytes);
    let noun = match plan {
        Plan::Same => N::deserialize(&mut input)?,
        plan => N::deserialize(Resolving::new(plan, &mut input))?,
    };
    input.end()?;
    Ok(noun.into_message())
}

/// Every noun, in the order of [`Message::place`].
pub(super) fn nouns() -> &'static [NounType] {
    static NOUNS: OnceLock<Vec<NounType>> = OnceLock::new();
    NOUNS.get_or_init(|| {
        let mut nouns = Vec::new();
        crate::for_each_noun!(N => {
            nouns.push(NounType {
                name: N::NAME,
                event_type: format!("overgrant.{}.v1", N::NAME),
                schema: crate::avro::schema::<N>(),
                read: read::<N>,
            });
        });
        nouns
    })
}

fn place_of(noun: &str) -> Option<usize> {
    nouns().iter().position(|known| known.name == noun)
}

#[derive(Clone, Debug)]
struct Writer {
    /// The noun's place in [`nouns`].
    noun: usize,
    plan: Arc<Plan>,
}

/// The schema ids of the nouns, and of other writers' schemas as they are met. Cheap to clone; one per reader.
#[derive(Clone, Debug, Default)]
pub struct SchemaIds {
    /// The id that each noun is written with, by its place in [`nouns`].
    written: Vec<Option<u32>>,
    /// The known writers, ordered by id.
    writers: Vec<(u32, Writer)>,
    /// Those named by a GUID.
    guids: Vec<(u128, Writer)>,
}

impl SchemaIds {
    /// The first id of the range that a run without a registry uses: registries count up from 1 and their ids are
    /// positive in Java's `int`, so sixteen million at its upper end meet no registry's.
    pub const RESERVED: u32 = 0x7f00_0000;

    /// Whether an id is of the reserved range, so that a topic that holds both kinds can be refused.
    #[must_use]
    pub fn is_reserved(id: u32) -> bool {
        (Self::RESERVED..=0x7fff_ffff).contains(&id)
    }

    /// The committed ids of `avro/ids.json`, one per noun and version of its schema, for running without a registry.
    /// Nouns are written with their newest.
    #[must_use]
    pub fn reserved() -> Self {
        static RESERVED: OnceLock<SchemaIds> = OnceLock::new();
        let made = RESERVED.get_or_init(|| {
            let newest = history::versions().iter().map(|version| (version.noun, version.id)).collect();
            // Of the ids of one noun the last is the one to write, and its schema is the type's own.
            let mut ids = Self::of(newest);
            for version in history::versions() {
                if ids.id_of(version.noun) == Some(version.id) {
                    continue;
                }
                ids.add_writer(version.id, version.noun, version.text).expect("a test adds every committed version");
            }
            ids
        });
        made.clone()
    }

    /// The ids that a registry gave to our schemas, by noun name. Names of no noun are left out; a noun that is not
    /// named cannot be written.
    #[must_use]
    pub fn of(ids: Vec<(&'static str, u32)>) -> Self {
        let mut made = Self { written: vec![None; nouns().len()], ..Self::default() };
        for (noun, id) in ids {
            if let Some(place) = place_of(noun) {
                made.written[place] = Some(id);
                made.know(id, Writer { noun: place, plan: Arc::new(Plan::Same) });
            }
        }
        made
    }

    /// Learns a writer's schema by its id: `schema_text` is what the registry answers, `noun` what its records are read
    /// as.
    ///
    /// # Errors
    /// [`WireError::NoNoun`]; [`WireError::Schema`] when the text is no schema or cannot be read as the noun.
    pub fn add_writer(&mut self, id: u32, noun: &str, schema_text: &str) -> Result<(), WireError> {
        let writer = planned(noun, schema_text, || id.to_string())?;
        self.know(id, writer);
        Ok(())
    }

    /// Learns a writer's schema by its GUID, for the newer header that names schemas so.
    ///
    /// # Errors
    /// As [`Self::add_writer`].
    pub fn add_guid(&mut self, guid: u128, noun: &str, schema_text: &str) -> Result<(), WireError> {
        let writer = planned(noun, schema_text, || format!("{guid:032x}"))?;
        self.guids.retain(|(known, _)| *known != guid);
        self.guids.push((guid, writer));
        Ok(())
    }

    /// The id that a noun is written with.
    #[must_use]
    pub fn id_of(&self, noun: &str) -> Option<u32> {
        self.written.get(place_of(noun)?).copied().flatten()
    }

    pub(super) fn written(&self, place: usize) -> Option<u32> {
        self.written.get(place).copied().flatten()
    }

    fn know(&mut self, id: u32, writer: Writer) {
        match self.writers.binary_search_by_key(&id, |(known, _)| *known) {
            Ok(place) => self.writers[place].1 = writer,
            Err(place) => self.writers.insert(place, (id, writer)),
        }
    }

    /// Reads a datum by its writer's id.
    pub(super) fn read(&self, id: u32, datum: &[u8]) -> Result<Message, WireError> {
        let place = self.writers.binary_search_by_key(&id, |(known, _)| *known);
        self.writers[place.map_err(|_| WireError::UnknownId(id))?].1.read(datum)
    }

    /// Reads a datum by its writer's GUID.
    pub(super) fn read_guid(&self, guid: u128, datum: &[u8]) -> Result<Message, WireError> {
        let writer = self.guids.iter().find(|(known, _)| *known == guid);
        writer.ok_or(WireError::UnknownGuid(guid))?.1.read(datum)
    }
}

impl Writer {
    fn read(&self, datum: &[u8]) -> Result<Message, WireError> {
        let noun = &nouns()[self.noun];
        (noun.read)(datum, &self.plan).map_err(|source| WireError::Datum { noun: noun.name, source })
    }
}

fn planned(noun: &str, schema_text: &str, id: impl Fn() -> String) -> Result<Writer, WireError> {
    let place = place_of(noun).ok_or_else(|| WireError::NoNoun(noun.to_owned()))?;
    let schema = Schema::parse_str(schema_text).map_err(|error| error.to_string());
    let plan = schema.and_then(|schema| plan::plan(&schema, &nouns()[place].schema));
    let refused = |why| WireError::Schema { id: id(), noun: noun.to_owned(), why };
    Ok(Writer { noun: place, plan: Arc::new(plan.map_err(refused)?) })
}
