//! The signals by which a user ends a program. Out: a flag that the first one
//! sets; a second one ends the program at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Failure;

#[cfg(all(target_os = "linux", feature = "live"))]
pub(super) fn watch() -> Result<Arc<AtomicBool>, Failure> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
        let at_once = Arc::clone(&interrupted);
        signal_hook::flag::register_conditional_shutdown(signal, 130, at_once)
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupted)))
            .map_err(|error| Failure::bad_input(format!("cannot watch for signal {signal}: {error}")))?;
    }
    Ok(interrupted)
}

/// Without signals the first one ends the program.
#[cfg(not(all(target_os = "linux", feature = "live")))]
#[expect(clippy::unnecessary_wraps, reason = "as where there are signals")]
pub(super) fn watch() -> Result<Arc<AtomicBool>, Failure> {
    Ok(Arc::default())
}
