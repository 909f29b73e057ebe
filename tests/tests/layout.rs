//! The house stands as DESIGN.md §1 draws it: who may know whom, what a room consists of, and that the pages say so.

#![allow(clippy::unwrap_used, reason = "a failed test should panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect;
use serde_json::Value;

/// What each crate may know of ours.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("schemas", &[]),
    ("batch", &[]),
    ("stream", &["batch"]),
    ("sample", &[]),
    ("permissions", &["schemas"]),
    ("ingest", &["schemas", "stream"]),
    ("normalize", &["schemas", "permissions", "stream"]),
    ("score", &["schemas", "permissions", "stream"]),
    ("detect", &["schemas", "permissions", "stream"]),
    ("sinks", &["schemas", "stream"]),
    ("remediate", &["schemas", "permissions", "stream"]),
];

/// The rooms. A crate that is neither here nor in the lists beside it may know nothing of ours, so a new room cannot be
/// forgotten.
const ROOMS: &[&str] = &["ingest", "normalize", "score", "detect", "sinks", "remediate", "console"];

/// Who wires rooms together and may know them all.
const OUTER: &[&str] = &["cli", "tests", "benches", "console"];

/// Crates that exist for one other crate, in whose folder they lie.
const INNER: &[(&str, &str)] = &[("batch", "stream")];

/// What every room has.
const ROOM_FILES: &[&str] = &["README.md", "src/lib.rs", "src/config.rs", "src/error.rs", "src/metrics.rs"];

/// Drawers in which everything ends up.
const DRAWERS: &[&str] = &["common", "core", "utils", "util", "types", "shared", "helpers"];

/// Lines outside tests past which a file hides a seam.
const MAX_LINES: usize = 600;

#[derive(Debug)]
struct Crate {
    name: String,
    folder: PathBuf,
    /// Crates of ours that it names, for whatever purpose.
    knows: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in the workspace").to_owned()
}

fn crates() -> Vec<Crate> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut crates: Vec<Crate> = metadata["packages"].as_array().unwrap().iter().map(read).collect();
    crates.sort_by(|a, b| a.name.cmp(&b.name));
    crates
}

fn read(package: &Value) -> Crate {
    let ours = package["dependencies"].as_array().unwrap().iter().filter(|it| it["path"].is_string());
    let knows = ours.map(|it| it["name"].as_str().unwrap().to_owned()).collect();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    let folder = manifest.parent().expect("a manifest lies in a folder").to_owned();
    Crate { name: package["name"].as_str().unwrap().to_owned(), folder, knows }
}

/// Every edge that should not be, as `a knows b`.
fn wrong_edges(crates: &[Crate]) -> Vec<String> {
    let mut wrong = Vec::new();
    for one in crates {
        let may = MAY_KNOW.iter().find(|(name, _)| *name == one.name).map(|(_, may)| *may);
        for known in &one.knows {
            let right = may.map_or(OUTER.contains(&one.name.as_str()), |may| may.contains(&known.as_str()));
            if !right {
                wrong.push(format!("{} knows {known}", one.name));
            }
        }
    }
    wrong
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for one in crates() {
        rust_files(&one.folder, &mut found);
    }
    found.sort();
    found
}

/// Lines of a file before its own tests; none for a file of tests.
fn n_lines_outside_tests(path: &Path, text: &str) -> usize {
    let below_root = path.strip_prefix(root()).unwrap_or(path);
    let is_tests = path.file_stem().is_some_and(|stem| stem == "tests")
        || below_root.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches");
    let own_tests = text.find("#[cfg(test)]\nmod tests {").or_else(|| {
        let start = text.find("\nmod tests {")?;
        text[..start].rfind("#[cfg(test)]")
    });
    if is_tests { 0 } else { text[..own_tests.unwrap_or(text.len())].lines().count() }
}

#[test]
fn crates_know_only_what_the_design_allows() {
    assert_eq!(wrong_edges(&crates()), Vec::<String>::new());
}

#[test]
fn an_edge_between_rooms_is_seen() {
    let room = |name: &str, knows: &[&str]| {
        let knows = knows.iter().map(|known| (*known).to_owned()).collect();
        Crate { name: name.to_owned(), folder: PathBuf::new(), knows }
    };
    let house = [
        room("schemas", &["stream"]),
        room("score", &["schemas", "normalize"]),
        room("sinks", &["permissions"]),
        room("newcomer", &["score"]),
        room("cli", &["score", "detect"]),
    ];
    expect![[r#"
        [
            "schemas knows stream",
            "score knows normalize",
            "sinks knows permissions",
            "newcomer knows score",
        ]
    "#]]
    .assert_debug_eq(&wrong_edges(&house));
}

#[test]
fn no_crate_is_a_drawer() {
    let drawers: Vec<String> =
        crates().into_iter().map(|one| one.name).filter(|name| DRAWERS.contains(&name.as_str())).collect();
    assert_eq!(drawers, Vec::<String>::new());
}

#[test]
fn a_crate_lies_in_the_folder_of_its_name() {
    let named: Vec<(String, PathBuf)> = crates().into_iter().map(|one| (one.name, one.folder)).collect();
    let home =
        |name: &str| INNER.iter().find(|(inner, _)| *inner == name).map_or(root(), |(_, outer)| root().join(outer));
    let elsewhere: Vec<_> = named.iter().filter(|(name, folder)| *folder != home(name).join(name)).collect();
    assert!(named.len() > 10, "{named:?}");
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

#[test]
fn the_architecture_page_names_every_crate() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let headings: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("### `")).filter_map(|rest| rest.split('`').next()).collect();
    let names: BTreeSet<String> = crates().into_iter().map(|one| one.name).collect();
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(headings, names, "left: paragraphs of the page, right: crates");
}

#[test]
fn every_room_has_the_same_files() {
    let missing: Vec<String> = crates()
        .iter()
        .filter(|one| ROOMS.contains(&one.name.as_str()))
        .flat_map(|room| {
            ROOM_FILES
                .iter()
                .filter(|file| !room.folder.join(file).exists())
                .map(|file| format!("{}/{file}", room.name))
        })
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn modules_are_files_with_names() {
    let nameless: Vec<PathBuf> =
        all_rust_files().into_iter().filter(|path| path.file_name().is_some_and(|name| name == "mod.rs")).collect();
    assert_eq!(nameless, Vec::<PathBuf>::new());
}

#[test]
fn no_file_outgrows_its_reader() {
    let mut long = Vec::new();
    for path in all_rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let n_lines = n_lines_outside_tests(&path, &text);
        if n_lines > MAX_LINES {
            long.push(format!("{} has {n_lines} lines", path.display()));
        }
    }
    assert_eq!(long, Vec::<String>::new());
}
