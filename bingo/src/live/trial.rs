//! Whether probes work here, tried on Bingo itself.
//!
//! In: nothing. Out: how they are set and what a hit costs, or what the kernel
//! said against it, by the same steps as for a target.

use std::time::Duration;

use super::switches::{CALIBRATE, Programs};
use super::{Attachment, LiveError, calibrate, config, loader};
use crate::binary::layout::{Layout, ReleaseTable};

/// The smallest ring: nothing is sent.
const RING_BYTES: u32 = 4096;

/// Probes work here: programs were loaded, one was set on a function of this
/// process, and it has run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trial {
    /// Whether they are set as multi links (Linux 6.6), which need no
    /// `CAP_SYS_ADMIN`; else as uprobe events.
    pub multi_links: bool,
    /// What a hit costs the program that is probed.
    pub hit: Duration,
}

impl Trial {
    /// Tries it. Takes some 30 ms.
    ///
    /// # Errors
    /// Whatever keeps probes from being set, and [`LiveError::Silent`] where they
    /// can be set and do not run.
    pub fn run() -> Result<Trial, LiveError> {
        let newest = ReleaseTable::all().last().expect("the table has a column for each release");
        let layout = Layout::of_release(newest.minor(), newest.name()).expect("and knows all its fields");
        let config = config(&layout, &[], (Attachment::PARK_DEPTH, 0), RING_BYTES);
        let mut loaded = loader::load(None, RING_BYTES, config, true)?;
        let multi_links = matches!(loaded.programs, Programs::Multi(_));
        if let Some(hit) = loaded.hit {
            return Ok(Trial { multi_links, hit });
        }
        Err(match calibrate::set(&mut loaded.programs) {
            Ok(_) => LiveError::Silent,
            Err(error) => loader::program_error(CALIBRATE, &error),
        })
    }
}
