//! Resources: the form of their ARNs, and whether the statement's actions act on them.

use std::collections::HashMap;

use super::reference::{ActionReference, REFERENCE};
use super::{Document, Spot, Statement, is_whole};
use crate::aws::arn::Arn;
use crate::lint::{Found, Kind, RuleId, short};

/// Work per document: cells of the tables that compare patterns, and pairs of action and resource. Past either, the rest
/// of the document is not held against each other; AWS's largest own policy takes a hundredth.
const MAX_CELLS: usize = 50_000_000;
const MAX_PAIRS: usize = 10_000_000;
/// Longer patterns are not compared; AWS's own limit on an ARN is 2,048.
const MAX_PATTERN: usize = 2048;

pub(super) fn check(document: &Document<'_>, found: &mut Found) {
    let mut work = Work::default();
    for statement in &document.statements {
        for spot in statement.resources.iter().chain(&statement.not_resources).flatten() {
            form(*spot, document.kind, found);
        }
        if document.kind != Kind::AwsTrust {
            work.known.clear();
            fit(document, statement, &mut work, found);
        }
    }
}

/// A resource is `*` or six parts with plausible partition and account.
fn form(spot: Spot<'_>, kind: Kind, found: &mut Found) {
    let Spot { text, at } = spot;
    if is_whole(text) || text.starts_with("${") {
        return;
    }
    let mut malformed = |why: &str| found.add(RuleId::AwsArnMalformed, at, format!("`{}` {why}", short(text)));
    let Some(arn) = Arn::parse(text) else {
        // A wildcard may stand for several parts: `arn:aws:s3*`, `arn:*:iam::*`.
        let wild = text.starts_with("arn:") && text.ends_with('*') && !text.contains('/');
        let bare_api = kind == Kind::AwsResource && text.starts_with("execute-api:/");
        if !wild && !bare_api {
            malformed("is not `*` nor an ARN of six parts");
        }
        return;
    };
    let wild = |part: &str| part.contains(['*', '?', '$']);
    if !wild(arn.partition) && !arn.partition.starts_with("aws") {
        malformed("has a partition that does not exist");
    } else if arn
        .account
        .is_some_and(|a| !wild(a) && a != "aws" && !(a.len() == 12 && a.bytes().all(|b| b.is_ascii_digit())))
        && arn.account != Some("third-party")
    {
        malformed("has an account that is not twelve digits");
    } else if arn.service.bytes().any(|b| b.is_ascii_uppercase()) {
        malformed("has a service in upper case");
    } else if arn.service.is_empty() || arn.resource.is_empty() {
        malformed("has an empty service or resource");
    }
}

/// Whether actions and resources fit each other.
fn fit(document: &Document<'_>, statement: &Statement<'_>, work: &mut Work, found: &mut Found) {
    let (Some(actions), Some(resources)) = (&statement.actions, &statement.resources) else { return };
    if resources.is_empty() || resources.iter().any(|r| is_whole(r.text) || r.text.len() > MAX_PATTERN) {
        return;
    }
    let resources: Vec<Resource<'_>> = resources.iter().map(|r| Resource::new(*r)).collect();
    let mut used = vec![false; resources.len()];
    let mut n_unused = resources.len();
    let mut all_known = true;
    for spot in actions {
        let expanded = document.catalogue.expand(spot.text);
        let mut acted_on = false;
        let mut needs_star = !expanded.is_empty();
        for idx in expanded.iter() {
            let Some(info) = document.catalogue.get(crate::ActionIdx(idx)) else { continue };
            let Some(action) = REFERENCE.action(&info.name) else { continue };
            needs_star &= action.forms.is_empty();
            if acted_on && n_unused == 0 {
                continue;
            }
            work.pairs += resources.len();
            for (at, (resource, used)) in resources.iter().zip(&mut used).enumerate() {
                // Once both are known to fit something, there is nothing more to learn from the pair.
                if (!acted_on || !*used) && resource.fits(at, &info.service, action, work) {
                    acted_on = true;
                    n_unused -= usize::from(!*used);
                    *used = true;
                }
            }
            if work.cells > MAX_CELLS || work.pairs > MAX_PAIRS {
                return;
            }
        }
        all_known &= !expanded.is_empty();
        if !expanded.is_empty() && !acted_on {
            let (rule, why) = if needs_star {
                (RuleId::AwsActionNeedsStar, "has no resource-level permissions and takes effect on `*` alone")
            } else {
                (RuleId::AwsActionOffResource, "acts on none of the statement's resources")
            };
            found.add(rule, spot.at, format!("`{}` {why}", short(spot.text)));
        }
    }
    for (resource, used) in resources.iter().zip(used) {
        if all_known && !used && Arn::parse(resource.spot.text).is_some() {
            let message = format!("no action of the statement acts on `{}`", short(resource.spot.text));
            found.add(RuleId::AwsResourceOffAction, resource.spot.at, message);
        }
    }
}

/// What was compared of a document, and of a statement what came of it: by number of the resource and form.
#[derive(Default)]
struct Work {
    cells: usize,
    pairs: usize,
    known: HashMap<(usize, &'static str), bool>,
}

/// A resource pattern, ready to compare.
struct Resource<'n> {
    spot: Spot<'n>,
    pieces: Vec<Piece>,
    service: Option<&'n str>,
    /// Everything of its service: grants also what has no resource types, as AWS's own policies do.
    all_of_service: bool,
}

/// A piece of a pattern: one character, or what may stand for some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    One,
    /// Any text.
    Any,
    /// Any text without `:`.
    Part,
    /// Any text without `/`: the name of a bucket.
    Name,
}

impl<'n> Resource<'n> {
    fn new(spot: Spot<'n>) -> Self {
        let service = spot.text.split(':').nth(2).filter(|service| !service.contains(['*', '?', '$']));
        let all_of_service = spot.text.splitn(6, ':').nth(5) == Some("*") && service.is_some();
        Self { spot, pieces: written(spot.text), service, all_of_service }
    }

    fn fits(&self, at: usize, service: &str, action: &ActionReference, work: &mut Work) -> bool {
        work.pairs += 1 + action.forms.len();
        if action.forms.is_empty() {
            return self.all_of_service && self.service == Some(service);
        }
        action.forms.iter().any(|form| {
            let of = form.split(':').nth(2).unwrap_or_default();
            if self.service.is_some_and(|s| s != of && !of.contains('$')) {
                return false;
            }
            let Work { known, cells, .. } = &mut *work;
            *known.entry((at, form)).or_insert_with(|| {
                let form = documented(form);
                *cells += self.pieces.len() * form.len();
                meet(&self.pieces, &form)
            })
        })
    }
}

/// A pattern as a policy writes it; a variable stands for any text.
fn written(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.bytes().next() {
        let variable = rest.starts_with("${").then(|| rest.find('}')).flatten();
        if let Some(end) = variable {
            pieces.push(Piece::Any);
            rest = &rest[end + 1..];
            continue;
        }
        pieces.push(match c {
            b'*' => Piece::Any,
            b'?' => Piece::One,
            c => Piece::Byte(c),
        });
        // Bytes, not characters: both sides are compared so.
        rest = rest.get(1..).unwrap_or_else(|| &rest[rest.chars().next().map_or(1, char::len_utf8)..]);
    }
    pieces
}

/// A form of the reference: `${…}` stands for one part, and in the last part for any text.
fn documented(form: &str) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(form.len());
    let mut colons = 0;
    let bucket = form.contains(":s3:::${BucketName}");
    let mut rest = form;
    while let Some(c) = rest.chars().next() {
        let variable = rest.starts_with("${").then(|| rest.find('}')).flatten();
        if let Some(end) = variable {
            pieces.push(match colons {
                0..5 => Piece::Part,
                _ if bucket && rest.starts_with("${BucketName}") => Piece::Name,
                _ => Piece::Any,
            });
            rest = &rest[end + 1..];
            continue;
        }
        colons += usize::from(c == ':');
        let mut buffer = [0; 4];
        let bytes = c.encode_utf8(&mut buffer).bytes();
        pieces.extend(bytes.map(|b| if b == b'*' { Piece::Any } else { Piece::Byte(b) }));
        rest = &rest[c.len_utf8()..];
    }
    pieces
}

impl Piece {
    /// Whether it may stand for several characters or none.
    fn stretches(self) -> bool {
        matches!(self, Self::Any | Self::Part | Self::Name)
    }

    /// Whether it may stand for a piece of the other side.
    fn takes(self, other: Self) -> bool {
        match (self, other) {
            (Self::Byte(a), Self::Byte(b)) => a == b,
            (Self::Part, Self::Byte(b)) => b != b':',
            (Self::Name, Self::Byte(b)) => b != b'/',
            (Self::Byte(_), other) if other != Self::One => other.takes(self),
            _ => true,
        }
    }
}

/// Whether two patterns have a text in common: a table of what is left of one against what is left of the other, row by
/// row.
fn meet(a: &[Piece], b: &[Piece]) -> bool {
    let mut below = vec![false; b.len() + 1];
    let mut row = below.clone();
    for i in (0..=a.len()).rev() {
        for j in (0..=b.len()).rev() {
            row[j] = match (a.get(i), b.get(j)) {
                (None, None) => true,
                (Some(x), None) => x.stretches() && below[j],
                (None, Some(y)) => y.stretches() && row[j + 1],
                (Some(x), Some(y)) => {
                    let skip = x.stretches() && below[j] || y.stretches() && row[j + 1];
                    let swallow =
                        x.stretches() && x.takes(*y) && row[j + 1] || y.stretches() && y.takes(*x) && below[j];
                    skip || swallow || !x.stretches() && !y.stretches() && x.takes(*y) && below[j + 1]
                }
            };
        }
        std::mem::swap(&mut below, &mut row);
    }
    below[0]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::pattern::matches;

    #[test]
    fn a_pattern_meets_the_form_of_its_type() {
        let bucket = documented("arn:${Partition}:s3:::${BucketName}");
        let object = documented("arn:${Partition}:s3:::${BucketName}/${ObjectName}");
        let meets = |text: &str, form: &[Piece]| meet(&written(text), form);
        assert!(meets("arn:aws:s3:::b", &bucket) && !meets("arn:aws:s3:::b", &object));
        assert!(meets("arn:aws:s3:::b/*", &object) && !meets("arn:aws:s3:::b/*", &bucket));
        assert!(meets("arn:aws:s3:::b*", &object) && meets("arn:aws:s3:::b*", &bucket));
        assert!(meets("arn:aws:s3:::${aws:username}/x", &object));
        let role = documented("arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}");
        assert!(meets("arn:aws:iam::123456789012:role/a/b", &role));
        assert!(!meets("arn:aws:iam::123456789012:user/a", &role));
    }

    proptest! {
        /// The oracle: if a text matches both patterns, they meet.
        #[test]
        fn what_both_match_they_have_in_common(a in "[ab*?]{0,6}", b in "[ab*?]{0,6}", text in "[ab]{0,6}") {
            let both = |p: &str| matches(p.as_bytes(), text.as_bytes(), true, false);
            if both(&a) && both(&b) {
                prop_assert!(meet(&written(&a), &written(&b)));
            }
        }

        #[test]
        fn what_meets_has_a_common_text(a in "[ab*?]{0,4}", b in "[ab*?]{0,4}") {
            let texts = (0..=8_u32).flat_map(|n| (0..1_u32 << n).map(move |bits| {
                (0..n).map(|i| if bits >> i & 1 == 0 { 'a' } else { 'b' }).collect::<String>()
            }));
            let common = texts.into_iter().any(|t| [&a, &b].iter().all(|p| matches(p.as_bytes(), t.as_bytes(), true, false)));
            prop_assert_eq!(meet(&written(&a), &written(&b)), common);
        }
    }
}
