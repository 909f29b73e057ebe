//! Named places at which a test may kill the process or switch a guarantee off. Without the feature `failpoints`
//! every function here does nothing and is compiled away.
//!
//! `OVERGRANT_FAILPOINT=after_write:3` aborts the process the third time it passes `after_write`;
//! `OVERGRANT_MUTATION=manifest_before_store` switches off that guarantee, so that a test can see it fail.

/// Every place, in the order in which a commit passes them.
pub const PLACES: &[&str] = &["after_write", "mid_snapshot", "before_commit", "mid_manifest", "after_manifest"];

/// Passes a place.
#[inline]
pub fn pass(place: &'static str) {
    #[cfg(feature = "failpoints")]
    armed::pass(place);
    #[cfg(not(feature = "failpoints"))]
    let _ = place;
}

/// Whether a guarantee is switched off.
#[inline]
#[must_use]
pub fn is_mutated(guarantee: &str) -> bool {
    #[cfg(feature = "failpoints")]
    return armed::mutation() == Some(guarantee);
    #[cfg(not(feature = "failpoints"))]
    {
        let _ = guarantee;
        false
    }
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Armed {
        place: String,
        left: AtomicU64,
    }

    #[expect(clippy::disallowed_methods, reason = "a test arms the process from outside; released builds lack this")]
    fn armed() -> Option<&'static Armed> {
        static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
        let read = || {
            let text = std::env::var("OVERGRANT_FAILPOINT").ok()?;
            let (place, count) = text.split_once(':')?;
            Some(Armed { place: place.to_owned(), left: AtomicU64::new(count.parse().ok()?) })
        };
        ARMED.get_or_init(read).as_ref()
    }

    #[expect(clippy::disallowed_methods, reason = "a test arms the process from outside; released builds lack this")]
    pub(super) fn mutation() -> Option<&'static str> {
        static MUTATION: OnceLock<Option<String>> = OnceLock::new();
        MUTATION.get_or_init(|| std::env::var("OVERGRANT_MUTATION").ok()).as_deref()
    }

    pub(super) fn pass(place: &'static str) {
        let Some(armed) = armed() else { return };
        if armed.place == place && armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }
}
