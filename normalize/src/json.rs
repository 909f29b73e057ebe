//! Reading the JSON of real logs: members that are absent, `null`, or of another type than the provider documents.
//!
//! A member of the wrong type is treated as absent, and where it is needed the reason says which type it has. Text is
//! borrowed from the record unless it holds escapes.

use std::fmt;
use std::marker::PhantomData;

use schemas::Text;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use smol_str::SmolStr;

use crate::error::Reject;

mod member;

pub(crate) use member::{FromMember, Slice, members};

/// A member that should be text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Str<'a> {
    /// It is not there, or `null`.
    #[default]
    Absent,
    /// Text without escapes.
    Borrowed(&'a str),
    /// Text with escapes.
    Owned(String),
    /// A whole number, as Azure writes result codes.
    Number(SmolStr),
    /// Something else: a boolean, a fraction, an array, an object.
    Wrong(&'static str),
}

impl Str<'_> {
    /// The text, when there is some and it is not empty.
    pub(crate) fn get(&self) -> Option<&str> {
        let text = match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text.as_str(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// The text or the whole number.
    pub(crate) fn get_or_number(&self) -> Option<&str> {
        match self {
            Self::Number(number) => Some(number),
            _ => self.get(),
        }
    }

    /// The text as a field of an event.
    pub(crate) fn text(&self) -> Option<Text> {
        self.get().map(Text::from)
    }

    /// The text or whole number as an id of an event.
    pub(crate) fn text_or_number<T: for<'t> From<&'t str>>(&self) -> Option<T> {
        self.get_or_number().map(T::from)
    }

    /// The text of a member that must be there.
    pub(crate) fn required(&self, field: &'static str) -> Result<&str, Reject> {
        let found = match self {
            Self::Number(_) => "number",
            Self::Wrong(found) => found,
            _ => return self.get().ok_or(Reject::Missing(field)),
        };
        Err(Reject::WrongType { field, found })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrVisitor(PhantomData))
    }
}

struct StrVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for StrVisitor<'a> {
    type Value = Str<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Str<'a>, E> {
        Ok(Str::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Str<'a>, E> {
        Ok(Str::Owned(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Str<'a>, E> {
        Ok(Str::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Str<'a>, E> {
        Ok(Str::Wrong("boolean"))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Str<'a>, E> {
        Ok(Str::Number(smol_str::format_smolstr!("{number}")))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Str<'a>, E> {
        Ok(Str::Number(smol_str::format_smolstr!("{number}")))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Str<'a>, E> {
        Ok(Str::Wrong("number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Str<'a>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Str::Wrong("array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Str<'a>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Str::Wrong("object"))
    }
}

/// A member that should be a boolean; some tools write it as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) Option<bool>);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;
        impl<'de> Visitor<'de> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(Some(value)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Flag, E> {
                Ok(Flag(match text {
                    _ if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("yes") => Some(true),
                    _ if text.eq_ignore_ascii_case("false") || text.eq_ignore_ascii_case("no") => Some(false),
                    _ => None,
                }))
            }
            fn visit_unit<E>(self) -> Result<Flag, E> {
                Ok(Flag(None))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Flag, E> {
                Ok(Flag(None))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Flag, E> {
                Ok(Flag(None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Flag, E> {
                Ok(Flag(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Flag, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Flag(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Flag, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Flag(None))
            }
        }
        deserializer.deserialize_any(FlagVisitor)
    }
}

/// Any value, left as its own text until somebody needs it; `None` when absent or `null`.
#[derive(Debug, Default)]
pub(crate) struct Raw<'a>(Option<sonic_rs::LazyValue<'a>>);

impl Raw<'_> {
    /// The value's JSON text; `None` when absent or `null`.
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.as_ref().map(|lazy| lazy.as_raw_str()).filter(|text| *text != "null")
    }

    /// The value's text when it is an object.
    pub(crate) fn object(&self) -> Option<&str> {
        self.get().filter(|text| text.starts_with('{'))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        sonic_rs::LazyValue::deserialize(deserializer).map(|lazy| Self(Some(lazy)))
    }
}

/// An array; anything else is one without items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(List(items))
            }
            crate::json::others_are_default!('de, List<T>; map);
        }
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

/// The visitor methods that give the default for values of another type.
macro_rules! others_are_default {
    ($de:lifetime, $value:ty; seq) => {
        $crate::json::others_are_default!($de, $value;);
        fn visit_seq<A: serde::de::SeqAccess<$de>>(self, mut seq: A) -> Result<$value, A::Error> {
            while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            Ok(<$value>::default())
        }
    };
    ($de:lifetime, $value:ty; map) => {
        $crate::json::others_are_default!($de, $value;);
        fn visit_map<A: serde::de::MapAccess<$de>>(self, mut map: A) -> Result<$value, A::Error> {
            while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
            Ok(<$value>::default())
        }
    };
    ($de:lifetime, $value:ty;) => {
        $crate::json::others_are_default!($de, $value; plain);
        fn visit_str<E>(self, _: &str) -> Result<$value, E> {
            Ok(<$value>::default())
        }
    };
    ($de:lifetime, $value:ty; plain) => {
        fn visit_unit<E>(self) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        fn visit_bool<E>(self, _: bool) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<$value, E> {
            Ok(<$value>::default())
        }
    };
}
pub(crate) use others_are_default;

/// Declares the members of an object that are read, each with the names it goes by. All others are skipped, the last of
/// equal names wins, and a value that is no object reads as one without members.
///
/// ```text
/// object!(Identity<'a> { kind: Str<'a> = "type", account_id: Str<'a> = "accountId" | "accountid" });
/// ```
macro_rules! object {
    ($(#[$doc:meta])* $name:ident<$life:lifetime> { $($field:ident: $kind:ty = $($key:literal)|+),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(crate) struct $name<$life> {
            $(pub(crate) $field: $kind,)+
            borrowed: std::marker::PhantomData<&$life ()>,
        }

        impl<$life> $crate::json::FromMember<$life> for $name<$life> {
            fn from_member(text: &$life str, _: bool) -> Result<Self, sonic_rs::Error> {
                sonic_rs::from_str(text)
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
                        let mut object = $name::default();
                        while let Some(key) = map.next_key::<$crate::json::Str<'_>>()? {
                            match key.get().unwrap_or_default() {
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
pub(crate) use object;

#[cfg(test)]
mod tests {
    use super::*;

    object!(Inner<'a> { name: Str<'a> = "name" });
    members!(Outer<'a> {
        text: Str<'a> = "text" | "Text",
        flag: Flag = "flag",
        raw: Slice<'a> = "raw",
        inner: Inner<'a> = "inner",
        list: List<Str<'a>> = "list",
    });

    fn outer(json: &str) -> Outer<'_> {
        let mut canonical = crate::canonical::Canonical::default();
        canonical.hash(json).unwrap();
        Outer::of(json, canonical.members()).unwrap()
    }

    fn check(json: &str, expected: &str) {
        let read = outer(json);
        let list: Vec<_> = read.list.0.iter().map(|item| item.get().unwrap_or("-")).collect();
        let found = format!(
            "{} {:?} {} {} {list:?}",
            read.text.get_or_number().unwrap_or("-"),
            read.flag.0,
            read.raw.get().unwrap_or("-"),
            read.inner.name.get().unwrap_or("-"),
        );
        assert_eq!(found, expected, "{json}");
    }

    #[test]
    fn what_has_the_wrong_type_is_absent() {
        check(
            r#"{"text":"a","flag":true,"raw":{"x":[1]},"inner":{"name":"n"},"list":["p","q"]}"#,
            r#"a Some(true) {"x":[1]} n ["p", "q"]"#,
        );
        check(r#"{"Text":"\u0061","flag":"FALSE","raw":null,"inner":[],"list":{}}"#, "a Some(false) - - []");
        check(r#"{"text":{"a":[{}]},"flag":{"a":1},"raw":"s","inner":"x","list":"y"}"#, "- None \"s\" - []");
        check(
            r#"{"text":17,"flag":[1,2],"raw":1.5,"inner":3,"list":[1,{"a":1},"z"]}"#,
            r#"17 None 1.5 - ["-", "-", "z"]"#,
        );
        check(r#"{"text":"first","text":"","other":{"text":"no"}}"#, "- None - - []");
        check("[1,2]", "- None - - []");
    }

    #[test]
    fn a_required_field_says_what_is_wrong() {
        let read = outer(r#"{"text":["a"]}"#);
        assert_eq!(read.text.required("text").unwrap_err().to_string(), "field `text` has type array, expected text");
        assert_eq!(Str::Absent.required("text").unwrap_err().to_string(), "field `text` is missing");
    }
}
