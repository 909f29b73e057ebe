//! `overgrant simulate`: one case a line in, one verdict a line out, for CI and for whoever compares evaluators.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};

use anyhow::Context;
use permissions::decision::Verdict;
use permissions::simulate::{Answer, MAX_LINE_BYTES, simulate};

use crate::args::{ExpectArg, SimulateArgs};
use crate::{Exit, show};

pub(super) fn run(args: &SimulateArgs) -> anyhow::Result<Exit> {
    let input: Box<dyn BufRead> = match &args.file {
        None => Box::new(std::io::stdin().lock()),
        Some(path) => {
            let file = File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            Box::new(BufReader::new(file))
        }
    };
    let mut out = BufWriter::new(show::out());
    let counts = answer_all(input, &mut out, args.expect)?;
    out.flush()?;
    Ok(match counts {
        Counts { n_rejected: 1.., .. } => Exit::Rejected,
        Counts { n_unexpected: 1.., .. } => Exit::Unexpected,
        _ => Exit::Done,
    })
}

/// What became of the cases that were not simply answered.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    n_rejected: usize,
    n_unexpected: usize,
}

fn answer_all(mut input: impl BufRead, out: &mut impl Write, expect: Option<ExpectArg>) -> anyhow::Result<Counts> {
    let (mut counts, mut line) = (Counts::default(), Vec::new());
    for number in 1_u64.. {
        if !next_line(&mut input, &mut line)? {
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match std::str::from_utf8(&line).map_err(anyhow::Error::from).and_then(|line| Ok(simulate(line)?)) {
            Ok(answer) => {
                serde_json::to_writer(&mut *out, &answer)?;
                writeln!(out)?;
                if expect.is_some_and(|expected| !is_as_expected(&answer, expected)) {
                    counts.n_unexpected += 1;
                    let id = &answer.id;
                    anstream::eprintln!("{}line {number}, case {id}: not as expected{:#}", show::RED, show::RED);
                }
            }
            Err(error) => {
                counts.n_rejected += 1;
                show::error(&error.context(format!("line {number}")));
            }
        }
    }
    Ok(counts)
}

/// Reads a line; of one that is too long just so much that it is refused. `false` at the end.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let n = input.by_ref().take(MAX_LINE_BYTES as u64 + 2).read_until(b'\n', line)?;
    if n > MAX_LINE_BYTES + 1 && line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(n > 0)
}

/// What is allowed for certain, or denied; a verdict that is conditional is neither.
fn is_as_expected(answer: &Answer, expected: ExpectArg) -> bool {
    match expected {
        ExpectArg::Allowed => answer.verdict == Verdict::Allowed && answer.conditional_on.is_empty(),
        ExpectArg::Denied => answer.verdict != Verdict::Allowed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = r#"{"id":7,"request":{"principal":"arn:aws:iam::111122223333:user/ada","action":"s3:GetObject","resource":"arn:aws:s3:::logs/a"},"identity_policies":[{"name":"reads","document":{"Version":"2012-10-17","Statement":{"Sid":"Read","Effect":"Allow","Action":"s3:Get*","Resource":"*"}}}]}"#;

    fn answered(input: &str, expect: Option<ExpectArg>) -> (Counts, String) {
        let mut out = Vec::new();
        let counts = answer_all(input.as_bytes(), &mut out, expect).unwrap();
        (counts, String::from_utf8(out).unwrap())
    }

    #[test]
    fn each_case_has_an_answer_and_a_broken_one_hides_none() {
        let long = "x".repeat(3 * MAX_LINE_BYTES);
        let (counts, out) = answered(&format!("{CASE}\n\n{{\"id\":\n{long}\n{CASE}"), None);
        assert_eq!(counts, Counts { n_rejected: 2, n_unexpected: 0 });
        let line =
            r#"{"id":7,"verdict":"allowed","statements":[{"policy":"reads","statement":"Read"}],"conditional_on":[]}"#;
        assert_eq!(out, format!("{line}\n{line}\n"));
    }

    #[test]
    fn what_is_not_as_expected_is_counted() {
        let expect = |expected| answered(CASE, Some(expected)).0.n_unexpected;
        assert_eq!((expect(ExpectArg::Allowed), expect(ExpectArg::Denied)), (0, 1));
    }
}
