//! `overgrant pci`: the index, and what it is made of.

use std::fmt::Write as _;
use std::io::Write;

use schemas::{Bucket, Pci};
use sinks::format::Format;

use super::{block_on, print, store};
use crate::args::PciArgs;
use crate::{Exit, show};

pub(super) fn run(args: &PciArgs) -> anyhow::Result<Exit> {
    if args.explain && args.list.of.format.0 == Format::Table {
        return explain(args);
    }
    let sql = format!(
        "SELECT score, score_lo, bucket, provider, account_id, scope_kind, coalesce(scope_name, scope_id) AS name, \
         n_granted, n_used, n_unused, n_unknowable, escalation, scope_id, time FROM pci_current \
         WHERE deleted_at IS NULL{} ORDER BY score DESC, exposure DESC, scope_id, account_id LIMIT {}",
        filter(args),
        args.list.limit
    );
    let params = params(args);
    let answer = block_on(async { Ok(store::open(&args.list.of.place).await?.sql_with(&sql, &params).await?) })?;
    print(&answer, args.list.of.format)?;
    Ok(Exit::Done)
}

fn filter(args: &PciArgs) -> String {
    let mut filter = String::new();
    if args.scope != "all" {
        filter += " AND scope_kind = {scope:String}";
    }
    if args.identity.is_some() {
        filter += " AND (scope_id = {identity:String} OR scope_name = {identity:String})";
    }
    if args.account.is_some() {
        filter += " AND account_id = {account:String}";
    }
    filter
}

fn params(args: &PciArgs) -> Vec<(String, String)> {
    let scope = Some(&args.scope).filter(|scope| *scope != "all");
    let given = [("scope", scope), ("identity", args.identity.as_ref()), ("account", args.account.as_ref())];
    given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone()))).collect()
}

fn explain(args: &PciArgs) -> anyhow::Result<Exit> {
    let mut rows: Vec<Pci> =
        block_on(async { Ok(store::open(&args.list.of.place).await?.rows_where("pci_current", None).await?) })?;
    rows.retain(|row| is_wanted(row, args));
    rows.sort_by(|a, b| {
        let by_score = b.score.total_cmp(&a.score).then(b.exposure.cmp(&a.exposure));
        by_score.then_with(|| (&a.scope_id, &a.account_id).cmp(&(&b.scope_id, &b.account_id)))
    });
    let mut out = show::out();
    for row in rows.iter().take(args.list.limit) {
        out.write_all(describe(row)?.as_bytes())?;
    }
    if rows.is_empty() {
        writeln!(out, "no scores; entitlement files give them (see `overgrant status`)")?;
    }
    Ok(Exit::Done)
}

fn is_wanted(row: &Pci, args: &PciArgs) -> bool {
    let is_scope = args.scope == "all" || row.scope_kind.as_str() == args.scope;
    let is_identity =
        |wanted: &String| row.scope_id == wanted.as_str() || row.scope_name.as_deref() == Some(wanted.as_str());
    let is_account = args.account.as_ref().is_none_or(|account| row.account_id == account.as_str());
    row.deleted_at.is_none() && is_scope && args.identity.as_ref().is_none_or(is_identity) && is_account
}

fn describe(row: &Pci) -> Result<String, std::fmt::Error> {
    let (bold, dim) = (show::BOLD, show::DIM);
    let colour = match row.bucket {
        Bucket::High => show::RED,
        Bucket::Medium => show::YELLOW,
        Bucket::Low => show::GREEN,
    };
    let mut text = String::new();
    let name = row.scope_name.as_deref().unwrap_or(&row.scope_id);
    write!(text, "{colour}{:>6.2}{colour:#}  {bold}{name}{bold:#}  {} {}", row.score, row.provider, row.account_id)?;
    writeln!(text, "  {dim}{}{dim:#}", row.scope_id)?;
    write!(text, "        {} of {} granted actions unused", row.n_unused + row.n_unknowable, row.n_granted)?;
    if row.n_unknowable > 0 {
        write!(text, ", {} of them unknowable (lowest score {:.2})", row.n_unknowable, row.score_lo)?;
    }
    writeln!(text, "{}", if row.young { "; less than the whole window is known" } else { "" })?;
    for part in row.contributions.iter().take(4) {
        let share = 100.0 * part.exposure as f64 / row.exposure.max(1) as f64;
        writeln!(text, "        {share:>5.1} %  {}  {dim}from {}{dim:#}", part.label, part.source)?;
    }
    if let Some(path) = &row.escalation {
        writeln!(text, "        {}can become administrator: {path}{:#}", show::RED, show::RED)?;
    }
    if let Some(cause) = &row.cause {
        writeln!(text, "        {dim}{cause}{dim:#}")?;
    }
    if !row.ignored.is_empty() {
        let ignored: Vec<&str> = row.ignored.iter().map(|text| text.as_str()).collect();
        writeln!(text, "        {dim}not taken into account: {}{dim:#}", ignored.join(", "))?;
    }
    Ok(text)
}
