//! The Avro schemas: derived from the types, committed as `avro/<noun>.v1.avsc`, held equal by a test. `history` has every
//! version that was ever written.

pub(crate) mod history;

use std::collections::HashSet;

use apache_avro::Schema;
use apache_avro::schema::{EnumSchema, Name, NamespaceRef};

use crate::Noun;

/// The schema of an enum: whole where it is first used, a reference after. The derive macro of `apache-avro` refuses
/// doc comments on variants, which ours have.
pub(crate) fn enum_schema(name: &str, words: &[&str], known: &mut HashSet<Name>, namespace: NamespaceRef) -> Schema {
    let name = Name::new_with_enclosing_namespace(name, namespace).expect("a Rust type's name is an Avro name");
    if !known.insert(name.clone()) {
        return Schema::Ref { name };
    }
    let symbols = words.iter().map(|word| (*word).to_owned()).collect();
    // A word that comes later is read as `unknown` by those who do not know it, where there is such a word.
    let default = words.iter().find(|word| **word == "unknown").map(|word| (*word).to_owned());
    Schema::Enum(EnumSchema::builder().name(name).symbols(symbols).maybe_default(default).build())
}

/// The schema of a noun.
#[must_use]
pub fn schema<N: Noun>() -> Schema {
    N::get_schema()
}

/// The schema of a noun as it is committed: indented JSON with a newline at the end.
#[must_use]
pub fn text<N: Noun>() -> String {
    let value = serde_json::to_value(schema::<N>()).unwrap_or_default();
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}

/// The schema of a noun by its name, in the same form.
#[must_use]
pub fn text_of(noun: &str) -> Option<String> {
    let mut found = None;
    crate::for_each_noun!(N => {
        if N::NAME == noun {
            found = Some(text::<N>());
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Set `UPDATE_EXPECT=1` to write the files anew.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test may ask the environment whether to write the files")]
    fn committed_schemas_are_the_types() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("avro");
        crate::for_each_noun!(N => {
            let file = folder.join(format!("{}.v1.avsc", N::NAME));
            if std::env::var_os("UPDATE_EXPECT").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, text::<N>()).unwrap();
            }
            let committed = std::fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(committed, text::<N>(), "{} differs from its type", file.display());
            Schema::parse_str(&committed).unwrap();
        });
    }
}
