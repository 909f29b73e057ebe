//! The services of `infra/compose.yml` run every room there is, by configs that are valid.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::overgrant::{done, overgrant};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn compose() -> String {
    std::fs::read_to_string(root().join("infra/compose.yml")).unwrap()
}

/// Rooms and sinks as the binary knows them: it lists them to whoever asks for another one.
fn known() -> Vec<String> {
    let mut command = overgrant();
    command.args(["run", "--room", "nobody", "--config"]).arg(root().join("config/compose.toml"));
    let said = String::from_utf8(command.env("CLICKHOUSE_PASSWORD", "any").output().unwrap().stderr).unwrap();
    let (_, list) = said.split_once("there are ").unwrap_or_else(|| panic!("no list of rooms: {said}"));
    list.trim().split(", ").filter(|name| *name != "sinks").map(str::to_owned).collect()
}

#[test]
fn every_room_has_one_service() {
    let text = compose();
    let commands = text.lines().filter(|line| line.trim_start().starts_with("command:"));
    let words = commands.flat_map(|line| line.split('"').skip(1).step_by(2)).collect::<Vec<_>>();
    let mut rooms: Vec<&str> = words.windows(2).filter(|pair| pair[0] == "--room").map(|pair| pair[1]).collect();
    rooms.sort_unstable();
    let mut known = known();
    known.sort_unstable();
    assert_eq!(rooms, known, "left: services, right: rooms");
}

#[test]
fn every_config_is_valid_and_every_mounted_one_is_there() {
    let mut configs = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("config")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // Rules, not settings.
            continue;
        }
        let mut command = overgrant();
        command.arg("check-config").arg(&path);
        done(command);
        configs.insert(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    let text = compose();
    let mounted = text.split("../config/").skip(1).filter_map(|rest| rest.split(':').next());
    let mounted: BTreeSet<String> = mounted.map(str::to_owned).collect();
    assert!(!mounted.is_empty() && mounted.is_subset(&configs), "{mounted:?} of {configs:?}");
}
