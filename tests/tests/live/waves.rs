//! A sample in waves, a day each: some files a day late, some twice, and grants that change.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::overgrant::{final_rows, query};

/// One file in seven comes a day late, but for those of the first day, one in five comes again a day later under another name.
const LATE: usize = 7;
const AGAIN: usize = 5;

pub(super) struct Waves {
    /// For each wave the files, where they go, and what is done to the grants among them.
    waves: Vec<Vec<File>>,
}

struct File {
    from: PathBuf,
    to: PathBuf,
    /// Which of its members are dropped.
    without: Option<usize>,
}

impl Waves {
    /// Shares the sample's files out over its days.
    pub(super) fn of(sample: &Path, input: &Path) -> Self {
        fs::create_dir_all(input).unwrap();
        let mut files = Vec::new();
        all_below(sample, &mut files);
        files.sort();
        let below = |path: &Path| path.strip_prefix(sample).unwrap().to_string_lossy().into_owned();
        let mut days: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        let mut states = Vec::new();
        for path in files {
            let name = below(&path);
            match day(&name) {
                Some(day) => days.entry(day).or_default().push(path),
                None if name.contains("entitlements/") || name.contains("inventory/") => states.push(path),
                None => {}
            }
        }
        let names: Vec<String> = days.keys().cloned().collect();
        let mut waves: Vec<Vec<File>> = (0..=names.len()).map(|_| Vec::new()).collect();
        for (wave, (day, logs)) in days.into_iter().enumerate() {
            for (place, from) in logs.into_iter().enumerate() {
                let name = below(&from);
                if place % AGAIN == 0 {
                    let to = input.join("again").join(&name);
                    waves[wave + 1].push(File { from: from.clone(), to, without: None });
                }
                // What a source finds at first is all there is of its time.
                let is_late = wave > 0 && place % LATE == 3;
                waves[wave + usize::from(is_late)].push(File { from, to: input.join(name), without: None });
            }
            for from in states.iter().filter(|_| wave % 3 == 0) {
                let name = below(from);
                if wave > 0 && name.contains("inventory/") {
                    continue;
                }
                let (list, file) = name.rsplit_once('/').unwrap();
                let to = input.join(list).join(&day).join(file);
                waves[wave].push(File { from: from.clone(), to, without: (wave > 0).then_some(wave) });
            }
        }
        Self { waves }
    }

    /// How many there are, but for the last, which only has what is late.
    pub(super) fn len(&self) -> usize {
        self.waves.len() - 1
    }

    /// Puts the files of a wave in place, whole.
    pub(super) fn put(&self, wave: usize) {
        for File { from, to, without } in &self.waves[wave] {
            let folder = to.parent().unwrap();
            fs::create_dir_all(folder).unwrap();
            let hidden = folder.join(format!(".{}", to.file_name().unwrap().to_string_lossy()));
            match without {
                None => drop(fs::copy(from, &hidden).unwrap()),
                Some(place) => {
                    let name = from.to_string_lossy();
                    fs::write(&hidden, changed(&name, &fs::read(from).unwrap(), *place)).unwrap();
                }
            }
            fs::rename(&hidden, to).unwrap();
        }
    }
}

/// Entitlements with some grants less. Roles stay: what one is, several accounts say.
fn changed(name: &str, bytes: &[u8], place: usize) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(bytes).unwrap();
    let drop_one = |list: &mut Value| {
        if let Some(list) = list.as_array_mut().filter(|list| list.len() > 1) {
            list.remove(place % list.len());
        }
    };
    if name.ends_with("account-authorization-details.json") {
        drop_one(&mut value["UserDetailList"]);
        for role in value["RoleDetailList"].as_array_mut().into_iter().flatten().skip(place % 3) {
            drop_one(&mut role["AttachedManagedPolicies"]);
        }
    } else if name.ends_with("role-assignments.json") {
        drop_one(&mut value);
    } else if name.ends_with("iam-policy.json") {
        drop_one(&mut value["bindings"]);
    }
    serde_json::to_vec(&value).unwrap()
}

fn all_below(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all_below(&path, into) } else { into.push(path) }
    }
}

/// The day in a path such as `…/2026/10/27/…` or `…/y=2026/m=10/d=27/…`.
pub(super) fn day(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('/').map(|part| part.trim_start_matches(['y', 'm', 'd', '='])).collect();
    let is = |part: &str, n: usize| part.len() == n && part.bytes().all(|byte| byte.is_ascii_digit());
    let found = parts.windows(3).find(|part| is(part[0], 4) && is(part[1], 2) && is(part[2], 2))?;
    Some(found.join("-"))
}

/// The final rows of a table; of policies those that a grant names, of scores and findings those that stand. A grant that
/// comes before the role it speaks of, which stands in another partition, has an unfinished policy for a moment, and
/// policies are never taken back. What was told too early is taken back, and who read the grants before the events never told it.
pub(super) fn settled_rows(store: &Path, table: &str) -> BTreeSet<String> {
    let rows = final_rows(store, table);
    if table == "pci" {
        return rows.into_iter().filter(|row| !row.contains("\"n_granted\":0,")).collect();
    }
    if table == "inventory" {
        let is_empty = |row: &str| row.contains("\"kind\":\"target:") && row.contains("\"n_resources\":0,");
        return rows.into_iter().filter(|row| !is_empty(row)).collect();
    }
    if table == "finding" {
        return rows.into_iter().filter(|row| row.contains("\"deleted_at\":null")).collect();
    }
    if table != "policy" {
        return rows;
    }
    let named = query(store, "SELECT DISTINCT policy_hashes FROM entitlement");
    let named: BTreeSet<String> = named
        .iter()
        .flat_map(|row| row["policy_hashes"].as_array().unwrap())
        .map(|hash| format!("\"policy_hash\":{hash}"))
        .collect();
    rows.into_iter().filter(|row| named.iter().any(|hash| row.contains(hash))).collect()
}
