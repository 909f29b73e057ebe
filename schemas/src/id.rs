//! Ids and names as types of their own, so that two of them are never mixed up side by side.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;

use apache_avro::schema::{Name, NamespaceRef, Schema};
use apache_avro::serde::AvroSchemaComponent;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Declares a string newtype: cheap to clone, ordered, hashed and looked up as `str`, a `string` in Avro.
macro_rules! text_type {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// Makes one from any text.
            #[must_use]
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(SmolStr::new(text))
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                self.0.as_str()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.0.as_str()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.0.as_str()
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(SmolStr::new(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(SmolStr::from(text))
            }
        }

        impl From<SmolStr> for $name {
            fn from(text: SmolStr) -> Self {
                Self(text)
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl AvroSchemaComponent for $name {
            fn get_schema_in_ctxt(_: &mut HashSet<Name>, _: NamespaceRef) -> Schema {
                Schema::String
            }
        }
    )+};
}

text_type!(
    /// Text that is not an id.
    Text,
    /// Whoever can act, in the one spelling that [`crate::identity`] writes.
    IdentityId,
    /// An AWS account id, an Azure subscription id (lower case) or a GCP project id.
    AccountId,
    /// An AWS organization id, an Azure tenant id or a GCP organization number.
    OrgId,
    /// A permission in the cloud's own spelling, such as `s3:GetObject`.
    Action,
    /// What is acted on: an ARN, an ARM id or a GCP full resource name.
    ResourceId,
    /// The content hash of a policy's statements, 32 hexadecimal digits.
    PolicyHash,
);

/// A 128-bit id, written everywhere as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id128(pub u128);

impl Id128 {
    /// Hashes parts into an id; a part's length goes in too, so that moving a byte to its neighbour changes the id.
    #[must_use]
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(hasher.digest128())
    }

    /// Reads 32 hexadecimal digits of either case; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
        let mut id = 0_u128;
        for digit in digits {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                b'A'..=b'F' => digit - b'A' + 10,
                _ => return None,
            };
            id = id << 4 | u128::from(value);
        }
        Some(Self(id))
    }

    /// Appends the 32 digits.
    pub fn write_hex(self, into: &mut Vec<u8>) {
        into.extend_from_slice(self.hex(&mut [0; 32]).as_bytes());
    }

    fn hex(self, buffer: &mut [u8; 32]) -> &str {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for (place, byte) in buffer.iter_mut().enumerate() {
            let shift = 124 - 4 * place as u32;
            *byte = DIGITS[((self.0 >> shift) & 0xf) as usize];
        }
        std::str::from_utf8(buffer).unwrap_or_default()
    }
}

impl fmt::Display for Id128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hex(&mut [0; 32]))
    }
}

impl fmt::Debug for Id128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Id128 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.hex(&mut [0; 32]))
    }
}

impl<'de> Deserialize<'de> for Id128 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(IdVisitor)
    }
}

/// Reads an id off a text without keeping the text.
struct IdVisitor;

impl serde::de::Visitor<'_> for IdVisitor {
    type Value = Id128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id of 32 hexadecimal digits")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Id128, E> {
        Id128::parse(text).ok_or_else(|| E::custom("an id has 32 hexadecimal digits"))
    }
}

impl AvroSchemaComponent for Id128 {
    fn get_schema_in_ctxt(_: &mut HashSet<Name>, _: NamespaceRef) -> Schema {
        Schema::String
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_writes() {
        let id = Id128(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
        assert_eq!(id.to_string(), "0123456789abcdef0011223344556677");
        assert_eq!(Id128::parse("0123456789ABCDEF0011223344556677"), Some(id));
        assert_eq!(Id128::parse("+123456789abcdef0011223344556677"), None);
        assert_eq!(Id128::parse("0123"), None);
    }

    #[test]
    fn where_a_part_ends_matters() {
        assert_ne!(Id128::of_parts(&[b"ab", b"c"]), Id128::of_parts(&[b"a", b"bc"]));
    }
}
