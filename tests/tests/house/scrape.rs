//! Asks a running process for its numbers, and reads them as strictly as the format is written down.
//!
//! The rules are those of Prometheus' text format 0.0.4 and of `promtool check metrics`; nothing here shares code with
//! what writes the page.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use stream::clock::Stopwatch;

/// The token of these tests, and the variable it stands in.
pub(crate) const TOKEN: &str = "0123456789abcdef-of-these-tests";
pub(crate) const TOKEN_ENV: &str = "OVERGRANT_TEST_METRICS_TOKEN";

/// The section that a config needs for a [`Running`].
pub(crate) const SECTION: &str =
    "[telemetry]\nlisten = \"127.0.0.1:0\"\ntoken_env = \"OVERGRANT_TEST_METRICS_TOKEN\"\n";

/// A process that tells its numbers.
pub(crate) struct Running {
    child: Child,
    address: String,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Running {
    /// Starts it and waits until it says where it listens.
    pub(crate) fn start(mut command: Command) -> Self {
        command.args(["--log-format", "json"]).env("RUST_LOG", "info").env(TOKEN_ENV, TOKEN);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&lines);
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| heard.lock().unwrap().push(line))
        });
        let mut running = Self { child, address: String::new(), lines };
        running.address = wait("an address", || {
            assert!(running.child.try_wait().unwrap().is_none(), "it ended: {:?}", running.lines.lock().unwrap());
            let lines = running.log();
            let said = lines.iter().find(|line| line["fields"]["message"] == "answers scrapes and probes")?;
            Some(said["fields"]["address"].as_str().unwrap().to_owned())
        });
        running
    }

    /// Its log so far; every line is JSON.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.lines.lock().unwrap().iter().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// A page: its status and its text.
    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> (u16, String) {
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20)));
        let mut request = config.build().new_agent().get(format!("http://{}{path}", self.address));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut answer = request.call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    /// Its numbers.
    pub(crate) fn scrape(&self) -> Page {
        let (status, text) = self.get("/metrics", Some(TOKEN));
        assert_eq!(status, 200, "{text}");
        Page::parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}"))
    }

    /// Asks it to drain, waits for its end, and returns its log.
    pub(crate) fn end(mut self) -> Vec<Value> {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
        let status = wait("its end", || self.child.try_wait().unwrap());
        assert!(status.success(), "{status}: {:?}", self.lines.lock().unwrap());
        self.log()
    }
}

/// Killed, if nobody has asked it to end.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again until there is an answer.
pub(crate) fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Stopwatch::start();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{what} does not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A scrape, by name and labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    kinds: BTreeMap<String, String>,
    numbers: BTreeMap<(String, BTreeMap<String, String>), f64>,
}

impl Page {
    /// The sum over all rooms and partitions.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        let found: Vec<f64> = self.of(name).map(|(_, number)| number).collect();
        assert!(!found.is_empty(), "there is no `{name}`");
        found.iter().sum()
    }

    /// The sum over a room's partitions; 0 when there is none.
    pub(crate) fn room(&self, name: &str, room: &str) -> f64 {
        self.of(name).filter(|(labels, _)| labels.get("room").is_some_and(|of| of == room)).map(|(_, n)| n).sum()
    }

    pub(crate) fn of(&self, name: &str) -> impl Iterator<Item = (&BTreeMap<String, String>, f64)> {
        self.numbers.iter().filter(move |((of, _), _)| of == name).map(|((_, labels), number)| (labels, *number))
    }

    /// The names of its families.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.kinds.keys().cloned().collect()
    }

    /// What only grows, and what went back since an earlier page.
    pub(crate) fn gone_back(&self, earlier: &Self) -> Vec<String> {
        let grows = |name: &str| match self.kinds.get(name) {
            Some(kind) => kind == "counter",
            None => true,
        };
        let back = earlier
            .numbers
            .iter()
            .filter(|((name, _), _)| grows(name))
            .filter(|(key, then)| self.numbers.get(*key).is_none_or(|now| now < then));
        back.map(|(key, then)| format!("{key:?} was {then}")).collect()
    }

    /// Every value of every label.
    pub(crate) fn labels(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, value) in self.numbers.keys().flat_map(|(_, labels)| labels) {
            found.entry(name.clone()).or_default().insert(value.clone());
        }
        found
    }

    fn parse(text: &str) -> Result<Self, String> {
        if !text.ends_with('\n') {
            return Err("the last line has no end".to_owned());
        }
        let (mut page, mut helped, mut family) = (Self::default(), BTreeSet::new(), String::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').ok_or_else(|| format!("no sentence: {line}"))?;
                if help.trim().len() < 3 || !helped.insert(name.to_owned()) {
                    return Err(format!("an empty or a second sentence: {line}"));
                }
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').ok_or_else(|| format!("no kind: {line}"))?;
                let is_fine = matches!(kind, "counter" | "gauge" | "histogram")
                    && helped.contains(name)
                    && name.ends_with("_total") == (kind == "counter");
                if !is_fine || page.kinds.insert(name.to_owned(), kind.to_owned()).is_some() {
                    return Err(format!("a kind that cannot be: {line}"));
                }
                family = name.to_owned();
            } else {
                let (key, number) = sample(line)?;
                let suffix = key.0.strip_prefix(&family).ok_or_else(|| format!("not of `{family}`: {line}"))?;
                let is_histogram = page.kinds.get(&family).is_some_and(|kind| kind == "histogram");
                if is_histogram != matches!(suffix, "_bucket" | "_sum" | "_count")
                    || !is_histogram && !suffix.is_empty()
                {
                    return Err(format!("a name that its kind does not have: {line}"));
                }
                if page.numbers.insert(key, number).is_some() {
                    return Err(format!("it stands twice: {line}"));
                }
            }
        }
        page.check_numbers()?;
        Ok(page)
    }

    fn check_numbers(&self) -> Result<(), String> {
        for (name, kind) in &self.kinds {
            if kind == "counter" && self.of(name).any(|(_, n)| !(n >= 0.0 && n.is_finite())) {
                return Err(format!("`{name}` is no count"));
            }
            if kind == "histogram" {
                self.check_histogram(name)?;
            }
        }
        Ok(())
    }

    fn check_histogram(&self, name: &str) -> Result<(), String> {
        for (labels, count) in self.of(&format!("{name}_count")) {
            let mut classes: Vec<(f64, f64)> = Vec::new();
            for (class, n) in self.of(&format!("{name}_bucket")) {
                let mut of = class.clone();
                let end = of.remove("le").ok_or_else(|| format!("a class of `{name}` has no end"))?;
                if of == *labels {
                    classes.push((end.parse().map_err(|_| format!("`{end}` is no end"))?, n));
                }
            }
            classes.sort_by(|a, b| a.0.total_cmp(&b.0));
            let grows = classes.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
            let is_whole = classes.last().is_some_and(|(end, n)| end.is_infinite() && (n - count).abs() < 0.5);
            if !grows || !is_whole || !self.numbers.contains_key(&(format!("{name}_sum"), labels.clone())) {
                return Err(format!("the classes of `{name}` do not add up: {classes:?} and {count}"));
            }
        }
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

type Key = (String, BTreeMap<String, String>);

fn sample(line: &str) -> Result<(Key, f64), String> {
    let wrong = || format!("not a number with a name: {line}");
    let (name, number) = line.rsplit_once(' ').ok_or_else(wrong)?;
    let number: f64 = number.replace("+Inf", "inf").parse().map_err(|_| wrong())?;
    let (name, inner) = match name.split_once('{') {
        None => (name, ""),
        Some((name, rest)) => (name, rest.strip_suffix('}').ok_or_else(wrong)?),
    };
    let mut labels = BTreeMap::new();
    for label in inner.split(',').filter(|label| !label.is_empty()) {
        let (key, value) = label.split_once('=').ok_or_else(wrong)?;
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).ok_or_else(wrong)?;
        // Labels are out of small closed sets: nothing that would have to be escaped, and no address or identity.
        let is_plain = value.chars().all(|letter| letter.is_ascii_alphanumeric() || "._+-".contains(letter));
        if !is_name(key) || !is_plain || labels.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(wrong());
        }
    }
    if is_name(name) { Ok(((name.to_owned(), labels), number)) } else { Err(wrong()) }
}

/// What stands before our names.
const PREFIXES: [&str; 8] = ["stream_", "ingest_", "normalize_", "score_", "detect_", "peers_", "triage_", "sinks_"];

/// The metrics that a dashboard or a file of alerts asks for, as families.
pub(crate) fn asked_for(path: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let ours = words.filter(|word| PREFIXES.iter().any(|prefix| word.starts_with(prefix)));
    let family = |word: &str| {
        let is_part = |end: &&str| word.contains("_seconds") && word.ends_with(*end);
        let end = ["_bucket", "_sum", "_count"].into_iter().find(is_part).unwrap_or_default();
        word.strip_suffix(end).unwrap_or(word).to_owned()
    };
    ours.map(family).collect()
}

/// The files that ask for metrics.
pub(crate) fn askers() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/prometheus");
    ["alerts.yml", "dashboard.json"].iter().map(|name| folder.join(name)).collect()
}

#[test]
fn a_page_that_breaks_a_rule_is_refused() {
    let fine = "# HELP a_total A.x\n# TYPE a_total counter\na_total{room=\"x\"} 1\n";
    assert_eq!(Page::parse(fine).unwrap().sum("a_total") as u64, 1);
    for (broken, with) in [
        ("a_total{room=\"x\"} 1\n", "a_total{room=\"x\"} 1"),
        ("a_total{room=\"x\"} 1\n", "a_total{room=\"x\"} 1\na_total{room=\"x\"} 2\n"),
        ("a_total{room=\"x\"} 1\n", "b_total 1\n"),
        ("} 1", "} -1"),
        ("} 1", "} one"),
        ("\"x\"", "\"me@example.com\""),
        ("a_total", "a"),
        ("# HELP a_total A.x\n", ""),
        ("counter", "gauge"),
    ] {
        let text = fine.replace(broken, with);
        assert!(Page::parse(&text).is_err(), "{text}");
    }
    let classes = "# HELP t_seconds T.x\n# TYPE t_seconds histogram\nt_seconds_bucket{le=\"1.0\"} 2\n\
                   t_seconds_bucket{le=\"+Inf\"} 3\nt_seconds_sum 4\nt_seconds_count 3\n";
    Page::parse(classes).unwrap();
    assert!(Page::parse(&classes.replace("} 2", "} 4")).is_err());
    assert!(Page::parse(&classes.replace("count 3", "count 5")).is_err());
}
