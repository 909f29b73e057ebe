//! Actions: their form, and whether they exist.

use super::{Document, Spot};
use crate::lint::nearest::{hint, nearest};
use crate::lint::{Found, Kind, RuleId, short};

/// Names for which a nearest one is searched, per document; bounds the time of a file full of nonsense.
const MAX_HINTS: usize = 64;

pub(super) fn check(document: &Document<'_>, found: &mut Found) {
    let mut n_hints = 0;
    for statement in &document.statements {
        for spot in statement.actions.iter().chain(&statement.not_actions).flatten() {
            action(document, *spot, &mut n_hints, found);
        }
    }
}

fn action(document: &Document<'_>, spot: Spot<'_>, n_hints: &mut usize, found: &mut Found) {
    let Spot { text, at } = spot;
    if text == "*" {
        return;
    }
    let Some((service, name)) = text.split_once(':') else {
        // An SCP may stop inside the service's name, such as `ec2*`; elsewhere AWS refuses it.
        return found.add(RuleId::AwsMalformedAction, at, format!("`{}` is not `service:Name`", short(text)));
    };
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'*' | b'?' | b'_');
    if service.is_empty() || name.is_empty() || !service.bytes().all(fine) || !name.bytes().all(fine) {
        return found.add(RuleId::AwsMalformedAction, at, format!("`{}` is not `service:Name`", short(text)));
    }
    if service.contains(['*', '?']) {
        if service == "*" && name == "*" && document.kind != Kind::AwsRcp {
            return;
        }
        let message = format!("`{}`: a service's prefix takes no wildcard", short(text));
        return found.add(RuleId::AwsMalformedAction, at, message);
    }
    if !document.catalogue.expand(text).is_empty() {
        return;
    }
    *n_hints += 1;
    let searched = *n_hints <= MAX_HINTS;
    let folded = service.to_ascii_lowercase();
    if !document.catalogue.has_service(&folded) {
        let services = document.catalogue.services().iter().map(|s| s.as_str()).filter(|_| searched);
        let hint = hint(service, services);
        return found.add(
            RuleId::AwsUnknownService,
            at,
            format!("no service has the prefix `{}`{hint}", short(service)),
        );
    }
    if name.contains(['*', '?']) {
        return found.add(RuleId::AwsPatternMatchesNothing, at, format!("`{}` matches no known action", short(text)));
    }
    let of_service = || {
        let all = document.catalogue.expand(&format!("{folded}:*"));
        all.iter().filter_map(|idx| document.catalogue.get(crate::ActionIdx(idx))).collect::<Vec<_>>()
    };
    let known = if searched { of_service() } else { Vec::new() };
    let names = known.iter().filter_map(|action| action.name.split_once(':')).map(|(_, name)| name);
    let hint = nearest(name, names).map_or_else(String::new, |n| format!("; did you mean `{folded}:{n}`?"));
    found.add(RuleId::AwsUnknownAction, at, format!("no action is called `{}`{hint}", short(text)));
}
