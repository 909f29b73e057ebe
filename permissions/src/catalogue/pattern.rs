//! Wildcards: `*` stands for any text, `?` (AWS only) for one character.

/// Whether `pattern` matches the whole of `text`. Linear in practice: it goes back to the last `*` only, so the worst
/// case is the product of the lengths and never exponential.
#[must_use]
pub(crate) fn matches(pattern: &[u8], text: &[u8], question_mark: bool, fold_case: bool) -> bool {
    let same = |a: u8, b: u8| if fold_case { a.eq_ignore_ascii_case(&b) } else { a == b };
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(b'?') if question_mark => {
                p += 1;
                t += 1;
            }
            Some(&c) if same(c, text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match back {
                Some((after_star, from)) => {
                    back = Some((after_star, from + 1));
                    p = after_star;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

/// Whether everything that `narrow` can match, `wide` matches too. Sound, not complete: `false` means "not proven".
#[must_use]
pub(crate) fn covers(wide: &[u8], narrow: &[u8], question_mark: bool, fold_case: bool) -> bool {
    if question_mark && wide.contains(&b'?') && narrow.contains(&b'*') {
        // A `?` could swallow the narrow pattern's `*`, which stands for more than one character.
        return wide.eq_ignore_ascii_case(narrow) && (fold_case || wide == narrow);
    }
    matches(wide, narrow, question_mark, fold_case)
}

/// Longest product of two patterns' lengths that is looked at; resources have 2,048 characters at most.
const MAX_PRODUCT: usize = 1 << 22;

/// Whether some text matches both, of patterns with `*` and `?` in one case. Patterns too long to tell overlap.
#[must_use]
pub(crate) fn overlap(one: &[u8], other: &[u8]) -> bool {
    let wild = |byte: &u8| matches!(byte, b'*' | b'?');
    let differs = one.iter().zip(other).take_while(|(a, b)| !wild(a) && !wild(b)).any(|(a, b)| a != b);
    let differs_behind =
        one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| !wild(a) && !wild(b)).any(|(a, b)| a != b);
    let is_fixed = |pattern: &[u8]| !pattern.iter().any(wild);
    if differs || differs_behind {
        return false;
    }
    if is_fixed(one) || is_fixed(other) {
        let (pattern, text) = if is_fixed(one) { (other, one) } else { (one, other) };
        return matches(pattern, text, true, false);
    }
    if one.len().saturating_mul(other.len()) > MAX_PRODUCT {
        return true;
    }
    overlap_behind(one, other)
}

/// Walks both patterns at once: `open[b]` says whether the texts before can end at place `b` of the other one.
fn overlap_behind(one: &[u8], other: &[u8]) -> bool {
    let through_stars = |open: &mut [bool]| {
        for b in 0..other.len() {
            open[b + 1] |= open[b] && other[b] == b'*';
        }
    };
    let mut open = vec![false; other.len() + 1];
    open[0] = true;
    through_stars(&mut open);
    for a in one {
        let mut next = vec![false; other.len() + 1];
        if *a == b'*' {
            let mut reached = false;
            for (b, is_open) in open.iter().enumerate() {
                reached |= is_open;
                next[b] = reached;
            }
        } else {
            for (b, c) in other.iter().enumerate().filter(|(b, _)| open[*b]) {
                match c {
                    b'*' => next[b] = true,
                    _ => next[b + 1] |= *a == b'?' || *c == b'?' || a == c,
                }
            }
        }
        through_stars(&mut next);
        open = next;
    }
    open[other.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{covers, matches, overlap};

    /// The oracle: the definition, by recursion.
    fn slow(p: &[u8], t: &[u8]) -> bool {
        match (p.first(), t.first()) {
            (None, None) => true,
            (Some(b'*'), _) => slow(&p[1..], t) || (!t.is_empty() && slow(p, &t[1..])),
            (Some(b'?'), Some(_)) => slow(&p[1..], &t[1..]),
            (Some(a), Some(b)) if a == b => slow(&p[1..], &t[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_match_is_what_the_definition_says(p in "[ab*?]{0,8}", t in "[ab]{0,10}") {
            prop_assert_eq!(matches(p.as_bytes(), t.as_bytes(), true, false), slow(p.as_bytes(), t.as_bytes()));
        }

        #[test]
        fn what_covers_matches_everything_the_other_matches(w in "[ab*?]{0,5}", n in "[ab*?]{0,5}", t in "[ab]{0,8}") {
            if covers(w.as_bytes(), n.as_bytes(), true, false) && slow(n.as_bytes(), t.as_bytes()) {
                prop_assert!(slow(w.as_bytes(), t.as_bytes()), "{} {} {}", w, n, t);
            }
        }
    }

    /// All texts of the alphabet up to a length that is enough for two short patterns to meet.
    fn texts(most: usize) -> Vec<Vec<u8>> {
        let mut all = vec![Vec::new()];
        let mut from = 0;
        for _ in 0..most {
            let to = all.len();
            for at in from..to {
                for letter in [b'a', b'b'] {
                    let mut text: Vec<u8> = all[at].clone();
                    text.push(letter);
                    all.push(text);
                }
            }
            from = to;
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn patterns_overlap_when_a_text_matches_both(one in "[ab*?]{0,4}", other in "[ab*?]{0,4}") {
            let both = |text: &Vec<u8>| slow(one.as_bytes(), text) && slow(other.as_bytes(), text);
            let found = texts(8).iter().any(both);
            prop_assert_eq!(overlap(one.as_bytes(), other.as_bytes()), found, "{} {}", one, other);
        }
    }

    #[test]
    fn many_stars_do_not_hang() {
        let pattern = "*a".repeat(500);
        assert!(overlap(format!("{pattern}*").as_bytes(), "*b".repeat(500).as_bytes()));
        assert!(!matches(pattern.as_bytes(), "a".repeat(400).as_bytes(), true, false));
    }
}
