//! The probes that a command asks for, if the kernel allows them.

use std::sync::Arc;

use super::attach::Mode;
use super::{Failure, SET_CAPABILITIES};
use crate::binary::Symbolizer;
use crate::goruntime::ProcessSource;
use crate::live::{self, Attachment, LiveError, Probe, Probes};
use crate::model::{Header, Sink, Source, SourceError, Time};
use crate::session::{ProbeStatus, Probing};

/// Frames of who wakes somebody: past the runtime's own to the call that did it.
const WAKER_DEPTH: u8 = 6;

/// The ring where nothing bounds the rate, in bytes: a second and more that we
/// may get no processor on a busy machine.
const UNGOVERNED_RING: u32 = 64 << 20;

/// The ring where nobody has to be told what happens during a close look: 30,000 events.
const SHORT_RING: u32 = 4 << 20;

/// Probes that are still to be attached.
pub(super) struct Wanted {
    attachment: Attachment,
    mode: Mode,
}

/// Probes as a session sees them.
struct LiveProbes(Probes);

/// Attaches probes to the process of `source`. Where they are not asked for, or
/// not to be had with `--mode auto`, there are none, and `header` says why. Without
/// a `budget` they are all set all the time.
pub(super) fn attach(
    source: &ProcessSource,
    mode: Mode,
    budget: Option<f64>,
    header: &mut Header,
) -> Result<Option<Box<dyn Probing>>, Failure> {
    if mode == Mode::Poll {
        return Ok(None);
    }
    if budget == Some(0.0) {
        header.notes.push("no probes, reading alone at each interval: --max-overhead is 0%".to_owned());
        return Ok(None);
    }
    let mut wanted = wanted(source, mode, budget, header);
    if budget.is_none() {
        wanted.attachment.ring_bytes = UNGOVERNED_RING;
    }
    wanted.attach(header)
}

/// Probes for the process of `source` within a `budget`, if they are to be had, for who
/// does not observe it closely while they are attached.
pub(super) fn for_between_looks(source: &ProcessSource, budget: f64, header: &mut Header) -> Wanted {
    let mut wanted = wanted(source, Mode::Auto, Some(budget), header);
    wanted.attachment.ring_bytes = SHORT_RING;
    wanted
}

fn wanted(source: &ProcessSource, mode: Mode, budget: Option<f64>, header: &mut Header) -> Wanted {
    let target = source.target();
    let bias = target.load_bias();
    let symbolizer = Symbolizer::new(Arc::clone(source.binary()), bias);
    let governed = match budget {
        None => live::Mode::Always,
        Some(budget) => live::Mode::Governed { budget },
    };
    let layout = Arc::new(source.runtime().layout.clone());
    let mut attachment =
        Attachment::new(target.pid(), header.clone(), bias, layout, Arc::new(symbolizer), governed);
    attachment.ready_depth = WAKER_DEPTH;
    header.notes.clone_from(&attachment.header.notes);
    Wanted { attachment, mode }
}

impl Wanted {
    /// Attaches them. Where they are not to be had with `--mode auto`, there are none,
    /// and `header` says why.
    pub(super) fn attach(self, header: &mut Header) -> Result<Option<Box<dyn Probing>>, Failure> {
        match Probes::attach(self.attachment) {
            Ok(probes) => Ok(Some(Box::new(LiveProbes(probes)))),
            Err(error) if self.mode == Mode::Auto => {
                header.notes.push(format!("no probes, reading alone at each interval: {error}"));
                Ok(None)
            }
            Err(error @ LiveError::NotPermitted { .. }) => {
                Err(Failure::not_permitted(format!("no probes: {error}")).remedy(format!(
                    "run Bingo as root, or give it the capabilities:\n{SET_CAPABILITIES}\nor go on without probes: --mode poll"
                )))
            }
            Err(error) => Err(Failure::bad_input(format!("no probes: {error}"))
                .remedy("`bingo doctor` shows what is missing; --mode poll goes on without probes")),
        }
    }
}

impl Source for LiveProbes {
    fn header(&self) -> &Header {
        self.0.header()
    }

    fn observe(&mut self, now: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        self.0.observe(now, out)
    }
}

impl Probing for LiveProbes {
    fn status(&self) -> ProbeStatus {
        let Ok(stats) = self.0.stats() else { return ProbeStatus::default() };
        let on = stats.probes.iter().filter(|probe| probe.on);
        let names: Vec<&str> = on.map(|probe| probe.probe.as_str()).collect();
        ProbeStatus {
            probes: names.join(", "),
            all_parks: stats.probes.iter().any(|probe| probe.probe == Probe::Park && probe.on),
            overhead: stats.achieved,
            budget: match stats.mode {
                live::Mode::Governed { budget } => Some(budget),
                live::Mode::Always => None,
            },
        }
    }
}
