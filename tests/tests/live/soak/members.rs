//! The processes: which rooms each kind runs, and their lives.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use stream::clock::Stopwatch;
use tests::servers::signal;

use crate::overgrant::overgrant;

/// How many members each kind has at first.
pub(super) const N_MEMBERS: usize = 3;
/// The rooms of each kind of process. The last keeps its state in a folder, so that there is one of it.
pub(super) const KINDS: &[&[&str]] = &[
    &["ingest"],
    &["normalize", "grants", "accounts"],
    &["score", "scopes", "peers"],
    &["detect", "triage"],
    &["clickhouse"],
    &["lake", "alerts"],
];
/// The place of those that store into ClickHouse.
pub(super) const STORES: usize = 4;
/// Ends a process that does not listen to it yet: one that was started a moment before it is asked to leave.
const SIGTERM: i32 = 15;
/// How long the rooms may take to come to their end once nobody kills them any more.
const PATIENCE: Duration = Duration::from_secs(300);

struct Member {
    kind: usize,
    child: Child,
    is_leaving: bool,
}

pub(super) struct Members {
    config: PathBuf,
    input: PathBuf,
    folder: PathBuf,
    mutation: Option<&'static str>,
    running: Vec<Member>,
    n_started: usize,
    pub(super) n_killed: usize,
}

impl Members {
    pub(super) fn start(config: &Path, input: &Path, folder: &Path, mutation: Option<&'static str>) -> Self {
        let mut members = Self {
            config: config.to_owned(),
            input: input.to_owned(),
            folder: folder.to_owned(),
            mutation,
            running: Vec::new(),
            n_started: 0,
            n_killed: 0,
        };
        members.start_all(false);
        members
    }

    fn start_all(&mut self, once: bool) {
        for kind in 0..KINDS.len() {
            let n = if kind + 1 == KINDS.len() { 1 } else { N_MEMBERS };
            (0..n).for_each(|_| self.spawn(kind, once));
        }
    }

    fn spawn(&mut self, kind: usize, once: bool) {
        let log = self.folder.join(format!("{}-{}.log", KINDS[kind][0], self.n_started));
        self.n_started += 1;
        let mut command = overgrant();
        command.args(["run", "--plain", "--config"]).arg(&self.config).arg("--store").arg(self.folder.join("store"));
        KINDS[kind].iter().for_each(|room| {
            command.args(["--room", room]);
        });
        if kind == 0 {
            command.arg("--input").arg(&self.input);
        }
        if once {
            command.arg("--once");
        }
        if let Some(mutation) = self.mutation {
            command.env("OVERGRANT_MUTATION", mutation);
        }
        command.env("RUST_LOG", "warn,librdkafka=error").stdout(Stdio::null()).stderr(File::create(log).unwrap());
        self.running.push(Member { kind, child: command.spawn().unwrap(), is_leaving: false });
    }

    /// The place of the so manieth member of a kind, of those that are there.
    fn place(&self, kind: usize, member: usize) -> Option<usize> {
        let of_kind = |member: &Member| member.kind == kind && !member.is_leaving;
        let places: Vec<usize> = (0..self.running.len()).filter(|place| of_kind(&self.running[*place])).collect();
        places.get(member % places.len().max(1)).copied()
    }

    pub(super) fn kill(&mut self, kind: usize, member: usize) {
        let Some(place) = self.place(kind, member) else { return };
        let mut killed = self.running.remove(place);
        killed.child.kill().unwrap();
        killed.child.wait().unwrap();
        self.n_killed += 1;
        self.spawn(kind, false);
    }

    pub(super) fn leave_one(&mut self, kind: usize, member: usize) {
        let Some(place) = self.place(kind, member) else { return };
        signal(self.running[place].child.id(), "TERM").unwrap();
        self.running[place].is_leaving = true;
    }

    pub(super) fn join(&mut self, kind: usize) {
        self.spawn(kind, false);
    }

    /// Who ends unasked has failed.
    pub(super) fn look_after(&mut self) {
        let mut ended = Vec::new();
        for (place, member) in self.running.iter_mut().enumerate() {
            if let Some(status) = member.child.try_wait().unwrap() {
                let has_left = status.success() || status.signal() == Some(SIGTERM);
                assert!(has_left && member.is_leaving, "{:?}: {status}", KINDS[member.kind]);
                ended.push(place);
            }
        }
        ended.into_iter().rev().for_each(|place| drop(self.running.remove(place)));
    }

    /// All drain and leave.
    pub(super) fn leave(&mut self) {
        for member in self.running.iter_mut().filter(|member| !member.is_leaving) {
            signal(member.child.id(), "TERM").unwrap();
            member.is_leaving = true;
        }
        self.wait();
    }

    /// Everybody once more, to the end of the inputs.
    pub(super) fn finish(&mut self) {
        self.start_all(true);
        self.running.iter_mut().for_each(|member| member.is_leaving = true);
        self.wait();
    }

    fn wait(&mut self) {
        let waited = Stopwatch::start();
        while !self.running.is_empty() {
            self.look_after();
            let open: Vec<_> = self.running.iter().map(|member| KINDS[member.kind]).collect();
            assert!(waited.elapsed() < PATIENCE, "not at their end: {open:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for member in &mut self.running {
            let _ = member.child.kill();
            let _ = member.child.wait();
        }
        if std::thread::panicking() {
            let log = |name: &Path| std::fs::read_to_string(name).unwrap_or_default();
            for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.extension().is_some_and(|extension| extension == "log") {
                    let text = log(&path);
                    let tail: Vec<&str> = text.lines().rev().take(6).collect();
                    println!("{}: {}", path.display(), tail.join("\n    "));
                }
            }
        }
    }
}
