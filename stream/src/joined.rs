//! Several sources as one.

use futures::future::{BoxFuture, select_all};
use serde::{Deserialize, Serialize};

use crate::metrics::Probe;
use crate::{Fault, Polled, Source, StateError};

/// Marks cursors of several sources; those of one alone are taken for the first one's.
const MAGIC: &[u8; 8] = b"OVGJOIN1";

/// Sources by name, in the order of their first reading. It ends when all have ended, as of the latest of their times.
pub struct Joined<P> {
    parts: Vec<Part<P>>,
    /// Who is asked first.
    turn: usize,
}

struct Part<P> {
    name: &'static str,
    source: Box<dyn Source<P>>,
    ended: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Cursors(Vec<(String, Vec<u8>)>);

impl<P> Joined<P> {
    /// Joins sources.
    #[must_use]
    pub fn of(sources: Vec<(&'static str, Box<dyn Source<P>>)>) -> Self {
        let parts = sources.into_iter().map(|(name, source)| Part { name, source, ended: None });
        Self { parts: parts.collect(), turn: 0 }
    }

    /// No source: for who looks at rooms, or names their source later.
    #[must_use]
    pub fn none() -> Self {
        Self::of(Vec::new())
    }

    /// Asks all at once; whoever answers first has the word. A source that only waits can be asked again.
    async fn first(&mut self, max_records: usize) -> Result<Option<Polled<P>>, Fault> {
        self.turn = (self.turn + 1) % self.parts.len().max(1);
        let (before, from) = self.parts.split_at_mut(self.turn);
        let open: Vec<_> = from.iter_mut().chain(before).filter(|part| part.ended.is_none()).collect();
        if open.is_empty() {
            drop(open);
            return Ok(self.parts.iter().filter_map(|part| part.ended).max().map(Polled::End));
        }
        let asked = open.into_iter().map(|part| -> BoxFuture<'_, Result<Option<Polled<P>>, Fault>> {
            Box::pin(async move {
                Ok(match part.source.poll(max_records).await? {
                    Polled::End(as_of) => {
                        part.ended = Some(as_of);
                        None
                    }
                    polled => Some(polled),
                })
            })
        });
        select_all(asked).await.0
    }
}

impl<P: Send + 'static> Source<P> for Joined<P> {
    fn poll(&mut self, max_records: usize) -> BoxFuture<'_, Result<Polled<P>, Fault>> {
        Box::pin(async move {
            loop {
                if let Some(polled) = self.first(max_records).await? {
                    return Ok(polled);
                }
            }
        })
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        let cursors = self.parts.iter().map(|part| Ok((part.name.to_owned(), part.source.snapshot()?)));
        let cursors = Cursors(cursors.collect::<Result<_, StateError>>()?);
        postcard::to_extend(&cursors, MAGIC.to_vec()).map_err(|error| StateError::Damaged(error.to_string()))
    }

    /// A source that the cursors do not name begins anew.
    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.parts.iter_mut().for_each(|part| part.ended = None);
        let Some(rest) = bytes.strip_prefix(MAGIC.as_slice()) else {
            return self.parts.first_mut().map_or(Ok(()), |part| part.source.restore(bytes));
        };
        let Cursors(cursors) = postcard::from_bytes(rest).map_err(|error| StateError::Damaged(error.to_string()))?;
        for (name, bytes) in cursors {
            if let Some(part) = self.parts.iter_mut().find(|part| part.name == name) {
                part.source.restore(&bytes)?;
            }
        }
        Ok(())
    }

    fn probe(&self) -> Option<Probe> {
        self.parts.iter().find_map(|part| part.source.probe())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Hands out numbers from one to another, slowly, and goes on where it stood.
    struct Numbers {
        next: u64,
        end: u64,
        pause: Duration,
    }

    impl Source<u64> for Numbers {
        fn poll(&mut self, _: usize) -> BoxFuture<'_, Result<Polled<u64>, Fault>> {
            Box::pin(async move {
                tokio::time::sleep(self.pause).await;
                if self.next == self.end {
                    return Ok(Polled::End(self.end as i64));
                }
                self.next += 1;
                Ok(Polled::Records(vec![self.next - 1], Vec::new()))
            })
        }

        fn snapshot(&self) -> Result<Vec<u8>, StateError> {
            Ok(self.next.to_le_bytes().to_vec())
        }

        fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
            self.next = u64::from_le_bytes(bytes.try_into().unwrap());
            Ok(())
        }
    }

    fn joined() -> Joined<u64> {
        let numbers = |next, end, ms| Box::new(Numbers { next, end, pause: Duration::from_millis(ms) });
        Joined::of(vec![("low", numbers(0, 4, 0)), ("high", numbers(100, 103, 1))])
    }

    async fn take(source: &mut Joined<u64>, n: usize) -> Vec<u64> {
        let mut taken = Vec::new();
        while taken.len() < n {
            let Polled::Records(records, _) = source.poll(1).await.unwrap() else { break };
            taken.extend(records);
        }
        taken.sort_unstable();
        taken
    }

    #[tokio::test]
    async fn everything_of_every_source_comes_once_also_behind_a_restart() {
        let mut source = joined();
        let mut taken = take(&mut source, 3).await;
        let cursors = source.snapshot().unwrap();
        let mut source = joined();
        source.restore(&cursors).unwrap();
        taken.extend(take(&mut source, 99).await);
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2, 3, 100, 101, 102]);
        assert_eq!(source.poll(1).await.unwrap(), Polled::End(103));
    }

    #[tokio::test]
    async fn the_cursors_of_one_alone_are_the_first_ones() {
        let mut source = joined();
        source.restore(&3u64.to_le_bytes()).unwrap();
        assert_eq!(take(&mut source, 99).await, [3, 100, 101, 102]);
    }
}
