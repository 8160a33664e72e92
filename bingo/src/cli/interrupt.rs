//! The signals by which a user ends a program. Out: a flag that the first one
//! sets; a second one ends the program at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::Failure;

#[cfg(unix)]
const ALL: [i32; 4] = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP, signal_hook::consts::SIGQUIT];
#[cfg(not(unix))]
const ALL: [i32; 2] = [SIGINT, SIGTERM];

/// Watches for them from now on.
pub(super) fn watch() -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in ALL {
        let at_once = Arc::clone(&interrupted);
        flag::register_conditional_shutdown(signal, 130, at_once)
            .and_then(|_| flag::register(signal, Arc::clone(&interrupted)))
            .map_err(|error| Failure::bad_input(format!("cannot watch for signal {signal}: {error}")))?;
    }
    Ok(interrupted)
}
