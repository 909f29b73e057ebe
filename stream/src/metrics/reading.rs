//! What a room says of itself: numbers with a name and a sentence.

use std::time::Duration;

/// The upper ends of the classes of [`Times`], in seconds: from a batch that costs nothing to a request that is given up.
pub const BOUNDS_S: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// A room's own number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its name, `{room}_{noun}_{unit}`.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// The number.
    pub value: Value,
}

/// A number that only grows while its owner lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// How many.
    Count(u64),
    /// How long each took.
    Times(Times),
}

impl Value {
    /// What came to it since an earlier value of the same owner. An owner that has started anew counts from nothing.
    pub(super) fn since(self, earlier: Option<Self>) -> Self {
        match (self, earlier) {
            (Self::Count(now), Some(Self::Count(then))) => Self::Count(now.checked_sub(then).unwrap_or(now)),
            (Self::Times(now), Some(Self::Times(then))) => Self::Times(now.since(&then)),
            (now, _) => now,
        }
    }

    pub(super) fn add(&mut self, more: Self) {
        match (self, more) {
            (Self::Count(n), Self::Count(more)) => *n = n.saturating_add(more),
            (Self::Times(times), Self::Times(more)) => times.add(&more),
            (value, more) => *value = more,
        }
    }
}

/// How long things took, by class of duration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    counts: [u64; BOUNDS_S.len() + 1],
    sum_us: u64,
}

impl Times {
    /// Takes one in.
    pub fn note(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let class = BOUNDS_S.partition_point(|bound| *bound < seconds);
        self.counts[class] += 1;
        self.sum_us = self.sum_us.saturating_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// How many there were.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All of them together, in seconds.
    #[must_use]
    pub fn sum_s(&self) -> f64 {
        Duration::from_micros(self.sum_us).as_secs_f64()
    }

    /// Each class by its upper end, with how many are in it alone; the last has no end.
    pub fn classes(&self) -> impl Iterator<Item = (f64, u64)> {
        BOUNDS_S.into_iter().chain([f64::INFINITY]).zip(self.counts)
    }

    pub(super) fn add(&mut self, more: &Self) {
        for (n, more) in self.counts.iter_mut().zip(more.counts) {
            *n = n.saturating_add(more);
        }
        self.sum_us = self.sum_us.saturating_add(more.sum_us);
    }

    fn since(&self, earlier: &Self) -> Self {
        if earlier.n() > self.n() {
            return *self;
        }
        let mut since = *self;
        for (n, then) in since.counts.iter_mut().zip(earlier.counts) {
            *n = n.saturating_sub(then);
        }
        since.sum_us = since.sum_us.saturating_sub(earlier.sum_us);
        since
    }
}

/// Declares a room's counters: a struct of `u64`s whose fields are named as their metrics and whose sentences are what
/// the exporter says of them. What stands behind `also` is not told.
///
/// ```
/// stream::counters! {
///     /// What the room counts.
///     #[derive(Clone, Copy, Debug, Default)]
///     pub struct Metrics {
///         /// Records read.
///         pub example_records_total,
///     }
/// }
/// let mut said = Vec::new();
/// Metrics { example_records_total: 3 }.tell(&mut |reading| said.push(reading));
/// assert_eq!((said[0].name, said[0].help.trim()), ("example_records_total", "Records read."));
/// ```
#[macro_export]
macro_rules! counters {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[doc = $doc:literal])+ pub $field:ident),+ $(,)?
        }
        $(also {
            $($(#[doc = $also_doc:literal])+ pub $also:ident: $kind:ty),+ $(,)?
        })?
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: u64,)+
            $($($(#[doc = $also_doc])+ pub $also: $kind,)+)?
        }

        impl $name {
            /// Tells every counter.
            pub fn tell(&self, out: &mut dyn FnMut($crate::metrics::Reading)) {
                $(out($crate::metrics::Reading {
                    name: stringify!($field),
                    help: concat!($($doc),+),
                    value: $crate::metrics::Value::Count(self.$field),
                });)+
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(all_ms: &[u64]) -> Times {
        let mut times = Times::default();
        all_ms.iter().for_each(|ms| times.note(Duration::from_millis(*ms)));
        times
    }

    #[test]
    fn every_duration_is_in_the_first_class_that_holds_it() {
        let times = times(&[0, 1, 2, 60_000, 60_001]);
        let found: Vec<(f64, u64)> = times.classes().filter(|(_, n)| *n > 0).collect();
        assert_eq!(found, [(0.0005, 1), (0.001, 1), (0.0025, 1), (60.0, 1), (f64::INFINITY, 1)]);
        assert_eq!((times.n(), times.sum_s().round()), (5, 120.0));
    }

    #[test]
    fn what_came_since_is_added_once_and_a_new_start_counts_from_nothing() {
        let (then, now) = (Value::Times(times(&[1, 5])), Value::Times(times(&[1, 5, 70])));
        assert_eq!(now.since(Some(then)), Value::Times(times(&[70])));
        assert_eq!(then.since(Some(now)), then);
        assert_eq!(Value::Count(3).since(Some(Value::Count(5))), Value::Count(3));
        assert_eq!(Value::Count(5).since(Some(Value::Count(3))), Value::Count(2));
        let mut sum = Value::Count(4);
        sum.add(Value::Count(2));
        assert_eq!(sum, Value::Count(6));
    }
}
