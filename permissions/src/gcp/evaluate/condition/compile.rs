//! From the tree that the crate `cel` reads to what is evaluated here.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, operators};
use schemas::Text;

use super::MAX_DEPTH;
use super::expression::{Arithmetic, Comparison, Expression, Tag};
use super::value::Value;

/// Compiles a tree. What is not evaluated here is kept as not known.
pub(super) fn compile(tree: &IdedExpr, text: &str) -> Result<Expression, String> {
    Compiler { text }.expression(tree, 0)
}

struct Compiler<'t> {
    text: &'t str,
}

impl Compiler<'_> {
    fn expression(&self, tree: &IdedExpr, depth: u16) -> Result<Expression, String> {
        if depth > 2 * MAX_DEPTH {
            return Err(format!("the condition is nested deeper than {}", 2 * MAX_DEPTH));
        }
        if let Some(path) = path(&tree.expr, 0) {
            return Ok(Expression::Attribute(path.into()));
        }
        match &tree.expr {
            Expr::Literal(literal) => Ok(self.literal(literal)),
            Expr::List(list) => {
                let elements = list.elements.iter().map(|element| self.expression(element, depth + 1));
                Ok(Expression::List(elements.collect::<Result<_, _>>()?))
            }
            Expr::Select(SelectExpr { operand, field, test: true }) => Ok(match path(&operand.expr, 0) {
                Some(path) => Expression::Has(format!("{path}.{field}").into()),
                None => self.not_known("has"),
            }),
            Expr::Call(call) => self.call(call, depth),
            _ => Ok(self.not_known("a part that is not evaluated")),
        }
    }

    fn literal(&self, literal: &LiteralValue) -> Expression {
        match literal {
            LiteralValue::Boolean(value) => Expression::Value(Value::Bool(*value.inner())),
            LiteralValue::Int(value) => Expression::Value(Value::Int(*value.inner())),
            LiteralValue::String(value) => Expression::Value(Value::Text(value.inner().into())),
            _ => self.not_known("a literal that no attribute is equal to"),
        }
    }

    fn call(&self, call: &CallExpr, depth: u16) -> Result<Expression, String> {
        if let Some(tag) = tag(call) {
            return Ok(tag);
        }
        if let Some(attribute) = self.api_attribute(call, depth)? {
            return Ok(attribute);
        }
        let target = call.target.iter().map(|target| &**target);
        let arguments = target.chain(&call.args).map(|argument| self.expression(argument, depth + 1));
        let mut arguments = arguments.collect::<Result<Vec<_>, _>>()?;
        let name = call.func_name.as_str();
        if let (None, [first, second]) = (&call.target, arguments.as_mut_slice()) {
            let take = |one: &mut Expression| std::mem::replace(one, Expression::NONE);
            let mut both = || Box::new((take(first), take(second)));
            match name {
                operators::LOGICAL_AND => return Ok(Expression::And(both())),
                operators::LOGICAL_OR => return Ok(Expression::Or(both())),
                _ => {}
            }
            if let Some(comparison) = comparison(name) {
                return Ok(Expression::Compare(comparison, both()));
            }
            match name {
                operators::ADD => return Ok(Expression::Arithmetic(Arithmetic::Add, both())),
                operators::SUBSTRACT => return Ok(Expression::Arithmetic(Arithmetic::Subtract, both())),
                _ => {}
            }
        }
        match (name, arguments.len()) {
            (operators::LOGICAL_NOT, 1) => Ok(Expression::Not(Box::new(arguments.swap_remove(0)))),
            (operators::CONDITIONAL, 3) => Ok(Expression::If(arguments)),
            _ if super::call::is_known(name, arguments.len()) => Ok(Expression::Call(name.into(), arguments)),
            _ => Ok(self.not_known(name)),
        }
    }

    /// `api.getAttribute('name', default)`.
    fn api_attribute(&self, call: &CallExpr, depth: u16) -> Result<Option<Expression>, String> {
        let is_api =
            call.target.as_ref().is_some_and(|target| matches!(&target.expr, Expr::Ident(name) if name == "api"));
        let (true, "getAttribute", [name, default]) = (is_api, call.func_name.as_str(), call.args.as_slice()) else {
            return Ok(None);
        };
        let Some(name) = string(name) else { return Ok(Some(self.not_known("api.getAttribute"))) };
        let default = Box::new(self.expression(default, depth + 1)?);
        Ok(Some(Expression::Api { name: name.into(), default, doubt: format!("api.getAttribute('{name}')").into() }))
    }

    /// What a doubt is called about something that is not evaluated.
    fn not_known(&self, what: &str) -> Expression {
        let shown: String = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        Expression::NotKnown(Text::from(format!("`{what}` in `{}`", crate::gcp::evaluate::short(&shown))))
    }
}

/// `request.auth.access_levels`, `request.auth.claims['x']`: an attribute by its path.
fn path(expr: &Expr, depth: u16) -> Option<String> {
    match expr {
        _ if depth > MAX_DEPTH => None,
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(SelectExpr { operand, field, test: false }) => {
            Some(format!("{}.{field}", path(&operand.expr, depth + 1)?))
        }
        Expr::Call(CallExpr { func_name, target: None, args }) if func_name == operators::INDEX => {
            match args.as_slice() {
                [of, key] => Some(format!("{}['{}']", path(&of.expr, depth + 1)?, string(key)?)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// `resource.matchTag('123/env', 'prod')` and its three sisters.
fn tag(call: &CallExpr) -> Option<Expression> {
    let target = call.target.as_ref()?;
    if !matches!(&target.expr, Expr::Ident(name) if name == "resource") {
        return None;
    }
    let (key, value, by_id) = match (call.func_name.as_str(), call.args.as_slice()) {
        ("matchTag", [key, value]) => (string(key)?, Some(string(value)?), false),
        ("matchTagId", [key, value]) => (string(key)?, Some(string(value)?), true),
        ("hasTagKey", [key]) => (string(key)?, None, false),
        ("hasTagKeyId", [key]) => (string(key)?, None, true),
        _ => return None,
    };
    let doubt = match value {
        Some(value) => format!("resource.{}('{key}', '{value}')", call.func_name),
        None => format!("resource.{}('{key}')", call.func_name),
    };
    Some(Expression::Tag(Tag { key: key.into(), value: value.map(Into::into), by_id, doubt: doubt.into() }))
}

fn string(tree: &IdedExpr) -> Option<&str> {
    match &tree.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        operators::EQUALS => Comparison::Equal,
        operators::NOT_EQUALS => Comparison::NotEqual,
        operators::LESS => Comparison::Less,
        operators::LESS_EQUALS => Comparison::LessOrEqual,
        operators::GREATER => Comparison::Greater,
        operators::GREATER_EQUALS => Comparison::GreaterOrEqual,
        operators::IN => Comparison::In,
        _ => return None,
    })
}
