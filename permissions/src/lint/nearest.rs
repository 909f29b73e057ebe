//! The known name that a misspelt one is likely to mean.

/// The nearest of the known names, if it is near: at most a third of the letters differ, and three.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const MAX: usize = 96;
    if name.len() > MAX {
        return None;
    }
    let folded = name.to_ascii_lowercase();
    let within = (folded.chars().count() / 3).min(3);
    let scored = known.into_iter().filter(|k| k.len().abs_diff(folded.len()) <= within).filter_map(|k| {
        let distance = strsim::osa_distance(&folded, &k.to_ascii_lowercase());
        (distance <= within).then_some((distance, k))
    });
    scored.min().map(|(_, known)| known)
}

/// The nearest name as the end of a message, or nothing.
pub(crate) fn hint<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(name, known).map_or_else(String::new, |known| format!("; did you mean `{known}`?"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let known = ["Action", "Condition", "Resource"];
        assert_eq!(nearest("Conditions", known), Some("Condition"));
        assert_eq!(nearest("acton", known), Some("Action"));
        assert_eq!(nearest("Effect", known), None);
        assert_eq!(nearest("", known), None);
    }
}
