//! The VRL programs and how they are run: compiled once, one runtime for all records, as Vector's `remap` does.

use benches::{BenchError, Corpus, Reader};
use bytes::Bytes;
use schemas::{Message, Provider};
use vrl::compiler::runtime::Runtime;
use vrl::compiler::{Program, TargetValue, TimeZone};
use vrl::diagnostic::Formatter;
use vrl::value::{ObjectMap, Secrets, Value};

/// A program with its runtime.
#[derive(Debug)]
pub(crate) struct Mapping {
    program: Program,
    runtime: Runtime,
    timezone: TimeZone,
}

impl Mapping {
    /// Compiles the program of a cloud.
    pub(crate) fn of(provider: Provider) -> Result<Self, BenchError> {
        // Read and not built in, so that a program can be changed without linking again.
        let path = format!(concat!(env!("CARGO_MANIFEST_DIR"), "/programs/{}.vrl"), provider.as_str());
        let source = std::fs::read_to_string(&path).map_err(|error| format!("`{path}`: {error}"))?;
        let compiled = vrl::compiler::compile(&source, &vrl::stdlib::all())
            .map_err(|errors| Formatter::new(&source, errors).to_string())?;
        Ok(Self { program: compiled.program, runtime: Runtime::default(), timezone: TimeZone::default() })
    }

    /// The event of one record's JSON text; `None` when the program stops, as it does for records that are no access.
    pub(crate) fn event(&mut self, body: &Bytes) -> Option<Value> {
        let mut target = TargetValue {
            value: Value::Bytes(body.clone()),
            metadata: Value::Object(ObjectMap::new()),
            secrets: Secrets::default(),
        };
        let result = self.runtime.resolve(&mut target, &self.program, &self.timezone);
        self.runtime.clear();
        result.is_ok().then_some(target.value)
    }
}

impl Reader for Mapping {
    fn name(&self) -> &str {
        "vrl, the same mapping"
    }

    fn read(&mut self, corpus: &Corpus) -> usize {
        corpus.records.iter().filter_map(|record| self.event(body(record)?)).count()
    }
}

/// A raw record's bytes.
pub(crate) fn body(message: &Message) -> Option<&Bytes> {
    if let Message::RawRecord(raw) = message { Some(&raw.body.0) } else { None }
}
