//! What judging a World costs: `cargo xtask bench detect` runs this and compares.
//! Out: a line a figure, `name value`: milliseconds, a count of findings, or bytes.

use std::time::{Duration, Instant};

use bingo::detect::{Finding, findings};
use bingo::model::{
    Access, Addr, Certainty, Event, EventKind, Frame, GoId, Hold, Links, Object, ObjectIndex, ObjectKey,
    ObjectKind, Observation, Operation, Stack, Time, Use, WaitFor, WaitReason,
};
use bingo::world::{Keep, World};

const MIN_BLOCK: Duration = Duration::from_secs(1);

/// A program, told.
struct Told {
    world: World,
    links: Links,
}

impl Told {
    fn new() -> Told {
        let world = World::keeping(Keep { transitions: 16, long: MIN_BLOCK });
        let mut told = Told { world, links: Links::default() };
        told.event(0, 1, EventKind::Run, &stack(0));
        told
    }

    fn event(&mut self, time: u64, id: u64, kind: EventKind, stack: &Stack) {
        let stack = Some(stack.clone());
        let (time, goroutine) = (Time(time), Some(GoId(id)));
        self.world.apply(&Observation::Event(Event { time, goroutine, kind, stack, thread: None }));
    }

    fn object(&mut self, kind: ObjectKind) -> ObjectIndex {
        let number = u32::try_from(self.links.objects.len()).unwrap_or(u32::MAX);
        let key = ObjectKey::Address(Addr(0xc000_0000 + 64 * u64::from(number)));
        self.links.objects.push(Object { key, kind, access: Access::Closed });
        ObjectIndex(number)
    }

    /// A goroutine that parks to do this.
    fn waits(&mut self, id: u64, object: ObjectIndex, operation: Operation, stack: &Stack) {
        let reason = match operation {
            Operation::Send => WaitReason::ChanSend,
            Operation::Receive => WaitReason::ChanReceive,
            Operation::Wait => WaitReason::WaitGroupWait,
            _ => WaitReason::MutexLock,
        };
        self.event(1, id, EventKind::Create { parent: Some(GoId(1)) }, stack);
        self.event(2, id, EventKind::Run, stack);
        self.event(3, id, EventKind::Block { reason: Some(reason), on: None }, stack);
        self.links.waits.insert(GoId(id), &[WaitFor { object, operation }]);
    }

    fn holds(&mut self, id: u64, object: ObjectIndex) {
        let (goroutine, certainty) = (GoId(id), Certainty::Sure);
        self.links.holds.push(Hold {
            goroutine,
            object,
            shared: false,
            taken_at: None,
            certainty,
            apart: false,
        });
    }

    fn uses(&mut self, id: u64, object: ObjectIndex, operation: Operation) {
        let because = "it would".into();
        let (goroutine, certainty) = (GoId(id), Certainty::Sure);
        self.links.uses.push(Use { goroutine, object, operation, because, certainty });
    }

    fn judged(mut self) -> (Vec<Finding>, Duration) {
        self.event(10_000_000_000, 1, EventKind::Run, &stack(0));
        let begun = Instant::now();
        let found = findings(&self.world, &[&self.links], MIN_BLOCK);
        (found, begun.elapsed())
    }
}

fn stack(line: u32) -> Stack {
    let frame = |function: &str, line| Frame {
        function: function.into(),
        file: "/src/main.go".into(),
        line,
        pc: Addr(u64::from(line)),
        inlined: false,
    };
    Stack::new(vec![frame("main.work", line), frame("main.main.func1", 7)])
}

/// Fifty goroutines in one cycle, over locks and channels by turns.
fn cycle() -> (Vec<Finding>, Duration) {
    let mut told = Told::new();
    let of = |n: u64| 100 + n % 50;
    for n in 0..50 {
        if n % 2 == 0 {
            let lock = told.object(ObjectKind::Mutex);
            told.waits(of(n), lock, Operation::Lock, &stack(15));
            told.holds(of(n + 1), lock);
        } else {
            let channel = told.object(ObjectKind::Channel);
            told.waits(of(n), channel, Operation::Receive, &stack(25));
            told.uses(of(n + 1), channel, Operation::Send);
        }
    }
    told.judged()
}

/// A thousand pairs.
fn pairs() -> (Vec<Finding>, Duration) {
    let mut told = Told::new();
    for n in 0..1_000 {
        let (one, other) = (100 + 2 * n, 101 + 2 * n);
        let (first, second) = (told.object(ObjectKind::Mutex), told.object(ObjectKind::Mutex));
        told.waits(one, second, Operation::Lock, &stack(15));
        told.holds(one, first);
        told.waits(other, first, Operation::Lock, &stack(25));
        told.holds(other, second);
    }
    told.judged()
}

/// A million goroutines of five patterns.
fn million() -> (Vec<Finding>, Duration) {
    let mut told = Told::new();
    let stacks: Vec<Stack> = (0..5).map(|line| stack(100 + line)).collect();
    let shared = told.object(ObjectKind::Mutex);
    for id in 0..1_000_000 {
        let Some(stack) = stacks.get(usize::try_from(id % 5).unwrap_or_default()) else { continue };
        let (object, operation) = match id % 5 {
            0 => (shared, Operation::Lock),
            1 => (told.object(ObjectKind::Channel), Operation::Send),
            2 => (told.object(ObjectKind::Channel), Operation::Receive),
            3 => (told.object(ObjectKind::WaitGroup), Operation::Wait),
            _ => (told.object(ObjectKind::Channel), Operation::Send),
        };
        told.waits(100 + id, object, operation, stack);
    }
    told.judged()
}

fn main() {
    let report = |name: &str, (found, took): (Vec<Finding>, Duration)| {
        println!("{name}_ms {:.3}", took.as_secs_f64() * 1e3);
        println!("{name}_findings {}", found.len());
        println!("{name}_goroutines {}", found.iter().map(|finding| finding.count).sum::<usize>());
    };
    report("cycle", cycle());
    report("pairs", pairs());
    report("million", million());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
    println!("peak_kib {}", peak.unwrap_or("0"));
}
