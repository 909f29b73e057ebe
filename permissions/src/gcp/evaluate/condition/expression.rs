//! Expressions and their values.

use std::borrow::Cow;
use std::cmp::Ordering;

use schemas::Text;
use smol_str::SmolStr;

use super::call;
use super::value::Value;
use crate::gcp::evaluate::context::{Context, Held};
use crate::truth::{Doubts, Truth};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Value(Value),
    /// By its path.
    Attribute(Text),
    Api {
        name: SmolStr,
        default: Box<Expression>,
        doubt: Text,
    },
    Tag(Tag),
    /// Whether an attribute is there.
    Has(Text),
    List(Vec<Expression>),
    Not(Box<Expression>),
    And(Both),
    Or(Both),
    /// Condition, then, else.
    If(Vec<Expression>),
    Compare(Comparison, Both),
    Arithmetic(Arithmetic, Both),
    /// A function of [`call`], the value it is called on first.
    Call(SmolStr, Vec<Expression>),
    /// What is not evaluated here, and what a doubt about it is called.
    NotKnown(Text),
}

pub(super) type Both = Box<(Expression, Expression)>;

/// A tag of the resource, with a value or with any.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tag {
    pub(super) key: SmolStr,
    pub(super) value: Option<SmolStr>,
    pub(super) by_id: bool,
    pub(super) doubt: Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
}

/// The attribute is not there, or a function has no such arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gcp::evaluate) struct Fault;

/// A value, `None` when it is not known.
pub(super) type Found<'v> = Result<Option<Cow<'v, Value>>, Fault>;

impl Expression {
    /// Stands where one was taken out.
    pub(super) const NONE: Self = Self::List(Vec::new());

    /// What it says as a condition.
    pub(super) fn truth<'e>(&'e self, context: &'e Context, doubts: &mut Doubts<'e>) -> Result<Truth, Fault> {
        match self {
            Self::Not(inner) => inner.truth(context, doubts).map(Truth::not),
            Self::And(both) => self.either(both, Truth::False, context, doubts),
            Self::Or(both) => self.either(both, Truth::True, context, doubts),
            _ => match self.value(context, doubts)? {
                None => Ok(Truth::Unknown),
                Some(value) => match *value {
                    Value::Bool(value) => Ok(Truth::of(value)),
                    _ => Err(Fault),
                },
            },
        }
    }

    /// Two sides of which one alone can decide, whatever is wrong with the other or not known of it.
    fn either<'e>(
        &self,
        both: &'e Both,
        decides: Truth,
        context: &'e Context,
        doubts: &mut Doubts<'e>,
    ) -> Result<Truth, Fault> {
        let from = doubts.mark();
        let left = both.0.truth(context, doubts);
        if left == Ok(decides) {
            return left;
        }
        let right = both.1.truth(context, doubts);
        if right == Ok(decides) {
            doubts.forget(from);
            return right;
        }
        match (left, right) {
            (Ok(Truth::Unknown), _) | (_, Ok(Truth::Unknown)) => Ok(Truth::Unknown),
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
            (left, _) => left,
        }
    }

    pub(super) fn value<'e>(&'e self, context: &'e Context, doubts: &mut Doubts<'e>) -> Found<'e> {
        match self {
            Self::Value(value) => Ok(Some(Cow::Borrowed(value))),
            Self::Attribute(path) => match context.attribute(path) {
                Held::Value(value) => Ok(Some(Cow::Borrowed(value))),
                Held::Absent => Err(Fault),
                Held::Unknown => unknown(path, doubts),
            },
            Self::Api { name, default, doubt } => match context.api(name) {
                Held::Value(value) => Ok(Some(Cow::Borrowed(value))),
                Held::Absent => default.value(context, doubts),
                Held::Unknown => unknown(doubt, doubts),
            },
            Self::Has(path) => match context.attribute(path) {
                Held::Value(_) => truth(true),
                Held::Absent => truth(false),
                Held::Unknown => unknown(path, doubts),
            },
            Self::Tag(tag) => match context.tag(&tag.key, tag.by_id) {
                Some(value) => {
                    truth(value.is_some() && tag.value.as_deref().is_none_or(|wanted| value == Some(wanted)))
                }
                None => unknown(&tag.doubt, doubts),
            },
            Self::NotKnown(doubt) => unknown(doubt, doubts),
            Self::Not(_) | Self::And(_) | Self::Or(_) => Ok(match self.truth(context, doubts)? {
                Truth::Unknown => None,
                known => Some(Cow::Owned(Value::Bool(known == Truth::True))),
            }),
            Self::If(parts) => choose(parts, context, doubts),
            Self::List(elements) => {
                let elements = known(elements, context, doubts)?;
                Ok(elements.map(|list| Cow::Owned(Value::List(list.into_iter().map(Cow::into_owned).collect()))))
            }
            Self::Compare(comparison, both) => {
                pair(both, context, doubts, |left, right| compare(*comparison, left, right).map(Value::Bool))
            }
            Self::Arithmetic(operator, both) => {
                pair(both, context, doubts, |left, right| call::arithmetic(*operator, left, right))
            }
            Self::Call(name, arguments) => match known(arguments, context, doubts)? {
                None => Ok(None),
                Some(arguments) => match call::call(name, &arguments) {
                    call::Called::Value(value) => Ok(Some(Cow::Owned(value))),
                    call::Called::Fault => Err(Fault),
                    call::Called::NotKnown => unknown(name, doubts),
                },
            },
        }
    }
}

fn unknown<'e>(doubt: &'e str, doubts: &mut Doubts<'e>) -> Found<'e> {
    doubts.add(doubt);
    Ok(None)
}

fn truth<'e>(value: bool) -> Found<'e> {
    Ok(Some(Cow::Owned(Value::Bool(value))))
}

fn choose<'e>(parts: &'e [Expression], context: &'e Context, doubts: &mut Doubts<'e>) -> Found<'e> {
    let [condition, then, otherwise] = parts else { return Err(Fault) };
    match condition.truth(context, doubts)? {
        Truth::True => then.value(context, doubts),
        Truth::False => otherwise.value(context, doubts),
        Truth::Unknown => Ok(None),
    }
}

/// The values of all, `None` when one is not known; an error only when all others are known.
fn known<'e>(
    expressions: &'e [Expression],
    context: &'e Context,
    doubts: &mut Doubts<'e>,
) -> Result<Option<Vec<Cow<'e, Value>>>, Fault> {
    let mut values = Vec::with_capacity(expressions.len());
    let (mut is_known, mut fault) = (true, None);
    for expression in expressions {
        match expression.value(context, doubts) {
            Ok(Some(value)) => values.push(value),
            Ok(None) => is_known = false,
            Err(wrong) => fault = Some(wrong),
        }
    }
    match (is_known, fault) {
        (false, _) => Ok(None),
        (true, Some(fault)) => Err(fault),
        (true, None) => Ok(Some(values)),
    }
}

fn pair<'e>(
    both: &'e Both,
    context: &'e Context,
    doubts: &mut Doubts<'e>,
    operation: impl Fn(&Value, &Value) -> Result<Value, Fault>,
) -> Found<'e> {
    match (both.0.value(context, doubts), both.1.value(context, doubts)) {
        (Ok(None), _) | (_, Ok(None)) => Ok(None),
        (Err(fault), _) | (_, Err(fault)) => Err(fault),
        (Ok(Some(left)), Ok(Some(right))) => operation(&left, &right).map(|value| Some(Cow::Owned(value))),
    }
}

fn compare(comparison: Comparison, left: &Value, right: &Value) -> Result<bool, Fault> {
    if comparison == Comparison::In {
        let Value::List(list) = right else { return Err(Fault) };
        return Ok(list.contains(left));
    }
    let order = match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Value::Time(left), Value::Time(right)) | (Value::Duration(left), Value::Duration(right)) => left.cmp(right),
        (Value::List(left), Value::List(right)) => match comparison {
            Comparison::Equal => return Ok(left == right),
            Comparison::NotEqual => return Ok(left != right),
            _ => return Err(Fault),
        },
        _ => return Err(Fault),
    };
    Ok(match comparison {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::NotEqual => order != Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
        Comparison::In => false,
    })
}
