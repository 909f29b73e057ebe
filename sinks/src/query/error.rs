//! Why a question has no answer, in words that help to ask a better one.

use std::error::Error;
use std::path::PathBuf;

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use stream::Fault;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Nothing was ever stored there.
    #[error("no store in `{0}`; `overgrant run --once --store {0}` makes one")]
    NoStore(PathBuf),
    /// The store cannot be read.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Something that would change the store or the session.
    #[error("`{0}` is refused: a query only reads; use SELECT, EXPLAIN, DESCRIBE or SHOW TABLES")]
    ReadOnly(String),
    /// A table that does not exist.
    #[error("no table is called `{name}`;{} tables: {}", meant(.hint.as_deref()), .tables.join(", "))]
    UnknownTable {
        /// What was asked for.
        name: String,
        /// The name that was perhaps meant.
        hint: Option<String>,
        /// What there is.
        tables: Vec<String>,
    },
    /// A question of the library that does not exist.
    #[error("no question is called `{name}`;{} questions: {}", meant(.hint.as_deref()), .questions.join(", "))]
    UnknownQuestion {
        /// What was asked for.
        name: String,
        /// The name that was perhaps meant.
        hint: Option<String>,
        /// What there is.
        questions: Vec<String>,
    },
    /// A column that does not exist.
    #[error("no column is called `{name}`;{} columns: {}", meant(.hint.as_deref()), .columns.join(", "))]
    UnknownColumn {
        /// What was asked for.
        name: String,
        /// The name that was perhaps meant.
        hint: Option<String>,
        /// What there is.
        columns: Vec<String>,
    },
    /// Wrong SQL, or an operation that fails on these rows.
    #[error("{0}")]
    Sql(String),
    /// Past the bound of memory.
    #[error("the query needs more memory than it may use ({0}); ask for fewer rows or columns")]
    Memory(String),
    /// Files of this manifest are gone, since the pipeline went on meanwhile; opening the store again helps.
    #[error("the store changed while it was read; ask again")]
    Moved,
    /// Columns that do not become rows of a noun.
    #[error("`{table}` does not have the columns asked for")]
    Rows {
        /// The table.
        table: String,
        /// Why not.
        source: Box<serde_arrow::Error>,
    },
}

fn meant(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" did you mean `{name}`?"))
}

/// The nearest of some names, when it is near.
fn nearest(name: &str, names: &[String]) -> Option<String> {
    let name = name.to_lowercase();
    let scored = names.iter().map(|known| (strsim::damerau_levenshtein(&name, known), known));
    let (distance, known) = scored.min()?;
    (distance <= known.len() / 3 || known.starts_with(&name)).then(|| known.clone())
}

impl QueryError {
    pub(crate) fn unknown_table(name: &str, tables: &[String]) -> Self {
        Self::UnknownTable { name: name.to_owned(), hint: nearest(name, tables), tables: tables.to_vec() }
    }

    pub(crate) fn unknown_question(name: &str, questions: Vec<String>) -> Self {
        Self::UnknownQuestion { name: name.to_owned(), hint: nearest(name, &questions), questions }
    }

    pub(crate) fn unknown_column(name: &str, columns: Vec<String>) -> Self {
        Self::UnknownColumn { name: name.to_owned(), hint: nearest(name, &columns), columns }
    }

    pub(crate) fn of(error: DataFusionError) -> Self {
        if is_missing_file(&error) {
            return Self::Moved;
        }
        match error.find_root() {
            DataFusionError::ResourcesExhausted(what) => Self::Memory(clean(what)),
            DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
                SchemaError::FieldNotFound { field, valid_fields } => {
                    let mut columns: Vec<String> = valid_fields.iter().map(|column| column.name.clone()).collect();
                    columns.sort_unstable();
                    columns.dedup();
                    Self::unknown_column(&field.name, columns)
                }
                other => Self::Sql(clean(&other.to_string())),
            },
            other => Self::Sql(clean(&other.strip_backtrace())),
        }
    }
}

fn is_missing_file(error: &DataFusionError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(object_store::Error::NotFound { .. })) {
            return true;
        }
        if let Some(DataFusionError::ObjectStore(inner)) = error.downcast_ref() {
            return matches!(**inner, object_store::Error::NotFound { .. });
        }
        cause = error.source();
    }
    false
}

/// DataFusion's message in our form: one line, no label in front, lower case, no full stop.
fn clean(message: &str) -> String {
    const LABELS: [&str; 7] = [
        "SQL error: ",
        "Error during planning: ",
        "Schema error: ",
        "Execution error: ",
        "Arrow error: ",
        "Optimizer rule 'simplify_expressions' failed",
        "This feature is not implemented: ",
    ];
    let mut text = message.lines().next().unwrap_or_default().trim();
    while let Some(rest) = LABELS.iter().find_map(|label| text.strip_prefix(label)) {
        text = rest.trim_start_matches("caused by").trim();
    }
    if text.ends_with("only supports a single SQL statement") {
        return "one statement at a time, please".to_owned();
    }
    let text = text.strip_prefix("ParserError(\"").and_then(|text| text.strip_suffix("\")")).unwrap_or(text);
    let text = text.trim_end_matches('.');
    let mut letters = text.chars();
    match letters.next() {
        // An acronym such as `SUM` keeps its first letter.
        Some(first) if !letters.as_str().starts_with(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}
