//! One goroutine of the model, from the copy of its `g`, its stack and its wait.

use std::collections::HashMap;
use std::sync::Arc;

use super::code::Code;
use super::g::{G, Status};
use super::labels;
use super::stacks::KnownStack;
use super::start::Starts;
use crate::binary::layout::Layout;
use crate::memory::{Memory, MemoryError, Pages};
use crate::model::{GoId, GoState, Goroutine, ThreadId, Time, Wait, WaitReason};

/// What goroutines are made with.
pub(super) struct Parts<'a, M: Memory + ?Sized, C> {
    pub(super) layout: &'a Layout,
    pub(super) pages: Pages<'a, M>,
    pub(super) starts: &'a mut Starts,
    pub(super) code: &'a C,
    /// The host's numbers of threads.
    pub(super) threads: &'a HashMap<u64, ThreadId>,
}

/// Why `g` is blocked, if it is.
pub(super) fn reason(layout: &Layout, g: &G) -> Option<WaitReason> {
    match g.status {
        // go: runtime.waitReasonZero (1.19-1.27)
        Status::Waiting => {
            Some(g.waitreason).filter(|&number| number != 0).map(|number| layout.wait_reason(number))
        }
        Status::Preempted => Some(WaitReason::Preempted),
        _ => None,
    }
}

/// The goroutine, and what of it could not be read.
pub(super) fn goroutine<M: Memory + ?Sized, C: Code>(
    parts: &mut Parts<'_, M, C>,
    g: &G,
    stack: &KnownStack,
    wait: Option<Wait>,
) -> Result<(Goroutine, Option<String>), MemoryError> {
    let mut damage = None;
    let labels = match g.labels.is_nil() {
        true => None,
        false => {
            let labels = labels::read(parts.layout, &mut parts.pages, g.labels)?;
            if labels.is_none() {
                damage = Some(format!("labels unreadable at {}", g.labels));
            }
            labels.filter(|labels| !labels.is_empty()).map(Arc::new)
        }
    };
    let thread = match g.status {
        Status::Running | Status::Syscall if !g.m.is_nil() => {
            // go: runtime.m.procid (1.19-1.27), 0 before the thread has started
            let number = parts.pages.word(g.m.offset(parts.layout.m.procid))?.filter(|&number| number != 0);
            number.map(|number| parts.threads.get(&number).copied().unwrap_or(ThreadId(number)))
        }
        _ => None,
    };
    // The main goroutine was made by the runtime, before there were any.
    let main = g.goid == 1;
    let since = matches!(g.status, Status::Waiting | Status::Syscall).then_some(g.waitsince);
    let walked = (!stack.stack.frames().is_empty()).then_some(stack);
    let made = Goroutine {
        id: GoId(g.goid),
        state: g.status.state().unwrap_or(GoState::Blocked),
        reason: reason(parts.layout, g),
        blocked_since: since.filter(|&since| since != 0).map(Time),
        switches: Some(g.tracking_seq),
        wait,
        stack: stack.stack.clone(),
        created_by: if main { None } else { parts.starts.created_by(g.gopc, parts.code) },
        parent: Some(g.parent_goid).filter(|&parent| parent != 0 && !main).map(GoId),
        labels,
        thread,
        system: parts.starts.is_system(g.startpc, walked, parts.code),
    };
    Ok((made, damage))
}
