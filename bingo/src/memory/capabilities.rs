//! What this process may do beyond what its user may: its own status comes in, what it
//! holds comes out. Numbers are those of `include/uapi/linux/capability.h` (Linux 5.9 on).

use procfs::process::Process;

/// To read another user's process, whatever Yama says but for its `3`.
pub const CAP_SYS_PTRACE: u32 = 19;

/// The effective capabilities of this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities(u64);

impl Capabilities {
    /// Those that it holds now; none where that cannot be read.
    #[must_use]
    pub fn held() -> Capabilities {
        let status = Process::myself().and_then(|own| own.status());
        Capabilities(status.map_or(0, |status| status.capeff))
    }

    /// Whether the one of this number is among them.
    #[must_use]
    pub fn contains(self, number: u32) -> bool {
        self.0.checked_shr(number).is_some_and(|from| from & 1 == 1)
    }
}
