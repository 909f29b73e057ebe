//! The documents of a file, for those who evaluate instead of look.

use super::{Found, Kind, detect, json, text_of};

/// A document of a file.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) json: serde_json::Value,
}

/// Reads a file's documents.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Document>, String> {
    let text = text_of(bytes).map_err(|(_, why)| why)?;
    let root = json::parse(text).map_err(|broken| {
        let (line, column) = json::Lines::new(text).place(broken.at);
        format!("line {line}, column {column}: {}", broken.why)
    })?;
    let mut found = Found::default();
    let parts = detect::parts(&root, None, &mut found);
    if parts.is_empty() {
        return Err("no policy or role that is known here".to_owned());
    }
    let document =
        |part: &detect::Part<'_>| Document { kind: part.kind, name: part.name.clone(), json: part.node.to_value() };
    Ok(parts.iter().map(document).collect())
}
