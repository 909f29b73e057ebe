//! Certificates for a broker and its clients, by an authority that lives as long as the broker's folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Curves are made in a moment; RSA keys take seconds.
const KEY: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
/// Without the system's own settings, which differ.
const SETTINGS: &str = "[req]\ndistinguished_name=name\n[name]\n";

/// Files in PEM: who is known, and somebody whom nobody knows.
#[derive(Debug)]
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes all of them in a folder of their own.
    pub(crate) fn make(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        std::fs::write(folder.join("settings"), SETTINGS)?;
        for authority in ["ca", "stranger"] {
            request(&folder, authority, &["-addext", "basicConstraints=critical,CA:TRUE"])?;
        }
        let signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext"];
        request(&folder, "broker", &[&signed[..], &["subjectAltName=IP:127.0.0.1"]].concat())?;
        request(&folder, "client", &[&signed[..], &["extendedKeyUsage=clientAuth"]].concat())?;
        // Java takes key and certificate out of one file.
        let of = |name: &str| std::fs::read_to_string(folder.join(name)).context("a certificate is not there");
        let both = of("broker.key")? + &of("broker.pem")?;
        std::fs::write(folder.join("broker-with-key.pem"), both)?;
        Ok(Self { folder })
    }

    /// The authority that signed for the broker and the client.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The client's certificate.
    pub fn client(&self) -> PathBuf {
        self.folder.join("client.pem")
    }

    /// The key of [`client`](Self::client).
    pub fn client_key(&self) -> PathBuf {
        self.folder.join("client.key")
    }

    /// An authority that signed for nobody, and is its own certificate.
    pub fn stranger(&self) -> PathBuf {
        self.folder.join("stranger.pem")
    }

    /// The key of [`stranger`](Self::stranger).
    pub fn stranger_key(&self) -> PathBuf {
        self.folder.join("stranger.key")
    }

    /// The broker's certificate behind its key.
    pub(crate) fn broker_with_key(&self) -> PathBuf {
        self.folder.join("broker-with-key.pem")
    }
}

fn request(folder: &Path, name: &str, more: &[&str]) -> Result<()> {
    let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["req", "-x509", "-config", "settings"]).args(KEY);
    command.args(["-subj", &format!("/CN={name}"), "-keyout", &key, "-out", &certificate]).args(more);
    let output = command.output().context("`openssl` did not run; `infra/setup.sh --kafka` installs it")?;
    if !output.status.success() {
        bail!("no certificate for {name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
