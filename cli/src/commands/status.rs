//! `overgrant status`: for each account what arrived, until when, and what is missing.

use std::io::Write;

use schemas::Time;
use sinks::Store;
use sinks::format::Format;

use super::{block_on, print, store};
use crate::args::{FormatArg, StatusArgs};
use crate::{Exit, show};

/// What is missing is told by what a complete feed would have: grants, data events, read logs, two weeks to learn from.
const ACCOUNTS: &str = "
WITH seen AS (
    SELECT provider, account_id, count(*) AS n_events, min(time) AS first_event, max(time) AS last_event,
           count(*) FILTER (WHERE category = 'data') AS n_data,
           count(*) FILTER (WHERE access_level IN ('read', 'list')) AS n_reads
    FROM access_event GROUP BY provider, account_id),
granted AS (
    SELECT provider, account_id, count(*) AS n_grants FROM entitlement_current
    WHERE kind <> 'identity' GROUP BY provider, account_id)
SELECT coalesce(s.provider, g.provider) AS provider, coalesce(s.account_id, g.account_id) AS account,
       coalesce(s.n_events, 0) AS events, s.first_event, s.last_event, coalesce(g.n_grants, 0) AS grants,
       trim(TRAILING ', ' FROM
           CASE WHEN s.n_events IS NULL THEN 'logs, ' ELSE '' END ||
           CASE WHEN g.n_grants IS NULL THEN 'grants, ' ELSE '' END ||
           CASE WHEN coalesce(s.n_data, 0) = 0 THEN 'data events, ' ELSE '' END ||
           CASE WHEN coalesce(s.n_reads, 0) = 0 THEN 'read logs, ' ELSE '' END ||
           CASE WHEN s.last_event < s.first_event + INTERVAL '14 day' THEN 'time to learn' ELSE '' END) AS missing
FROM seen s FULL JOIN granted g ON s.provider = g.provider AND s.account_id = g.account_id
ORDER BY 1, 2";

/// What became of each cloud's records, and of each file's; ingest's own dead letters, and what could not be read off a
/// raw topic, were read too. `COLUMNS` is what
/// the rows are about.
const SUMS: &str = "
WITH told AS (
    SELECT coalesce(provider, '?') AS provider, file, n_read AS read, n_events AS events, n_copies AS copies,
           n_not_access AS not_access, n_dead_letters AS dead_letters FROM tally
    UNION ALL
    SELECT coalesce(provider, '?'), coalesce(origin.file, ''), 1, 0, 0, 0, 1 FROM dead_letter_current
    WHERE room = 'ingest' OR (room = 'stream' AND origin.topic LIKE 'raw.%'))
SELECT COLUMNS, sum(read) AS read, sum(events) AS events, sum(copies) AS copies, sum(not_access) AS not_access,
       sum(dead_letters) AS dead_letters
FROM told GROUP BY COLUMNS ORDER BY COLUMNS";

pub(super) fn run(args: &StatusArgs) -> anyhow::Result<Exit> {
    block_on(async {
        let store = store::open(&args.of.place).await?;
        let is_table = args.of.format.0 == Format::Table;
        if args.files {
            return print(&store.sql(&SUMS.replace("COLUMNS", "provider, file")).await?, args.of.format);
        }
        print(&store.sql(ACCOUNTS).await?, args.of.format)?;
        if is_table {
            writeln!(show::out())?;
            sums(&store).await?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

/// Prints the sum per cloud that shows that nothing was lost.
pub(super) async fn sums(store: &Store) -> anyhow::Result<()> {
    let as_of = match store.manifest() {
        Some(manifest) => manifest.as_of,
        None => store.as_of().await?,
    };
    let as_of = as_of.map_or_else(|| "not yet at the end".to_owned(), |time| Time(time).to_string());
    let bold = show::BOLD;
    writeln!(show::out(), "{bold}read = events + copies + not access + dead letters; as of {as_of}{bold:#}")?;
    print(&store.sql(&SUMS.replace("COLUMNS", "provider")).await?, FormatArg(Format::Table))
}
