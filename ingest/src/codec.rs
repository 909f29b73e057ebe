//! Plain, gzip (with several members) and zstd, recognised by the first bytes and never by the name.

use std::io::{BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

/// What is compared with the magic numbers.
type Head<R> = Chain<Cursor<Vec<u8>>, R>;

enum State<R: Read> {
    Fresh(R),
    Plain(Head<R>),
    Gzip(Box<MultiGzDecoder<BufReader<Head<R>>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Head<R>>>>),
    Gone,
}

/// Reads decoded bytes.
pub(crate) struct Decoded<R: Read> {
    state: State<R>,
}

impl<R: Read> std::fmt::Debug for Decoded<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.state {
            State::Fresh(_) => "fresh",
            State::Plain(_) => "plain",
            State::Gzip(_) => "gzip",
            State::Zstd(_) => "zstd",
            State::Gone => "gone",
        })
    }
}

impl<R: Read> Decoded<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { state: State::Fresh(reader) }
    }

    fn recognise(mut reader: R) -> std::io::Result<State<R>> {
        let mut head = Vec::with_capacity(4);
        reader.by_ref().take(4).read_to_end(&mut head)?;
        let (gzip, zstd) = (is_gzip(&head), is_zstd(&head));
        let whole = Cursor::new(head).chain(reader);
        if gzip {
            return Ok(State::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(64 << 10, whole)))));
        }
        if zstd {
            let decoder = zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(64 << 10, whole))?;
            return Ok(State::Zstd(Box::new(decoder)));
        }
        Ok(State::Plain(whole))
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if matches!(self.state, State::Fresh(_))
            && let State::Fresh(reader) = std::mem::replace(&mut self.state, State::Gone)
        {
            self.state = Self::recognise(reader)?;
        }
        match &mut self.state {
            State::Plain(reader) => reader.read(into),
            State::Gzip(reader) => reader.read(into).map_err(|error| named("gzip", error)),
            State::Zstd(reader) => reader.read(into).map_err(|error| named("zstd", error)),
            State::Fresh(_) | State::Gone => Ok(0),
        }
    }
}

/// Whether bytes begin a gzip stream.
pub(crate) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b])
}

/// Whether bytes begin a zstd frame.
pub(crate) fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

fn named(what: &str, error: std::io::Error) -> std::io::Error {
    if error.kind() == std::io::ErrorKind::Interrupted {
        return error;
    }
    let message = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => format!("the {what} stream ends early"),
        _ => format!("the {what} stream is damaged ({error})"),
    };
    std::io::Error::new(error.kind(), message)
}
