//! Three truth values, and what a value that is not known rests on.

/// True, false, or not known because what it rests on is not known or cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    False,
    Unknown,
    True,
}

impl Truth {
    pub(crate) fn of(known: bool) -> Self {
        if known { Self::True } else { Self::False }
    }

    pub(crate) fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::Unknown => Self::Unknown,
            Self::False => Self::True,
        }
    }
}

/// The names of what is not known, as they were met. Nothing is allocated while everything is known.
#[derive(Debug, Default)]
pub(crate) struct Doubts<'a> {
    names: Vec<&'a str>,
}

impl<'a> Doubts<'a> {
    pub(crate) fn add(&mut self, name: &'a str) -> Truth {
        self.names.push(name);
        Truth::Unknown
    }

    /// True when one is; the doubts of the others are then forgotten, because the answer does not rest on them.
    pub(crate) fn any<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut f: impl FnMut(T, &mut Self) -> Truth,
    ) -> Truth {
        let before = self.names.len();
        let mut found = Truth::False;
        let decided = items.into_iter().any(|item| {
            let truth = f(item, self);
            found = found.max(truth);
            truth == Truth::True
        });
        if decided {
            self.names.truncate(before);
        }
        found
    }

    /// False when one is; the doubts of the others are then forgotten.
    pub(crate) fn all<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut f: impl FnMut(T, &mut Self) -> Truth,
    ) -> Truth {
        self.any(items, |item, doubts| f(item, doubts).not()).not()
    }

    /// Both, where `first` was doubted from `from` on. The second is not asked when the first is false.
    pub(crate) fn then(&mut self, first: Truth, from: usize, second: impl FnOnce(&mut Self) -> Truth) -> Truth {
        if first == Truth::False {
            return first;
        }
        let second = second(self);
        if second == Truth::False {
            self.names.truncate(from);
        }
        first.min(second)
    }

    /// Forgets what was doubted from a place on.
    pub(crate) fn forget(&mut self, from: usize) {
        self.names.truncate(from);
    }

    /// A place to go back to.
    pub(crate) fn mark(&self) -> usize {
        self.names.len()
    }

    /// The names in order of the alphabet, once each whatever their case.
    pub(crate) fn into_names(mut self) -> Vec<&'a str> {
        if self.names.is_empty() {
            return self.names;
        }
        self.names.sort_by_key(|name| (name.to_ascii_lowercase(), *name));
        self.names.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        self.names
    }
}
