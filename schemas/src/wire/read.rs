//! Reads an Avro datum by its Rust type, when its writer's schema is ours.
//!
//! Text and bytes are lent from the input. Whatever a length says, nothing is taken or allocated that the input does not
//! hold: a text is a slice of it, and an array of more items than bytes that follow is refused, since every item of our
//! schemas has at least one byte.

use serde::de::value::U32Deserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, SeqAccess, VariantAccess, Visitor};

use super::error::DatumError;

/// The bytes not yet read.
#[derive(Debug)]
pub(super) struct Input<'de> {
    rest: &'de [u8],
}

impl<'de> Input<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Says that all was read.
    pub(super) fn end(&self) -> Result<(), DatumError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DatumError::Left(self.rest.len())) }
    }

    /// Reads a number, zigzag and seven bits a byte.
    pub(super) fn long(&mut self) -> Result<i64, DatumError> {
        let mut zigzag = 0_u64;
        for (place, byte) in self.rest.iter().take(10).enumerate() {
            if place == 9 && *byte > 1 {
                return Err(DatumError::Number);
            }
            zigzag |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                self.rest = &self.rest[place + 1..];
                return Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
            }
        }
        Err(DatumError::Ends)
    }

    /// Takes so many bytes.
    pub(super) fn take(&mut self, n: usize) -> Result<&'de [u8], DatumError> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(DatumError::Ends)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes the bytes behind a length.
    pub(super) fn prefixed(&mut self) -> Result<&'de [u8], DatumError> {
        let length = self.long()?;
        let n = usize::try_from(length).map_err(|_| DatumError::Length(length))?;
        if n > self.rest.len() {
            return Err(DatumError::Length(length));
        }
        self.take(n)
    }

    /// Reads the head of an array's or map's block: how many items it has, 0 behind the last.
    pub(super) fn block(&mut self) -> Result<usize, DatumError> {
        let mut count = self.long()?;
        if count < 0 {
            // A negative count comes with the block's size in bytes, for those who skip it.
            let size = self.long()?;
            if usize::try_from(size).map_or(true, |size| size > self.rest.len()) {
                return Err(DatumError::Length(size));
            }
            count = count.checked_neg().ok_or(DatumError::Length(count))?;
        }
        match usize::try_from(count) {
            Ok(n) if n <= self.rest.len() => Ok(n),
            _ => Err(DatumError::Length(count)),
        }
    }

    fn int(&mut self) -> Result<i32, DatumError> {
        i32::try_from(self.long()?).map_err(|_| DatumError::Number)
    }

    /// Reads a double.
    fn double(&mut self) -> Result<f64, DatumError> {
        let bytes = self.take(8)?;
        Ok(f64::from_le_bytes(bytes.try_into().map_err(|_| DatumError::Ends)?))
    }

    /// Reads a single-precision number.
    pub(super) fn float(&mut self) -> Result<f32, DatumError> {
        let bytes = self.take(4)?;
        Ok(f32::from_le_bytes(bytes.try_into().map_err(|_| DatumError::Ends)?))
    }
}

/// The items of an array, block by block.
struct Items<'r, 'de> {
    input: &'r mut Input<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = DatumError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DatumError> {
        if self.left == 0 {
            return Ok(None);
        }
        let item = seed.deserialize(&mut *self.input)?;
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

/// The fields of a record.
struct Fields<'r, 'de> {
    input: &'r mut Input<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = DatumError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DatumError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.input).map(Some)
    }
}

/// A word, by its place among the variants.
pub(super) struct Word(pub(super) u32);

impl<'de> EnumAccess<'de> for Word {
    type Error = DatumError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), DatumError> {
        let place: U32Deserializer<DatumError> = self.0.into_deserializer();
        Ok((seed.deserialize(place)?, self))
    }
}

impl<'de> VariantAccess<'de> for Word {
    type Error = DatumError;

    fn unit_variant(self) -> Result<(), DatumError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, DatumError> {
        Err(DatumError::Type("newtype variant"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, DatumError> {
        Err(DatumError::Type("tuple variant"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, DatumError> {
        Err(DatumError::Type("struct variant"))
    }
}

impl<'de> Deserializer<'de> for &mut Input<'de> {
    type Error = DatumError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, DatumError> {
        Err(DatumError::Type("value of any type"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        match self.take(1)? {
            [0] => visitor.visit_bool(false),
            [1] => visitor.visit_bool(true),
            other => Err(DatumError::Boolean(other[0])),
        }
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        visitor.visit_i32(self.int()?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        visitor.visit_i64(self.long()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        visitor.visit_f64(self.double()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        let text = std::str::from_utf8(self.prefixed()?).map_err(|_| DatumError::Text)?;
        visitor.visit_borrowed_str(text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        visitor.visit_borrowed_bytes(self.prefixed()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        match self.long()? {
            0 => visitor.visit_none(),
            1 => visitor.visit_some(self),
            other => Err(DatumError::Branch(other)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DatumError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        let left = self.block()?;
        visitor.visit_seq(Items { input: self, left })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DatumError> {
        visitor.visit_seq(Fields { input: self, left: fields.len() })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DatumError> {
        let place = self.long()?;
        visitor.visit_enum(Word(u32::try_from(place).map_err(|_| DatumError::Symbol(place))?))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 f32 char unit unit_struct tuple tuple_struct map identifier ignored_any
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
