//! Amazon Resource Names: `arn:partition:service:region:account:resource`.

/// A name taken apart. The parts are as written; patterns and forms with `${…}` are taken apart all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: &'a str,
    /// The service, such as `s3`.
    pub service: &'a str,
    /// The region; `None` when empty.
    pub region: Option<&'a str>,
    /// The account; `None` when empty.
    pub account: Option<&'a str>,
    /// All the rest, colons and slashes included.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes a name apart; `None` when it has not six parts or does not start with `arn:`.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        let (partition, service, region, account, resource) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let some = |part: &'a str| (!part.is_empty()).then_some(part);
        Some(Self { partition, service, region: some(region), account: some(account), resource })
    }

    /// The type word before the first `/` or `:` of the resource; `None` for services whose resource is a bare name.
    #[must_use]
    pub fn resource_type(&self) -> Option<&'a str> {
        self.resource.find(['/', ':']).map(|at| &self.resource[..at])
    }

    /// The name after the type word, or the whole resource.
    #[must_use]
    pub fn resource_name(&self) -> &'a str {
        self.resource.find(['/', ':']).map_or(self.resource, |at| &self.resource[at + 1..])
    }
}

/// The ARN of the container that a grant can name; the text itself when it is none of the known kinds.
pub(crate) fn aws_container(text: &str) -> &str {
    let Some(arn) = Arn::parse(text) else { return text };
    let head = text.len() - arn.resource.len();
    let keep = match (arn.service, arn.resource_type()) {
        ("s3", _) if arn.account.is_none() => arn.resource.find('/'),
        ("dynamodb" | "kinesis", Some(_)) => nth(arn.resource, '/', 1),
        ("lambda", Some("function" | "layer")) => nth(arn.resource, ':', 1),
        ("logs", Some("log-group")) => nth(arn.resource, ':', 1),
        ("apigateway", _) => nth(arn.resource, '/', 2),
        ("execute-api", _) => arn.resource.find('/'),
        _ => None,
    };
    &text[..head + keep.unwrap_or(arn.resource.len())]
}

/// The place of the separator that ends the first `n + 1` pieces.
fn nth(text: &str, separator: char, n: usize) -> Option<usize> {
    text.match_indices(separator).nth(n).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::Arn;

    #[test]
    fn an_arn_is_taken_apart() {
        let arn = Arn::parse("arn:aws:sts::123456789012:assumed-role/Admin/session:x");
        assert_eq!(
            arn,
            Some(Arn {
                partition: "aws",
                service: "sts",
                region: None,
                account: Some("123456789012"),
                resource: "assumed-role/Admin/session:x",
            })
        );
        assert_eq!(Arn::parse("arn:aws:s3"), None);
        assert_eq!(Arn::parse("*"), None);
    }
}
