//! Tries again what passes by itself: exponential back-off with full jitter, up to a bound of time.

use std::future::Future;
use std::time::Duration;

use stream::clock::Stopwatch;

use super::ClickHouseError;

/// The first pause is up to this: a server that drops one connection is asked again at once.
const FIRST: Duration = Duration::from_millis(100);
/// And later ones up to this: a server that comes back does not wait long for its rows.
const LONGEST: Duration = Duration::from_secs(10);

/// Runs `attempt` until it succeeds, fails for good, or `retry_for` has passed. `seed` chooses the pauses, so that two
/// sinks that failed together do not come back together; `on_retry` is told of each.
pub(crate) async fn run<T, F: Future<Output = Result<T, ClickHouseError>>>(
    retry_for: Duration,
    seed: u64,
    mut attempt: impl FnMut() -> F,
    mut on_retry: impl FnMut(),
) -> Result<T, ClickHouseError> {
    let watch = Stopwatch::start();
    let mut n_failed = 0;
    loop {
        let error = match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let Some(reason) = error.passes() else { return Err(error) };
        let pause = pause(n_failed, seed);
        if watch.elapsed() + pause > retry_for {
            return Err(error);
        }
        // The first failure may be a lone one; from the second on somebody should know.
        if n_failed == 1 {
            tracing::warn!(%error, reason, "waiting for ClickHouse");
        } else {
            tracing::debug!(%error, reason, n_failed, "trying again");
        }
        on_retry();
        n_failed += 1;
        tokio::time::sleep(pause).await;
    }
}

/// Anything from nothing to the bound of that attempt, which doubles.
fn pause(n_failed: u32, seed: u64) -> Duration {
    let bound = FIRST.saturating_mul(2u32.saturating_pow(n_failed)).min(LONGEST);
    bound.mul_f64(uniform(seed.wrapping_add(u64::from(n_failed))))
}

/// SplitMix64's output as a number from 0 to 1: spread well enough for pauses, and the same for the same seed.
fn uniform(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> ClickHouseError {
        ClickHouseError::Away { place: String::new(), text: String::new() }
    }

    async fn attempts(retry_for: Duration, errors: Vec<ClickHouseError>) -> (Result<(), ClickHouseError>, usize) {
        let mut errors = errors.into_iter();
        let mut n_retries = 0;
        let attempt = || std::future::ready(errors.next().map_or(Ok(()), Err));
        let done = run(retry_for, 7, attempt, || n_retries += 1).await;
        (done, n_retries)
    }

    #[tokio::test]
    async fn what_passes_is_tried_again() {
        let (done, n_retries) = attempts(Duration::from_secs(60), vec![away(), away()]).await;
        assert!(done.is_ok());
        assert_eq!(n_retries, 2);
    }

    #[tokio::test]
    async fn what_does_not_pass_is_told_at_once() {
        let (done, n_retries) = attempts(Duration::from_secs(60), vec![ClickHouseError::Ours(String::new())]).await;
        assert!(done.is_err());
        assert_eq!(n_retries, 0);
    }

    #[tokio::test]
    async fn time_has_a_bound() {
        let many = std::iter::repeat_with(away).take(1000).collect();
        assert!(attempts(Duration::from_millis(300), many).await.0.is_err());
    }

    #[test]
    fn pauses_grow_to_a_bound_and_differ_by_seed() {
        for n_failed in 0..40 {
            assert!(pause(n_failed, 1) <= LONGEST);
        }
        assert!(pause(0, 1) <= FIRST);
        assert_ne!(pause(5, 1), pause(5, 2));
    }
}
