//! `overgrant dead-letters list`: the reasons, or every record.

use std::collections::BTreeMap;
use std::io::Write;

use schemas::Time;
use serde_json::Value;
use sinks::format::Format;
use stream::clock::Clock;

use super::super::{alerts, block_on, print, store};
use crate::args::ListLettersArgs;
use crate::{Exit, show};

/// How many different reasons are told apart before the numbers in them are left out.
const MAX_REASONS: usize = 10_000;

pub(super) fn run(args: &ListLettersArgs) -> anyhow::Result<Exit> {
    let (mut filter, mut params) = super::filter(&args.filter);
    if let Some(since) = &args.since {
        filter += " AND time >= {from:Time}";
        params.push(("from".to_owned(), Time(Clock::system().now() - alerts::span(since)?).to_string()));
    }
    let of = &args.list.of;
    let is_summary = of.format.0 == Format::Table && !args.each;
    let sql = if is_summary { by_reason(&filter) } else { one_by_one(&filter, args.list.limit) };
    let answer = block_on(async { Ok(store::open(&of.place).await?.sql_with(&sql, &params).await?) })?;
    if is_summary {
        summary(&super::rows(&answer)?, args.list.limit)?
    } else {
        print(&answer, of.format)?
    }
    Ok(Exit::Done)
}

fn by_reason(filter: &str) -> String {
    format!(
        "SELECT room, coalesce(provider, '?') AS provider, reason, count(*) AS n, min(time) AS first_at, max(time) AS last_at, \
         min(dead_letter_id) AS example FROM dead_letter WHERE {filter} GROUP BY room, coalesce(provider, '?'), reason \
         ORDER BY count(*) DESC, room, reason LIMIT {MAX_REASONS}"
    )
}

fn one_by_one(filter: &str, limit: usize) -> String {
    format!(
        "SELECT dead_letter_id, time, room, provider, reason, n_bytes, origin.topic AS topic, origin.partition AS \
         topic_partition, origin.offset AS topic_offset, origin.file AS file FROM dead_letter WHERE {filter} \
         ORDER BY time DESC, dead_letter_id LIMIT {limit}"
    )
}

/// Records whose reasons differ in numbers alone.
#[derive(Debug, Default, PartialEq, Eq)]
struct Group {
    n: i64,
    reason: String,
    first_at: String,
    last_at: String,
    example: String,
}

fn grouped(rows: &[Value]) -> Vec<((String, String), Group)> {
    let mut groups: BTreeMap<(String, String, String), Group> = BTreeMap::new();
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let reason = text("reason");
        let group = groups.entry((text("room"), text("provider"), without_numbers(&reason))).or_default();
        if group.n == 0 {
            *group =
                Group { n: 0, reason, first_at: text("first_at"), last_at: text("last_at"), example: text("example") };
        }
        group.n += row["n"].as_i64().unwrap_or_default();
        group.first_at = group.first_at.clone().min(text("first_at"));
        group.last_at = group.last_at.clone().max(text("last_at"));
    }
    let mut groups: Vec<_> = groups.into_iter().map(|((room, provider, _), group)| ((room, provider), group)).collect();
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.n));
    groups
}

fn without_numbers(reason: &str) -> String {
    let mut text = String::with_capacity(reason.len());
    for c in reason.chars() {
        match c {
            '0'..='9' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            c => text.push(c),
        }
    }
    text
}

fn summary(rows: &[Value], limit: usize) -> anyhow::Result<()> {
    let (mut out, bold, dim) = (show::out(), show::BOLD, show::DIM);
    let groups = grouped(rows);
    for ((room, provider), group) in groups.iter().take(limit) {
        writeln!(out, "{bold}{:>8}{bold:#}  {room} {provider}  {}", group.n, group.reason)?;
        let Group { first_at, last_at, example, .. } = group;
        writeln!(
            out,
            "          {dim}read {first_at} to {last_at}; one: overgrant dead-letters show {example}{dim:#}"
        )?;
    }
    let n: i64 = groups.iter().map(|(_, group)| group.n).sum();
    writeln!(out, "{dim}{n} dead letters; after a fix: overgrant dead-letters redrive --reason TEXT{dim:#}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reasons_that_differ_in_numbers_are_one() {
        let row = |reason: &str, n: i64, at: &str| json!({"room": "ingest", "provider": "?", "reason": reason, "n": n, "first_at": at, "last_at": at, "example": reason});
        let rows = [row("no JSON at byte 12", 3, "b"), row("empty", 4, "a"), row("no JSON at byte 7", 2, "a")];
        let groups = grouped(&rows);
        let told: Vec<_> =
            groups.iter().map(|(_, group)| (group.n, group.reason.as_str(), group.first_at.as_str())).collect();
        assert_eq!(told, [(5, "no JSON at byte 12", "a"), (4, "empty", "a")]);
    }
}
