//! Reading of objects whose keys come in several spellings.
//!
//! Azure and GCP records reach us over many exporters: the same member is `operationName`, `operationname` (Panther),
//! `operation_name` (the Python SDK) or `OperationName` (Log Analytics). A key is therefore folded (ASCII lower case,
//! without underscores) before it is matched. Values are read by `crate::json`: one of the wrong type is as good as
//! absent.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::json::Str;

/// The longest key that is matched; the longest we know is the claim `…/ws/2005/05/identity/claims/nameidentifier`.
const MAX_KEY: usize = 80;

/// A folded key.
pub(super) struct Key {
    bytes: [u8; MAX_KEY],
    len: usize,
}

impl Key {
    /// The folded text; empty for a key that is too long to be one of ours.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Reads a key.
pub(super) struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, text: &str) -> Result<Key, E> {
        let mut key = Key { bytes: [0; MAX_KEY], len: 0 };
        if text.len() > MAX_KEY {
            return Ok(key);
        }
        for byte in text.bytes() {
            key.bytes[key.len] = byte.to_ascii_lowercase();
            key.len += usize::from(byte != b'_');
        }
        Ok(key)
    }
}

/// A word that is plain text in one export and `{"value": …, "localizedValue": …}` in another (`az monitor`).
#[derive(Debug, Default)]
pub(super) struct Named<'a>(Str<'a>);

impl Named<'_> {
    /// The word; `None` when there is none.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.get_or_number()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Named<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamedVisitor<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for NamedVisitor<'a> {
            type Value = Named<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, or an object with a `value`")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Named<'a>, E> {
                Ok(Named(Str::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Named<'a>, E> {
                Ok(Named(Str::Owned(text.to_owned())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Named<'a>, E> {
                Ok(Named(Str::Owned(number.to_string())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Named<'a>, E> {
                Ok(Named(Str::Owned(number.to_string())))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Named<'a>, E> {
                Ok(Named::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Named<'a>, E> {
                Ok(Named::default())
            }
            fn visit_unit<E>(self) -> Result<Named<'a>, E> {
                Ok(Named::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Named<'a>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Named::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<'a>, A::Error> {
                let mut found = Named::default();
                while let Some(key) = map.next_key_seed(KeySeed)? {
                    if key.as_bytes() == b"value" {
                        found = Named(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_any(NamedVisitor(PhantomData))
    }
}

/// Items; a single object where a list belongs is a list of one (`identity.authorization` is an object in the Activity
/// Log and a list in Storage's logs).
#[derive(Debug)]
pub(super) struct Many<T>(pub(super) Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ManyVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
            type Value = Many<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list or an object")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Many<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Many(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Many<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|item| Many(vec![item]))
            }
            crate::json::others_are_default!('de, Many<T>;);
        }
        deserializer.deserialize_any(ManyVisitor(PhantomData))
    }
}

/// What was read as an object, whatever it was.
pub(super) trait Object {
    /// Whether it was an object.
    fn is_object(&self) -> bool;
}

/// Declares the members of an object that are read, each with its folded keys. All others are skipped, the last of equal
/// keys wins. A value that is no object reads as one without members, and `is_object` tells.
macro_rules! object {
    ($(#[$doc:meta])* $name:ident<$life:lifetime> { $($field:ident: $kind:ty = $($key:literal)|+),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name<$life> {
            is_object: bool,
            lifetime: std::marker::PhantomData<&$life ()>,
            $(pub(super) $field: $kind,)+
        }

        impl $crate::providers::loose::Object for $name<'_> {
            fn is_object(&self) -> bool {
                self.is_object
            }
        }

        impl<'de: $life, $life> serde::Deserialize<'de> for $name<$life> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor<$life>(std::marker::PhantomData<&$life ()>);
                impl<'de: $life, $life> serde::de::Visitor<'de> for ObjectVisitor<$life> {
                    type Value = $name<$life>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        let mut object = $name { is_object: true, ..Default::default() };
                        while let Some(key) = map.next_key_seed($crate::providers::loose::KeySeed)? {
                            match key.as_bytes() {
                                $($($key)|+ => object.$field = map.next_value()?,)+
                                _ => {
                                    map.next_value::<serde::de::IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(object)
                    }

                    $crate::json::others_are_default!('de, $name<$life>; seq);
                }
                deserializer.deserialize_any(ObjectVisitor(std::marker::PhantomData))
            }
        }
    };
}
pub(super) use object;

#[cfg(test)]
mod tests {
    use super::*;

    object!(
        /// One member of each kind.
        Thing<'a> {
            name: Str<'a> = b"thingname" | b"name",
            word: Named<'a> = b"word",
            parts: Many<Thing<'a>> = b"parts",
        }
    );

    fn read(text: &str) -> Thing<'_> {
        sonic_rs::from_str(text).unwrap()
    }

    #[test]
    fn a_key_is_found_in_any_case_and_with_underscores() {
        for text in
            [r#"{"thingName":"x"}"#, r#"{"thing_name":"x"}"#, r#"{"THINGNAME":"x"}"#, r#"{"thin\u0067Name":"x"}"#]
        {
            assert_eq!(read(text).name.get(), Some("x"), "{text}");
        }
        assert_eq!(read(&format!(r#"{{"{}":"x"}}"#, "n".repeat(500))).name.get(), None);
    }

    #[test]
    fn what_has_the_wrong_type_is_absent() {
        let thing = read(r#"{"name":{"a":[1,{"b":2}]},"word":[1],"parts":7}"#);
        assert!(
            thing.is_object() && thing.name.get().is_none() && thing.word.get().is_none() && thing.parts.0.is_empty()
        );
        for text in ["7", "\"x\"", "null", "[1,[2]]", "true", "1.5"] {
            assert!(!read(text).is_object(), "{text}");
        }
    }

    #[test]
    fn words_and_lists_are_read_in_both_forms() {
        let thing = read(r#"{"word":{"localizedValue":"Y","value":"y"},"parts":{"name":"p"}}"#);
        assert_eq!((thing.word.get(), thing.parts.0[0].name.get()), (Some("y"), Some("p")));
        let thing = read(r#"{"word":"z","parts":[{"Name":"q"},7,{"name":"r"}]}"#);
        let names: Vec<_> = thing.parts.0.iter().map(|part| part.name.get()).collect();
        assert_eq!((thing.word.get(), names), (Some("z"), vec![Some("q"), None, Some("r")]));
        assert_eq!(read(r#"{"word":7000215}"#).word.get(), Some("7000215"));
    }
}
