//! The operations that identities perform, one line of text each, and what each needs and touches.

use std::collections::BTreeMap;

use crate::world::{Cloud, Kind};

/// One API operation of a cloud.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    /// `service.Operation`, or for Azure and GCP the short word used in the persona tables.
    pub(crate) key: &'static str,
    /// The service as the cloud writes it (`s3`, `Microsoft.Compute`, `compute.googleapis.com`).
    pub(crate) service: &'static str,
    /// The operation as the cloud logs it.
    pub(crate) name: &'static str,
    /// The permissions it needs, the main one first; empty when it needs none.
    pub(crate) actions: Vec<&'static str>,
    /// What it acts on.
    pub(crate) target: Kind,
    /// Whether it only reads.
    pub(crate) read: bool,
    /// Whether it is logged as a data event (resource log, data access) rather than as management.
    pub(crate) data: bool,
    /// Whether one call leaves two records (Azure start and end, GCP first and last).
    pub(crate) pair: bool,
    /// Whether it is served by a global endpoint (AWS: us-east-1).
    pub(crate) global: bool,
    /// Extra words of the line, for the cloud's own renderer.
    pub(crate) extra: &'static str,
}

/// The operations of one cloud, by index and by key.
#[derive(Debug)]
pub(crate) struct Ops {
    list: Vec<Op>,
    by_key: BTreeMap<&'static str, u16>,
}

impl Ops {
    /// Reads a table: `key service name actions target flags extra` a line, fields split by blanks, actions by commas.
    /// Flags: `r` reads, `d` data event, `p` pair of records, `g` global, `-` none.
    ///
    /// # Panics
    /// When a line of the built-in table is malformed, which a test of each cloud would show.
    pub(crate) fn parse(table: &'static str) -> Self {
        let mut list = Vec::new();
        let mut by_key = BTreeMap::new();
        for line in table.lines().filter(|line| !line.trim().is_empty()) {
            let op = parse_line(line);
            by_key.insert(op.key, list.len() as u16);
            list.push(op);
        }
        Self { list, by_key }
    }

    pub(crate) fn get(&self, idx: u16) -> &Op {
        &self.list[usize::from(idx)]
    }

    /// The index of a key of the persona tables.
    ///
    /// # Panics
    /// When the key is not in the table: the tables are ours, and a test resolves every one of them.
    pub(crate) fn idx(&self, key: &str) -> u16 {
        let found = self.by_key.get(key).copied();
        assert!(found.is_some(), "operation `{key}` is not in the table");
        found.unwrap_or_default()
    }
}

fn parse_line(line: &'static str) -> Op {
    let mut words = line.split_whitespace();
    let mut next = || words.next().unwrap_or("-");
    let (key, service, name, actions, target, flags) = (next(), next(), next(), next(), next(), next());
    let extra = next();
    Op {
        key,
        service,
        name,
        actions: actions.split(',').filter(|action| *action != "-").collect(),
        target: Kind::from_word(target),
        read: flags.contains('r'),
        data: flags.contains('d'),
        pair: flags.contains('p'),
        global: flags.contains('g'),
        extra,
    }
}

/// The three tables.
#[derive(Debug)]
pub(crate) struct AllOps {
    aws: Ops,
    azure: Ops,
    gcp: Ops,
}

impl AllOps {
    pub(crate) fn new() -> Self {
        Self {
            aws: Ops::parse(crate::aws::OPS),
            azure: Ops::parse(crate::azure::OPS),
            gcp: Ops::parse(crate::gcp::OPS),
        }
    }

    pub(crate) fn of(&self, cloud: Cloud) -> &Ops {
        match cloud {
            Cloud::Aws => &self.aws,
            Cloud::Azure => &self.azure,
            Cloud::Gcp => &self.gcp,
        }
    }
}
