//! Conditions: expressions of the Common Expression Language, compiled once and evaluated with three truth values.
//!
//! Sources: Attribute reference for IAM Conditions (<https://cloud.google.com/iam/docs/conditions-attribute-reference>),
//! Overview of IAM Conditions (<https://cloud.google.com/iam/docs/conditions-overview>), Deny policies
//! (<https://cloud.google.com/iam/docs/deny-overview>). The crate `cel` reads them; what is evaluated is below
//! `expression`. An attribute that the service does not have is an error: in an allow policy an error grants nothing, in
//! a deny policy it denies, and `||` and `&&` get over it when the other side decides. What nobody knows is neither.

mod call;
mod compile;
mod expression;
mod value;

use cel::parser::PrattParser;
use schemas::Text;

use self::expression::Expression;
use super::context::Context;
use crate::truth::{Doubts, Truth};

pub(in crate::gcp::evaluate) use self::value::{Value, time};

/// Longest expression that is read; Google takes 12 logical operators.
const MAX_BYTES: usize = 8192;
/// Deepest nesting and most nodes; bound the stack and the time.
const MAX_DEPTH: u16 = 32;
const MAX_NODES: usize = 1024;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    expression: Expression,
}

/// What an error in a condition does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Allow,
    Deny,
}

impl Condition {
    /// Reads the `condition` or `denialCondition` of a binding or rule; `None` when there is none. One that cannot be read
    /// is never known, and is doubted as `place` with what is wrong.
    pub(super) fn compile(
        json: Option<&serde_json::Value>,
        place: &str,
        wrong: &mut impl FnMut(String),
    ) -> Option<Self> {
        let json = json.filter(|json| !json.is_null())?;
        let expression = match json.get("expression").and_then(serde_json::Value::as_str) {
            Some(text) => read(text),
            None => Err("`expression` is missing or not a string".to_owned()),
        };
        let expression = expression.unwrap_or_else(|why| {
            let doubt = format!("{place}: {why}");
            wrong(why);
            Expression::NotKnown(Text::from(doubt))
        });
        Some(Self { expression })
    }

    pub(super) fn is_met<'c>(&'c self, context: &'c Context, kind: Kind, doubts: &mut Doubts<'c>) -> Truth {
        match self.expression.truth(context, doubts) {
            Ok(truth) => truth,
            Err(_) => Truth::of(kind == Kind::Deny),
        }
    }
}

/// What a condition as the pipeline keeps it says of any request, and the attributes on which it rests.
pub(crate) fn spell_condition(text: &str, denies: bool) -> (Truth, Vec<Text>) {
    let expression = read(text).unwrap_or_else(|why| Expression::NotKnown(Text::from(why)));
    let context = Context::default();
    let mut doubts = Doubts::default();
    let condition = Condition { expression };
    let truth = condition.is_met(&context, if denies { Kind::Deny } else { Kind::Allow }, &mut doubts);
    (truth, doubts.into_names().into_iter().map(Text::from).collect())
}

fn read(text: &str) -> Result<Expression, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("the condition has {} bytes, more than {MAX_BYTES}", text.len()));
    }
    if is_too_deep(text) {
        return Err(format!("the condition is nested deeper than {MAX_DEPTH}"));
    }
    let parser = PrattParser::new().max_recursion_depth(MAX_DEPTH).max_expression_node_count(MAX_NODES);
    let tree = parser.parse(text).map_err(|_| "the condition is no expression of CEL".to_owned())?;
    compile::compile(&tree, text)
}

/// Looks at brackets, and at signs that stand before what they apply to, before anything recurses.
fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut signs) = (0_u16, 0_u16);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'!' | b'-' | b'?' | b':' => signs += 1,
            _ => {}
        }
        if depth > MAX_DEPTH || signs > 4 * MAX_DEPTH {
            return true;
        }
    }
    false
}
