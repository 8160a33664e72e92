//! Any bytes as Go source: files behind lines such as `-- other/x.go --`, with
//! goroutines that wait wherever the text looks as if one could. Each is made at a
//! line with `go`, in turn.
#![no_main]

use std::sync::Arc;

use bingo::code;
use bingo::model::{
    Addr, CreatedBy, Event, EventKind, Frame, GoId, Observation, Stack, Texts, Time, WaitReason,
};
use bingo::world::{Keep, World};
use libfuzzer_sys::fuzz_target;

/// Goroutines that are told of.
const GOROUTINES: usize = 24;

struct Files(Vec<(Arc<str>, Arc<str>)>);

impl Texts for Files {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        self.0.iter().find(|(name, _)| **name == *file).map(|(_, text)| text.clone())
    }

    fn files(&self, folder: &str) -> Vec<Arc<str>> {
        let of_folder = |name: &str| name.rsplit_once('/').map(|(of, _)| of) == Some(folder);
        self.0.iter().filter(|(name, _)| of_folder(name)).map(|(name, _)| name.clone()).collect()
    }
}

/// The files of a text; what stands before the first heading is `main.go`.
fn files(text: &str) -> Files {
    let mut found = vec![("/src/main.go".to_owned(), String::new())];
    for line in text.lines() {
        match line.strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --")) {
            Some(name) => found.push((format!("/src/{name}"), String::new())),
            None => {
                let (_, text) = found.last_mut().expect("the first file");
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    Files(found.into_iter().map(|(name, text)| (name.into(), text.into())).collect())
}

/// What a goroutine waits for at such a line, and the runtime's function there.
fn wait(line: &str) -> Option<(WaitReason, &'static str)> {
    let waits = [
        ("<-", WaitReason::ChanReceive, "runtime.chanrecv1"),
        ("<- ", WaitReason::ChanSend, "runtime.chansend1"),
        ("range ", WaitReason::ChanReceive, "runtime.chanrecv2"),
        ("select", WaitReason::Select, "runtime.selectgo"),
        ("RLock(", WaitReason::Sync, "sync.(*RWMutex).RLock"),
        ("Lock(", WaitReason::Sync, "sync.(*Mutex).Lock"),
        ("Wait(", WaitReason::Sync, "sync.(*WaitGroup).Wait"),
        ("Sleep(", WaitReason::Sleep, "time.Sleep"),
        ("Do(", WaitReason::Sync, "sync.(*Once).Do"),
    ];
    waits
        .iter()
        .rev()
        .find(|(word, ..)| line.contains(word))
        .map(|(_, reason, function)| (*reason, *function))
}

/// The name that the linker gives a function which is declared so.
fn named(line: &str) -> Option<String> {
    let rest = line.strip_prefix("func ")?;
    match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((receiver, rest)) => {
            let kind = receiver.split_whitespace().last()?;
            let kind = if kind.starts_with('*') { format!("({kind})") } else { kind.to_owned() };
            Some(format!("main.{kind}.{}", rest.split('(').next()?.trim()))
        }
        None => Some(format!("main.{}", rest.split(['(', '[']).next()?.trim())),
    }
}

fn frame(function: &str, file: &str, line: usize) -> Frame {
    let line = u32::try_from(line).unwrap_or(u32::MAX);
    Frame { function: function.into(), file: file.into(), line, pc: Addr(1), inlined: false }
}

/// Goroutines that wait at the lines of the files.
fn told(world: &mut World, files: &Files) {
    let mut stacks: Vec<(WaitReason, Stack)> = Vec::new();
    let mut makers: Vec<CreatedBy> = Vec::new();
    for (file, text) in &files.0 {
        let (mut root, mut literal) = (String::new(), false);
        for (at, line) in text.lines().enumerate() {
            if let Some(name) = named(line) {
                (root, literal) = (name, false);
            }
            literal |= line.contains("func(");
            let function = if literal { format!("{root}.func1") } else { root.clone() };
            if line.contains("go ") {
                makers.push(CreatedBy {
                    function: root.as_str().into(),
                    file: file.clone(),
                    line: at as u32 + 1,
                });
            }
            if let Some((reason, inner)) = wait(line) {
                let frames = vec![frame(inner, "/go/src/x.go", 1), frame(&function, file, at + 1)];
                stacks.push((reason, Stack::new(frames)));
            }
        }
    }
    for (at, (reason, stack)) in stacks.iter().take(GOROUTINES).enumerate() {
        let id = GoId(at as u64 + 1);
        let mut event = |kind, stack| {
            let time = Time(at as u64);
            world.apply(&Observation::Event(Event { time, goroutine: Some(id), kind, stack, thread: None }));
        };
        let maker = makers.get(at % makers.len().max(1)).filter(|_| at > 0);
        if let Some(maker) = maker {
            let at = frame(&maker.function, &maker.file, maker.line as usize);
            event(EventKind::Create { parent: Some(GoId(1)) }, Some(Stack::new(vec![at])));
        }
        event(EventKind::Block { reason: Some(*reason), on: None }, Some(stack.clone()));
        // Half of them have waited there before.
        if at % 2 == 1 {
            event(EventKind::Unblock { by: Some(GoId(at as u64)) }, Some(stack.clone()));
            event(EventKind::Block { reason: Some(*reason), on: None }, Some(stack.clone()));
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let files = files(&text);
    let mut world = World::keeping(Keep { transitions: 4, long: std::time::Duration::from_secs(1) });
    told(&mut world, &files);
    let links = code::links(&world, &files, &mut || false).links;
    assert!(links.waits.len() <= GOROUTINES);
    for wait in links.waits.iter().flat_map(|(_, waits)| waits) {
        assert!(links.object(wait.object).is_some());
    }
});
