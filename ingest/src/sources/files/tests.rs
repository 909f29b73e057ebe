//! The source: order, progress, restarts, broken files, following.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::time::Duration;

use expect_test::{Expect, expect};
use futures::executor::block_on;

use super::*;
use crate::Config;

const NOW: i64 = 1_800_000_000_000_000;

fn time(minute: i64) -> String {
    Time(1_700_000_000_000_000 + minute * 60_000_000).to_string()
}

fn aws(account: &str, minute: i64, n: usize) -> String {
    let time = time(minute);
    format!(
        r#"{{"eventVersion":"1.08","eventTime":"{time}","eventSource":"s3.amazonaws.com","recipientAccountId":"{account}","eventID":"{n}"}}"#
    )
}

fn gzip(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

struct World {
    folder: tempfile::TempDir,
    clock: Clock,
    config: Config,
    once: bool,
}

impl World {
    fn new() -> Self {
        let config = Config { poll_interval: Duration::from_millis(1), progress_every: 3, ..Config::default() };
        Self { folder: tempfile::tempdir().unwrap(), clock: Clock::fixed(NOW), config, once: true }
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn append(&self, name: &str, content: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(self.folder.path().join(name)).unwrap();
        file.write_all(content.as_bytes()).unwrap();
    }

    fn source(&self) -> FileSource {
        self.source_of(vec![self.folder.path().to_string_lossy().into_owned()])
    }

    fn source_of(&self, inputs: Vec<String>) -> FileSource {
        let config = self.config.clone().validate().unwrap();
        let params = FileSourceParams { inputs, once: self.once, as_of: None, provider: None, config };
        FileSource::new(params, self.clock.clone()).unwrap()
    }
}

/// One line for each thing said, with minutes for times.
fn told(polled: &Polled<Message>) -> Vec<String> {
    let minutes = |at: i64| {
        let since = at - 1_700_000_000_000_000;
        format!("{}{}", since.div_euclid(60_000_000), if since.rem_euclid(60_000_000) == 0 { "" } else { "+" })
    };
    match polled {
        Polled::Idle => vec!["idle".to_owned()],
        Polled::End(at) => vec![format!("end {}", minutes(*at))],
        Polled::Records(records, progress) => {
            let records = records.iter().map(|message| match message {
                Message::RawRecord(record) => {
                    let at = record.time.map_or_else(|| "-".to_owned(), |time| minutes(time.0));
                    format!("{}:{} {}", record.origin.file.as_deref().unwrap_or_default(), record.origin.offset, at)
                }
                Message::RawGrant(grant) => {
                    let at = minutes(grant.collected_at.0);
                    format!(
                        "{} {} {} {at}",
                        grant.origin.file.as_deref().unwrap_or_default(),
                        grant.mark,
                        grant.object_id
                    )
                }
                Message::DeadLetter(letter) => {
                    format!(
                        "{}:{} dead: {}",
                        letter.origin.file.as_deref().unwrap_or_default(),
                        letter.origin.offset,
                        letter.reason
                    )
                }
                other => panic!("{other:?}"),
            });
            let progress = progress.iter().map(|said| {
                let idle = if said.idle { " idle" } else { "" };
                format!("  {} {} through {}{idle}", said.feed, said.account, minutes(said.through))
            });
            records.chain(progress).collect()
        }
    }
}

fn run(source: &mut FileSource, max_records: usize) -> Vec<Polled<Message>> {
    let mut all = Vec::new();
    for _ in 0..10_000 {
        let polled = block_on(source.poll(max_records)).unwrap();
        let ended = matches!(polled, Polled::End(_));
        all.push(polled);
        if ended {
            return all;
        }
    }
    panic!("the source does not end");
}

fn lines(all: &[Polled<Message>]) -> String {
    all.iter().flat_map(told).map(|line| line + "\n").collect()
}

fn check(world: &World, expected: &Expect) {
    expected.assert_eq(&lines(&run(&mut world.source(), 2)));
}

/// Steps a source until it has nothing to do, on a runtime since it sleeps then.
fn follow(source: &mut FileSource) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut all = Vec::new();
    for _ in 0..1000 {
        let polled = runtime.block_on(source.poll(100)).unwrap();
        if polled == Polled::Idle {
            return lines(&all);
        }
        all.push(polled);
    }
    panic!("the source is never idle");
}

fn small_world() -> World {
    let world = World::new();
    world.put("b/late.json.gz", gzip(&format!("{{\"Records\":[{},{}]}}", aws("1", 50, 1), aws("2", 40, 2))));
    world.put("a/early.log", (0..7).map(|n| aws("1", 10 + n, 10 + n as usize) + "\n").collect::<String>());
    world.put("c/other.json", format!("[{}]", aws("2", 20, 3)));
    world.put("c/.hidden", "not seen");
    let roles = r#"[{"name":"projects/proj-a/roles/x","title":"X","stage":"GA","includedPermissions":["a.b.c"]}]"#;
    world.put("d/roles.json", roles);
    world
}

#[test]
fn files_come_by_their_time_and_say_what_is_still_ahead() {
    check(
        &small_world(),
        &expect![[r#"
        d/roles.json begin  50
        d/roles.json object projects/proj-a/roles/x 50
          file 1 through 10
          file 2 through 20
        d/roles.json end  50
        a/early.log:0 10
        a/early.log:1 11
        a/early.log:2 12
          file 1 through 13
        a/early.log:3 13
        a/early.log:4 14
        a/early.log:5 15
        a/early.log:6 16
          file 1 through 16
        c/other.json:0 20
        b/late.json.gz:0 50
          file 1 through 50
          file 2 through 40
        b/late.json.gz:1 40
          file 1 through 50+
          file 2 through 40+
          file 1 through 50+
          file 2 through 50+
        end 50
    "#]],
    );
}

#[test]
fn a_restart_at_any_point_goes_on_with_the_same_items() {
    let world = small_world();
    world.put("e/broken.log", format!("{}\n{{\"half\":\n{}\n", aws("3", 5, 4), aws("3", 6, 5)));
    world.put("e/cut.json.gz", {
        let mut whole = gzip(&aws("3", 7, 6));
        whole.truncate(whole.len() - 4);
        whole
    });
    let items = |all: &[Polled<Message>]| -> Vec<Message> {
        all.iter()
            .filter_map(|polled| match polled {
                Polled::Records(records, _) => Some(records.clone()),
                _ => None,
            })
            .flatten()
            .collect()
    };
    let last = |all: &[Polled<Message>]| {
        let mut progress = BTreeMap::new();
        for polled in all {
            if let Polled::Records(_, said) = polled {
                progress.extend(said.iter().map(|said| (said.account.clone(), said.clone())));
            }
        }
        progress
    };
    let whole = run(&mut world.source(), 1000);
    let wanted = items(&whole);
    assert_eq!(wanted.len(), 18);
    for max_records in [1, 3, 1000] {
        let mut all = Vec::new();
        let mut cursor: Option<Vec<u8>> = None;
        loop {
            let mut source = world.source();
            if let Some(bytes) = &cursor {
                source.restore(bytes).unwrap();
            }
            let mut polled = Polled::Records(Vec::new(), Vec::new());
            let mut n_polls = 0;
            while polled == Polled::Records(Vec::new(), Vec::new()) {
                polled = block_on(source.poll(max_records)).unwrap();
                n_polls += 1;
                assert!(n_polls < 10, "nothing comes");
            }
            let ended = matches!(polled, Polled::End(_));
            assert!(all.len() < 1000, "the source does not end");
            // The last progress would be said anew at every restart, so from there it goes to the end in one go.
            if matches!(source.phase, Phase::End) && !ended {
                all.push(polled);
                all.push(block_on(source.poll(max_records)).unwrap());
                break;
            }
            cursor = Some(source.snapshot().unwrap());
            all.push(polled);
            if ended {
                break;
            }
        }
        assert_eq!(items(&all), wanted, "{max_records} at a time");
        assert_eq!(last(&all), last(&whole));
        assert_eq!(all.last(), whole.last());
    }
}

#[test]
fn what_was_read_is_not_read_again_and_new_files_are() {
    let world = small_world();
    let mut source = world.source();
    run(&mut source, 100);
    let cursor = source.snapshot().unwrap();
    let again = |cursor: &[u8]| {
        let mut source = world.source();
        source.restore(cursor).unwrap();
        let told = lines(&run(&mut source, 100));
        (told, source.snapshot().unwrap())
    };
    let (told, cursor) = again(&cursor);
    expect![[r#"
          file 1 through 50+
          file 2 through 50+
        end 50
    "#]]
    .assert_eq(&told);
    world.append("a/early.log", &(aws("1", 60, 7) + "\n"));
    world.put("c/other.json", format!("[{}]", aws("2", 61, 8)));
    world.put("f/new.log", aws("4", 62, 9));
    let (told, cursor) = again(&cursor);
    expect![[r#"
        a/early.log:7 60
        c/other.json#1:0 61
        f/new.log:0 62
          file 1 through 60+
          file 2 through 61+
          file 4 through 62+
          file 1 through 62+
          file 2 through 62+
          file 4 through 62+
        end 62
    "#]]
    .assert_eq(&told);
    assert!(again(&cursor).0.lines().all(|line| line.starts_with("  ") || line.starts_with("end")));
}

#[test]
fn what_cannot_be_read_is_a_dead_letter() {
    let world = World::new();
    world.put("binary", [0_u8, 1, 2, 255, 10, 0]);
    world.put("empty", "");
    world.put("good.log", aws("1", 1, 1));
    world.put("notes.md", "# Notes\n\nno logs here\n");
    std::os::unix::fs::symlink(world.folder.path().join("nowhere"), world.folder.path().join("dangling")).unwrap();
    check(
        &world,
        &expect![[r#"
        good.log:0 1
        binary:0 dead: no JSON at byte 0; expected log records, entitlements or an inventory as the clouds write them
          file 1 through 1+
        empty:0 dead: the file is empty
        notes.md:0 dead: no JSON at byte 0; expected log records, entitlements or an inventory as the clouds write them
        dangling:0 dead: cannot read the file: No such file or directory (os error 2); the rest was read without it
          file 1 through 1+
        end 1
    "#]],
    );
}

#[test]
fn an_input_that_is_not_there_is_an_error_at_the_start() {
    let world = World::new();
    let params = |input: &str| FileSourceParams {
        inputs: vec![world.folder.path().join(input).to_string_lossy().into_owned()],
        once: true,
        as_of: None,
        provider: None,
        config: Config::default().validate().unwrap(),
    };
    let told = |input: &str| {
        let error = FileSource::new(params(input), Clock::fixed(0)).unwrap_err().to_string();
        error.replace(&*world.folder.path().to_string_lossy(), "FOLDER")
    };
    assert_eq!(told("absent"), "cannot read input `FOLDER/absent`");
    assert_eq!(told("*.log"), "input `FOLDER/*.log` matches no file");
}

#[test]
fn names_are_those_below_the_input_and_told_apart() {
    let world = World::new();
    world.put("one/x.log", aws("1", 1, 1));
    world.put("two/x.log", aws("1", 2, 2));
    let root = world.folder.path().to_string_lossy().into_owned();
    let names = |inputs: &[&str]| {
        let mut source = world.source_of(inputs.iter().map(|input| format!("{root}/{input}")).collect());
        lines(&run(&mut source, 100)).lines().filter(|line| line.contains(':')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(&["one", "two", "one/x.log"]), ["x.log:0 1", "input-2/x.log:0 2"]);
    assert_eq!(names(&["*/x.log"]), ["one/x.log:0 1", "two/x.log:0 2"]);
}

#[test]
fn what_lies_in_the_future_does_not_move_time() {
    let world = World::new();
    let future = aws("1", 0, 1).replace(&time(0), "2999-01-01T00:00:00Z");
    world.put("x.log", format!("{}\n{future}\n", aws("1", 3, 2)));
    check(
        &world,
        &expect![[r#"
        x.log:0 3
        x.log:1 512869066+
          file 1 through 3
          file 1 through 3+
          file 1 through 3+
        end 3
    "#]],
    );
}

#[test]
fn a_file_that_changes_between_the_passes_is_reported() {
    let world = World::new();
    world.put("x.json", format!("[{}]", aws("1", 1, 1)));
    world.put("y.json", format!("[{}]", aws("1", 2, 2)));
    let mut source = world.source();
    while source.cursor.plan.is_empty() {
        block_on(source.poll(1)).unwrap();
    }
    world.put("y.json", "[]");
    expect![[r#"
        x.json:0 1
          file 1 through 1
        y.json:0 dead: the file was changed while it was read; run again to read it as it is now
          file 1 through 2+
          file 1 through 2+
        end 2
    "#]]
    .assert_eq(&lines(&run(&mut source, 1)));
}

#[test]
fn entitlements_collected_after_the_logs_stand_for_their_end() {
    let world = small_world();
    world.put("e/2023-11-14/roles.json", fs::read(world.folder.path().join("d/roles.json")).unwrap());
    let all = lines(&run(&mut world.source(), 100));
    let grants: Vec<&str> = all.lines().filter(|line| line.contains("begin")).collect();
    expect![[r#"
        e/2023-11-14/roles.json begin  -1334+
        d/roles.json begin  50"#]]
    .assert_eq(&grants.join("\n"));
}

#[test]
fn followed_files_grow_and_half_a_line_waits_for_its_rest() {
    let mut world = World::new();
    world.once = false;
    world.clock = Clock::fixed(i64::try_from(std::time::Duration::from_secs(4_000_000_000).as_micros()).unwrap());
    world.config.idle_after = Duration::from_secs(4_000_000_000);
    let line = aws("1", 1, 1);
    let (half, rest) = line.split_at(40);
    world.put("x.log", format!("{}\n{half}", aws("1", 0, 0)));
    world.put("y.log", half);
    let mut source = world.source();
    let first = follow(&mut source);
    world.append("x.log", &format!("{rest}\n"));
    world.append("y.log", &format!("{rest}\n{}\n", aws("2", 2, 2)));
    let second = follow(&mut source);
    let mut restarted = world.source();
    restarted.restore(&source.snapshot().unwrap()).unwrap();
    world.append("x.log", &format!("{}\n", aws("1", 5, 3)));
    world.put("z.json.gz", gzip(&aws("3", 6, 4)));
    let third = follow(&mut restarted);
    expect![[r#"
        x.log:0 0
          file 1 through -15
          file 1 through -15 idle
          file-live 1 through -15
        ---
        x.log:1 1
        y.log:0 1
        y.log:1 2
          file-live 1 through -14
          file-live 2 through -13
        ---
        x.log:2 5
        z.json.gz:0 6
          file-live 1 through -10
          file-live 2 through -13
          file-live 3 through -9
    "#]]
    .assert_eq(&format!("{first}---\n{second}---\n{third}"));
}

#[test]
fn a_silent_account_is_called_idle_once() {
    let mut world = World::new();
    world.once = false;
    world.put("x.log", aws("1", 1, 1) + "\n");
    let mut source = world.source();
    let first = follow(&mut source);
    world.clock.set(NOW + 599_000_000);
    let second = follow(&mut source);
    world.clock.set(NOW + 600_000_000);
    let third = follow(&mut source);
    let fourth = follow(&mut source);
    expect![[r#"
        x.log:0 1
          file 1 through -14
          file 1 through -14 idle
          file-live 1 through -14
        ---
        ---
          file-live 1 through -14 idle
        ---
    "#]]
    .assert_eq(&format!("{first}---\n{second}---\n{third}---\n{fourth}"));
}

#[test]
fn a_damaged_or_newer_cursor_is_refused() {
    let world = small_world();
    let mut source = world.source();
    run(&mut source, 100);
    let mut cursor = source.snapshot().unwrap();
    assert!(matches!(world.source().restore(&cursor[..cursor.len() - 1]), Err(StateError::Damaged(_))));
    assert!(matches!(world.source().restore(&[1]), Err(StateError::Damaged(_))));
    cursor[0] = 9;
    assert!(matches!(world.source().restore(&cursor), Err(StateError::Newer { found: 9, known: 1 })));
}

#[test]
fn the_bound_on_files_is_a_fault() {
    let mut world = small_world();
    world.config.max_files = 3;
    let mut source = world.source();
    let fault = block_on(source.poll(10)).unwrap_err();
    let cause = std::error::Error::source(&fault).unwrap().to_string();
    assert_eq!(cause, "there are more than 3 files; raise `ingest.max_files`");
}
