//! `overgrant findings`: standing risks.

use super::{block_on, print, store};
use crate::Exit;
use crate::args::ListArgs;

pub(super) fn run(args: &ListArgs) -> anyhow::Result<Exit> {
    let sql = format!(
        "SELECT severity, kind, provider, account_id, coalesce(scope_name, scope_id) AS name, title, advice, \
         first_seen_at, scope_id FROM finding_current ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 \
         WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4 END, kind, account_id, scope_id, finding_id LIMIT {}",
        args.limit
    );
    let answer = block_on(async { Ok(store::open(&args.of.place).await?.sql(&sql).await?) })?;
    print(&answer, args.of.format)?;
    Ok(Exit::Done)
}
