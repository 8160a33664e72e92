//! What kind of waiting a goroutine is in, and whether it is the program's own
//! doing. In: the runtime's reason and the stack. The reason alone does not do:
//! before Go 1.20 a WaitGroup says `semacquire`, in a trace all locks say `sync`.

use std::time::Duration;

use crate::model::{GoId, GoState, Stack, Time, WaitReason};
use crate::world::World;

/// What stands for less may be about to go on, unless it is proven; nor does it say
/// anything of the end.
pub(super) const SHORTEST: Duration = Duration::from_millis(10);

/// What was before is told if it is so much longer than what was seen.
const WORTH_SAYING: Duration = Duration::from_secs(1);

/// How long a wait that began at `since` has lasted by the end of what was seen. What the
/// garbage collector has noted of those that waited before counts of one picture alone,
/// where nothing else is known: they may have come to wait later.
pub(super) fn lasted(world: &World, since: Time) -> Duration {
    let seen = world.began().filter(|_| !is_one_picture(world));
    world.latest().since(seen.map_or(since, |began| since.max(began)))
}

/// For how long about goroutines have waited that did so before anybody looked, which is
/// what the garbage collector has noted: so much is shown, and nothing rests on it. `None`:
/// it is not known, or hardly longer than the time for which they were `seen` to wait.
pub(super) fn waited_before(world: &World, goroutines: &[GoId], seen: Duration) -> Option<String> {
    let waits = goroutines.iter().filter_map(|id| world.glance(*id));
    let waits = waits.filter(|one| one.state() == GoState::Blocked);
    let noted = waits.map(|one| world.latest().since(one.since().time())).max()?;
    (noted >= seen + WORTH_SAYING).then(|| {
        let noted = noted.as_secs();
        format!("it was so before anybody looked: for about {noted} s, as the garbage collector has noted")
    })
}

/// Whether nothing is known of what was before or came then.
pub(super) fn is_one_picture(world: &World) -> bool {
    world.totals().events == 0 && world.totals().snapshots == 1
}

/// What kind of waiting.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Waiting {
    /// At a nil channel: for ever.
    NilChannel,
    /// At a `select {}`: for ever, as it is written.
    Forever,
    /// To send.
    Send,
    /// To receive.
    Receive,
    /// For the first of several.
    Select,
    /// For a `Mutex` or `RWMutex`.
    Lock,
    /// For a `Cond`.
    Cond,
    /// For a `WaitGroup`.
    Group,
}

impl Waiting {
    /// The kind; `None` for what ends by itself or from outside (timers, the
    /// network, the runtime's own), and for what is not known.
    pub(super) fn of(reason: Option<WaitReason>, stack: &Stack) -> Option<Waiting> {
        use WaitReason as Why;
        let Some(reason) = reason else { return Waiting::of_stack(stack) };
        match reason {
            Why::ChanSendNil | Why::ChanReceiveNil => Some(Waiting::NilChannel),
            Why::SelectNoCases => Some(Waiting::Forever),
            Why::ChanSend | Why::ChanSendDurable => Some(Waiting::Send),
            Why::ChanReceive | Why::ChanReceiveDurable => Some(Waiting::Receive),
            Why::Select | Why::SelectDurable => Some(Waiting::Select),
            Why::MutexLock | Why::RwMutexLock | Why::RwMutexRLock => Some(Waiting::Lock),
            Why::CondWait => Some(Waiting::Cond),
            Why::WaitGroupWait | Why::WaitGroupWaitDurable => Some(Waiting::Group),
            Why::Semacquire | Why::Sync => Waiting::in_package_sync(stack),
            _ => None,
        }
    }

    /// By the runtime's frames alone: of a goroutine that was parked before a trace
    /// began, the trace has no reason. Nil channels are not told apart there
    /// (`runtime/chan.go`, `select.go`, Go 1.22 to 1.27).
    fn of_stack(stack: &Stack) -> Option<Waiting> {
        let parking = |function: &&str| !matches!(*function, "runtime.gopark" | "runtime.goparkunlock");
        let innermost = stack.frames().iter().map(|frame| &*frame.function).find(parking)?;
        match innermost {
            "runtime.chansend" | "runtime.chansend1" => Some(Waiting::Send),
            "runtime.chanrecv" | "runtime.chanrecv1" | "runtime.chanrecv2" => Some(Waiting::Receive),
            "runtime.selectgo" => Some(Waiting::Select),
            "runtime.block" => Some(Waiting::Forever),
            _ if innermost.starts_with("runtime.") || innermost.starts_with("sync.") => {
                Waiting::in_package_sync(stack)
            }
            _ => None,
        }
    }

    fn in_package_sync(stack: &Stack) -> Option<Waiting> {
        stack.frames().iter().find_map(|frame| {
            let method = frame.function.strip_prefix("sync.(*").or_else(|| {
                // Go 1.24 and later: sync.(*Mutex).Lock calls this one.
                frame.function.strip_prefix("internal/sync.(*")
            })?;
            match method.split_once(')')?.0 {
                "Mutex" | "RWMutex" => Some(Waiting::Lock),
                "WaitGroup" => Some(Waiting::Group),
                "Cond" => Some(Waiting::Cond),
                _ => None,
            }
        })
    }

    /// Whether nobody can ever end it, whatever the source could mean.
    pub(super) fn is_for_ever(self) -> bool {
        matches!(self, Waiting::NilChannel | Waiting::Forever)
    }

    /// What it does, for one or for several.
    pub(super) fn words(self, several: bool) -> String {
        let what = match self {
            Waiting::NilChannel => "at a nil channel, which nobody can end",
            Waiting::Forever => "at a select without cases, which nobody can end",
            Waiting::Send => "to send on a channel, and nobody has received",
            Waiting::Receive => "to receive from a channel, and nobody has sent",
            Waiting::Select => "in a select, and no case has come",
            Waiting::Lock => "for a lock that was not given back",
            Waiting::Cond => "for a Cond, and nobody has signalled",
            Waiting::Group => "for a WaitGroup that is not done",
        };
        format!("{} {what}", if several { "wait" } else { "waits" })
    }
}

/// Whether the innermost frame that does more than carry out a wait is the
/// program's: the runtime's, the standard library's and the testing package's
/// goroutines idle as they are meant to.
pub(super) fn is_programs_own(stack: &Stack) -> bool {
    stack.site().is_some_and(|site| {
        site.is_visible() && !site.is_machinery() && !site.is_standard() && !site.function.is_empty()
    })
}

/// Whether it waits for the function of a `Once`, which another one runs: since Go 1.21
/// `OnceFunc` and the like are made of one, too.
pub(super) fn is_at_a_once(stack: &Stack) -> bool {
    let carries_out = |name: &&str| {
        let first = ["runtime.", "internal/", "sync.runtime_", "sync.(*Mutex)."];
        first.iter().any(|first| name.starts_with(first))
    };
    let mut callers = stack.frames().iter().map(|frame| &*frame.function).skip_while(carries_out);
    callers.next().is_some_and(|caller| caller.starts_with("sync.(*Once)."))
}

/// Whether the innermost frame that does more than carry out a wait is the testing
/// package's: a test that waits for its subtests, or for its turn.
pub(super) fn is_for_another_test(stack: &Stack) -> bool {
    let mut frames = stack.visible().filter(|frame| !frame.is_machinery());
    frames.next().is_some_and(|frame| frame.function.starts_with("testing."))
}

/// Whether it waits at a place of the program's own, and not for another test.
pub(super) fn waits_of_itself(stack: &Stack) -> bool {
    is_programs_own(stack) && !is_for_another_test(stack)
}

/// Whether it runs a test: `testing.tRunner` is what its stack begins with. Such a
/// goroutine is no worker: the testing package waits for its return.
pub(super) fn runs_a_test(stack: &Stack) -> bool {
    let mut outermost = stack.visible().map(|frame| &*frame.function);
    outermost.next_back() == Some("testing.tRunner")
}

/// The function of the test that it runs.
pub(super) fn test_of(stack: &Stack) -> Option<&str> {
    let mut inwards = stack.visible().map(|frame| &*frame.function).rev();
    inwards.next().filter(|runner| *runner == "testing.tRunner").and(inwards.next())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Goroutine, Snapshot};

    /// A world that saw goroutine 7 wait at 100 s and 103 s, since a time that the
    /// collector has noted.
    fn world(noted: Option<u64>) -> World {
        let mut world = World::default();
        for second in [100, 103] {
            let waiting = Goroutine {
                id: GoId(7),
                state: GoState::Blocked,
                reason: Some(WaitReason::ChanReceive),
                blocked_since: noted.map(|second| Time(second * 1_000_000_000)),
                switches: Some(1),
                wait: None,
                stack: Stack::empty(),
                created_by: None,
                parent: None,
                labels: None,
                thread: None,
                system: false,
            };
            let (taken, goroutines) = (Time(second * 1_000_000_000), vec![Arc::new(waiting)]);
            let snapshot = Snapshot { taken, goroutines, ..Snapshot::default() };
            world.apply(&crate::model::Observation::Snapshot(Box::new(snapshot)));
        }
        world
    }

    #[test]
    fn what_was_before_anybody_looked_is_said_and_not_counted() {
        let world_of = |noted| {
            let world = world(noted);
            let since = world.goroutine(GoId(7)).expect("it waits").since.time();
            let seen = lasted(&world, since);
            (seen, waited_before(&world, &[GoId(7), GoId(8)], seen))
        };
        let watched = Duration::from_secs(3);
        let (seen, said) = world_of(Some(40));
        assert_eq!(seen, watched);
        assert!(said.is_some_and(|said| said.contains("for about 63 s")));
        assert_eq!(world_of(None), (watched, None));
        assert_eq!(world_of(Some(100)), (watched, None));
    }
}
