//! `overgrant alerts`: what happened, and why it is told.

use std::fmt::Write as _;
use std::io::Write;

use schemas::{Alert, Severity, Time};
use sinks::format::Format;

use super::{block_on, print, store};
use crate::args::AlertsArgs;
use crate::{Exit, Mistake, show};

pub(super) fn run(args: &AlertsArgs) -> anyhow::Result<Exit> {
    let span = span(&args.since)?;
    block_on(async {
        let store = store::open(&args.list.of.place).await?;
        let now = store.as_of().await?;
        let from = now.unwrap_or(i64::MAX).saturating_sub(span);
        if args.list.of.format.0 != Format::Table {
            let sql = format!(
                "SELECT * FROM alert WHERE suppressed IS NULL AND time >= {{from:Time}} ORDER BY time DESC, alert_id LIMIT {}",
                args.list.limit
            );
            let from = [("from".to_owned(), Time(from).to_string())];
            return print(&store.sql_with(&sql, &from).await?, args.list.of.format);
        }
        let mut alerts: Vec<Alert> = store.rows().await?;
        alerts.retain(|alert| alert.time.0 >= from && alert.suppressed.is_none());
        alerts.sort_by(|a, b| (b.time, &a.alert_id).cmp(&(a.time, &b.alert_id)));
        let mut out = show::out();
        for alert in alerts.iter().take(args.list.limit) {
            out.write_all(describe(alert)?.as_bytes())?;
        }
        let now = now.map_or_else(|| "an empty store".to_owned(), |now| Time(now).to_string());
        writeln!(out, "{}{} alerts in the {} before {now}{:#}", show::DIM, alerts.len(), args.since, show::DIM)?;
        Ok(())
    })?;
    Ok(Exit::Done)
}

/// Reads `90d`, `12h` or `30m` as microseconds.
pub(super) fn span(text: &str) -> Result<i64, Mistake> {
    let wrong = || Mistake(format!("`{text}` is no span of time; write `90d`, `12h` or `30m`"));
    let unit = match text.chars().last() {
        Some('d') => Time::DAY,
        Some('h') => Time::HOUR,
        Some('m') => Time::HOUR / 60,
        _ => return Err(wrong()),
    };
    let n: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    Ok(i64::from(n).saturating_mul(unit))
}

fn describe(alert: &Alert) -> Result<String, std::fmt::Error> {
    let (bold, dim) = (show::BOLD, show::DIM);
    let colour = match alert.severity {
        Severity::Critical | Severity::High => show::RED,
        Severity::Medium => show::YELLOW,
        Severity::Low | Severity::Informational => show::GREEN,
    };
    let mut text = String::new();
    let technique = alert.technique.as_deref().unwrap_or_default();
    writeln!(text, "{colour}{:<8}{colour:#} {bold}{}{bold:#}  {dim}{technique}{dim:#}", alert.severity, alert.title)?;
    writeln!(
        text,
        "         {}  {} {}  {dim}{}{dim:#}",
        alert.time, alert.provider, alert.account_id, alert.identity_id
    )?;
    for reason in alert.reasons.iter().take(4) {
        writeln!(text, "         {:>5.1} nats  {}", reason.nats, reason.text)?;
    }
    if let Some(could) = &alert.could {
        writeln!(text, "         could: {could}")?;
    }
    if let Some(event_id) = alert.event_ids.first() {
        writeln!(text, "         {dim}{} events; the first: overgrant raw {event_id}{dim:#}", alert.n_events)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        assert_eq!(span("90d").ok(), Some(90 * Time::DAY));
        assert_eq!(span("30m").ok(), Some(Time::HOUR / 2));
        for wrong in ["", "d", "-1d", "9", "1w", "1é"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
