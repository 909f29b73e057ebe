//! `overgrant status`: for each account what arrived, until when, and what is missing.

use std::io::Write;

use schemas::Time;
use sinks::Store;

use super::{block_on, print};
use crate::args::StoreArgs;
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
       concat_ws(', ',
           CASE WHEN s.n_events IS NULL THEN 'logs' END,
           CASE WHEN g.n_grants IS NULL THEN 'grants' END,
           CASE WHEN coalesce(s.n_data, 0) = 0 THEN 'data events' END,
           CASE WHEN coalesce(s.n_reads, 0) = 0 THEN 'read logs' END,
           CASE WHEN s.last_event < s.first_event + INTERVAL '14 days' THEN 'time to learn' END) AS missing
FROM seen s FULL JOIN granted g ON s.provider = g.provider AND s.account_id = g.account_id
ORDER BY 1, 2";

/// The sum that shows that nothing was lost; ingest's own dead letters were read too.
const SUMS: &str = "
WITH tallied AS (
    SELECT coalesce(provider, '?') AS provider, sum(n_read) AS n_read, sum(n_events) AS n_events,
           sum(n_copies) AS n_copies, sum(n_not_access) AS n_not_access, sum(n_dead_letters) AS n_dead
    FROM tally GROUP BY 1),
broken AS (
    SELECT coalesce(provider, '?') AS provider, count(*) AS n FROM dead_letter WHERE room = 'ingest' GROUP BY 1)
SELECT coalesce(t.provider, b.provider) AS provider,
       coalesce(t.n_read, 0) + coalesce(b.n, 0) AS read, coalesce(t.n_events, 0) AS events,
       coalesce(t.n_copies, 0) AS copies, coalesce(t.n_not_access, 0) AS not_access,
       coalesce(t.n_dead, 0) + coalesce(b.n, 0) AS dead_letters
FROM tallied t FULL JOIN broken b ON t.provider = b.provider ORDER BY 1";

pub(super) fn run(args: &StoreArgs) -> anyhow::Result<Exit> {
    block_on(async {
        let store = Store::open(&args.store).await?;
        let is_table = args.format.0 == sinks::format::Format::Table;
        print(&store.sql(ACCOUNTS).await?, args.format)?;
        if is_table {
            let as_of =
                store.manifest().as_of.map_or_else(|| "not yet at the end".to_owned(), |time| Time(time).to_string());
            writeln!(
                show::out(),
                "\n{}read = events + copies + not access + dead letters; as of {as_of}{:#}",
                show::BOLD,
                show::BOLD
            )?;
            print(&store.sql(SUMS).await?, args.format)?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}
