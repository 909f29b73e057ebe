//! Reads an Avro datum of another writer's schema by its [`Plan`].
//!
//! The plan lives as long as the bytes, since the defaults in it are lent like them.

use serde::de::value::U64Deserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::error::DatumError;
use super::plan::{Plan, Skip, Step};
use super::read::{Input, Word};

/// A value of the writer's, to be read as ours.
pub(super) struct Resolving<'r, 'de> {
    plan: &'de Plan,
    input: &'r mut Input<'de>,
}

impl<'r, 'de> Resolving<'r, 'de> {
    pub(super) fn new(plan: &'de Plan, input: &'r mut Input<'de>) -> Self {
        Self { plan, input }
    }

    /// Reads which branch the writer took, where it had a choice.
    fn choose(self) -> Result<Self, DatumError> {
        let Plan::Branches(branches) = self.plan else { return Ok(self) };
        let branch = self.input.long()?;
        let plan = usize::try_from(branch).ok().and_then(|place| branches.get(place));
        match plan {
            Some(Plan::Never) | None => Err(DatumError::Branch(branch)),
            Some(plan) => Ok(Self { plan, input: self.input }),
        }
    }

    /// The input, where the writer's bytes are ours.
    fn same(self, word: &'static str) -> Result<&'r mut Input<'de>, DatumError> {
        let chosen = self.choose()?;
        if matches!(chosen.plan, Plan::Same) { Ok(chosen.input) } else { Err(DatumError::Type(word)) }
    }
}

/// Steps over a value.
fn skip(skipped: &Skip, input: &mut Input<'_>) -> Result<(), DatumError> {
    match skipped {
        Skip::Bytes(n) => input.take(*n).map(drop),
        Skip::Long => input.long().map(drop),
        Skip::Prefixed => input.prefixed().map(drop),
        Skip::Record(fields) => fields.iter().try_for_each(|field| skip(field, input)),
        Skip::Branches(branches) => {
            let branch = input.long()?;
            let chosen = usize::try_from(branch).ok().and_then(|place| branches.get(place));
            skip(chosen.ok_or(DatumError::Branch(branch))?, input)
        }
        Skip::Array(item) => blocks(input, |input| skip(item, input)),
        Skip::Map(value) => blocks(input, |input| {
            input.prefixed()?;
            skip(value, input)
        }),
    }
}

fn blocks<'de>(
    input: &mut Input<'de>,
    mut each: impl FnMut(&mut Input<'de>) -> Result<(), DatumError>,
) -> Result<(), DatumError> {
    loop {
        let n = input.block()?;
        if n == 0 {
            return Ok(());
        }
        (0..n).try_for_each(|_| each(input))?;
    }
}

/// The fields of a record: those the writer has, in its order, then the others with their defaults.
struct Fields<'r, 'de> {
    steps: std::slice::Iter<'de, Step>,
    missing: std::slice::Iter<'de, (u32, Vec<u8>)>,
    input: &'r mut Input<'de>,
    next: Option<Next<'de>>,
}

enum Next<'de> {
    Read(&'de Plan),
    Default(&'de [u8]),
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = DatumError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DatumError> {
        for step in self.steps.by_ref() {
            match step {
                Step::Skip(skipped) => skip(skipped, self.input)?,
                Step::Read(place, plan) => {
                    self.next = Some(Next::Read(plan));
                    return field(*place, seed);
                }
            }
        }
        let Some((place, bytes)) = self.missing.next() else { return Ok(None) };
        self.next = Some(Next::Default(bytes));
        field(*place, seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DatumError> {
        match self.next.take() {
            Some(Next::Read(Plan::Same)) => seed.deserialize(&mut *self.input),
            Some(Next::Read(plan)) => seed.deserialize(Resolving { plan, input: self.input }),
            Some(Next::Default(bytes)) => seed.deserialize(&mut Input::new(bytes)),
            None => Err(DatumError::Type("value without a field")),
        }
    }
}

fn field<'de, K: DeserializeSeed<'de>>(place: u32, seed: K) -> Result<Option<K::Value>, DatumError> {
    let place: U64Deserializer<DatumError> = u64::from(place).into_deserializer();
    seed.deserialize(place).map(Some)
}

/// The items of an array, block by block.
struct Items<'r, 'de> {
    plan: &'de Plan,
    input: &'r mut Input<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = DatumError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DatumError> {
        if self.left == 0 {
            return Ok(None);
        }
        let item = seed.deserialize(Resolving { plan: self.plan, input: self.input })?;
        self.left -= 1;
        if self.left == 0 {
            self.left = self.input.block()?;
        }
        Ok(Some(item))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

macro_rules! same {
    ($($method:ident => $word:literal),+ $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
            self.same($word)?.$method(visitor)
        })+
    };
}

impl<'de> Deserializer<'de> for Resolving<'_, 'de> {
    type Error = DatumError;

    same!(
        deserialize_any => "any",
        deserialize_bool => "boolean",
        deserialize_i32 => "int",
        deserialize_i64 => "long",
        deserialize_str => "string",
        deserialize_string => "string",
        deserialize_bytes => "bytes",
        deserialize_byte_buf => "bytes",
    );

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        let chosen = self.choose()?;
        match chosen.plan {
            Plan::Same => chosen.input.deserialize_f64(visitor),
            Plan::Long => visitor.visit_f64(chosen.input.long()? as f64),
            Plan::Float => visitor.visit_f64(f64::from(chosen.input.float()?)),
            _ => Err(DatumError::Type("double")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        let chosen = self.choose()?;
        match chosen.plan {
            Plan::Same => chosen.input.deserialize_option(visitor),
            Plan::Nothing => visitor.visit_none(),
            Plan::Something(plan) => visitor.visit_some(Resolving { plan, input: chosen.input }),
            _ => Err(DatumError::Type("option")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DatumError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        let chosen = self.choose()?;
        match chosen.plan {
            Plan::Same => chosen.input.deserialize_seq(visitor),
            Plan::Array(plan) => {
                let left = chosen.input.block()?;
                visitor.visit_seq(Items { plan, input: chosen.input, left })
            }
            _ => Err(DatumError::Type("array")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DatumError> {
        let chosen = self.choose()?;
        match chosen.plan {
            Plan::Same => chosen.input.deserialize_struct(name, fields, visitor),
            Plan::Record { steps, missing } => {
                let (steps, missing) = (steps.iter(), missing.iter());
                visitor.visit_map(Fields { steps, missing, input: chosen.input, next: None })
            }
            _ => Err(DatumError::Type("record")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DatumError> {
        let chosen = self.choose()?;
        match chosen.plan {
            Plan::Same => chosen.input.deserialize_enum(name, words, visitor),
            Plan::Symbols(places) => {
                let symbol = chosen.input.long()?;
                let place = usize::try_from(symbol).ok().and_then(|symbol| places.get(symbol).copied().flatten());
                visitor.visit_enum(Word(place.ok_or(DatumError::Symbol(symbol))?))
            }
            _ => Err(DatumError::Type("enum")),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 f32 char unit unit_struct tuple tuple_struct map identifier ignored_any
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
