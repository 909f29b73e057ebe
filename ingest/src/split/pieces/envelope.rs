//! The parts of a document around its records: what stands before, between and behind the elements of its lists.

use std::io::Read;

use memchr::memchr;

use super::{HEAD_BYTES, Piece, Pieces, Place, Turn};
use crate::split::dropped::Why;
use crate::split::list::{List, Member, is_preface, member};
use crate::split::walker::{Step, Walker};

impl<R: Read> Pieces<R> {
    /// At the start of an object: one of the known lists, behind nothing but its preface, makes it an envelope.
    pub(super) fn head(&mut self) -> Turn {
        let mut at = 1;
        loop {
            match member(&self.buffer, at) {
                Member::More if !self.ended && self.buffer.len() < HEAD_BYTES => return Turn::More,
                Member::List(list, first) => {
                    let head = self.take(first);
                    self.broke_line |= memchr(b'\n', &head).is_some();
                    self.go(Place::List(list));
                    return Turn::Found(Piece::Opened(list));
                }
                Member::Other(from, to, value) if is_preface(self.buffer.get(from..to).unwrap_or_default()) => {
                    let mut walker = Walker::new(false);
                    match walker.walk(self.buffer.get(value..).unwrap_or_default()) {
                        Step::Done => at = value + walker.at,
                        Step::More if !self.ended && self.buffer.len() < HEAD_BYTES => return Turn::More,
                        _ => return self.go(Place::Value),
                    }
                    let key = self.buffer.get(from..to).unwrap_or_default();
                    self.seen_truncated |=
                        says_how_it_goes_on(key) && goes_on(self.buffer.get(value..at).unwrap_or_default());
                }
                _ => return self.go(Place::Value),
            }
        }
    }

    /// Between two elements of a list.
    pub(super) fn list(&mut self, list: List) -> Turn {
        match self.skip(false) {
            None => Turn::More,
            Some(b'\n') => {
                self.go(Place::Top);
                Turn::Found(self.broken(Why::Unclosed))
            }
            Some(b']') => {
                self.pass(1);
                if list == List::Bare {
                    self.finished();
                    return Turn::Again;
                }
                self.go(Place::Rest)
            }
            Some(b'}' | b':') => self.go(Place::Lost(list)),
            Some(_) => self.go(Place::Element(list)),
        }
    }

    /// Outside of the lists of an envelope.
    pub(super) fn rest(&mut self) -> Turn {
        if self.skip(false) == Some(b'\n') {
            self.go(Place::Top);
            return Turn::Found(self.broken(Why::Unclosed));
        }
        match member(&self.buffer, 0) {
            Member::More if self.buffer.len() < HEAD_BYTES => Turn::More,
            Member::End(n) => {
                self.pass(n);
                self.finished();
                if std::mem::replace(&mut self.seen_truncated, false) {
                    return Turn::Found(Piece::Truncated);
                }
                Turn::Again
            }
            Member::List(list, first) => {
                self.pass(first);
                self.go(Place::List(list));
                Turn::Found(Piece::Opened(list))
            }
            Member::Other(from, to, value) => {
                self.key_is_truncated = self.buffer.get(from..to).is_some_and(says_how_it_goes_on);
                self.pass(value);
                self.go(Place::Skipped)
            }
            Member::Bad | Member::More => {
                self.why = Why::Unbalanced;
                self.go(Place::LostLine)
            }
        }
    }

    /// In the value of a member that is no list.
    pub(super) fn skipped(&mut self) -> Turn {
        let step = self.walker.walk(&self.buffer);
        if step == Step::Done && self.key_is_truncated {
            self.seen_truncated |= goes_on(self.buffer.get(..self.walker.at).unwrap_or_default());
        }
        if step != Step::More || !self.key_is_truncated || self.walker.at > HEAD_BYTES {
            self.pass(self.walker.at);
            self.walker.at = 0;
        }
        match step {
            Step::Done => {
                self.broke_line |= self.walker.last_line.is_some();
                self.go(Place::Rest)
            }
            Step::More => Turn::More,
            Step::Bad => {
                self.why = Why::Unbalanced;
                self.go(Place::LostLine)
            }
        }
    }
}

/// Whether a member tells if an answer goes on in another page. The tools of AWS and GCP join pages; `az rest` does not.
fn says_how_it_goes_on(key: &[u8]) -> bool {
    matches!(key, b"IsTruncated" | b"nextLink" | b"@odata.nextLink")
}

/// What such a member says: true, or where the next page is.
fn goes_on(value: &[u8]) -> bool {
    value == b"true" || value.starts_with(b"\"") && value.len() > 2
}
