//! Whether this process can do its work: its rooms, and what they depend on.

use std::time::Duration;

use stream::clock::Stopwatch;
use stream::metrics::Meters;
use tokio::sync::Mutex;

/// How long an answer holds, so that whoever asks often does not burden brokers and stores.
const HOLDS_FOR: Duration = Duration::from_secs(3);
/// How long everything that is asked may take, all told.
const PATIENCE: Duration = Duration::from_secs(4);

/// Asks something a room depends on; may block for some seconds.
pub(crate) type Check = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What must answer before this process is ready, by a short name.
#[derive(Default)]
pub(crate) struct Ready {
    checks: std::sync::Arc<Vec<(&'static str, Check)>>,
    last: Mutex<Option<(Stopwatch, Vec<String>)>>,
}

impl Ready {
    /// Ready when these are.
    pub(crate) fn when(checks: Vec<(&'static str, Check)>) -> Self {
        Self { checks: std::sync::Arc::new(checks), last: Mutex::default() }
    }

    /// What is not ready, in a few words each and without addresses: anybody may ask.
    pub(super) async fn lacks(&self, meters: &Meters) -> Vec<String> {
        let rooms = meters.unready();
        let mut last = self.last.lock().await;
        let outside = match &*last {
            Some((since, lacks)) if since.elapsed() < HOLDS_FOR => lacks.clone(),
            _ => {
                let lacks = self.ask().await;
                *last = Some((Stopwatch::start(), lacks.clone()));
                lacks
            }
        };
        rooms.into_iter().chain(outside).collect()
    }

    async fn ask(&self) -> Vec<String> {
        let checks = std::sync::Arc::clone(&self.checks);
        let ask = move || {
            let failed = |(name, check): &(&'static str, Check)| match check() {
                Ok(()) => None,
                Err(why) => {
                    tracing::debug!(what = name, why, "not ready");
                    Some(format!("`{name}` does not answer"))
                }
            };
            checks.iter().filter_map(failed).collect()
        };
        match tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(ask)).await {
            Ok(Ok(lacks)) => lacks,
            Ok(Err(_)) | Err(_) => vec!["what the rooms depend on does not answer in time".to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_store_that_is_away_is_named_without_its_address_and_asked_once_for_many() {
        let asked = Arc::new(AtomicUsize::new(0));
        let n_asked = Arc::clone(&asked);
        let away: Check = Box::new(move || {
            n_asked.fetch_add(1, Ordering::Relaxed);
            Err("http://user@10.0.0.7 is away".to_owned())
        });
        let ready = Ready::when(vec![("clickhouse", away), ("store", Box::new(|| Ok(())))]);
        let meters = Meters::of(["score"]);
        for _ in 0..3 {
            assert_eq!(ready.lacks(&meters).await, ["no room has started", "`clickhouse` does not answer"]);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
