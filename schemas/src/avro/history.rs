//! Every version of every schema that was ever written to a topic, and the id it has without a registry.
//!
//! A version is a file `avro/history/<noun>.v1.<n>.avsc`: the schema without its documentation, in one line. Its id stands
//! in `avro/ids.json`. A type that changes needs a new version, which a test asks for; the versions of one noun must be
//! fully compatible with each other, which a test checks too.

use std::sync::OnceLock;

/// A version of a noun's schema.
#[derive(Debug)]
pub(crate) struct Version {
    /// The noun's name.
    pub(crate) noun: &'static str,
    /// Counts up from 1.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests look for the newest"))]
    pub(crate) version: u32,
    /// The schema.
    pub(crate) text: &'static str,
    /// Its reserved id.
    pub(crate) id: u32,
}

macro_rules! history {
    ($($noun:literal: $($version:literal)+),+ $(,)?) => {
        &[$($((
            $noun,
            $version,
            concat!($noun, ".v1.", $version),
            include_str!(concat!("../../avro/history/", $noun, ".v1.", $version, ".avsc")),
        )),+),+]
    };
}

const HISTORY: &[(&str, u32, &str, &str)] = history!(
    "access_event": 1,
    "alert": 1,
    "anomaly": 1,
    "dead_letter": 1 2,
    "entitlement": 1,
    "finding": 1,
    "inventory": 1,
    "model": 1,
    "pci": 1,
    "policy": 1,
    "raw_grant": 1,
    "raw_record": 1,
    "session": 1,
    "tally": 1,
    "usage": 1,
);

const IDS: &str = include_str!("../../avro/ids.json");

/// Every version, the versions of a noun in order.
pub(crate) fn versions() -> &'static [Version] {
    static VERSIONS: OnceLock<Vec<Version>> = OnceLock::new();
    VERSIONS.get_or_init(|| {
        let ids: std::collections::BTreeMap<String, u32> = serde_json::from_str(IDS).unwrap_or_default();
        let version = |(noun, version, name, text): &(&'static str, u32, &str, &'static str)| {
            ids.get(*name).map(|id| Version { noun, version: *version, text, id: *id })
        };
        HISTORY.iter().filter_map(version).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use apache_avro::Schema;
    use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};
    use serde_json::{Value, json};

    use super::*;
    use crate::Noun;
    use crate::wire::SchemaIds;

    /// A schema without what only people read, in one line.
    fn bare(schema: &Value) -> String {
        fn strip(value: &mut Value) {
            match value {
                Value::Object(map) => {
                    map.retain(|key, _| key != "doc");
                    map.values_mut().for_each(strip);
                }
                Value::Array(items) => items.iter_mut().for_each(strip),
                _ => {}
            }
        }
        let mut schema = schema.clone();
        strip(&mut schema);
        format!("{schema}\n")
    }

    /// Whether each version can read each other without exception: what a registry calls `FULL_TRANSITIVE`.
    fn full_transitive(versions: &[&str]) -> Result<(), String> {
        let schemas: Vec<_> = versions.iter().map(|text| Schema::parse_str(text).unwrap()).collect();
        for (newer, a) in schemas.iter().enumerate() {
            for (older, b) in schemas[..newer].iter().enumerate() {
                match SchemaCompatibility::mutual_read(a, b) {
                    Ok(Compatibility::Full) => {}
                    other => return Err(format!("versions {} and {}: {other:?}", older + 1, newer + 1)),
                }
            }
        }
        Ok(())
    }

    fn versions_of(noun: &str) -> Vec<&'static Version> {
        versions().iter().filter(|version| version.noun == noun).collect()
    }

    /// Set `UPDATE_EXPECT=1` to have the next version written.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test may ask the environment whether to write the files")]
    fn every_type_is_its_newest_committed_version() {
        crate::for_each_noun!(N => {
            let (version, committed) = versions_of(N::NAME).last().map_or((0, ""), |newest| (newest.version, newest.text));
            let ours = bare(&serde_json::to_value(crate::avro::schema::<N>()).unwrap());
            let name = format!("{}.v1.{}", N::NAME, version + 1);
            if committed != ours && std::env::var_os("UPDATE_EXPECT").is_some() {
                let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("avro/history/{name}.avsc"));
                std::fs::write(file, &ours).unwrap();
            }
            assert_eq!(
                committed, ours,
                "`{}` is no longer its version {version}: run this test with `UPDATE_EXPECT=1`, which writes \
                 `avro/history/{name}.avsc`, give `{name}` an id in `avro/ids.json` and name it in `history.rs`; or move \
                 it over the version before, as long as no release ever wrote that one", N::NAME
            );
        });
    }

    #[test]
    fn versions_are_fully_and_transitively_compatible() {
        crate::for_each_noun!(N => {
            let texts: Vec<_> = versions_of(N::NAME).iter().map(|version| version.text).collect();
            full_transitive(&texts).unwrap_or_else(|why| panic!("{}: {why}; a break is a topic `.v2`", N::NAME));
        });
    }

    #[test]
    fn files_ids_and_list_name_the_same_versions() {
        let listed: BTreeSet<String> = HISTORY.iter().map(|(_, _, name, _)| (*name).to_owned()).collect();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("avro/history");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let files: BTreeSet<String> = files.map(|file| file.trim_end_matches(".avsc").to_owned()).collect();
        assert_eq!(listed, files);
        let ids: std::collections::BTreeMap<String, u32> = serde_json::from_str(IDS).unwrap();
        assert_eq!(listed, ids.keys().cloned().collect());
        let distinct: BTreeSet<u32> = ids.values().copied().collect();
        assert_eq!(distinct.len(), ids.len(), "an id stands for one version");
        assert!(distinct.iter().all(|id| SchemaIds::is_reserved(*id)));
        let reserved = SchemaIds::reserved();
        for version in versions() {
            let newest = versions_of(version.noun).last().unwrap().id;
            assert_eq!(reserved.id_of(version.noun), Some(newest));
        }
    }

    /// Changes the first version of `usage` and asks whether both are compatible.
    fn changed(change: impl FnOnce(&mut Vec<Value>)) -> Result<(), String> {
        let old = versions_of("usage")[0].text;
        let mut new: Value = serde_json::from_str(old).unwrap();
        change(new["fields"].as_array_mut().unwrap());
        full_transitive(&[old, &new.to_string()])
    }

    fn words<'a>(fields: &'a mut [Value], name: &str) -> &'a mut Vec<Value> {
        let field = fields.iter_mut().find(|field| field["name"] == name).unwrap();
        field["type"]["symbols"].as_array_mut().unwrap()
    }

    #[test]
    fn what_comes_and_goes_with_a_default_is_no_break() {
        let region = json!({"name": "region", "type": ["null", "string"], "default": null});
        assert_eq!(changed(|fields| fields.insert(3, region)), Ok(()));
        assert_eq!(changed(|fields| fields.retain(|field| field["name"] != "risk_class")), Ok(()));
        assert_eq!(changed(|fields| fields.rotate_left(4)), Ok(()));
        // `unknown` is the default of kinds of identities.
        assert_eq!(changed(|fields| words(fields, "identity_kind").push(json!("robot"))), Ok(()));
    }

    #[test]
    fn a_break_is_caught() {
        let region = json!({"name": "region", "type": "string"});
        assert!(changed(|fields| fields.push(region)).is_err(), "a field without a default came");
        assert!(changed(|fields| fields.retain(|field| field["name"] != "n_uses")).is_err(), "one went");
        assert!(changed(|fields| drop(words(fields, "provider").pop())).is_err(), "a word went");
        assert!(changed(|fields| words(fields, "provider").push(json!("oci"))).is_err(), "a word came");
        assert!(changed(|fields| fields.last_mut().unwrap()["type"] = json!("string")).is_err(), "a type changed");
        assert!(changed(|fields| fields.last_mut().unwrap()["name"] = json!("version")).is_err(), "a name changed");
    }

    #[test]
    fn a_break_with_an_older_version_than_the_last_is_caught() {
        let one = r#"{"type":"record","name":"A","fields":[{"name":"x","type":"long"}]}"#;
        let two = r#"{"type":"record","name":"A","fields":[{"name":"x","type":"long","default":0}]}"#;
        let three = r#"{"type":"record","name":"A","fields":[]}"#;
        assert_eq!(full_transitive(&[one, two]), Ok(()));
        assert_eq!(full_transitive(&[two, three]), Ok(()));
        assert!(full_transitive(&[one, two, three]).is_err());
    }
}
