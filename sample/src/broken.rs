//! Malformed lines, for those who want to see dead letters: cut JSON, wrong types, bytes that are no text.

use crate::{
    error::SampleError,
    ids::{hex, mix},
    truth::RecordCounts,
    world::Cloud,
    writer::Writer,
};

/// Writes `n` malformed lines of a cloud.
pub(crate) fn write(
    cloud: Cloud,
    seed: u64,
    n: u32,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    if n == 0 {
        return Ok(());
    }
    let lines: Vec<Vec<u8>> = (0..n).map(|i| line(cloud, mix(seed, u64::from(i)), i)).collect();
    counts.n_broken = u64::from(n);
    writer.lines(&format!("{0}/broken/{0}.ndjson", cloud.word()), &lines)
}

/// One line: it looks like the cloud's own record and is cut, mistyped or not text.
fn line(cloud: Cloud, noise: u64, i: u32) -> Vec<u8> {
    let id = hex(noise, 1, 12);
    let head = match cloud {
        Cloud::Aws => {
            format!(r#"{{"eventVersion":"1.11","eventSource":"s3.amazonaws.com","eventID":"{id}","eventTime":"#)
        }
        Cloud::Azure => format!(r#"{{"category":"Administrative","correlationId":"{id}","time":"#),
        Cloud::Gcp => format!(
            r#"{{"logName":"projects/x/logs/cloudaudit.googleapis.com%2Factivity","insertId":"{id}","timestamp":"#
        ),
    };
    match i % 3 {
        0 => head.into_bytes(),
        1 => format!("{head}\"not a time\"}}").into_bytes(),
        _ => [head.as_bytes(), b"\"\xff\xfe\""].concat(),
    }
}
