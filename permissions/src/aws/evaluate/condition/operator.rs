//! The names of condition operators.

/// How the values of a key in the request are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    /// No prefix: the key has one value.
    One,
    /// `ForAllValues:`.
    All,
    /// `ForAnyValue:`.
    Any,
}

/// What values are compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    IpAddress,
    Arn,
    Null,
}

/// How a request's number or date stands to the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An operator taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) kind: Kind,
    pub(super) negated: bool,
    pub(super) if_exists: bool,
    pub(super) quantifier: Quantifier,
}

/// Every operator without prefix and suffix, in lower case, and whether it is negated.
pub(in super::super) const OPERATORS: [(&str, Kind, bool); 27] = [
    ("stringequals", Kind::StringEquals, false),
    ("stringnotequals", Kind::StringEquals, true),
    ("stringequalsignorecase", Kind::StringEqualsIgnoreCase, false),
    ("stringnotequalsignorecase", Kind::StringEqualsIgnoreCase, true),
    ("stringlike", Kind::StringLike, false),
    ("stringnotlike", Kind::StringLike, true),
    ("numericequals", Kind::Numeric(Order::Equal), false),
    ("numericnotequals", Kind::Numeric(Order::Equal), true),
    ("numericlessthan", Kind::Numeric(Order::Less), false),
    ("numericlessthanequals", Kind::Numeric(Order::LessOrEqual), false),
    ("numericgreaterthan", Kind::Numeric(Order::Greater), false),
    ("numericgreaterthanequals", Kind::Numeric(Order::GreaterOrEqual), false),
    ("dateequals", Kind::Date(Order::Equal), false),
    ("datenotequals", Kind::Date(Order::Equal), true),
    ("datelessthan", Kind::Date(Order::Less), false),
    ("datelessthanequals", Kind::Date(Order::LessOrEqual), false),
    ("dategreaterthan", Kind::Date(Order::Greater), false),
    ("dategreaterthanequals", Kind::Date(Order::GreaterOrEqual), false),
    ("bool", Kind::Bool, false),
    ("binaryequals", Kind::Binary, false),
    ("ipaddress", Kind::IpAddress, false),
    ("notipaddress", Kind::IpAddress, true),
    ("arnequals", Kind::Arn, false),
    ("arnlike", Kind::Arn, false),
    ("arnnotequals", Kind::Arn, true),
    ("arnnotlike", Kind::Arn, true),
    ("null", Kind::Null, false),
];

impl Operator {
    /// Reads a name such as `ForAnyValue:StringLikeIfExists`, in any case. `Null` takes neither prefix nor suffix.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (quantifier, rest) = match name.split_once(':') {
            Some(("forallvalues", rest)) => (Quantifier::All, rest),
            Some(("foranyvalue", rest)) => (Quantifier::Any, rest),
            Some(_) => return None,
            None => (Quantifier::One, name.as_str()),
        };
        let (base, if_exists) = rest.strip_suffix("ifexists").map_or((rest, false), |base| (base, true));
        let (_, kind, negated) = *OPERATORS.iter().find(|(known, ..)| *known == base)?;
        if kind == Kind::Null && (if_exists || quantifier != Quantifier::One) {
            return None;
        }
        Some(Self { kind, negated, if_exists, quantifier })
    }
}

impl Order {
    pub(super) fn holds<T: Ord>(self, request: &T, policy: &T) -> bool {
        match self {
            Self::Equal => request == policy,
            Self::Less => request < policy,
            Self::LessOrEqual => request <= policy,
            Self::Greater => request > policy,
            Self::GreaterOrEqual => request >= policy,
        }
    }
}
