//! What `draw_requests.py` draws.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;

use benches::BenchError;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(crate) struct Requests {
    pub(crate) documents: BTreeMap<String, Value>,
    pub(crate) identities: Vec<Identity>,
    pub(crate) requests: Vec<Request>,
}

#[derive(Deserialize)]
pub(crate) struct Identity {
    pub(crate) arn: String,
    pub(crate) policies: Vec<String>,
    pub(crate) boundary: String,
    pub(crate) scps: Vec<Vec<String>>,
}

#[derive(Deserialize)]
pub(crate) struct Request {
    pub(crate) identity: usize,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) context: BTreeMap<String, Vec<String>>,
}

pub(crate) fn read(path: &str) -> Result<Requests, BenchError> {
    Ok(serde_json::from_reader(BufReader::new(File::open(path)?))?)
}
