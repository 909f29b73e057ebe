//! The way back to the next record behind a broken one.

use std::io::Read;

use memchr::{memchr, memmem};

use super::{HEAD_BYTES, Pieces, Place, Turn};
use crate::split::dropped::Why;
use crate::split::list::List;

impl<R: Read> Pieces<R> {
    /// The walker stands where no JSON goes on.
    pub(super) fn bad(&mut self, list: Option<List>) -> Turn {
        let is_line = self.lines == Some(true);
        self.why = match () {
            () if !self.dropped.is_empty() => Why::TooLarge(self.max_record),
            () if self.buffer.get(self.walker.at) == Some(&b'\n') => Why::HalfLine,
            () => Why::Unbalanced,
        };
        if let (Some(list), false) = (list, is_line) {
            // Where a string is not closed, the mistake shows behind the next record's start, so the search begins
            // with the broken one's second byte; but all such going back costs no more than one reading more.
            let n = self.walker.at;
            let may_go_back = self.rewalked + n as u64 <= self.base + HEAD_BYTES as u64;
            self.rewalked += if may_go_back { n as u64 } else { 0 };
            self.drop_bytes(if may_go_back { n.min(1) } else { n });
            return self.go(Place::Lost(list));
        }
        let next = self.walker.object_line.or(self.walker.last_line);
        if self.lines == Some(false) {
            self.lines = None;
        }
        let Some(next) = next.filter(|_| self.dropped.is_empty()) else {
            self.drop_bytes(self.walker.at);
            return self.go(Place::LostLine);
        };
        if self.why == Why::Unbalanced {
            self.why = Why::HalfLine;
        }
        self.drop_bytes(next);
        self.safe = self.base;
        self.go(Place::Top);
        let why = self.why.clone();
        Turn::Found(self.broken(why))
    }

    /// Looks for the next element: one that begins as the first whole one did, behind a comma.
    pub(super) fn lost(&mut self, list: List) -> Turn {
        if self.pattern.is_empty() {
            self.drop_bytes(self.buffer.len());
            return Turn::More;
        }
        if let Some(n) = memmem::find(&self.buffer, &self.pattern) {
            self.drop_bytes(n);
            self.go(Place::Element(list));
            let why = self.why.clone();
            return Turn::Found(self.broken(why));
        }
        self.drop_bytes((self.buffer.len() + 1).saturating_sub(self.pattern.len()));
        Turn::More
    }

    /// Looks for the next line.
    pub(super) fn lost_line(&mut self) -> Turn {
        let Some(n) = memchr(b'\n', &self.buffer) else {
            self.drop_bytes(self.buffer.len());
            return Turn::More;
        };
        self.drop_bytes(n + 1);
        self.safe = self.base;
        self.go(Place::Top);
        if self.why == Why::Stray {
            return Turn::Again;
        }
        let why = self.why.clone();
        Turn::Found(self.broken(why))
    }
}
