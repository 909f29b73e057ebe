//! Signing in: every way that the section `[kafka]` offers, through a real run on a real broker, and what is said to those
//! who may not come in.

use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use stream::clock::Stopwatch;
use tests::servers::{Doors, Kafka};

use super::issuer::Issuer;
use super::settings;
use crate::overgrant::{count, overgrant, run, sample};

const PASSWORD_ENV: &str = "OVERGRANT_TEST_KAFKA_PASSWORD";
const TOKEN_ENV: &str = "OVERGRANT_TEST_KAFKA_TOKEN";
const WRONG: &str = "not-the-password-of-anybody";
/// How long a mistake in the settings may take to be told.
const TOLD_WITHIN: Duration = Duration::from_secs(40);

fn sasl(brokers: &str, security: &str, mechanism: &str) -> String {
    format!(
        "{}security = \"{security}\"\nsasl_mechanism = \"{mechanism}\"\nuser = \"{}\"\npassword_env = \"{PASSWORD_ENV}\"\n",
        settings::quick(brokers),
        Kafka::USER
    )
}

/// A token that nobody signed, which this broker takes.
fn token(brokers: &str) -> String {
    format!(
        "{}security = \"sasl_plaintext\"\nsasl_mechanism = \"OAUTHBEARER\"\n\
         [kafka.settings]\n\"enable.sasl.oauthbearer.unsecure.jwt\" = \"true\"\n\
         [kafka.settings_env]\n\"sasl.oauthbearer.config\" = \"{TOKEN_ENV}\"\n",
        settings::quick(brokers)
    )
}

/// Tokens from an issuer that takes client credentials.
fn issued(brokers: &str, issuer: &Issuer) -> String {
    format!(
        "{}security = \"sasl_plaintext\"\nsasl_mechanism = \"OAUTHBEARER\"\n\
         [kafka.settings]\n\"sasl.oauthbearer.method\" = \"oidc\"\n\"sasl.oauthbearer.client.id\" = \"{}\"\n\
         \"sasl.oauthbearer.token.endpoint.url\" = \"{}\"\n\
         [kafka.settings_env]\n\"sasl.oauthbearer.client.secret\" = \"{PASSWORD_ENV}\"\n",
        settings::quick(brokers),
        Kafka::USER,
        issuer.endpoint
    )
}

fn tls(brokers: &str, authority: &Path) -> String {
    format!("{}security = \"ssl\"\nca_file = \"{}\"\n", settings::quick(brokers), authority.display())
}

fn with_certificate(section: &str, certificate: &Path, key: &Path) -> String {
    format!("{section}certificate_file = \"{}\"\nkey_file = \"{}\"\n", certificate.display(), key.display())
}

/// Every way in, by name.
fn ways(doors: &Doors, issuer: &Issuer) -> Vec<(&'static str, String)> {
    let known = &doors.certificates;
    let plaintext = |mechanism| sasl(&doors.sasl, "sasl_plaintext", mechanism);
    let mutual = with_certificate(&tls(&doors.mutual, &known.authority()), &known.client(), &known.client_key());
    let both = sasl(&doors.sasl_tls, "sasl_ssl", "SCRAM-SHA-512");
    vec![
        ("plain", plaintext("PLAIN")),
        ("scram256", plaintext("SCRAM-SHA-256")),
        ("scram512", plaintext("SCRAM-SHA-512")),
        ("token", token(&doors.sasl)),
        ("issued", issued(&doors.sasl, issuer)),
        ("tls", tls(&doors.tls, &known.authority())),
        ("mutual", mutual),
        ("scram_tls", format!("{both}ca_file = \"{}\"\n", known.authority().display())),
    ]
}

/// A run of all rooms with a section and a password.
fn start(folder: &Path, name: &str, section: &str, password: &str) -> Child {
    let config = settings::write(folder, name, 1, section, "");
    let mut command = run(&[folder.join("input/aws")], &folder.join(name), Some(&config));
    command.env(PASSWORD_ENV, password).env(TOKEN_ENV, "principal=overgrant").env_remove("RUST_LOG");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A broker with its doors, and a sample to bring in. `None` where the environment names the broker: its users are unknown.
fn at_the_doors() -> Option<(Kafka, tempfile::TempDir)> {
    let kafka = Kafka::start().unwrap();
    if kafka.doors().is_none() {
        println!("the environment names the broker, whose users are unknown: not tested");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    sample(&folder.path().join("input"), 1, 12, 0);
    Some((kafka, folder))
}

#[test]
fn every_way_in_is_taken() {
    let Some((kafka, folder)) = at_the_doors() else { return };
    let doors = kafka.doors().unwrap();
    let issuer = Issuer::start(Kafka::USER, Kafka::PASSWORD);
    let started =
        |(name, section): (&'static str, String)| (name, start(folder.path(), name, &section, Kafka::PASSWORD));
    let children: Vec<_> = ways(doors, &issuer).into_iter().map(started).collect();
    for (name, child) in children {
        let output = child.wait_with_output().unwrap();
        let said = words(&output);
        assert!(output.status.success(), "{name}: {said}");
        assert!(!said.contains(Kafka::PASSWORD), "{name}: {said}");
        assert!(count(&folder.path().join(name), "SELECT count(*) FROM access_event") > 10, "{name}");
    }
}

#[test]
fn who_may_not_come_in_is_told_why_and_soon() {
    let Some((kafka, folder)) = at_the_doors() else { return };
    let doors = kafka.doors().unwrap();
    let issuer = Issuer::start(Kafka::USER, Kafka::PASSWORD);
    let known = &doors.certificates;
    let plaintext = |mechanism| sasl(&doors.sasl, "sasl_plaintext", mechanism);
    let stranger = with_certificate(&tls(&doors.mutual, &known.authority()), &known.stranger(), &known.stranger_key());
    let watch = Stopwatch::start();
    let children = [
        ("wrong_plain", plaintext("PLAIN"), "uthentication failed"),
        ("wrong_scram", plaintext("SCRAM-SHA-512"), "uthentication failed"),
        ("wrong_secret", issued(&doors.sasl, &issuer), "no such client"),
        ("unknown_authority", tls(&doors.tls, &known.stranger()), "certificate"),
        ("no_certificate", tls(&doors.mutual, &known.authority()), "certificate"),
        ("stranger", stranger, "certificate"),
    ]
    .map(|(name, section, why)| (name, start(folder.path(), name, &section, WRONG), why));
    for (name, child, why) in children {
        let output = child.wait_with_output().unwrap();
        let said = words(&output);
        println!("{name} in {:?}: {said}", watch.elapsed());
        assert!(!output.status.success(), "{name} came in");
        assert!(watch.elapsed() < TOLD_WITHIN, "{name}: {:?}", watch.elapsed());
        assert!(said.contains(why), "{name}: {said}");
        assert!(!said.contains(WRONG), "{name} told the password: {said}");
    }
}

#[test]
fn a_secret_that_is_not_in_the_environment_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let section = sasl("127.0.0.1:1", "sasl_plaintext", "PLAIN");
    let config = settings::write(folder.path(), "unset", 1, &section, "");
    let mut command = overgrant();
    command.args(["run", "--once", "--plain", "--config"]).arg(config).arg("--store").arg(folder.path().join("store"));
    let output = command.env_remove(PASSWORD_ENV).output().unwrap();
    let said = words(&output);
    assert!(!output.status.success() && said.contains(&format!("`{PASSWORD_ENV}` is not set")), "{said}");
}
