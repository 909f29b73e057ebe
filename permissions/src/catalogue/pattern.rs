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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{covers, matches};

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

    #[test]
    fn many_stars_do_not_hang() {
        let pattern = "*a".repeat(500);
        assert!(!matches(pattern.as_bytes(), "a".repeat(400).as_bytes(), true, false));
    }
}
