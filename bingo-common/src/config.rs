//! What the programs need to know of the target, and what the user asks of them.

/// Words of a [`Config`], for the map's value.
pub const CONFIG_WORDS: usize = size_of::<Config>() / 8;

/// The configuration, all words so that it has no padding. Offsets in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Config {
    /// `runtime.g.goid`.
    pub g_goid: u64,
    /// `runtime.g.m`.
    pub g_m: u64,
    /// `runtime.m.curg`.
    pub m_curg: u64,
    /// `runtime.g.gopc`.
    pub g_gopc: u64,
    /// `runtime.g.sched.bp`.
    pub g_sched_bp: u64,
    /// `runtime.g.sched.pc`.
    pub g_sched_pc: u64,
    /// `runtime.g.waitreason`.
    pub g_waitreason: u64,
    /// `runtime.m.waitlock`.
    pub m_waitlock: u64,
    /// [`Register`] that holds the goroutine which parks, at the park site.
    pub park_register: u64,
    /// [`Register`] that holds the goroutine which is woken, at the ready site.
    pub ready_register: u64,
    /// [`Register`] that holds the new goroutine, at the create site.
    pub create_register: u64,
    /// [`Register`] that holds the goroutine which ends, at the exit site.
    pub exit_register: u64,
    /// Return addresses to take of who parks; at most [`crate::MAX_DEPTH`].
    pub park_depth: u64,
    /// Return addresses to take of a waker.
    pub ready_depth: u64,
    /// Return addresses to take of a creator; 1 costs no walk.
    pub create_depth: u64,
    /// Bit n set: park records with wait reason n are not sent. Reasons from 64
    /// on are always sent.
    pub muted_reasons: u64,
    /// Not 0: only goroutines in the map `WANTED` are sent.
    pub only_wanted: u64,
    /// Bytes waiting in the ring from which on the reader is woken.
    pub wake_bytes: u64,
}

/// A register of the probed thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Register {
    /// R14: the current g in Go's register ABI (`cmd/compile/abi-internal.md`).
    R14 = 0,
    /// RAX: the first integer argument.
    Rax = 1,
    /// RBX: the second.
    Rbx = 2,
    /// RCX: the third.
    Rcx = 3,
    /// RDI: the fourth.
    Rdi = 4,
    /// RSI: the fifth.
    Rsi = 5,
    /// RDX: the closure's context.
    Rdx = 6,
}

impl Config {
    /// The words of the map's value.
    #[must_use]
    pub const fn words(&self) -> [u64; CONFIG_WORDS] {
        [
            self.g_goid,
            self.g_m,
            self.m_curg,
            self.g_gopc,
            self.g_sched_bp,
            self.g_sched_pc,
            self.g_waitreason,
            self.m_waitlock,
            self.park_register,
            self.ready_register,
            self.create_register,
            self.exit_register,
            self.park_depth,
            self.ready_depth,
            self.create_depth,
            self.muted_reasons,
            self.only_wanted,
            self.wake_bytes,
        ]
    }
}

const _: () = assert!(size_of::<Config>() == 18 * 8);
const _: () = assert!(core::mem::offset_of!(Config, wake_bytes) == 17 * 8);
