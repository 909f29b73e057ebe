//! Conditions (IAM JSON policy elements: Condition operators,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>; Conditions with
//! multiple context keys or values; Single-valued vs. multivalued context keys).
//!
//! Every operator and every key must hold. Of a key's values in the policy one must match; under a negated operator none
//! may. An absent key fails a test, and passes it if the operator is negated or ends in `IfExists`.

pub(super) mod date;
mod number;
mod operator;
mod value;

#[cfg(test)]
pub(super) use self::operator::OPERATORS;

use schemas::Text;
use serde_json::{Map, Value};

use self::operator::{Operator, Order, Quantifier};
use self::value::Values;
use super::context::{Context, Held, Key};
use crate::truth::{Doubts, Truth};

/// Tests in one condition beyond which it is refused; AWS's own limit on a policy's size keeps it below a hundred.
const MAX_TESTS: usize = 1024;

/// All tests of a statement; each must hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    tests: Box<[Test]>,
}

/// One operator on one key.
#[derive(Clone, Debug, PartialEq)]
struct Test {
    key: Key,
    operator: Operator,
    values: Values,
}

impl Condition {
    /// Reads a `Condition` element. `variables` says whether the document's version knows policy variables.
    ///
    /// # Errors
    /// When an operator is unknown or a value is not of the operator's type, with the operator's name.
    pub(super) fn parse(condition: &Map<String, Value>, variables: bool) -> Result<Self, String> {
        let mut tests = Vec::new();
        for (name, keys) in condition {
            let operator =
                Operator::parse(name).ok_or_else(|| format!("unknown condition operator `{}`", super::short(name)))?;
            let keys = keys.as_object().ok_or_else(|| format!("`{}` is not an object", super::short(name)))?;
            for (key, values) in keys {
                let values = texts(values).and_then(|texts| Values::parse(operator.kind, &texts, variables));
                let values =
                    values.map_err(|why| format!("`{}` of `{}`: {why}", super::short(key), super::short(name)))?;
                tests.push(Test { key: Key::new(key), operator, values });
            }
        }
        if tests.len() > MAX_TESTS {
            return Err(format!("{} tests in a condition, more than {MAX_TESTS}", tests.len()));
        }
        Ok(Self { tests: tests.into() })
    }

    pub(super) fn holds<'p>(&'p self, context: &Context, doubts: &mut Doubts<'p>) -> Truth {
        doubts.all(&*self.tests, |test, doubts| test.holds(context, doubts))
    }
}

impl Test {
    fn holds<'p>(&'p self, context: &Context, doubts: &mut Doubts<'p>) -> Truth {
        match context.get(&self.key) {
            Held::Unknown if self.is_over(context) => Truth::False,
            Held::Unknown => doubts.add(&self.key.written),
            Held::Absent => Truth::of(self.holds_when_absent()),
            Held::Values { .. } if let Values::Null(null) = &self.values => Truth::of(null.contains(&false)),
            Held::Values { values, multivalued } => self.holds_for(values, multivalued, context, doubts),
        }
    }

    /// Whether it asks for a time that is over by all that is known of the request's.
    fn is_over(&self, context: &Context) -> bool {
        let Operator { negated, if_exists, quantifier, .. } = self.operator;
        if negated || if_exists || quantifier == Quantifier::All {
            return false;
        }
        let Some(not_before) = context.not_before(&self.key.lower) else { return false };
        let until = |dates: &[date::Instant]| dates.iter().all(|date| *date < not_before);
        match &self.values {
            Values::Dates(Order::Less | Order::LessOrEqual | Order::Equal, dates) => until(dates),
            _ => false,
        }
    }

    fn holds_when_absent(&self) -> bool {
        match (&self.values, self.operator.quantifier) {
            (Values::Null(null), _) => null.contains(&true),
            _ if self.operator.if_exists => true,
            (_, Quantifier::All) => true,
            (_, Quantifier::Any) => false,
            (_, Quantifier::One) => self.operator.negated,
        }
    }

    /// `ForAllValues` holds for no value at all, `ForAnyValue` does not; values that are all empty are no values. Without
    /// either, a key that may have several values never matches, because such keys require one of the two.
    fn holds_for<'p>(
        &'p self,
        values: &[Text],
        multivalued: bool,
        context: &Context,
        doubts: &mut Doubts<'p>,
    ) -> Truth {
        let nothing = values.iter().all(|value| value.is_empty());
        match self.operator.quantifier {
            Quantifier::One if multivalued => Truth::False,
            Quantifier::One => self.holds_for_one(&values[0], context, doubts),
            Quantifier::All if nothing => Truth::True,
            Quantifier::All => doubts.all(values, |value, doubts| self.holds_for_one(value, context, doubts)),
            Quantifier::Any if nothing => Truth::False,
            Quantifier::Any => doubts.any(values, |value, doubts| self.holds_for_one(value, context, doubts)),
        }
    }

    fn holds_for_one<'p>(&'p self, value: &str, context: &Context, doubts: &mut Doubts<'p>) -> Truth {
        let matches = self.values.match_one(value, context, doubts);
        if self.operator.negated { matches.not() } else { matches }
    }
}

/// A value or a list of values; numbers and booleans are read as they are written.
fn texts(values: &Value) -> Result<Vec<String>, String> {
    let list = match values {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    list.iter()
        .map(|value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
            _ => Err("a value is neither a string, a number nor a boolean".to_owned()),
        })
        .collect()
}
