//! Reads a generated sample with nothing but `serde_json`: what the truth says must be what lies on disk.
#![allow(clippy::unwrap_used, reason = "a failed test should panic")]

mod attacks;
mod counts;
mod grants;
mod rhythm;

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use sample::{SampleParams, Truth, generate};
use serde_json::Value;

/// One sample for all tests: three weeks, every persona twice.
static SAMPLE: LazyLock<(tempfile::TempDir, Truth)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let params = SampleParams { n_days: 21, n_identities: 112, n_attacks: 14, n_broken: 9, ..SampleParams::default() };
    let truth = generate(&params, dir.path()).unwrap();
    (dir, truth)
});

fn files(root: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { out.push(path) }
        }
    }
    out.sort();
    out
}

fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    if path.extension().is_some_and(|e| e == "gz") {
        let mut out = String::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut out).unwrap();
        return out;
    }
    String::from_utf8(bytes).unwrap()
}

/// The log records of a file, whatever its envelope.
fn records(path: &Path) -> Vec<Value> {
    let text = text(path);
    if let Ok(whole) = serde_json::from_str::<Value>(&text) {
        for key in ["Records", "records"] {
            if let Some(list) = whole[key].as_array() {
                return list.clone();
            }
        }
        return whole.as_array().cloned().unwrap_or_else(|| vec![whole.clone()]);
    }
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The records of every log file of a cloud, read once for all tests.
fn all_records(cloud: &str) -> &'static [Value] {
    static ALL: LazyLock<BTreeMap<&'static str, Vec<Value>>> = LazyLock::new(|| {
        let of = |cloud: &'static str| (cloud, log_files(cloud).iter().flat_map(|path| records(path)).collect());
        ["aws", "azure", "gcp"].map(of).into()
    });
    &ALL[cloud]
}

fn log_files(cloud: &str) -> Vec<PathBuf> {
    let skip = ["entitlements", "inventory", "broken"];
    files(&SAMPLE.0.path().join(cloud))
        .into_iter()
        .filter(|path| !path.components().any(|c| skip.contains(&c.as_os_str().to_str().unwrap())))
        .collect()
}

fn json(path: &str) -> Value {
    serde_json::from_str(&text(&SAMPLE.0.path().join(path))).unwrap()
}

/// Public facts that this project did not write, if they are there.
#[allow(clippy::print_stdout, reason = "a test that did not run must say so")]
fn shared(path: &str) -> Option<Value> {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(path);
    if !full.exists() {
        println!("`shared/data/{path}` is absent: nothing to compare with");
        return None;
    }
    Some(serde_json::from_str(&text(&full)).unwrap())
}
