//! A credential report of AWS: the one input that is no JSON. It is one value, to the end of its file.

use std::io::Read;

use super::{Piece, Pieces, Place, Turn};
use crate::split::list::List;

/// How a report begins (Get credential reports for your AWS account,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>).
const HEAD: &[u8] = b"user,arn,user_creation_time,";
/// The length of a byte order mark, which may stand before it.
const MARK_BYTES: u64 = 3;

impl<R: Read> Pieces<R> {
    /// At the start of an input: whether it is a report; `None` when it is none.
    pub(super) fn begins_report(&mut self) -> Option<Turn> {
        if self.base > MARK_BYTES || !self.dropped.is_empty() {
            return None;
        }
        let n = self.buffer.len().min(HEAD.len());
        if n == 0 || self.buffer.get(..n) != HEAD.get(..n) {
            return None;
        }
        if n < HEAD.len() {
            return (!self.ended).then_some(Turn::More);
        }
        Some(self.go(Place::Report))
    }

    /// In a report.
    pub(super) fn report(&mut self) -> Turn {
        if self.buffer.len() > self.max_record || !self.dropped.is_empty() {
            self.drop_bytes(self.buffer.len());
            return Turn::More;
        }
        if !self.ended || self.trouble.is_some() {
            return Turn::More;
        }
        let at = self.base;
        let bytes = self.take(self.buffer.len());
        self.finished();
        Turn::Found(Piece::Element { bytes, list: Some(List::CredentialReport), at })
    }
}
