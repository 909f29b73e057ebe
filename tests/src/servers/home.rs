//! The folder and the ports of one running server. Both are claimed by locked files, so that test processes side by
//! side never meet, and what a killed one left behind is swept by the next.

use std::fs::{File, TryLockError};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

/// Below the ports that the kernel hands out to clients (32768 and up): a client that looks for a killed server could
/// otherwise be given the server's own port, and be connected to itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A folder that is removed with its value, and ports that nobody else takes as long as it lives.
#[derive(Debug)]
pub(crate) struct Home {
    folder: PathBuf,
    ports: Vec<u16>,
    /// Held open: the locks go when they close.
    _locks: Vec<File>,
}

impl Home {
    /// Makes a folder below `base`, and finds `n_ports` free ports.
    pub(crate) fn new(base: &Path, name: &str, n_ports: usize) -> Result<Self> {
        static N_HOMES: AtomicU32 = AtomicU32::new(0);
        std::fs::create_dir_all(base.join("ports")).with_context(|| format!("cannot make `{}`", base.display()))?;
        // One at a time: a folder is not swept between its making and its lock.
        let turn = open(&base.join("lock"))?;
        turn.lock().context("cannot lock the folder of running servers")?;
        sweep(base)?;
        let n = N_HOMES.fetch_add(1, Ordering::Relaxed);
        let folder = base.join(format!("{name}-{}-{n}", std::process::id()));
        std::fs::create_dir(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let own = open(&folder.join("lock"))?;
        own.lock().context("cannot lock a folder of our own")?;
        let mut home = Self { folder, ports: Vec::new(), _locks: vec![own] };
        home.claim_ports(base, n_ports)?;
        Ok(home)
    }

    fn claim_ports(&mut self, base: &Path, n_ports: usize) -> Result<()> {
        for port in PORTS {
            if self.ports.len() == n_ports {
                return Ok(());
            }
            let claim = open(&base.join("ports").join(port.to_string()))?;
            match claim.try_lock() {
                Ok(()) if TcpListener::bind(("127.0.0.1", port)).is_ok() => {
                    self.ports.push(port);
                    self._locks.push(claim);
                }
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error).context("cannot lock a port"),
            }
        }
        bail!("no {n_ports} free ports between {} and {}", PORTS.start, PORTS.end)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn port(&self, idx: usize) -> u16 {
        self.ports[idx]
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn open(path: &Path) -> Result<File> {
    File::options().create(true).append(true).open(path).with_context(|| format!("cannot open `{}`", path.display()))
}

/// Removes folders whose owners have died.
fn sweep(base: &Path) -> Result<()> {
    for entry in std::fs::read_dir(base)? {
        let folder = entry?.path();
        if !folder.is_dir() || folder.ends_with("ports") {
            continue;
        }
        if open(&folder.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_side_by_side_share_neither_folder_nor_port() {
        let base = tempfile::tempdir().unwrap();
        let (a, b) = (Home::new(base.path(), "a", 3).unwrap(), Home::new(base.path(), "a", 3).unwrap());
        assert_ne!(a.folder(), b.folder());
        assert!(a.ports.iter().all(|port| !b.ports.contains(port)), "{a:?} {b:?}");
    }

    #[test]
    fn a_home_goes_with_its_value() {
        let base = tempfile::tempdir().unwrap();
        let home = Home::new(base.path(), "a", 1).unwrap();
        let folder = home.folder().to_owned();
        assert!(folder.exists());
        drop(home);
        assert!(!folder.exists());
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_what_lives_is_not() {
        let base = tempfile::tempdir().unwrap();
        let alive = Home::new(base.path(), "a", 0).unwrap();
        let left = base.path().join("a-1-0");
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join("data"), "left").unwrap();
        let _next = Home::new(base.path(), "a", 0).unwrap();
        assert!(!left.exists());
        assert!(alive.folder().exists());
    }

    #[test]
    fn a_port_in_use_is_passed_over() {
        let base = tempfile::tempdir().unwrap();
        let first = Home::new(base.path(), "a", 1).unwrap().port(0);
        let _taken = TcpListener::bind(("127.0.0.1", first)).unwrap();
        assert_ne!(Home::new(base.path(), "a", 1).unwrap().port(0), first);
    }
}
