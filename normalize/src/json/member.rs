//! Reading the members of a record from the places that `canonical` found.

use serde::de::Deserialize;

use super::{Flag, List, Str};

/// The same for the members of [`members`]: a part of the record's own text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slice<'a>(Option<&'a str>);

impl<'a> Slice<'a> {
    /// The value's JSON text; `None` when absent or `null`.
    pub(crate) fn get(self) -> Option<&'a str> {
        self.0
    }

    /// The value's text when it is an object.
    pub(crate) fn object(self) -> Option<&'a str> {
        self.0.filter(|text| text.starts_with('{'))
    }
}

/// A type that is read from the text of one member's value.
pub(crate) trait FromMember<'a>: Sized {
    /// Reads a value; `is_plain` says that a string in it holds no escape.
    fn from_member(text: &'a str, is_plain: bool) -> Result<Self, sonic_rs::Error>;
}

impl<'a> FromMember<'a> for Str<'a> {
    fn from_member(text: &'a str, is_plain: bool) -> Result<Self, sonic_rs::Error> {
        match text.as_bytes() {
            [b'"', .., b'"'] if is_plain => Ok(Self::Borrowed(&text[1..text.len() - 1])),
            b"null" => Ok(Self::Absent),
            _ => sonic_rs::from_str(text),
        }
    }
}

impl<'a> FromMember<'a> for Flag {
    fn from_member(text: &'a str, _: bool) -> Result<Self, sonic_rs::Error> {
        match text {
            "true" => Ok(Self(Some(true))),
            "false" => Ok(Self(Some(false))),
            _ => sonic_rs::from_str(text),
        }
    }
}

impl<'a> FromMember<'a> for Slice<'a> {
    fn from_member(text: &'a str, _: bool) -> Result<Self, sonic_rs::Error> {
        Ok(Self(Some(text).filter(|text| *text != "null")))
    }
}

impl<'a, T: Deserialize<'a>> FromMember<'a> for List<T> {
    fn from_member(text: &'a str, _: bool) -> Result<Self, sonic_rs::Error> {
        sonic_rs::from_str(text)
    }
}

/// Declares the members of a record that are read, as [`object`] does, but reads them from the places that
/// [`crate::canonical`] found while it checked and hashed the text: the text is gone through once, and what nobody asks
/// for is not read again.
macro_rules! members {
    ($(#[$doc:meta])* $name:ident<$life:lifetime> { $($field:ident: $kind:ty = $($key:literal)|+),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(crate) struct $name<$life> {
            $(pub(crate) $field: $kind,)+
        }

        impl<$life> $name<$life> {
            /// Reads the members found in a text.
            pub(crate) fn of(text: &$life str, members: &[$crate::canonical::Member]) -> Result<Self, sonic_rs::Error> {
                let mut record = Self::default();
                for member in members {
                    let value = &text[member.value.clone()];
                    match &text[member.name.clone()] {
                        $($($key)|+ => {
                            record.$field = $crate::json::FromMember::from_member(value, member.is_plain)?;
                        })+
                        _ => {}
                    }
                }
                Ok(record)
            }
        }
    };
}
pub(crate) use members;
