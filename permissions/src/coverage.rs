//! Tests: the tables of documented cases, and how often each rule decides, so that a table or a random draw that leaves one
//! out fails.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

/// The lines of all tables of a cloud, in order of files.
pub(crate) fn documented<T: DeserializeOwned>(cloud: &str) -> Vec<T> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(cloud);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Prints a table of how often each of `all` occurred among `n`; fails when one did less often than `least` percent.
pub(crate) fn assert_coverage<R: Display + Ord>(
    what: &str,
    n: usize,
    found: &BTreeMap<R, usize>,
    all: impl IntoIterator<Item = R>,
    least: f64,
) {
    let mut table = format!("{n} {what}\n");
    let mut too_rare = Vec::new();
    for one in all {
        let count = found.get(&one).copied().unwrap_or_default();
        #[allow(clippy::cast_precision_loss, reason = "a percentage for people")]
        let percent = 100.0 * count as f64 / n as f64;
        table += &format!("{percent:5.1} % {count:6} {one}\n");
        if percent < least {
            too_rare.push(one.to_string());
        }
    }
    eprintln!("{table}");
    assert!(too_rare.is_empty(), "under {least} %: {too_rare:?}\n{table}");
}
