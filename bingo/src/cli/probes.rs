//! The probes that a command asks for, if the kernel allows them.

use std::sync::Arc;

use super::Failure;
use super::attach::Mode;
use crate::binary::{FrameState, ProbeKind, ProbeSite, ProbeSites};
use crate::goruntime::{BinaryCode, Code, ProcessSource};
use crate::live::{self, Attachment, LiveError, Probe, Probes, Register, Site};
use crate::model::{Header, LoadBias, Observation, Source, SourceError, Time};
use crate::session::{ProbeStatus, Probing};

const CAPABILITIES: &str = "run Bingo as root, or give it the capabilities:\n\
     sudo setcap cap_sys_ptrace,cap_bpf,cap_perfmon+ep $(command -v bingo)\n\
     or go on without probes: --mode poll";

/// Frames of who wakes somebody: past the runtime's own to the call that did it.
const WAKER_DEPTH: u8 = 6;

/// Probes as a session sees them.
struct LiveProbes(Probes);

/// Attaches probes to the process of `source`. Where they are not asked for, or
/// not to be had with `--mode auto`, there are none, and `header` says why.
pub(super) fn attach(
    source: &ProcessSource,
    mode: Mode,
    budget: f64,
    header: &mut Header,
) -> Result<Option<Box<dyn Probing>>, Failure> {
    if mode == Mode::Poll {
        return Ok(None);
    }
    let found = ProbeSites::find(source.binary());
    header.notes.extend(found.notes());
    let bias = source.target().load_bias();
    let sites: Vec<Site> =
        found.each().filter_map(|(_, site)| site.ok()).map(|found| site(found, bias)).collect();
    let code = BinaryCode::new(Arc::clone(source.binary()), bias);
    let attachment = Attachment {
        pid: source.target().pid(),
        header: header.clone(),
        sites,
        layout: Arc::new(source.runtime().layout.clone()),
        symbolize: Box::new(move |pcs| code.stack(pcs)),
        mode: match mode {
            Mode::Probe => live::Mode::Always,
            Mode::Auto | Mode::Poll => live::Mode::Governed { budget },
        },
        park_depth: Attachment::PARK_DEPTH,
        ready_depth: WAKER_DEPTH,
        ring_bytes: Attachment::RING_BYTES,
        object: None,
    };
    match Probes::attach(attachment) {
        Ok(probes) => Ok(Some(Box::new(LiveProbes(probes)))),
        Err(error) if mode == Mode::Auto => {
            header.notes.push(format!("no probes, reading alone at each interval: {error}"));
            Ok(None)
        }
        Err(error @ LiveError::NotPermitted { .. }) => {
            Err(Failure::not_permitted(format!("no probes: {error}")).remedy(CAPABILITIES))
        }
        Err(error) => Err(Failure::bad_input(format!("no probes: {error}"))
            .remedy("`bingo doctor` shows what is missing; --mode poll goes on without probes")),
    }
}

fn site(found: &ProbeSite, bias: LoadBias) -> Site {
    let (probe, goroutine) = match found.kind {
        ProbeKind::Park => (Probe::Park, Register::R14),
        ProbeKind::Ready => (Probe::Ready, Register::Rax),
        ProbeKind::Create => (Probe::Create, Register::Rbx),
        ProbeKind::Exit => (Probe::Exit, Register::R14),
    };
    Site {
        probe,
        file_offset: found.file_offset,
        address: bias.to_target(found.address),
        goroutine,
        framed: found.frame == FrameState::Established,
    }
}

impl Source for LiveProbes {
    fn header(&self) -> &Header {
        self.0.header()
    }

    fn observe(&mut self, now: Time, out: &mut Vec<Observation>) -> Result<bool, SourceError> {
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
