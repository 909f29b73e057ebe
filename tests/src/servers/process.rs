//! One server process: its start, its log, its end.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::home::Home;
use super::wait_until;

/// A Java virtual machine on a machine that compiles at the same time.
const LONGEST_START: Duration = Duration::from_secs(90);
const LONGEST_STOP: Duration = Duration::from_secs(20);
/// Enough of a log to see why a server did not start.
const SHOWN_LOG_BYTES: u64 = 4096;

/// How a server is called.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// A server of ours, running or not.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    call: Call,
    child: Option<Child>,
    /// After `child`: data goes when nobody writes it.
    home: Home,
}

impl Process {
    pub(crate) fn new(name: &'static str, call: Call, home: Home) -> Self {
        Self { name, call, child: None, home }
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts it and waits until `is_ready`. When it is not in time, or dies, the error has the end of its log.
    pub(crate) fn start(&mut self, mut is_ready: impl FnMut() -> bool) -> Result<()> {
        let log = log_file(&self.home)?;
        // The kernel's promise, kept from the first moment: when the thread that starts it dies, so does the server.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&self.call.program).args(&self.call.arguments);
        command.envs(self.call.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.home.folder());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = spawn(command).with_context(|| format!("{} did not start", self.name))?;
        let child = self.child.insert(child);
        let mut ended = None;
        let is_up = wait_until(LONGEST_START, || {
            ended = child.try_wait()?;
            Ok(ended.is_some() || is_ready())
        })?;
        if let Some(status) = ended {
            self.child = None;
            bail!("{} ended with {status}; the end of its log:\n{}", self.name, self.log_tail());
        }
        if !is_up {
            bail!("{} did not answer in {LONGEST_START:?}; the end of its log:\n{}", self.name, self.log_tail());
        }
        Ok(())
    }

    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let pid = self.pid().with_context(|| format!("{} does not run", self.name))?;
        signal(pid, name)
    }

    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().with_context(|| format!("cannot kill {}", self.name))?;
            child.wait()?;
        }
        Ok(())
    }

    pub(crate) fn stop(&mut self) -> Result<()> {
        let Some(child) = &mut self.child else { return Ok(()) };
        signal(child.id(), "TERM")?;
        // A paused one hears nothing before it goes on.
        signal(child.id(), "CONT")?;
        wait_until(LONGEST_STOP, || Ok(child.try_wait()?.is_some()))?;
        self.kill()
    }

    pub(crate) fn log_tail(&self) -> String {
        let mut tail = Vec::new();
        if let Ok(mut log) = File::open(self.home.folder().join("log")) {
            let n_bytes = log.metadata().map_or(0, |metadata| metadata.len());
            let _ = log.seek(SeekFrom::Start(n_bytes.saturating_sub(SHOWN_LOG_BYTES)));
            let _ = log.take(SHOWN_LOG_BYTES).read_to_end(&mut tail);
        }
        String::from_utf8_lossy(&tail).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its data goes with it, so it need not close its books.
        let _ = self.kill();
    }
}

/// The log of a server, which every start goes on with.
pub(crate) fn log_file(home: &Home) -> Result<File> {
    let path: &Path = &home.folder().join("log");
    File::options().create(true).append(true).open(path).with_context(|| format!("cannot open `{}`", path.display()))
}

/// Sends a signal, named without `SIG`, to a process. An error when there is none of that number.
pub fn signal(pid: u32, name: &str) -> Result<()> {
    // The shell's own `kill`: the program of that name is not everywhere, and the call itself is unsafe code.
    let status = Command::new("sh").args(["-c", "kill -s \"$1\" \"$2\"", "sh", name]).arg(pid.to_string()).status()?;
    if !status.success() {
        bail!("cannot send SIG{name} to process {pid}");
    }
    Ok(())
}

/// Starts a process from a thread that ends with ours, not with the test that asks for it.
fn spawn(command: Command) -> Result<Child> {
    type Order = (Command, mpsc::SyncSender<std::io::Result<Child>>);
    static KEEPER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let keeper = KEEPER.get_or_init(|| {
        let (orders, to_do) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, done) in to_do {
                // Whoever asked waits for it.
                let _ = done.send(command.spawn());
            }
        });
        orders
    });
    let (done, started) = mpsc::sync_channel(1);
    keeper.send((command, done)).ok().context("the thread that starts servers is gone")?;
    Ok(started.recv().context("the thread that starts servers is gone")??)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(base: &Path, script: &str) -> Process {
        let call = Call { program: "sh".into(), arguments: vec!["-c".into(), script.into()], environment: Vec::new() };
        Process::new("a script", call, Home::new(base, "script", 0).unwrap())
    }

    #[test]
    fn a_server_that_dies_at_once_is_told_of_with_its_log() {
        let base = tempfile::tempdir().unwrap();
        let mut process = shell(base.path(), "echo no room left; exit 3");
        let error = process.start(|| false).unwrap_err().to_string();
        assert_eq!(error, "a script ended with exit status: 3; the end of its log:\nno room left\n");
        assert_eq!(process.pid(), None);
    }

    #[test]
    fn a_stopped_server_may_close_its_books_and_a_killed_one_may_not() {
        let base = tempfile::tempdir().unwrap();
        let script = "trap 'echo books closed; exit' TERM; echo up; while :; do sleep 0.01; done";
        let mut process = shell(base.path(), script);
        let log = process.home.folder().join("log");
        let shows = |text: &str| std::fs::read_to_string(&log).is_ok_and(|log| log == text);
        process.start(|| shows("up\n")).unwrap();
        process.kill().unwrap();
        process.start(|| shows("up\nup\n")).unwrap();
        process.signal("STOP").unwrap();
        process.stop().unwrap();
        assert_eq!(process.log_tail(), "up\nup\nbooks closed\n");
        assert!(process.signal("TERM").is_err());
    }

    #[test]
    fn a_server_outlives_the_thread_that_asked_for_it() {
        let base = tempfile::tempdir().unwrap();
        let mut process = shell(base.path(), "exec sleep 60");
        let mut process = std::thread::spawn(move || process.start(|| true).map(|()| process)).join().unwrap().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert!(process.child.as_mut().unwrap().try_wait().unwrap().is_none());
    }
}
