//! The lake's reader: one manifest, the tables it names, and DataFusion over them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{DataFrame, Expr, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use futures::StreamExt;
use schemas::Noun;
use stream::manifest::Manifest;

use super::params::{self, Bound};
use super::{Answer, QueryError, ReadOptions, views};
use crate::lake::state::LakeState;
use crate::lake::{LAKE, folder, parse_state};

/// A lake as of one manifest.
pub(crate) struct LakeStore {
    dir: PathBuf,
    options: ReadOptions,
    manifest: Manifest,
    tables: Vec<String>,
    context: SessionContext,
}

impl std::fmt::Debug for LakeStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LakeStore").field("dir", &self.dir).field("epoch", &self.manifest.epoch).finish_non_exhaustive()
    }
}

impl LakeStore {
    pub(crate) async fn open(dir: &Path, options: ReadOptions) -> Result<Self, QueryError> {
        let manifest = Manifest::read(dir)?.ok_or_else(|| QueryError::NoStore(dir.to_owned()))?;
        let state = manifest.sinks.get(LAKE).cloned().unwrap_or_default();
        let state = parse_state(state).map_err(|error| error.into_fault(LAKE))?;
        // Paths in a plan are absolute; a store that was opened from a relative one must survive a change of folder.
        let dir = std::path::absolute(dir).map_err(|source| stream::Fault::File {
            verb: "read",
            path: dir.into(),
            source,
        })?;
        let (context, tables) = session(&dir, &state, options).await?;
        Ok(Self { dir, options, manifest, tables, context })
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn tables(&self) -> &[String] {
        &self.tables
    }

    pub(crate) async fn ask(&self, sql: &str, bound: &[Bound]) -> Result<Answer, QueryError> {
        match self.try_ask(sql, bound).await {
            Err(QueryError::Moved) => self.reopen().await?.try_ask(sql, bound).await,
            answer => answer,
        }
    }

    pub(crate) async fn rows<N: Noun>(&self, table: &str, filter: Option<Expr>) -> Result<Vec<N>, QueryError> {
        match self.try_rows(table, filter.clone()).await {
            Err(QueryError::Moved) => self.reopen().await?.try_rows(table, filter).await,
            rows => rows,
        }
    }

    async fn reopen(&self) -> Result<Self, QueryError> {
        Self::open(&self.dir, self.options).await
    }

    async fn try_ask(&self, sql: &str, bound: &[Bound]) -> Result<Answer, QueryError> {
        let sql = &params::for_datafusion(sql);
        let state = self.context.state();
        let dialect = state.config().options().sql_parser.dialect;
        let statement = state.sql_to_statement(sql, &dialect).map_err(QueryError::of)?;
        check_is_question(&statement, sql)?;
        self.check_tables(&statement)?;
        let plan = state.statement_to_plan(statement).await.map_err(QueryError::of)?;
        let plan = if bound.is_empty() {
            plan
        } else {
            plan.with_param_values(params::datafusion_values(bound)).map_err(QueryError::of)?
        };
        check_reads_only(&plan)?;
        let frame = self.context.execute_logical_plan(plan).await.map_err(QueryError::of)?;
        collect(frame, self.options.max_rows).await
    }

    async fn try_rows<N: Noun>(&self, table: &str, filter: Option<Expr>) -> Result<Vec<N>, QueryError> {
        let mut frame = self.context.table(table).await.map_err(QueryError::of)?;
        if let Some(filter) = filter {
            frame = frame.filter(filter).map_err(QueryError::of)?;
        }
        let mut rows = Vec::new();
        for batch in collect(frame, usize::MAX).await?.batches {
            rows.extend(
                serde_arrow::from_record_batch::<Vec<N>>(&batch)
                    .map_err(|source| QueryError::Rows { table: table.to_owned(), source: Box::new(source) })?,
            );
        }
        Ok(rows)
    }

    fn check_tables(&self, statement: &Statement) -> Result<(), QueryError> {
        let named = self.context.state().resolve_table_references(statement).map_err(QueryError::of)?;
        for table in named {
            let is_ours = table.schema().is_none_or(|schema| schema == "public");
            if is_ours && !self.tables.iter().any(|known| known == table.table()) {
                return Err(QueryError::unknown_table(table.table(), &self.tables));
            }
        }
        Ok(())
    }
}

/// Lets only those kinds of statements through that ask something, and names the others by their first word.
fn check_is_question(statement: &Statement, sql: &str) -> Result<(), QueryError> {
    use datafusion::sql::sqlparser::ast::Statement as Sql;
    let is_question = match statement {
        Statement::Statement(sql) => matches!(
            **sql,
            Sql::Query(_)
                | Sql::ExplainTable { .. }
                | Sql::ShowTables { .. }
                | Sql::ShowColumns { .. }
                | Sql::ShowFunctions { .. }
                | Sql::ShowVariable { .. }
        ),
        Statement::Explain(_) => true,
        _ => false,
    };
    let word = || sql.split_whitespace().next().unwrap_or_default().to_uppercase();
    if is_question { Ok(()) } else { Err(QueryError::ReadOnly(word())) }
}

/// Looks into what a question holds, such as the INSERT of an EXPLAIN ANALYZE.
fn check_reads_only(plan: &LogicalPlan) -> Result<(), QueryError> {
    use datafusion::common::tree_node::TreeNodeRecursion;
    let mut refused = None;
    let visited = plan.apply_with_subqueries(|node| {
        refused = match node {
            LogicalPlan::Ddl(ddl) => Some(ddl.name().to_owned()),
            LogicalPlan::Dml(dml) => Some(dml.op.to_string()),
            LogicalPlan::Copy(_) => Some("COPY".to_owned()),
            LogicalPlan::Statement(statement) => Some(statement.name().to_owned()),
            _ => None,
        };
        Ok(if refused.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    visited.map_err(QueryError::of)?;
    refused.map_or(Ok(()), |what| Err(QueryError::ReadOnly(what)))
}

/// Runs a plan and takes at most `max_rows` rows.
async fn collect(frame: DataFrame, max_rows: usize) -> Result<Answer, QueryError> {
    let mut rows = frame.execute_stream().await.map_err(QueryError::of)?;
    let schema = rows.schema();
    let (mut batches, mut left, mut is_cut) = (Vec::new(), max_rows, false);
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(QueryError::of)?;
        if batch.num_rows() > left {
            batches.push(batch.slice(0, left));
            is_cut = true;
            break;
        }
        left -= batch.num_rows();
        batches.push(batch);
    }
    Ok(Answer { schema, batches, is_cut })
}

/// A session that knows the tables of a state, and their names.
async fn session(
    store: &Path,
    state: &LakeState,
    options: ReadOptions,
) -> Result<(SessionContext, Vec<String>), QueryError> {
    let mut config = SessionConfig::new().with_information_schema(true);
    // Bodies are large and filters choose few: read a column only where the filter's column says so.
    config.options_mut().execution.parquet.pushdown_filters = true;
    config.options_mut().execution.parquet.reorder_filters = true;
    let runtime = RuntimeEnvBuilder::new().with_memory_limit(options.memory_bytes, 1.0).build_arc();
    let context = SessionContext::new_with_config_rt(config, runtime.map_err(QueryError::of)?);
    let views = views::all(&folder(store), state).await?;
    let mut names = Vec::new();
    for (name, view) in views {
        context.register_table(TableReference::bare(name.clone()), Arc::clone(&view)).map_err(QueryError::of)?;
        names.push(name);
    }
    names.sort_unstable();
    Ok((context, names))
}
