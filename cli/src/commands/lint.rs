//! `overgrant lint`: what is wrong with policy and role files.

use std::io::Write;

use ::permissions::lint::{Kind, Options, Report, Severity, lint, write_json, write_sarif, write_text};
use schemas::Time;
use stream::clock::Clock;

use super::read_file;
use crate::args::LintArgs;
use crate::{Exit, Mistake, show};

pub(super) fn run(args: &LintArgs) -> anyhow::Result<Exit> {
    let options = Options {
        kind: args.kind.as_deref().map(kind).transpose()?,
        own_accounts: args.own_accounts.clone(),
        as_of: Some(Time(Clock::system().now())),
    };
    let mut reports = Vec::with_capacity(args.files.len());
    for path in &args.files {
        reports.push((path.display().to_string(), lint(&read_file(path)?, &options)));
    }
    let mut out = show::out();
    match args.format.as_str() {
        "sarif" => {
            let files = reports.iter().map(|(path, report)| (path.as_str(), report));
            writeln!(out, "{}", write_sarif(env!("CARGO_PKG_VERSION"), files))?;
        }
        "json" => reports.iter().try_for_each(|(path, report)| out.write_all(write_json(path, report).as_bytes()))?,
        _ => {
            for (path, report) in &reports {
                write_text(path, report).lines().try_for_each(|line| writeln!(out, "{}", show::clean(line)))?;
            }
        }
    }
    Ok(exit(&reports, &args.fail_on))
}

fn kind(word: &str) -> Result<Kind, Mistake> {
    let known = || Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    Kind::of_word(word).ok_or_else(|| Mistake(format!("unknown kind `{word}`; there are {}", known())))
}

fn exit(reports: &[(String, Report)], fail_on: &str) -> Exit {
    let from = match fail_on {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        "note" => Severity::Note,
        _ => return Exit::Done,
    };
    let is_bad = reports.iter().filter_map(|(_, report)| report.worst()).any(|worst| worst >= from);
    if is_bad { Exit::Unexpected } else { Exit::Done }
}
