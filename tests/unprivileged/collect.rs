//! `bingo collect --mode static` from outside: programs that return, exit, panic
//! and are ended, under the oldest and the newest Go, and what is said of packages
//! that are no programs.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use anyhow::Context;
use bingo_tests::{Module, Ran, bingo_bin, files, release_or_skip};
use serde_json::Value;

const MAIN: &str = r#"package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/shop/early"
)

func main() {
	unread := make(chan int)
	for i := 0; i < 3; i++ {
		go func() { unread <- i }() // leaks
	}
	time.Sleep(60 * time.Millisecond)
	fmt.Println(early.Begun, other(), os.Args[1:], os.Getenv("BINGO_COLLECT_TRACE"))
	switch os.Args[1] {
	case "echo":
		io.Copy(os.Stdout, os.Stdin)
	case "exit":
		os.Exit(3)
	case "fatal":
		log.Fatal("no more orders")
	case "panic":
		panic("out of orders")
	case "signal":
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		fmt.Println("ready")
		fmt.Println(<-asked)
		os.Exit(7)
	case "killed":
		time.Sleep(1200 * time.Millisecond)
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
}
"#;
const OTHER: &str = "//go:build !tagged\n\npackage main\n\nfunc other() string { return \"plain\" }\n";
const TAGGED: &str = "//go:build tagged\n\npackage main\n\nfunc other() string { return \"tagged\" }\n";
const EARLY: &str = r#"package early

import "time"

var Begun = !time.Now().IsZero()

func init() {
	go func() { select {} }()
}
"#;
const ONE: &str = "package main\n\nfunc main() { println(\"one\") }\n";

fn shop(test: &str, minor: u32) -> anyhow::Result<Option<Module>> {
    let Some(release) = release_or_skip(&format!("collect::{test}"), minor) else { return Ok(None) };
    let files = [
        ("cmd/shop/main.go", MAIN),
        ("cmd/shop/other.go", OTHER),
        ("cmd/shop/tagged.go", TAGGED),
        ("early/early.go", EARLY),
        ("one.go", ONE),
        ("broken/broken.go", "package main\n\nfunc main() { undefined() }\n"),
    ];
    Module::new(&format!("collect-{test}"), release, &files).map(Some)
}

fn command(module: &Module, arguments: &[&str]) -> anyhow::Result<Command> {
    let mut bingo = module.bingo(&["collect", "--output", "../events.jsonl"])?;
    bingo.args(arguments);
    Ok(bingo)
}

/// Runs it; nothing may be left behind but the events.
fn collect(module: &Module, arguments: &[&str]) -> anyhow::Result<Ran> {
    let before = files(&module.folder)?;
    let ran = Ran::from(command(module, arguments)?.output()?);
    assert_eq!(files(&module.folder)?, before, "in the user's folder: {}", ran.said);
    module.ensure_clean()?;
    Ok(ran)
}

/// What `analyze` finds in the events: the report, and the number of senders that leak.
fn analysed(module: &Module) -> anyhow::Result<(Value, u64)> {
    let events = module.folder.join("../events.jsonl");
    let output = Command::new(bingo_bin()?).args(["analyze", "--format=json"]).arg(events).output()?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let line = MAIN.lines().position(|line| line.ends_with("// leaks")).context("the mark")? + 1;
    let bugs = report.get("bugs").and_then(Value::as_array).context("bugs")?;
    let at_line = bugs.iter().find(|bug| bug.pointer("/location/line") == Some(&line.into()));
    let count = at_line.and_then(|bug| bug.get("count")?.as_u64()).unwrap_or_default();
    Ok((report, count))
}

#[test]
fn a_program_is_seen_from_its_packages_on_to_its_end() -> anyhow::Result<()> {
    for minor in [22, 27] {
        let Some(module) = shop("whole", minor)? else { continue };
        let mut bingo = command(&module, &["./cmd/shop", "--", "echo", "-x"])?;
        let mut child = bingo.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdin.take().context("it is piped")?.write_all(b"from standard input\n")?;
        let ran = Ran::from(child.wait_with_output()?);
        assert_eq!(ran.status, Some(0));
        assert_eq!(ran.text, "true plain [echo -x] \nfrom standard input\n");
        let (report, leaking) = analysed(&module)?;
        assert_eq!((leaking, report.get("problems")), (3, Some(&Value::Array(vec![]))), "{report}");
        let events = fs::read_to_string(module.folder.join("../events.jsonl"))?;
        let header: Value = serde_json::from_str(events.lines().next().unwrap_or_default())?;
        assert_eq!(header.get("source"), Some(&"collect".into()));
        assert!(header.get("go_version").is_some_and(|go| go.to_string().contains(&format!("go1.{minor}"))));
        let early = events.lines().find(|line| line.contains("early.init") && line.contains("\"create\""));
        assert!(early.is_some(), "what a package's init starts is in it");
        module.ensure_clean()?;
    }
    Ok(())
}

#[test]
fn every_way_to_end_leaves_what_can_be_had() -> anyhow::Result<()> {
    for minor in [22, 27] {
        let Some(module) = shop("ends", minor)? else { continue };
        // Before Go 1.23 the runtime writes nothing at a panic.
        let panic = if minor == 22 { None } else { Some(3) };
        for (case, status, leaking, whole) in [
            ("exit", 3, Some(3), true),
            ("fatal", 1, Some(3), true),
            ("panic", 2, panic, minor > 22),
            ("killed", 137, Some(3), false),
        ] {
            let ran = collect(&module, &["./cmd/shop", "--", case])?;
            assert_eq!(ran.status, Some(status), "{case}: {}", ran.said);
            let (report, found) = analysed(&module)?;
            if let Some(leaking) = leaking {
                assert_eq!(found, leaking, "{case}: {report}\n{}", ran.said);
            }
            assert_eq!(!ran.said.contains("the last of its trace"), whole, "{case}: {}", ran.said);
        }
    }
    Ok(())
}

#[test]
fn a_signal_is_the_programs_to_hear() -> anyhow::Result<()> {
    let Some(module) = shop("signals", 27)? else { return Ok(()) };
    let mut child = command(&module, &["./cmd/shop", "--", "signal"])?.stdout(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(child.stdout.take().context("it is piped")?);
    let mut text = String::new();
    while !text.ends_with("ready\n") && said.read_line(&mut text)? > 0 {}
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
    said.read_to_string(&mut text)?;
    assert_eq!(child.wait()?.code(), Some(7), "{text}");
    assert!(text.ends_with("ready\nterminated\n"), "{text}");
    assert_eq!(analysed(&module)?.1, 3);
    Ok(())
}

#[test]
fn flags_and_files_are_taken_as_go_build_takes_them() -> anyhow::Result<()> {
    let Some(module) = shop("flags", 27)? else { return Ok(()) };
    let tagged =
        collect(&module, &["./cmd/shop", "--build-flags", "-tags tagged '-ldflags=-s -w'", "--", "x"])?;
    assert!(tagged.text.contains("tagged [x]"), "{}{}", tagged.text, tagged.said);
    let one = collect(&module, &["one.go"])?;
    assert_eq!(one.status, Some(0), "{}", one.said);
    assert!(one.said.starts_with("one\n"), "{}", one.said);
    Ok(())
}

#[test]
fn what_is_no_program_is_said() -> anyhow::Result<()> {
    let Some(module) = shop("none", 27)? else { return Ok(()) };
    for (arguments, words) in [
        (&["./early"][..], &["example.com/shop/early", "no program"][..]),
        (&["./..."], &["stands for 4 packages"]),
        (&["./broken"], &["undefined: undefined", "broken.go:3"]),
        (&["./nowhere"], &["nowhere"]),
        (&["./cmd/shop", "--build-flags", "'"], &["a quote has no end"]),
        (&["./go.mod"], &["go.mod", "not an ELF file"]),
    ] {
        let ran = collect(&module, arguments)?;
        assert_eq!(ran.status, Some(2), "{arguments:?}: {}", ran.said);
        for word in words {
            assert!(ran.said.contains(word), "{arguments:?} does not say {word}: {}", ran.said);
        }
    }
    Ok(())
}
