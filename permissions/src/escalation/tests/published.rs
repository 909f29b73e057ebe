//! The published paths of AWS: the data of pathfinding.cloud itself is the oracle, read in place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemas::Provider;

use super::super::paths;

/// The id and the required permissions of each file. The files are YAML; both are on lines of a fixed form.
fn published(folder: &Path, found: &mut BTreeMap<String, Vec<String>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            published(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let id = text
            .lines()
            .find_map(|line| line.strip_prefix("id: "))
            .unwrap()
            .trim()
            .trim_matches(['\'', '"'])
            .to_owned();
        let required = text.lines().skip_while(|line| line.trim() != "required:").skip(1);
        let required =
            required.take_while(|line| line.trim() != "additional:" && !line.starts_with(|c: char| c.is_alphabetic()));
        let names = required.filter_map(|line| line.trim().strip_prefix("- permission: "));
        found.insert(id, names.map(|name| name.trim().trim_matches(['\'', '"']).to_owned()).collect());
    }
}

#[test]
fn every_published_path_is_known_with_the_same_permissions() {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/privesc/pathfinding.cloud/data/paths");
    let mut found = BTreeMap::new();
    published(&folder, &mut found);
    if found.is_empty() {
        eprintln!("skipped: the published paths are not here");
        return;
    }
    let ours: BTreeMap<String, Vec<String>> = paths(Provider::Aws)
        .iter()
        .filter(|path| !path.id.starts_with("aws-"))
        .map(|path| (path.id.to_string(), path.permissions.iter().map(ToString::to_string).collect()))
        .collect();
    assert_eq!(found.len(), 65);
    assert_eq!(ours, found);
}
