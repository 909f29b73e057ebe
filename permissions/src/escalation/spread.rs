//! On whom something is true, and on whom it may be.

use roaring::RoaringBitmap;

use crate::truth::Truth;

/// Places for which something is true, and those for which it may be; no place is in both.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spread {
    pub(super) yes: RoaringBitmap,
    pub(super) may: RoaringBitmap,
}

impl Spread {
    pub(super) fn certain(yes: RoaringBitmap) -> Self {
        Self { yes, may: RoaringBitmap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.yes.is_empty() && self.may.is_empty()
    }

    pub(super) fn all(&self) -> RoaringBitmap {
        &self.yes | &self.may
    }

    pub(super) fn add(&mut self, place: u32, truth: Truth) {
        match truth {
            Truth::True => {
                self.may.remove(place);
                self.yes.insert(place);
            }
            Truth::Unknown if !self.yes.contains(place) => _ = self.may.insert(place),
            Truth::Unknown | Truth::False => {}
        }
    }

    pub(super) fn remove(&mut self, place: u32) {
        self.yes.remove(place);
        self.may.remove(place);
    }

    /// Both.
    pub(super) fn and(&self, other: &Self) -> Self {
        let yes = &self.yes & &other.yes;
        let may = (self.all() & other.all()) - &yes;
        Self { yes, may }
    }

    pub(super) fn or(&mut self, other: &Self) {
        self.yes |= &other.yes;
        self.may |= &other.may;
        self.may -= &self.yes;
    }

    /// What of it lies within.
    pub(super) fn within(&self, places: &RoaringBitmap) -> Self {
        Self { yes: &self.yes & places, may: &self.may & places }
    }

    /// The same, if besides something else is true.
    pub(super) fn given(self, truth: Truth) -> Self {
        match truth {
            Truth::True => self,
            Truth::Unknown => Self { yes: RoaringBitmap::new(), may: self.all() },
            Truth::False => Self::default(),
        }
    }

    /// A place of it, a certain one if there is one, and whether it is.
    pub(super) fn first(&self) -> Option<(u32, bool)> {
        self.yes.min().map(|place| (place, true)).or_else(|| self.may.min().map(|place| (place, false)))
    }
}
