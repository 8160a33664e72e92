//! Every form of one fixed report: a leak of five, a deadlock of two, a race, and
//! one of each that is not told; with names that mean something to what reads them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::{
    Access, Addr, CreatedBy, Direction, GoId, Object, ObjectKey, Problem, Stack, Texts, Wait, WaitReason,
};
use crate::report::Style;
use crate::session::{Related, Run, Step, Suppressed};

const SOURCE: &str =
    "package shop\n\nfunc order() {\n\tgo func() {\n\t\tunread <- 1 // <b>leaks</b>\n\t}()\n}\n";

struct Shop;

impl Texts for Shop {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        (file == "/src/shop/order.go").then(|| SOURCE.into())
    }

    fn files(&self, _: &str) -> Vec<Arc<str>> {
        Vec::new()
    }
}

fn stack(calls: &[(&str, &str, u32)]) -> Stack {
    let frame = |(function, file, line): &(&str, &str, u32)| Frame {
        function: (*function).into(),
        file: (*file).into(),
        line: *line,
        pc: Addr(0x40_0000 + u64::from(*line)),
        inlined: false,
    };
    Stack::new(calls.iter().map(frame).collect::<Vec<_>>())
}

fn finding(class: Class, confidence: Confidence, id: &str, stack: Stack) -> Finding {
    Finding {
        id: id.to_owned(),
        class,
        confidence,
        title: "a title".to_owned(),
        goroutines: vec![GoId(18)],
        count: 1,
        reason: None,
        wait: None,
        blocked_for: Duration::from_millis(301),
        stack,
        created_by: None,
        cycle: Vec::new(),
        related: Vec::new(),
        evidence: vec!["parked 0.301 s before the end".to_owned()],
        explanation: "What it means.",
    }
}

fn leak() -> Finding {
    let at = stack(&[
        ("runtime.gopark", "/go/src/runtime/proc.go", 402),
        ("example.com/shop.order.func1", "/src/shop/order.go", 5),
    ]);
    Finding {
        title: "5 goroutines wait to send on a channel, and nobody has received".to_owned(),
        goroutines: (18..23).map(GoId).collect(),
        count: 5,
        reason: Some(WaitReason::ChanSend),
        wait: Some(Wait::Channel { channel: Addr(0xc000_1234), direction: Direction::Send }),
        created_by: Some(CreatedBy {
            function: "example.com/shop.order".into(),
            file: "/src/shop/order.go".into(),
            line: 4,
        }),
        ..finding(Class::GoroutineLeak, Confidence::High, "leak-7f3a9c", at)
    }
}

fn deadlock() -> Finding {
    let here = stack(&[("main.(*T[go.shape.int]).a", "/src/shop/a,b:c.go", 7)]);
    let there = stack(&[("main.b|`x`@all", "/else where/100%.go", 9)]);
    let mutex = |at| Object {
        key: ObjectKey::Address(Addr(at)),
        kind: crate::model::ObjectKind::Mutex,
        access: Access::Closed,
    };
    let step = |goroutine, waits_for, stack: &Stack, on| Step {
        goroutine: GoId(goroutine),
        stack: stack.clone(),
        waits_for: GoId(waits_for),
        on: mutex(on),
        because: "holds it since a.go:6".to_owned(),
    };
    Finding {
        title: "2 goroutines wait for each other\n::error::<script>alert(1)</script>".to_owned(),
        goroutines: vec![GoId(7), GoId(8)],
        count: 2,
        reason: Some(WaitReason::MutexLock),
        cycle: vec![step(7, 8, &here, 0xc0a0), step(8, 7, &there, 0xc0b0)],
        ..finding(Class::Deadlock, Confidence::Proven, "deadlock-1", here)
    }
}

fn race() -> Finding {
    let here = stack(&[("main.count", "/src/shop/order.go", 5), ("main.main", "/src/shop/order.go", 3)]);
    Finding {
        blocked_for: Duration::ZERO,
        related: vec![Related {
            what: "previous read by main goroutine".to_owned(),
            stack: stack(&[("main.show", "/src/shop/order.go", 4)]),
        }],
        ..finding(Class::DataRace, Confidence::Proven, "race-5", here)
    }
}

pub(crate) fn analysis() -> Analysis {
    let known = finding(Class::LongBlock, Confidence::Medium, "block-1", stack(&[]));
    let ignored = Finding { id: "block-2".to_owned(), ..known.clone() };
    let comment =
        Suppression::Comment { reason: "meant so".to_owned(), file: "/src/shop/order.go".into(), line: 5 };
    let low =
        finding(Class::GoroutineLeak, Confidence::Low, "leak-low", stack(&[("main.idle", "idle.go", 3)]));
    let first = Analysis {
        findings: vec![deadlock(), race(), leak(), low],
        goroutines: 42,
        lost_events: 3,
        problems: vec![Problem { goroutine: None, what: "cut off\x1b[2J\nat its end".to_owned() }],
        suppressed: vec![
            Suppressed { finding: known, by: Suppression::Baseline },
            Suppressed { finding: ignored, by: comment },
        ],
        ..Analysis::default()
    };
    let run = |nth| Run { name: "shop".to_owned(), procs: Some(nth), nth: None };
    let mut all = first.found_in(run(1));
    all.add(Analysis { findings: vec![leak()], ..Analysis::default() }.found_in(run(2)));
    all
}

fn check(form: impl FnOnce(&Analysis, &Context<'_>) -> String) -> String {
    let analysis = analysis();
    let inputs: Vec<String> = analysis.runs.all().iter().map(ToString::to_string).collect();
    let context = Context {
        inputs: &inputs,
        took: Duration::from_millis(12),
        fail_on: Some(Confidence::Medium),
        texts: &Shop,
        folder: Path::new("/src/shop"),
    };
    form(&analysis, &context)
}

fn written(form: impl FnOnce(&Analysis, &Context<'_>, &mut Vec<u8>) -> std::io::Result<()>) -> String {
    check(|analysis, context| {
        let mut out = Vec::new();
        form(analysis, context, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    })
}

#[test]
fn for_people() {
    insta::assert_snapshot!(check(|analysis, context| findings(analysis, context, Style::Plain)));
}

#[test]
fn in_colour() {
    let text = check(|analysis, context| findings(analysis, context, Style::Colour));
    assert!(text.contains("\x1b[31;1mdeadlock (proven)\x1b[0m"), "{text}");
    assert!(!text.contains("\x1b[2J"), "what is read is not sent to the terminal");
}

#[test]
fn as_json_and_in_lines() {
    let json: serde_json::Value =
        serde_json::from_str(&written(|all, context, out| findings_json(all, context, out))).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
    let lines = written(|all, context, out| findings_jsonl(all, context, out));
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&lines[1..], json["bugs"].as_array().unwrap());
    assert_eq!((&lines[0]["inputs"], lines[0].get("bugs")), (&json["inputs"], None));
}

#[test]
fn for_code_scanning() {
    let text = written(|all, context, out| sarif(all, context, out));
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&log["runs"][0]["results"]).unwrap());
}

#[test]
fn for_those_that_show_tests() {
    insta::assert_snapshot!(written(|all, context, out| junit(all, context, out)));
}

#[test]
fn as_annotations() {
    insta::assert_snapshot!(check(github));
}

#[test]
fn for_a_comment() {
    insta::assert_snapshot!(check(markdown));
    let many = check(|analysis, context| {
        let mut many = Analysis { findings: analysis.findings.clone(), ..Analysis::default() };
        many.findings = many.findings.iter().cycle().take(1_000).cloned().collect();
        markdown(&many, context)
    });
    assert!(many.len() < 65_536 && many.contains("more are not listed") && many.contains("have no room"));
}

#[test]
fn for_a_browser() {
    let page = written(|all, context, out| html(all, context, out));
    for there in [
        "<mark>&lt;-</mark>",
        "&lt;b&gt;leaks&lt;/b&gt;",
        "&lt;script&gt;alert(1)",
        "goroutine 7 waits for goroutine 8 on mutex 0xc0a0: goroutine 8 holds it since a.go:6",
        "2 goroutines that wait for each other in a circle",
        "previous read by main goroutine",
        "not told: 1 in the baseline, 1 ignored by comments",
        "<h2>How to fix it</h2>",
    ] {
        assert!(page.contains(there), "{there}: {page}");
    }
    for absent in ["<script", "http://", "src=", "@import", "url(h"] {
        assert!(!page.contains(absent), "{absent}");
    }
}
