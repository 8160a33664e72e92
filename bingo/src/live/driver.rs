//! The thread that sets and takes out probes as the governor orders.
//!
//! Taking a probe out blocks for a tenth of a second, and a trial must end on
//! time: so it has a thread of its own, which ends, with all probes taken out,
//! when its [`Driver`] is dropped.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use super::counts::Counts;
use super::governor::{Governor, Measurement, Orders};
use super::switches::Switches;
use super::{LiveError, Mode, Probe};
use crate::model::Time;

/// What the thread has come to know.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Known {
    /// Probes that are on, by index.
    pub(super) on: [bool; 4],
    /// Share of the target's own CPU time that the probes have cost of late.
    pub(super) achieved: Option<f64>,
}

/// The running thread.
pub(super) struct Driver {
    known: Arc<Mutex<Known>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Work {
    mode: Mode,
    pid: u32,
    hit: Duration,
    switches: Switches,
    counts: Arc<Counts>,
    governor: Governor,
    uncounted_ns: u64,
    /// The last measurement, and the hits a second of each probe before it.
    last: Option<Measurement>,
    rates: [f64; 4],
    /// Probes that could not be set, which are not tried again.
    failed: [bool; 4],
    known: Arc<Mutex<Known>>,
}

impl Driver {
    /// Sets the probes that come first, and starts the thread.
    pub(super) fn start(
        pid: u32,
        mode: Mode,
        hit: Duration,
        switches: Switches,
        counts: Arc<Counts>,
    ) -> Result<Driver, LiveError> {
        let known = Arc::new(Mutex::new(Known::default()));
        let budget = match mode {
            Mode::Governed { budget } => budget,
            Mode::Always => f64::INFINITY,
        };
        let mut work = Work {
            mode,
            pid,
            hit,
            switches,
            counts,
            governor: Governor::new(budget, hit.as_secs_f64() * 1e9),
            uncounted_ns: 0,
            last: None,
            rates: [0.0; 4],
            failed: [false; 4],
            known: Arc::clone(&known),
        };
        // What is refused is refused here, where somebody can still be told.
        for probe in [Probe::Exit, Probe::Create, Probe::Park, Probe::Ready] {
            if mode == Mode::Always || matches!(probe, Probe::Exit | Probe::Create) {
                work.switches.set(probe)?;
            }
        }
        work.publish();
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("bingo-probes".into())
            .spawn(move || work.run(&stopped))
            .map_err(|source| LiveError::System { what: "starting a thread", source })?;
        Ok(Driver { known, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            // It panicked, and its probes went with it.
        }
    }
}

impl Work {
    fn run(mut self, stopped: &Receiver<()>) {
        loop {
            // Without a measurement the target is gone: what is left is to wait
            // for whoever holds the other end to notice.
            let next = match self.step() {
                Some(orders) => Duration::from_nanos(orders.next.0.saturating_sub(monotonic().0)),
                None => Duration::from_millis(100),
            };
            match stopped.recv_timeout(next) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    }

    /// Measures, and carries out what the governor orders.
    fn step(&mut self) -> Option<Orders> {
        let measured = self.measure()?;
        let orders = self.governor.step(measured);
        if self.mode != Mode::Always {
            self.carry_out(&orders);
        }
        self.publish();
        Some(orders)
    }

    fn measure(&mut self) -> Option<Measurement> {
        let measured = Measurement {
            now: monotonic(),
            cpu_ns: cpu_time(self.pid)?,
            hits: self.counts.hits().ok()?,
            uncounted_ns: self.uncounted_ns,
        };
        if let Some(last) = self.last.replace(measured) {
            let seconds = measured.now.since(last.now).as_secs_f64();
            for ((rate, new), old) in self.rates.iter_mut().zip(measured.hits).zip(last.hits) {
                *rate = float(new.saturating_sub(old)) / seconds.max(1e-9);
            }
        }
        Some(measured)
    }

    fn carry_out(&mut self, orders: &Orders) {
        let on = self.switches.on();
        // The one that traps most goes first: the kernel takes one out at a time.
        for probe in [Probe::Ready, Probe::Park, Probe::Create, Probe::Exit] {
            let (is, should) = (at(on, probe), at(orders.on, probe));
            if is && !should {
                let trapped = self.switches.unset(probe);
                let rate = self.rates.get(probe.index()).copied().unwrap_or_default();
                self.uncounted_ns += nanoseconds(trapped.as_secs_f64() * rate * self.hit.as_secs_f64());
                // The rates before this are of another time now.
                self.last = None;
            } else if should && !is && !at(self.failed, probe) && self.switches.set(probe).is_err() {
                // The target has gone, or has executed another program.
                if let Some(failed) = self.failed.get_mut(probe.index()) {
                    *failed = true;
                }
            }
        }
    }

    fn publish(&self) {
        let known = Known { on: self.switches.on(), achieved: self.governor.achieved() };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

/// Now, on the clock of the events.
pub(super) fn monotonic() -> Time {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map(|time| Time(u64::try_from(Duration::from(time).as_nanos()).unwrap_or_default()))
        .unwrap_or_default()
}

/// The CPU time of a process, in ns, to the ns (its `CPUCLOCK_SCHED`).
fn cpu_time(pid: u32) -> Option<u64> {
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(pid).ok()?)).ok()?;
    u64::try_from(Duration::from(clock.now().ok()?).as_nanos()).ok()
}

fn at(flags: [bool; 4], probe: Probe) -> bool {
    flags.get(probe.index()).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "far under 2^53")]
fn float(value: u64) -> f64 {
    value as f64
}

/// Seconds as nanoseconds.
fn nanoseconds(seconds: f64) -> u64 {
    u64::try_from(Duration::try_from_secs_f64(seconds).unwrap_or_default().as_nanos()).unwrap_or_default()
}
