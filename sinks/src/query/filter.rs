//! A filter on rows as SQL of ClickHouse: the few forms that the readers of nouns use.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Operator};
use schemas::Time;
use schemas::clickhouse::literal;

use super::{Expr, QueryError};
use crate::clickhouse::read::time_text;

/// Writes a filter; texts in it cannot break out.
pub(crate) fn to_clickhouse(filter: &Expr) -> Result<String, QueryError> {
    Ok(match filter {
        Expr::Column(column) => format!("`{}`", column.name.replace(['`', '\\'], "")),
        Expr::Literal(value, _) => value_text(value)?,
        Expr::IsNull(inner) => format!("({} IS NULL)", to_clickhouse(inner)?),
        Expr::IsNotNull(inner) => format!("({} IS NOT NULL)", to_clickhouse(inner)?),
        Expr::Not(inner) => format!("(NOT {})", to_clickhouse(inner)?),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let op = match op {
                Operator::Eq => "=",
                Operator::NotEq => "<>",
                Operator::Lt => "<",
                Operator::LtEq => "<=",
                Operator::Gt => ">",
                Operator::GtEq => ">=",
                Operator::And => "AND",
                Operator::Or => "OR",
                other => return Err(unknown(other)),
            };
            format!("({} {op} {})", to_clickhouse(left)?, to_clickhouse(right)?)
        }
        other => return Err(unknown(other)),
    })
}

fn value_text(value: &ScalarValue) -> Result<String, QueryError> {
    Ok(match value {
        ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => {
            literal(text)
        }
        ScalarValue::Int32(Some(n)) => n.to_string(),
        ScalarValue::Int64(Some(n)) => n.to_string(),
        ScalarValue::Boolean(Some(is)) => is.to_string(),
        ScalarValue::TimestampMicrosecond(Some(time), _) => {
            format!("toDateTime64({}, 6, 'UTC')", literal(&time_text(Time(*time))))
        }
        other => return Err(unknown(other)),
    })
}

fn unknown(what: impl std::fmt::Display) -> QueryError {
    QueryError::Sql(format!("`{what}` is no filter that ClickHouse is asked with"))
}

#[cfg(test)]
mod tests {
    use super::super::{col, lit};
    use super::*;

    #[test]
    fn a_filter_becomes_sql_that_its_texts_cannot_leave() {
        let filter = col("event_id").eq(lit(r"x\' OR 1=1 --")).and(col("n").gt_eq(lit(3i64)));
        assert_eq!(to_clickhouse(&filter).unwrap(), r"((`event_id` = 'x\\\' OR 1=1 --') AND (`n` >= 3))");
        assert!(to_clickhouse(&col("a").like(lit("b"))).is_err());
    }
}
