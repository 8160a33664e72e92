//! `--to perfetto`: a track for each goroutine, on it a slice for each state, an
//! arrow from who wakes or makes to whom, for ui.perfetto.dev and its
//! `trace_processor`. In come events; out goes each as soon as its goroutine has
//! a name, so that memory is bounded by the goroutines that live.
//!
//! ```text
//!  goroutine 7 main.feed    │ running ──┬─ wakes ──────┤
//!                                       └──────▶┐ (flow)
//!  goroutine 18 main.worker │ blocked (chan-receive) │ runnable │ running
//! ```

mod packets;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::UNIX_EPOCH;

use self::packets::{Clock, Mark, Packets, ProcessDescriptor, TrackDescriptor, What};
use super::Export;
use crate::model::{Event, EventKind, GoId, GoState, Header, Observation, Stack, Time, WaitReason};

/// The process's track. Those of goroutines follow.
const PROCESS: u64 = 1;
const GOROUTINES: u64 = 2;
/// Marks of a goroutine that wait for its name, at the most.
const HELD: usize = 16;
/// `BuiltinClock`: wall clock, and the one that times without a clock are of.
const REALTIME: u32 = 1;
const BOOTTIME: u32 = 6;
/// `ChildTracksOrdering`.
const BY_RANK: i32 = 3;

/// A Perfetto trace that is being written.
pub struct Perfetto<W> {
    packets: Packets<W>,
    lanes: HashMap<GoId, Lane>,
    flows: u64,
    latest: Time,
}

/// What is known of a goroutine that lives.
#[derive(Default)]
struct Lane {
    shown: Option<(GoState, Option<WaitReason>)>,
    /// The arrow that ends at what it does next.
    flow: Option<u64>,
    /// Where it was made.
    made: Option<Stack>,
    named: bool,
    held: Vec<Mark>,
}

impl<W: Write> Perfetto<W> {
    /// Has written what `header` tells.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W, header: &Header) -> io::Result<Perfetto<W>> {
        let mut packets = Packets::new(out);
        let start = header.start.duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = u64::try_from(start.as_nanos()).unwrap_or(0);
        let clock = |id, time| Clock { clock_id: Some(id), timestamp: Some(time) };
        packets.clocks(vec![clock(REALTIME, wall), clock(BOOTTIME, header.start_monotonic.0)])?;
        let name = match &header.binary {
            Some(binary) => binary.display().to_string(),
            None => header.go_version.clone().unwrap_or_else(|| "Go program".to_owned()),
        };
        let pid = header.pid.and_then(|pid| i32::try_from(pid).ok()).unwrap_or(1);
        packets.track(TrackDescriptor {
            uuid: Some(PROCESS),
            process: Some(ProcessDescriptor { pid: Some(pid), process_name: Some(name) }),
            child_ordering: Some(BY_RANK),
            ..TrackDescriptor::default()
        })?;
        Ok(Perfetto { packets, lanes: HashMap::new(), flows: 0, latest: header.start_monotonic })
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.latest = event.time;
        let Some((id, state)) = event.goroutine.zip(event.kind.state()) else {
            return self.lost(event);
        };
        let flow = match event.kind {
            EventKind::Unblock { by: Some(by) } => Some(self.begin_flow(by, "wakes", event)?),
            EventKind::Create { parent: Some(parent) } => Some(self.begin_flow(parent, "makes", event)?),
            _ => None,
        };
        let lane = self.lanes.entry(id).or_default();
        // The stack of the others is that of who did it.
        let own = match event.kind {
            EventKind::Create { .. } => {
                lane.made.clone_from(&event.stack);
                None
            }
            EventKind::Unblock { .. } => None,
            _ => event.stack.as_ref(),
        };
        let reason = match &event.kind {
            EventKind::Block { reason, .. } | EventKind::Snapshot { reason, .. } => *reason,
            _ => None,
        };
        lane.flow = flow.or(lane.flow);
        let again = lane.shown == Some((state, reason)) && !matches!(event.kind, EventKind::Block { .. });
        if !again {
            if lane.shown.is_some() {
                lane.held.push(Mark::of(event.time, What::End));
            }
            if state != GoState::Dead {
                // What was found may have been so for longer.
                let since = match event.kind {
                    EventKind::Snapshot { since: Some(since), .. } if lane.shown.is_none() => since,
                    _ => event.time,
                };
                lane.held.push(Mark {
                    name: slice_name(state, reason),
                    stack: own.cloned(),
                    ends_flow: lane.flow.take(),
                    ..Mark::of(since, What::Begin)
                });
            }
            lane.shown = Some((state, reason));
        }
        if own.is_some() || state == GoState::Dead || lane.held.len() >= HELD || lane.named {
            write_out(&mut self.packets, id, lane, own)?;
        }
        if state == GoState::Dead {
            self.lanes.remove(&id);
        }
        Ok(())
    }

    /// What `who` does to another one: an arrow goes from here.
    fn begin_flow(&mut self, who: GoId, name: &str, event: &Event) -> io::Result<u64> {
        self.flows += 1;
        let lane = self.lanes.entry(who).or_default();
        lane.held.push(Mark {
            name: name.to_owned(),
            stack: event.stack.clone(),
            flow: Some(self.flows),
            ..Mark::of(event.time, What::Instant)
        });
        // It is the stack of who does it, so it tells that one's name, too.
        write_out(&mut self.packets, who, lane, event.stack.as_ref())?;
        Ok(self.flows)
    }

    fn lost(&mut self, event: &Event) -> io::Result<()> {
        let EventKind::Lost { count, .. } = event.kind else { return Ok(()) };
        self.on_the_process(event.time, format!("{count} events were lost"))
    }

    fn on_the_process(&mut self, time: Time, name: String) -> io::Result<()> {
        self.packets.mark(PROCESS, &Mark { name, ..Mark::of(time, What::Instant) })
    }
}

impl<W: Write> Export for Perfetto<W> {
    fn take(&mut self, observation: &Observation) -> io::Result<()> {
        match observation {
            Observation::Event(event) => self.event(event),
            Observation::Problem(problem) => self.on_the_process(self.latest, problem.what.clone()),
            Observation::Snapshot(_) => Ok(()),
        }
    }

    /// Slices that have not ended are left so: they were not over.
    fn finish(&mut self) -> io::Result<()> {
        for (id, lane) in &mut self.lanes {
            write_out(&mut self.packets, *id, lane, None)?;
        }
        self.packets.flush()
    }
}

/// Writes what was held of a goroutine, with its track before if that is new.
/// `own` is a stack of its own.
fn write_out<W: Write>(
    packets: &mut Packets<W>,
    id: GoId,
    lane: &mut Lane,
    own: Option<&Stack>,
) -> io::Result<()> {
    let track = GOROUTINES.wrapping_add(id.0);
    if !lane.named {
        lane.named = true;
        packets.track(TrackDescriptor {
            uuid: Some(track),
            name: Some(track_name(id, own, lane.made.as_ref())),
            parent_uuid: Some(PROCESS),
            sibling_order_rank: i32::try_from(id.0).ok(),
            ..TrackDescriptor::default()
        })?;
    }
    lane.held.drain(..).try_for_each(|mark| packets.mark(track, &mark))
}

/// `goroutine 18 main.worker`: by the function that it began in, else by who made it.
fn track_name(id: GoId, own: Option<&Stack>, made: Option<&Stack>) -> String {
    let outermost = own.and_then(|own| own.visible().last().or_else(|| own.frames().last()));
    match (outermost, made.and_then(Stack::site)) {
        (Some(frame), _) => format!("goroutine {id} {}", frame.function),
        (None, Some(site)) => format!("goroutine {id} made by {}", site.function),
        (None, None) => format!("goroutine {id}"),
    }
}

fn slice_name(state: GoState, reason: Option<WaitReason>) -> String {
    match reason {
        Some(reason) => format!("{state} ({reason})"),
        None => state.to_string(),
    }
}

impl Mark {
    fn of(time: Time, what: What) -> Mark {
        Mark { time, what, name: String::new(), stack: None, flow: None, ends_flow: None }
    }
}
