//! The splitter against `serde_json` as the oracle, on real files and on made-up ones.

mod broken;
mod forms;
mod made_up;
mod official;
mod real;

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use expect_test::expect;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// A reader that hands out as many bytes at a time as a list says, again and again.
struct Cut<'a> {
    bytes: &'a [u8],
    sizes: Vec<usize>,
    turn: usize,
}

impl<'a> Cut<'a> {
    fn new(bytes: &'a [u8], sizes: &[usize]) -> Self {
        Self { bytes, sizes: sizes.to_vec(), turn: 0 }
    }
}

impl Read for Cut<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()].max(1);
        self.turn += 1;
        let n = size.min(into.len()).min(self.bytes.len());
        into[..n].copy_from_slice(&self.bytes[..n]);
        self.bytes = &self.bytes[n..];
        Ok(n)
    }
}

fn data() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if path.is_dir() {
        return Some(path);
    }
    println!("the shared data folder is absent; nothing to test");
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|e| e.file_type().is_file())
        .map(|e| e.into_path())
        .collect();
    found.sort();
    found
}

/// What the whole file holds, by `serde_json`.
fn oracle(path: &Path) -> Vec<Value> {
    let mut text = Vec::new();
    Decoded::new(std::fs::File::open(path).unwrap()).read_to_end(&mut text).unwrap();
    let mut records = Vec::new();
    for value in serde_json::Deserializer::from_slice(&text).into_iter::<Value>() {
        let value = value.unwrap();
        match value.get("Records").or_else(|| value.get("records")) {
            Some(list) => records.extend(list.as_array().unwrap().iter().cloned()),
            None => records.push(value),
        }
    }
    records
}

fn bodies(items: impl Iterator<Item = Item>) -> Vec<Value> {
    items
        .map(|item| match item {
            Item::Log(record) => serde_json::from_slice(&record.body.0).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn told(items: impl Iterator<Item = Item>) -> String {
    let mut out = String::new();
    for item in items {
        let line = match item {
            Item::Log(record) => format!("{} {} {:?}", record.origin.offset, record.provider, record.body),
            Item::Grant(grant) => {
                format!(
                    "{} {} {} {} {} {}",
                    grant.place, grant.mark, grant.list, grant.account_id, grant.object_kind, grant.object_id
                )
            }
            Item::Rejected(letter) => {
                format!("{} dead, {} bytes: {}", letter.origin.offset, letter.n_bytes, letter.reason)
            }
        };
        out.push_str(&line);
        out.push('\n');
    }
    out
}

fn check(text: impl AsRef<[u8]>, expected: &expect_test::Expect) {
    let text = text.as_ref();
    let whole = told(split(Cursor::new(text), None, "x"));
    for sizes in [&[1][..], &[3, 1, 7], &[4096]] {
        assert_eq!(told(split(Cut::new(text, sizes), None, "x")), whole, "cut at {sizes:?}");
    }
    expected.assert_eq(&whole);
}

fn aws(n: usize) -> String {
    format!(r#"{{"eventVersion":"1","eventSource":"s","n":{n},"x":{{"y":[1,2]}}}}"#)
}
