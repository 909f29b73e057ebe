//! The settings of the ClickHouse store: the section `[sinks.clickhouse]` of the config.
//!
//! They are read whether or not this build has the store, so that one file serves both.

use std::time::Duration;

use bytesize::ByteSize;
use schemas::clickhouse::layout;
use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// The settings as written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the server answers HTTP, such as `http://127.0.0.1:8123`; empty for no ClickHouse.
    pub url: String,
    /// The database; `overgrant migrate` makes it and its tables.
    pub database: String,
    /// The user who writes.
    pub user: String,
    /// The environment variable that holds the password; empty for none.
    pub password_env: String,
    /// How many rows of a table one insert has at most. Fewer than 10,000 make many small parts, and more than 100,000
    /// win nothing.
    pub rows: usize,
    /// How many bytes of rows wait in memory, over all tables, before the fullest one is inserted early.
    pub buffer: ByteSize,
    /// How long one request may take.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// For how long an insert is tried again while the server is away or overloaded; then the sink stops, with nothing
    /// lost.
    #[serde(with = "humantime_serde")]
    pub retry_for: Duration,
    /// How long rows stay, counted from when they were stored; `overgrant migrate` applies it.
    pub kept: Kept,
}

/// For how long the rows of the large tables stay; whole days, and `0s` is for good. The other tables are small.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kept {
    /// Raw records.
    #[serde(with = "humantime_serde")]
    pub raw_record: Duration,
    /// Access events.
    #[serde(with = "humantime_serde")]
    pub access_event: Duration,
    /// Sessions.
    #[serde(with = "humantime_serde")]
    pub session: Duration,
    /// Usage.
    #[serde(with = "humantime_serde")]
    pub usage: Duration,
    /// Candidates of detectors.
    #[serde(with = "humantime_serde")]
    pub anomaly: Duration,
    /// Dead letters.
    #[serde(with = "humantime_serde")]
    pub dead_letter: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Default for Kept {
    fn default() -> Self {
        let of = |table| DAY * layout::find(table).map_or(0, |table| table.kept_days);
        Self {
            raw_record: of("raw_record"),
            access_event: of("access_event"),
            session: of("session"),
            usage: of("usage"),
            anomaly: of("anomaly"),
            dead_letter: of("dead_letter"),
        }
    }
}

impl Kept {
    fn all(&self) -> [(&'static str, Duration); 6] {
        [
            ("raw_record", self.raw_record),
            ("access_event", self.access_event),
            ("session", self.session),
            ("usage", self.usage),
            ("anomaly", self.anomaly),
            ("dead_letter", self.dead_letter),
        ]
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            database: "overgrant".to_owned(),
            user: "default".to_owned(),
            password_env: String::new(),
            rows: 50_000,
            buffer: ByteSize::mib(64),
            timeout: Duration::from_secs(120),
            retry_for: Duration::from_secs(3600),
            kept: Kept::default(),
        }
    }
}

/// Settings that were checked.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "clickhouse"), expect(dead_code, reason = "this build reads the settings only to check them"))]
pub struct ValidConfig {
    pub(crate) place: Option<Place>,
    pub(crate) password_env: Option<String>,
    pub(crate) max_rows: usize,
    pub(crate) buffer_bytes: usize,
    pub(crate) timeout: Duration,
    pub(crate) retry_for: Duration,
    /// Days by table.
    pub(crate) kept: Vec<(&'static str, u32)>,
}

impl ValidConfig {
    /// Where the store is; `None` when no ClickHouse is configured.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The environment variable that holds the password, when there is one.
    #[must_use]
    pub fn password_env(&self) -> Option<&str> {
        self.password_env.as_deref()
    }
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    /// When the address is none, or a bound is too small.
    pub fn validate(self) -> Result<ValidConfig, ConfigError> {
        at_least("clickhouse.rows", self.rows, 1)?;
        at_least("clickhouse.buffer", self.buffer, ByteSize::kib(64))?;
        for (key, value) in [("clickhouse.timeout", self.timeout), ("clickhouse.retry_for", self.retry_for)] {
            if value < Duration::from_secs(1) {
                return Err(ConfigError::TooSmall { key, value: format!("{value:?}"), least: "1s".to_owned() });
            }
        }
        let place = if self.url.is_empty() { None } else { Some(Place::of(&self.url, &self.database, &self.user)?) };
        let kept = self.kept.all().into_iter().map(|(table, time)| {
            let n_days = u32::try_from(time.as_secs() / DAY.as_secs()).unwrap_or(u32::MAX);
            if n_days == 0 && !time.is_zero() {
                let value = format!("{time:?}");
                return Err(ConfigError::TooSmall { key: "clickhouse.kept", value, least: "1day".to_owned() });
            }
            Ok((table, n_days))
        });
        Ok(ValidConfig {
            place,
            password_env: Some(self.password_env).filter(|name| !name.is_empty()),
            max_rows: self.rows,
            buffer_bytes: usize::try_from(self.buffer.as_u64()).unwrap_or(usize::MAX),
            timeout: self.timeout,
            retry_for: self.retry_for,
            kept: kept.collect::<Result<_, _>>()?,
        })
    }
}

fn at_least<T: PartialOrd + ToString>(key: &'static str, value: T, least: T) -> Result<(), ConfigError> {
    if value < least {
        return Err(ConfigError::TooSmall { key, value: value.to_string(), least: least.to_string() });
    }
    Ok(())
}

/// Where a ClickHouse store is, and as whom one comes. The password is kept apart and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// `http://host:8123` or `https://host:8443`, with a path where a proxy has one.
    pub(crate) url: String,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (scheme, host) = self.url.split_once("://").unwrap_or(("http", &self.url));
        write!(f, "{scheme}://{}@{host}/{}", self.user, self.database)
    }
}

impl Place {
    /// A place from its parts.
    ///
    /// # Errors
    /// When the address is not HTTP, or a name would break out of its place.
    pub fn of(url: &str, database: &str, user: &str) -> Result<Self, ConfigError> {
        let wrong = |why: &str| ConfigError::Address { url: url.to_owned(), why: why.to_owned() };
        let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let host = host.ok_or_else(|| wrong("begin with `http://` or `https://`"))?;
        if host.is_empty() || host.contains(['@', '?', '#', ' ']) {
            return Err(wrong("write only host, port and path"));
        }
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.".contains(letter))
        };
        if !is_name(database) || !is_name(user) {
            return Err(wrong("database and user are letters, digits, `_`, `-` and `.`"));
        }
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { url, database: database.to_owned(), user: user.to_owned(), password: None })
    }

    /// Reads an address such as `http://analyst@127.0.0.1:8123/overgrant`; `None` when the text is no HTTP address but,
    /// say, a folder. Without a user it is `default`, without a database `overgrant`.
    ///
    /// # Errors
    /// When it is an address, but a wrong one, or has a password in it.
    pub fn parse(text: &str) -> Option<Result<Self, ConfigError>> {
        let (scheme, rest) = text.split_once("://").filter(|(scheme, _)| ["http", "https"].contains(scheme))?;
        let (host, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = host.rsplit_once('@').unwrap_or(("default", host));
        if user.contains(':') {
            let why = "leave the password out; it is read from the environment".to_owned();
            return Some(Err(ConfigError::Address { url: format!("{scheme}://…@{host}/{database}"), why }));
        }
        let database = database.trim_end_matches('/');
        let database = if database.is_empty() { "overgrant" } else { database };
        Some(Self::of(&format!("{scheme}://{host}"), database, user))
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The same place with a password.
    #[must_use]
    pub fn with_password(mut self, password: Option<String>) -> Self {
        self.password = password;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> String {
        match Place::parse(text) {
            None => "no address".to_owned(),
            Some(Ok(place)) => place.to_string(),
            Some(Err(error)) => error.to_string(),
        }
    }

    #[test]
    fn an_address_is_told_from_a_folder() {
        assert_eq!(parse("var/store"), "no address");
        assert_eq!(parse("http://10.0.0.1:8123"), "http://default@10.0.0.1:8123/overgrant");
        assert_eq!(parse("https://ana@db:8443/og/"), "https://ana@db:8443/og");
        assert!(parse("http://ana:hunter2@db/og").contains("leave the password out"));
        assert!(!parse("http://ana:hunter2@db/og").contains("hunter2"));
        assert!(parse("http://ana@db/og?x=1").contains("database and user are letters"));
    }

    #[test]
    fn a_password_is_never_shown() {
        let place = Place::parse("http://db/og").unwrap().unwrap().with_password(Some("hunter2".to_owned()));
        assert_eq!(format!("{place:?} {place}"), "http://default@db/og http://default@db/og");
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let wrong = |json: &str| serde_json::from_str::<Config>(json).unwrap().validate().unwrap_err().to_string();
        assert!(wrong(r#"{"url": "tcp://db:9000"}"#).contains("begin with `http://`"));
        assert_eq!(wrong(r#"{"rows": 0}"#), "`clickhouse.rows = 0` is too small; it needs at least 1");
        assert!(wrong(r#"{"kept": {"usage": "1h"}}"#).contains("needs at least 1day"));
        assert!(Config::default().validate().unwrap().place.is_none());
    }
}
