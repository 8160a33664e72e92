//! What a program says of itself by `runtime/trace`: tasks and regions.

use std::sync::Arc;

use super::super::event::TraceEvent;
use super::super::spec::EventType;
use super::state::Context;
use super::{Advance, Order, OrderFault, Place};

impl Order {
    /// A task may be spoken of that never began here, and end more than once;
    /// it may not begin twice.
    pub(super) fn task_begin(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        let [id, parent, name, _] = event.args;
        if self.tasks.contains_key(&id) {
            return Err(OrderFault::Nesting { event: event.kind, what: "the task has begun already" });
        }
        // 0 is no parent here, where elsewhere it is the task of all.
        let parent = if parent == 0 { TraceEvent::NO_TASK } else { parent };
        event.args[1] = parent;
        let name = name_of(event.kind, name, place)?;
        self.tasks.insert(id, (name, parent));
        self.on_goroutine(event, context)
    }

    pub(super) fn task_end(&mut self, event: &mut TraceEvent, context: Context) -> Advance {
        let [id, ..] = event.args;
        // Its name may be of an earlier generation, whose strings are gone.
        (event.args[2], event.args[3]) = match self.tasks.remove(&id) {
            Some((name, parent)) => (parent, self.keep_name(name)),
            None => (TraceEvent::NO_TASK, 0),
        };
        self.on_goroutine(event, context)
    }

    /// Keeps a name for this generation; 0 is the empty one.
    fn keep_name(&mut self, name: Arc<[u8]>) -> u64 {
        if name.is_empty() {
            return 0;
        }
        self.task_names.push(name);
        u64::try_from(self.task_names.len()).unwrap_or(0)
    }

    pub(super) fn region_begin(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        context.on_goroutine(event.kind)?;
        let [task, name, ..] = event.args;
        let name = name_of(event.kind, name, place)?;
        let known = self.goroutines.current(event.kind, context.goroutine, context.slot)?;
        known.attached().regions.push((task, name));
        self.emit(event, context);
        Ok(Some(context))
    }

    pub(super) fn region_end(
        &mut self,
        event: &mut TraceEvent,
        place: &Place<'_>,
        context: Context,
    ) -> Advance {
        context.on_goroutine(event.kind)?;
        let [task, name, ..] = event.args;
        let name = place.string(event.kind, name)?;
        let known = self.goroutines.current(event.kind, context.goroutine, context.slot)?;
        // One that began before the trace is not known.
        if let Some((begun, called)) = known.attached().regions.pop()
            && (begun, &called[..]) != (task, name)
        {
            return Err(OrderFault::Nesting { event: event.kind, what: "another region is the innermost" });
        }
        self.emit(event, context);
        Ok(Some(context))
    }
}

fn name_of(event: EventType, id: u64, place: &Place<'_>) -> Result<Arc<[u8]>, OrderFault> {
    place.string(event, id).map(Arc::from)
}

impl<'t> Place<'t> {
    /// A string; empty where a generation is cut off and lacks it.
    fn string(&self, event: EventType, id: u64) -> Result<&'t [u8], OrderFault> {
        match self.tables.string(id) {
            Some(string) => Ok(string),
            None if self.tables.cut_off => Ok(&[]),
            None => Err(OrderFault::Dangling { event, what: "string", id }),
        }
    }
}
