//! Probes in a running Go program: a source of [`crate::model::Event`]s.
//!
//! In: a process, the instructions to probe, the offsets of its release. Out:
//! events with symbolised stacks, in order of time, what was lost counted
//! exactly, and what it costs the target.
//!
//! ```text
//!  target ─ trap ─▶ bingo-ebpf ─ ring buffer ─▶ ring ─▶ decode ─▶ Probes::observe
//!                       └─ counters ─▶ driver ⇄ governor ─▶ loader sets, takes out
//! ```
//!
//! There is never a probe on a return: it would overwrite return addresses on
//! stacks that the runtime moves and walks.

mod calibrate;
mod counts;
mod decode;
mod driver;
mod error;
mod governor;
mod loader;
mod multi;
mod probes;
mod ring;
mod switches;
mod trial;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use bingo_common::{Config, MAX_DEPTH};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::binary::layout::Layout;
use crate::binary::{ProbeSites, Symbolizer};
use crate::model::{
    EventKind, EventRef, GoId, Header, LoadBias, Observation, Sink, Source, SourceError, Time,
};
use counts::Counts;
use decode::{Decoder, Received};
use driver::Driver;
use loader::Filter;
use ring::Ring;
use switches::Switches;

pub use bingo_common::Register;
pub use counts::Count;
pub use decode::Symbolize;
pub use error::LiveError;
pub use probes::{Probe, Site};
pub use trial::Trial;

/// How often the ring is looked at: programs wake the reader only when much is
/// waiting, since that costs the target.
const LOOK: Duration = Duration::from_millis(20);

/// How the probes are run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Mode {
    /// Within a budget, as a share of the target's own CPU time: 0.02 is 2 %.
    /// A target that uses less than a twentieth of a CPU is taken to use that.
    Governed {
        /// The share.
        budget: f64,
    },
    /// All probes all the time, whatever they cost.
    Always,
}

/// What to attach to, and how.
pub struct Attachment {
    /// The process, as the host numbers it.
    pub pid: u32,
    /// What the source says of itself.
    pub header: Header,
    /// The instructions to probe: one for each probe that there is a place for.
    pub sites: Vec<Site>,
    /// The offsets of its release.
    pub layout: Arc<Layout>,
    /// How code addresses become stacks.
    pub symbolize: Symbolize,
    /// How the probes are run.
    pub mode: Mode,
    /// Frames taken of who parks, at most 16.
    pub park_depth: u8,
    /// Frames taken of a waker, at most 16; 0: none.
    pub ready_depth: u8,
    /// Size of the ring in bytes: a power of two, at least a page.
    pub ring_bytes: u32,
    /// An eBPF object in place of the one that is built in.
    pub object: Option<Vec<u8>>,
    /// Whether probes are set as multi links where the kernel has them (Linux
    /// 6.6): else as uprobe events.
    pub multi_links: bool,
}

impl Attachment {
    /// 16 MiB: at 200,000 events a second, half a second that the reader may be late.
    pub const RING_BYTES: u32 = 16 << 20;
    /// Enough for a server's handler down to the `go` statement, as a rule.
    pub const PARK_DEPTH: u8 = 13;

    /// The probes that fit the executable behind `symbolizer`, in process `pid`
    /// of it. What a reader should know of them is added to the header's notes.
    #[must_use]
    pub fn new(
        pid: u32,
        mut header: Header,
        bias: LoadBias,
        layout: Arc<Layout>,
        symbolizer: Arc<Symbolizer>,
        mode: Mode,
    ) -> Attachment {
        let sites = ProbeSites::find(symbolizer.binary());
        header.notes.extend(sites.notes());
        let sites = sites.each().filter_map(|(_, site)| Some(Site::of(site.ok()?, bias))).collect();
        Attachment {
            pid,
            header,
            sites,
            layout,
            symbolize: Box::new(move |pcs| symbolizer.stack(pcs)),
            mode,
            park_depth: Attachment::PARK_DEPTH,
            ready_depth: 0,
            ring_bytes: Attachment::RING_BYTES,
            object: None,
            multi_links: true,
        }
    }
}

/// The probes in one process. Dropping it takes them all out.
pub struct Probes {
    header: Header,
    ring: Ring,
    decoder: Decoder,
    filter: Filter,
    counts: Arc<Counts>,
    driver: Driver,
    pidfd: std::os::fd::OwnedFd,
    mode: Mode,
    hit: Duration,
    /// Lost records that were told of, by probe.
    told_lost: [u64; 4],
    ended: bool,
}

/// How the probes fare.
#[derive(Clone, PartialEq, Debug)]
pub struct Stats {
    /// By [`Probe::ALL`].
    pub probes: [ProbeStats; 4],
    /// What the probes have cost the target in the last 10 s, as a share of its
    /// own CPU time.
    pub achieved: Option<f64>,
    /// What they may cost.
    pub mode: Mode,
    /// What one hit costs.
    pub hit: Duration,
    /// Events that came after a later one had been handed on.
    pub late: u64,
    /// Records that could not be read: none, unless the object is another's.
    pub damaged: u64,
}

/// How one probe fares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProbeStats {
    /// Which one.
    pub probe: Probe,
    /// Whether it is set now.
    pub on: bool,
    /// What its program counted: records made are `hits - filtered`.
    pub count: Count,
    /// Records received. Once the ring is empty, `received + count.lost` is
    /// what was made.
    pub received: u64,
}

impl Probes {
    /// Loads the programs, measures what a hit costs, and sets the probes.
    ///
    /// # Errors
    /// Whatever keeps probes from being set; polling can go on without them.
    pub fn attach(attachment: Attachment) -> Result<Probes, LiveError> {
        let Attachment { pid, header, sites, layout, symbolize, mode, object, multi_links, .. } = attachment;
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(LiveError::Exited { pid })?;
        let pidfd = pidfd_open(raw, PidfdFlags::empty())
            .map_err(|errno| LiveError::System { what: "pidfd_open", source: errno.into() })?;
        let config =
            config(&layout, &sites, (attachment.park_depth, attachment.ready_depth), attachment.ring_bytes);
        let loaded = loader::load(object.as_deref(), attachment.ring_bytes, config, multi_links)?;
        let switches = Switches::new(loaded.programs, pid, &sites);
        let (counts, hit) = (Arc::new(loaded.counts), loaded.hit.unwrap_or(calibrate::ASSUMED));
        let driver = Driver::start(pid, mode, hit, switches, Arc::clone(&counts))?;
        let hchan_lock = layout.hchan.lock;
        let reason = Box::new(move |number| layout.wait_reason(number));
        Ok(Probes {
            header,
            ring: Ring::new(loaded.ring),
            decoder: Decoder::new(reason, hchan_lock, symbolize),
            filter: loaded.filter,
            counts,
            driver,
            pidfd,
            mode,
            hit,
            told_lost: [0; 4],
            ended: false,
        })
    }

    /// Waits until it is worth observing: 20 ms, or `timeout` where that is
    /// shorter, or less when much is waiting. `false`: the target has exited,
    /// and what it left is still to be observed.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        let mut fds = [
            PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.ring.fd(), PollFlags::POLLIN),
        ];
        let timeout = PollTimeout::try_from(timeout.min(LOOK)).unwrap_or(PollTimeout::ZERO);
        // An interrupted wait is a short one.
        if poll(&mut fds, timeout).is_ok_and(|ready| ready > 0) {
            let [exit, _] = fds;
            self.ended |= exit.any().unwrap_or_default();
        }
        !self.ended
    }

    /// How the probes fare.
    ///
    /// # Errors
    /// Where the kernel does not hand out its counters.
    pub fn stats(&self) -> Result<Stats, LiveError> {
        let known = self.driver.known();
        let counts = self.counts.read()?;
        let received = self.ring.received();
        let pick = |probe: Probe| ProbeStats {
            probe,
            on: known.on.get(probe.index()).copied().unwrap_or_default(),
            count: counts.get(probe.index()).copied().unwrap_or_default(),
            received: received.get(probe.index()).copied().unwrap_or_default(),
        };
        Ok(Stats {
            probes: Probe::ALL.map(pick),
            achieved: known.achieved,
            mode: self.mode,
            hit: self.hit,
            late: self.ring.late(),
            damaged: self.ring.damaged(),
        })
    }

    /// Lets the events of these goroutines through alone, at most 4096.
    ///
    /// # Errors
    /// Where the kernel does not take them.
    pub fn only(&mut self, goroutines: &[GoId]) -> Result<(), LiveError> {
        self.filter.only(goroutines.iter().map(|goroutine| goroutine.0))
    }

    /// Keeps parks for these wait reasons, by their numbers in the target's
    /// release (up to 63), from being sent.
    ///
    /// # Errors
    /// Where the kernel does not take it.
    pub fn mute(&mut self, numbers: &[u8]) -> Result<(), LiveError> {
        let mask = numbers.iter().filter(|&&number| number < 64).fold(0, |mask, number| mask | 1 << number);
        self.filter.change(|config| config.muted_reasons = mask)
    }

    fn lost(&mut self, now: Time, out: &mut dyn Sink) -> Result<(), LiveError> {
        let counts = self.counts.read()?;
        for ((probe, count), told) in Probe::ALL.into_iter().zip(counts).zip(&mut self.told_lost) {
            let lost = count.lost.saturating_sub(*told);
            if lost > 0 {
                *told = count.lost;
                let kind = EventKind::Lost { kind: probe.lost_kind(), count: lost };
                out.event(EventRef { time: now, goroutine: None, kind: &kind, stack: None, thread: None });
            }
        }
        Ok(())
    }
}

/// What the programs need to know of a target with this layout and these sites.
fn config(layout: &Layout, sites: &[Site], (park_depth, ready_depth): (u8, u8), ring_bytes: u32) -> Config {
    let register = |probe| {
        sites.iter().find(|site| site.probe == probe).map_or(Register::R14, |site| site.goroutine) as u64
    };
    let depth = |depth: u8| u64::from(depth).min(MAX_DEPTH as u64);
    Config {
        g_goid: layout.g.goid,
        g_m: layout.g.m,
        m_curg: layout.m.curg,
        g_gopc: layout.g.gopc,
        g_sched_bp: layout.g.sched_bp,
        g_sched_pc: layout.g.sched_pc,
        g_waitreason: layout.g.waitreason,
        m_waitlock: layout.m.waitlock,
        park_register: register(Probe::Park),
        ready_register: register(Probe::Ready),
        create_register: register(Probe::Create),
        exit_register: register(Probe::Exit),
        park_depth: depth(park_depth),
        ready_depth: depth(ready_depth),
        create_depth: 1,
        muted_reasons: 0,
        only_wanted: 0,
        wake_bytes: u64::from(ring_bytes / 8),
    }
}

impl Source for Probes {
    fn header(&self) -> &Header {
        &self.header
    }

    fn observe(&mut self, now: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        // What a target that has exited left in the ring is the last of it, so that is
        // asked first.
        let mut fds = [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)];
        self.ended = self.ended || poll(&mut fds, PollTimeout::ZERO).unwrap_or_default() > 0;
        let decoder = &mut self.decoder;
        let each = |received: &Received| out.observation(Observation::Event(decoder.event(received)));
        let more = self.ring.drain(now, self.ended, each);
        self.lost(now, out).map_err(|error| SourceError::BadInput(error.to_string()))?;
        Ok(more || !self.ended)
    }
}
