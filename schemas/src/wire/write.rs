//! Writes an Avro datum by its Rust type.
//!
//! The committed schema is derived from the type, field for field in order, an `Option` as `["null", T]`, a word as an
//! enum of its variants in order. So the type *is* the schema, and nothing has to be looked up while writing. A property
//! test compares the bytes with those of `apache-avro`.

use serde::Serialize;
use serde::ser::{Impossible, SerializeSeq, SerializeStruct, Serializer};

use super::error::DatumError;

/// Appends the datum of a noun.
pub(super) fn datum<T: Serialize>(noun: &T, into: &mut Vec<u8>) -> Result<(), DatumError> {
    noun.serialize(&mut Writer { into })
}

/// Appends a number as Avro writes `int` and `long`: zigzag, seven bits a byte, the lowest first.
pub(super) fn long(n: i64, into: &mut Vec<u8>) {
    let mut rest = ((n << 1) ^ (n >> 63)) as u64;
    while rest >= 0x80 {
        into.push((rest as u8) | 0x80);
        rest >>= 7;
    }
    into.push(rest as u8);
}

struct Writer<'a> {
    into: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn prefixed(&mut self, bytes: &[u8]) {
        long(bytes.len() as i64, self.into);
        self.into.extend_from_slice(bytes);
    }
}

/// An array in one block, as `apache-avro` writes it: count, items, 0.
struct Items<'s, 'a> {
    writer: &'s mut Writer<'a>,
    any: bool,
}

impl SerializeSeq for Items<'_, '_> {
    type Ok = ();
    type Error = DatumError;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), DatumError> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), DatumError> {
        if self.any {
            self.writer.into.push(0);
        }
        Ok(())
    }
}

impl SerializeStruct for &mut Writer<'_> {
    type Ok = ();
    type Error = DatumError;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, _: &'static str, value: &T) -> Result<(), DatumError> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), DatumError> {
        Ok(())
    }
}

macro_rules! no_form {
    ($($method:ident: $type:ty => $word:literal),+ $(,)?) => {
        $(fn $method(self, _: $type) -> Result<(), DatumError> { Err(DatumError::Type($word)) })+
    };
}

impl<'s, 'a> Serializer for &'s mut Writer<'a> {
    type Ok = ();
    type Error = DatumError;
    type SerializeSeq = Items<'s, 'a>;
    type SerializeStruct = Self;
    type SerializeTuple = Impossible<(), DatumError>;
    type SerializeTupleStruct = Impossible<(), DatumError>;
    type SerializeTupleVariant = Impossible<(), DatumError>;
    type SerializeMap = Impossible<(), DatumError>;
    type SerializeStructVariant = Impossible<(), DatumError>;

    no_form!(
        serialize_i8: i8 => "i8", serialize_i16: i16 => "i16", serialize_u8: u8 => "u8", serialize_u16: u16 => "u16",
        serialize_u32: u32 => "u32", serialize_u64: u64 => "u64", serialize_f32: f32 => "f32", serialize_char: char => "char",
    );

    fn serialize_bool(self, v: bool) -> Result<(), DatumError> {
        self.into.push(u8::from(v));
        Ok(())
    }

    fn serialize_i32(self, v: i32) -> Result<(), DatumError> {
        long(i64::from(v), self.into);
        Ok(())
    }

    fn serialize_i64(self, v: i64) -> Result<(), DatumError> {
        long(v, self.into);
        Ok(())
    }

    fn serialize_f64(self, v: f64) -> Result<(), DatumError> {
        self.into.extend_from_slice(&v.to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, v: &str) -> Result<(), DatumError> {
        self.prefixed(v.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), DatumError> {
        self.prefixed(v);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), DatumError> {
        long(0, self.into);
        Ok(())
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), DatumError> {
        long(1, self.into);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), DatumError> {
        Err(DatumError::Type("unit"))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), DatumError> {
        Err(DatumError::Type("unit struct"))
    }

    fn serialize_unit_variant(self, _: &'static str, place: u32, _: &'static str) -> Result<(), DatumError> {
        long(i64::from(place), self.into);
        Ok(())
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Result<(), DatumError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), DatumError> {
        Err(DatumError::Type("newtype variant"))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'s, 'a>, DatumError> {
        let len = len.ok_or(DatumError::Type("sequence of unknown length"))?;
        long(len as i64, self.into);
        Ok(Items { writer: self, any: len > 0 })
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, DatumError> {
        Err(DatumError::Type("tuple"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, DatumError> {
        Err(DatumError::Type("tuple struct"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, DatumError> {
        Err(DatumError::Type("tuple variant"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, DatumError> {
        Err(DatumError::Type("map"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, DatumError> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, DatumError> {
        Err(DatumError::Type("struct variant"))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
