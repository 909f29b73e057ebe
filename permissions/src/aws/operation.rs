//! Which actions a CloudTrail call uses. The operation is not the action: `ListBuckets` needs `s3:ListAllMyBuckets`,
//! `Invoke20150331` needs `lambda:InvokeFunction`, `GetCallerIdentity` needs nothing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use schemas::{Action, ActionKnown, Provider};
use smol_str::SmolStr;

use super::event_source::{HOST, iam_prefix};
use crate::bundled;
use crate::catalogue::{ActionIdx, Catalogue};

/// No operation has a longer name; the longest has 70 characters. What is longer is no operation.
const MAX_OPERATION: usize = 128;

static OPERATIONS: &[u8] = include_bytes!("../../data/aws_operations.tsv.gz");

/// What no list has right, a line each with the page that says so; laid over the other.
static SPECIAL: &str = include_str!("../../data/aws_special.tsv");

/// Where people sign in. Unlike those of other services its calls need no permission unless the catalogue has one.
const SIGN_IN: &str = "signin";

/// One action that a call may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionUse {
    /// The action in the catalogue's spelling.
    pub action: Action,
    /// Its number in the bundled catalogue, which has all of them.
    pub idx: Option<ActionIdx>,
    /// Whether only some parameters call for it: a role that is passed, a version that is named, tags that are set. Such
    /// an action counts as used only when the parameters show it.
    pub implied: bool,
}

/// The actions of a call, the most specific first, and how sure they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationActions {
    /// The first is the call's own action. Empty when none is needed or none is known.
    pub actions: Cow<'static, [ActionUse]>,
    /// Mapped, assumed, none needed or unknown.
    pub known: ActionKnown,
}

impl OperationActions {
    fn none(known: ActionKnown) -> Self {
        Self { actions: Cow::Borrowed(&[]), known }
    }
}

/// Says which actions a call uses, from CloudTrail's `eventSource` and `eventName`.
#[must_use]
pub fn operation_actions(event_source: &str, operation: &str) -> OperationActions {
    let Some(prefix) = iam_prefix(event_source) else { return OperationActions::none(ActionKnown::Unknown) };
    let name = without_version(operation);
    if name.len() > MAX_OPERATION {
        return OperationActions::none(ActionKnown::Unknown);
    }
    match in_table(prefix, name) {
        Some([]) => OperationActions::none(ActionKnown::NoneNeeded),
        Some(actions) => OperationActions { actions: Cow::Borrowed(actions), known: ActionKnown::Mapped },
        None => assumed(prefix, name),
    }
}

/// Says why nothing is known of a call, in words for people; `None` when something is. The service is an `eventSource` or
/// an IAM prefix, which is what events keep of it.
#[must_use]
pub fn why_unknown(service: &str, operation: &str) -> Option<String> {
    let event_source = if service.contains('.') { Cow::from(service) } else { Cow::from(format!("{service}{HOST}")) };
    if operation_actions(&event_source, operation).known != ActionKnown::Unknown {
        return None;
    }
    let Some(prefix) = iam_prefix(&event_source) else {
        return Some(format!("no AWS service is known as `{service}`"));
    };
    if operation.len() > MAX_OPERATION {
        return Some(format!("`{prefix}` has no call with a name so long"));
    }
    let but = match services_with(without_version(operation)).as_slice() {
        [] => String::new(),
        [one] => format!("; {one} has it"),
        several => format!("; it is known of {}", several.join(", ")),
    };
    Some(format!("`{prefix}` has no action of that name, and no table knows the call{but}"))
}

/// How many services are named that have a call which its own service has not: one is the mistake of who wrote the record,
/// many are a common name.
const MAX_SERVICES: usize = 2;

fn services_with(operation: &str) -> Vec<String> {
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    let has = |service: &&SmolStr| {
        in_table(service, operation).is_some() || catalogue.lookup(&key(service, operation)).is_some()
    };
    catalogue.services().iter().filter(has).map(|service| format!("`{service}`")).take(MAX_SERVICES).collect()
}

/// Looks a call up without allocating; records come by the million.
fn in_table(prefix: &str, operation: &str) -> Option<&'static [ActionUse]> {
    let mut buffer = [0; 2 * MAX_OPERATION];
    let (head, length) = (prefix.len(), prefix.len() + 1 + operation.len());
    let folded = buffer.get_mut(..length)?;
    folded[..head].copy_from_slice(prefix.as_bytes());
    folded[head] = b':';
    folded[head + 1..].copy_from_slice(operation.as_bytes());
    folded.make_ascii_lowercase();
    TABLE.get(std::str::from_utf8(folded).ok()?).map(Vec::as_slice)
}

/// The table of data, with the special cases laid over it.
static TABLE: LazyLock<HashMap<SmolStr, Vec<ActionUse>>> = LazyLock::new(|| {
    let text = bundled::unpack(OPERATIONS);
    let mut table = HashMap::with_capacity(20_000);
    for (prefix, operation, actions) in bundled::lines(&text).chain(bundled::lines(SPECIAL)).filter_map(row) {
        table.insert(key(prefix, operation), uses(prefix, operation, actions));
    }
    table
});

fn row(line: &str) -> Option<(&str, &str, &str)> {
    let mut fields = line.split('\t');
    Some((fields.next()?, fields.next()?, fields.next()?))
}

fn key(prefix: &str, operation: &str) -> SmolStr {
    let mut key = String::with_capacity(prefix.len() + operation.len() + 1);
    key.push_str(prefix);
    key.push(':');
    key.push_str(operation);
    key.make_ascii_lowercase();
    SmolStr::from(key)
}

/// Reads `=,+a`, where `=` is the action of the call's own name; none for `-`. Orders that one first, then its service's,
/// then others', implied ones last.
fn uses(prefix: &str, operation: &str, actions: &str) -> Vec<ActionUse> {
    let own = key(prefix, operation);
    let names = actions.split(',').filter(|name| !name.is_empty() && *name != "-");
    let mut found: Vec<ActionUse> = names.map(|name| one(name, &own)).collect();
    found.sort_by_key(|used| {
        let foreign = used.action.split(':').next() != Some(prefix);
        (used.implied, !used.action.eq_ignore_ascii_case(&own), foreign)
    });
    found
}

fn one(name: &str, own: &str) -> ActionUse {
    let (name, implied) = name.strip_prefix('+').map_or((name, false), |name| (name, true));
    let name = if name == "=" { own } else { name };
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    let idx = catalogue.lookup(name);
    let action = idx.map_or_else(|| Action::from(name), |idx| Action::from(catalogue.action(idx).name.clone()));
    ActionUse { action, idx, implied }
}

/// What the table does not know: the action of the same name, or API Gateway's HTTP verbs.
fn assumed(prefix: &str, operation: &str) -> OperationActions {
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    let guess = match prefix {
        "apigateway" => catalogue.lookup(&format!("apigateway:{}", http_verb(operation))),
        _ => catalogue.lookup(&key(prefix, operation)),
    };
    let Some(idx) = guess else {
        let known = if prefix == SIGN_IN { ActionKnown::NoneNeeded } else { ActionKnown::Unknown };
        return OperationActions::none(known);
    };
    let action = Action::from(catalogue.action(idx).name.clone());
    let used = ActionUse { action, idx: Some(idx), implied: false };
    OperationActions { actions: Cow::Owned(vec![used]), known: ActionKnown::Assumed }
}

fn http_verb(operation: &str) -> &'static str {
    match operation {
        _ if operation.starts_with("Get") || operation.starts_with("Export") => "GET",
        _ if operation.starts_with("Update") => "PATCH",
        _ if operation.starts_with("Delete") || operation.starts_with("Flush") || operation.starts_with("Untag") => {
            "DELETE"
        }
        _ if operation.starts_with("Put") || operation.starts_with("Tag") || operation.starts_with("Reimport") => "PUT",
        _ => "POST",
    }
}

/// Cuts the API version that Lambda and CloudFront append: `20150331`, `20150331v2`, `2020_05_31`.
fn without_version(operation: &str) -> &str {
    let stem = match operation.rfind('v') {
        Some(at) if at + 1 < operation.len() && operation[at + 1..].bytes().all(|b| b.is_ascii_digit()) => {
            &operation[..at]
        }
        _ => operation,
    };
    let cut = stem.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let tail = &stem[cut.len()..];
    let dated = matches!(tail.len(), 8 | 10) && (tail.starts_with("20") || tail.starts_with("19"));
    if dated && !cut.is_empty() { cut } else { operation }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn check(source: &str, operation: &str, expected: &str) {
        let found = operation_actions(&format!("{source}.amazonaws.com"), operation);
        let actions: Vec<String> = found
            .actions
            .iter()
            .map(|u| format!("{}{}", if u.implied { "+" } else { "" }, u.action.as_str()))
            .collect();
        assert_eq!(format!("{} {}", found.known, actions.join(",")).trim(), expected, "{source} {operation}");
    }

    #[test]
    fn a_call_uses_the_actions_that_its_service_asks_for() {
        check("s3", "ListBuckets", "mapped s3:ListAllMyBuckets");
        check("s3", "HeadObject", "mapped s3:GetObject,+s3:GetObjectVersion");
        check("lambda", "Invoke20150331", "mapped lambda:InvokeFunction");
        check("lambda", "ListFunctions20150331", "mapped lambda:ListFunctions");
        check("lambda", "UpdateFunctionCode20150331v2", "mapped lambda:UpdateFunctionCode");
        check("cloudfront", "CreateFunction2020_05_31", "mapped cloudfront:CreateFunction");
        check("monitoring", "DescribeAlarms", "mapped cloudwatch:DescribeAlarms");
        check("sts", "GetCallerIdentity", "none_needed");
        check("signin", "ConsoleLogin", "none_needed");
        check("kms", "ReEncrypt", "mapped kms:ReEncryptFrom,kms:ReEncryptTo");
        check("apigateway", "CreateRestApi", "mapped apigateway:POST");
        check("apigateway", "GetSomethingNew", "assumed apigateway:GET");
        check("ec2", "RunInstances", "mapped ec2:RunInstances,+ec2:CreateTags,+iam:PassRole");
        check("unknown", "UnknownAPI", "unknown");
        check("iam", "CreateUser", "mapped iam:CreateUser,+iam:TagUser");
        check("ec2", "CreateVpc", "mapped ec2:CreateVpc,+ec2:CreateTags");
        check("sqs", "SendMessageBatch", "mapped sqs:SendMessage");
        check("models-v2-lex", "CreateBot", "mapped lex:CreateBot");
        check("s3", "CreateAccessPoint", "mapped s3:CreateAccessPoint");
        check("eks", "CreateAccessEntry", "mapped eks:CreateAccessEntry");
        check("sso", "UpdateSsoConfiguration", "assumed sso:UpdateSSOConfiguration");
        check("portal.sso", "ListAccountRoles", "none_needed");
        check("oidc", "CreateToken", "none_needed");
        check("oidc", "CreateTokenWithIAM", "mapped sso-oauth:CreateTokenWithIAM");
        check("signin", "CreateOAuth2Token", "mapped signin:CreateOAuth2Token");
        check("sts", "AssumeRoleWithSAML", "mapped sts:AssumeRoleWithSAML");
    }

    #[test]
    fn what_is_unknown_says_why() {
        let check = |service, operation, expected: Option<&str>| {
            assert_eq!(why_unknown(service, operation).as_deref(), expected, "{service} {operation}");
        };
        check("s3", "GetObject", None);
        check("signin.amazonaws.com", "ConsoleLogin", None);
        check("unknown", "UnknownAPI", Some("no AWS service is known as `unknown`"));
        check("foo", "bar", Some("no AWS service is known as `foo`"));
        let one = "`s3` has no action of that name, and no table knows the call; `sqs` has it";
        check("s3", "SetQueueAttributes", Some(one));
        let two = "`ec2` has no action of that name, and no table knows the call; it is known of `s3`, `s3-outposts`";
        check("ec2.amazonaws.com", "PutBucketVersioning", Some(two));
        let nobody = "`cloudtrail` has no action of that name, and no table knows the call";
        check("cloudtrail", "DescribeTrail", Some(nobody));
        check("iam", &"x".repeat(200), Some("`iam` has no call with a name so long"));
    }

    #[test]
    fn only_a_date_is_cut() {
        for (operation, cut) in [
            ("GetFunction20150331v2", "GetFunction"),
            ("ListDistributions2020_05_31", "ListDistributions"),
            ("ListObjectsV2", "ListObjectsV2"),
            ("20150331", "20150331"),
            ("GetX12345678", "GetX12345678"),
            ("DescribeInstancesv", "DescribeInstancesv"),
        ] {
            assert_eq!(without_version(operation), cut);
        }
    }

    fn in_order() -> impl Iterator<Item = (&'static SmolStr, &'static Vec<ActionUse>)> {
        TABLE.iter().collect::<BTreeMap<_, _>>().into_iter()
    }

    /// The tables against the catalogue, which is made of another list.
    #[test]
    fn every_action_of_the_tables_is_in_the_catalogue() {
        let catalogue = Catalogue::bundled().provider(Provider::Aws);
        assert!(TABLE.len() > 17_500, "{}", TABLE.len());
        for (call, actions) in in_order() {
            let (prefix, operation) = call.split_once(':').unwrap();
            assert!(catalogue.has_service(prefix), "{call}");
            assert!(operation.len() <= MAX_OPERATION && operation.bytes().all(|b| b.is_ascii_alphanumeric()), "{call}");
            let mut names: Vec<&str> = actions.iter().map(|used| used.action.as_str()).collect();
            for used in actions {
                let idx = used.idx.unwrap_or_else(|| panic!("{call} needs {}", used.action));
                assert_eq!(
                    catalogue.action(idx).name.as_str(),
                    used.action.as_str(),
                    "{call}: in the catalogue's spelling"
                );
            }
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), actions.len(), "{call} names an action twice");
            // Only where every action depends on the parameters is none of them certain.
            let uncertain = actions.iter().all(|used| used.implied) && !actions.is_empty();
            assert_eq!(uncertain, UNCERTAIN.contains(&call.as_str()), "{call}");
        }
    }

    /// Statements in a language of their own, and lists of other calls: what they say decides.
    const UNCERTAIN: [&str; 4] = [
        "dynamodb:batchexecutestatement",
        "dynamodb:executestatement",
        "dynamodb:executetransaction",
        "dynamodb:transactwriteitems",
    ];

    #[test]
    fn every_special_case_has_a_page_and_its_place() {
        let rows: Vec<Vec<&str>> = bundled::lines(SPECIAL).map(|line| line.split('\t').collect()).collect();
        for fields in &rows {
            assert_eq!(fields.len(), 4, "{fields:?}");
            assert!(fields[3].starts_with("docs.aws.amazon.com/") && fields[3].ends_with(".html"), "{fields:?}");
        }
        let place = |fields: &[&str]| (fields[0].to_owned(), fields[1].to_ascii_lowercase());
        assert!(rows.is_sorted_by(|a, b| place(a) < place(b)));
    }

    /// No case matters, and neither do versions: what the table has it has under any spelling.
    #[test]
    fn calls_have_no_case() {
        // A date behind a digit could be a number of the name's own.
        for (call, actions) in in_order().filter(|(call, _)| !call.ends_with(|c: char| c.is_ascii_digit())) {
            let (prefix, operation) = call.split_once(':').unwrap();
            for spelled in
                [operation.to_ascii_uppercase(), format!("{operation}20150331"), format!("{operation}2020_05_31v2")]
            {
                assert_eq!(
                    in_table(prefix, without_version(&spelled)),
                    Some(actions.as_slice()),
                    "{call} as {spelled}"
                );
            }
        }
    }
}
