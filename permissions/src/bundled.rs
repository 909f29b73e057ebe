//! The bundled tables: gzipped lines of facts, made by `tools/catalogue`.

use std::io::Read;

/// Unpacks a bundled table. The bytes are part of the program, so a failure is a broken build: it yields an empty table
/// and the tests of the catalogue fail.
pub(crate) fn unpack(bytes: &[u8]) -> String {
    let mut text = String::new();
    match flate2::read::GzDecoder::new(bytes).read_to_string(&mut text) {
        Ok(_) => text,
        Err(_) => String::new(),
    }
}

/// The lines of a table without its `#` header.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}
