//! Waiting with a deadline, in place of a bare sleep.

use std::time::{Duration, Instant};

/// Asks `ready` again and again until it answers, or `timeout` has passed.
///
/// # Errors
/// When `what` did not come within `timeout`.
pub fn wait_until<T>(
    timeout: Duration,
    what: &str,
    mut ready: impl FnMut() -> Option<T>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + timeout;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(answer) = ready() {
            return Ok(answer);
        }
        anyhow::ensure!(Instant::now() < deadline, "{what} did not come within {timeout:?}");
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}
