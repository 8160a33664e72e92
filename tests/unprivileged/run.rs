//! `bingo run` from outside: tests that leak, hang, panic and exit, packages that
//! do not build, and what is left behind, under the oldest and the newest Go.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use bingo_tests::{Module, Ran, files, release_or_skip, wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

const TESTS: &str = r#"package orders

import (
	"os"
	"testing"
	"time"
)

func TestLeak(t *testing.T) {
	unread := make(chan int)
	for i := 0; i < 3; i++ {
		go func() { unread <- 1 }() // leaks
	}
	time.Sleep(60 * time.Millisecond)
}

func TestCase(t *testing.T) {
	switch os.Getenv("CASE") {
	case "hang":
		<-make(chan int) // hangs
	case "exit":
		time.Sleep(1200 * time.Millisecond)
		os.Exit(3)
	case "panic":
		time.Sleep(1200 * time.Millisecond)
		panic("out of orders")
	case "fail":
		t.Fail()
	}
}

func TestMain(m *testing.M) {
	if os.Getenv("CASE") == "main" {
		time.Sleep(time.Hour)
	}
	os.Exit(m.Run())
}
"#;

/// A module with a package whose tests leak, one without tests, and one that does
/// not build.
fn shop(test: &str, minor: u32) -> anyhow::Result<Option<Module>> {
    let Some(release) = release_or_skip(&format!("run::{test}"), minor) else { return Ok(None) };
    let files = [
        ("orders/orders_test.go", TESTS),
        ("bare/bare.go", "package bare\n"),
        ("broken/broken_test.go", "package broken\n\nvar x int = \"no number\"\n"),
    ];
    Module::new(&format!("run-{test}"), release, &files).map(Some)
}

fn command(module: &Module, case: &str, arguments: &[&str]) -> anyhow::Result<Command> {
    let mut bingo = module.bingo(&["run"])?;
    bingo.args(arguments).env("CASE", case);
    Ok(bingo)
}

/// Runs it; nothing may be left behind.
fn run(module: &Module, case: &str, arguments: &[&str]) -> anyhow::Result<Ran> {
    let before = files(&module.folder)?;
    let ran = Ran::from(command(module, case, arguments)?.output()?);
    assert_eq!(files(&module.folder)?, before, "in the user's folder: {}", ran.said);
    module.ensure_clean()?;
    Ok(ran)
}

/// The finding at the line of `TESTS` that ends in `mark`, in a report in JSON.
fn bug(ran: &Ran, mark: &str) -> anyhow::Result<Value> {
    let report: Value = serde_json::from_str(&ran.text).with_context(|| ran.said.clone())?;
    let line = TESTS.lines().position(|line| line.ends_with(mark)).context("the mark")? + 1;
    let bugs = report.get("bugs").and_then(Value::as_array).context("bugs")?;
    let at_line = bugs.iter().find(|bug| bug.pointer("/location/line") == Some(&line.into()));
    at_line.cloned().with_context(|| format!("none at line {line}: {report}\n{}", ran.said))
}

#[test]
fn a_leak_in_a_test_is_found_and_go_test_is_heard() -> anyhow::Result<()> {
    for minor in [22, 27] {
        let Some(module) = shop("leak", minor)? else { continue };
        let ran = run(&module, "", &["./orders", "./bare", "--format", "json"])?;
        assert_eq!(ran.status, Some(1), "{}", ran.said);
        let bug = bug(&ran, "// leaks")?;
        // It was looked at on its way out: by its address nobody gets at the channel.
        assert_eq!((&bug["count"], &bug["confidence"]), (&3.into(), &"proven".into()), "{bug}");
        assert_eq!(bug["blocked_on"]["kind"], "channel", "{bug}");
        assert!(bug["blocked_for_ns"].as_u64() > Some(50_000_000), "the trace tells since when: {bug}");
        assert!(ran.text.contains(r#""inputs":["example.com/shop/orders"]"#), "{}", ran.text);
        assert!(ran.said.contains("ok  \texample.com/shop/orders"), "{}", ran.said);
        assert!(ran.said.contains("[no test files]"), "{}", ran.said);
        let never = run(&module, "", &["./orders", "--fail-on", "never"])?;
        assert_eq!(never.status, Some(0), "the tests passed: {}", never.said);
        assert!(never.text.contains("goroutine_leak"), "{}", never.text);
        let failed = run(&module, "fail", &["./orders", "--fail-on", "never"])?;
        assert_eq!(failed.status, Some(1), "a test failed: {}", failed.said);
    }
    Ok(())
}

/// Two that lock in different orders and block; a worker that a package variable can
/// still feed; children that outlive the tests.
const LOCKS: &str = r#"package bank

import (
	"os/exec"
	"sync"
	"testing"
	"time"
)

type bank struct{ accounts, log sync.Mutex }

func (b *bank) pay() {
	b.accounts.Lock()
	defer b.accounts.Unlock()
	time.Sleep(20 * time.Millisecond)
	b.log.Lock() // pays
	defer b.log.Unlock()
}

func (b *bank) audit() {
	b.log.Lock()
	defer b.log.Unlock()
	time.Sleep(20 * time.Millisecond)
	b.accounts.Lock() // audits
	defer b.accounts.Unlock()
}

var jobs = make(chan int)

func TestBank(t *testing.T) {
	b := new(bank)
	go b.pay()
	go b.audit()
	go func() {
		for range jobs { // idles
		}
	}()
	time.Sleep(60 * time.Millisecond)
	if err := exec.Command("sh", "-c", "(sleep 0.5; exit 3) & exit 0").Run(); err != nil {
		t.Fatal(err)
	}
}
"#;

/// A trace has no addresses; the look on the way out has them, without root.
#[test]
fn who_holds_which_lock_is_seen_on_the_way_out() -> anyhow::Result<()> {
    for minor in [22, 27] {
        let name = "run::who_holds_which_lock_is_seen_on_the_way_out";
        let Some(release) = release_or_skip(name, minor) else { continue };
        let module = Module::new("run-locks", release, &[("bank/bank_test.go", LOCKS)])?;
        let ran = run(&module, "", &["./bank", "--format", "json"])?;
        assert_eq!(ran.status, Some(1), "{}", ran.said);
        assert!(ran.said.contains("ok  \texample.com/"), "{}", ran.said);
        let report: Value = serde_json::from_str(&ran.text)?;
        let bugs = report["bugs"].as_array().context("bugs")?;
        let told: Vec<_> = bugs.iter().filter(|bug| bug["confidence"] != "low").collect();
        let [deadlock] = told[..] else { anyhow::bail!("one finding: {report:#}") };
        assert_eq!((&deadlock["type"], &deadlock["confidence"]), (&"deadlock".into(), &"proven".into()));
        assert_eq!(deadlock["cycle"].as_array().map(Vec::len), Some(2), "{deadlock}");
        let held = deadlock["evidence"].to_string();
        assert!(
            held.contains("holds it since bank_test.go:13") && held.contains("bank_test.go:21"),
            "{held}"
        );
        assert_eq!(report["problems"], serde_json::json!([]), "{report}");
    }
    Ok(())
}

#[test]
fn a_test_that_hangs_is_ended_and_found() -> anyhow::Result<()> {
    for minor in [22, 27] {
        let Some(module) = shop("hang", minor)? else { continue };
        let ran = run(&module, "hang", &["./orders", "-timeout", "2s", "--format=json"])?;
        assert_eq!(ran.status, Some(1), "{}", ran.said);
        assert!(ran.said.contains("test timed out after 2s"), "{}", ran.said);
        let bug = bug(&ran, "// hangs")?;
        assert_eq!(bug["confidence"], "proven", "{bug}");
        assert!(bug["evidence"].to_string().contains("it runs a test"), "{bug}");
        assert!(ran.text.contains(r#""problems":[]"#), "the trace is whole: {}", ran.text);
    }
    Ok(())
}

#[test]
fn what_never_begins_its_tests_is_ended_too() -> anyhow::Result<()> {
    let Some(module) = shop("main", 27)? else { return Ok(()) };
    let ran = run(&module, "main", &["./orders", "-timeout=1s"])?;
    assert_eq!(ran.status, Some(1), "{}", ran.said);
    assert!(ran.text.contains("its tests did not begin"), "{}", ran.text);
    assert!(ran.said.contains("SIGQUIT"), "Go prints its goroutines: {}", ran.said);
    Ok(())
}

#[test]
fn what_exits_or_panics_leaves_what_can_be_had() -> anyhow::Result<()> {
    for (minor, case, status) in [(22, "panic", 2), (27, "panic", 2), (27, "exit", 3)] {
        let Some(module) = shop(case, minor)? else { continue };
        let ran = run(&module, case, &["./orders", "--format", "json"])?;
        assert_eq!(ran.status, Some(1), "{}", ran.said);
        bug(&ran, "// leaks")?;
        assert!(ran.text.contains(&format!("it ended with exit status {status}")), "{}", ran.text);
    }
    Ok(())
}

#[test]
fn what_does_not_build_is_said_by_go_and_the_others_go_on() -> anyhow::Result<()> {
    for minor in [22, 27] {
        let Some(module) = shop("broken", minor)? else { continue };
        let ran = run(&module, "", &["./..."])?;
        assert_eq!(ran.status, Some(2), "{}", ran.said);
        assert!(ran.said.contains("broken_test.go:3"), "{}", ran.said);
        assert!(ran.text.contains("orders.TestLeak"), "{}", ran.text);
        let none = run(&module, "", &["./nowhere"])?;
        assert_eq!(none.status, Some(2), "{}", none.said);
    }
    Ok(())
}

#[test]
fn each_number_of_processors_has_its_run_and_traces_can_be_kept() -> anyhow::Result<()> {
    let Some(module) = shop("procs", 27)? else { return Ok(()) };
    let keep = module.folder.with_file_name("kept");
    let keep_text = keep.to_str().context("a path")?;
    let ran = run(&module, "", &["--procs", "1,2", "./orders", "-v", "--keep", keep_text])?;
    assert_eq!(ran.status, Some(1), "{}", ran.said);
    assert!(ran.said.contains("=== RUN   TestLeak"), "-v is go's: {}", ran.said);
    assert_eq!(ran.text.matches("orders.TestLeak.func1 ").count(), 1, "one finding: {}", ran.text);
    for name in ["example.com_shop_orders-cpu1.out", "example.com_shop_orders-cpu2.out"] {
        assert!(fs::read(keep.join(name))?.starts_with(b"go 1."), "{name}");
    }
    assert_eq!(files(&keep)?.len(), 2);
    Ok(())
}

#[test]
fn ctrl_c_ends_the_tests_and_tells_what_was_gathered() -> anyhow::Result<()> {
    let Some(module) = shop("interrupted", 27)? else { return Ok(()) };
    let mut bingo = command(&module, "hang", &["./orders"])?;
    let child = bingo.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // Two generations, so that one of them is whole.
    wait_until(PATIENCE, "a trace", || {
        let files = files(&module.temporary).ok()?;
        let large = |path: &&PathBuf| fs::metadata(path).is_ok_and(|about| about.len() > 5_000);
        files.iter().filter(|path| path.extension().is_some_and(|end| end == "out")).find(large).cloned()
    })?;
    Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
    let ran = Ran::from(child.wait_with_output()?);
    assert_eq!(ran.status, Some(130), "{}", ran.said);
    assert!(ran.text.contains("orders.TestLeak") && ran.text.contains("it was interrupted"), "{}", ran.text);
    module.ensure_clean()
}

#[test]
fn without_a_go_that_can_be_used_it_says_what_to_do() -> anyhow::Result<()> {
    let Some(module) = shop("old", 21)? else { return Ok(()) };
    let old = run(&module, "", &["./orders"])?;
    assert_eq!(old.status, Some(2));
    assert!(old.said.contains("go1.21") && old.said.contains("1.22 or later"), "{}", old.said);
    let output = command(&module, "", &["./orders"])?.env("PATH", "/nowhere").output()?;
    let none = Ran::from(output);
    assert_eq!(none.status, Some(2));
    assert!(none.said.contains("no `go` on the PATH") && none.said.contains("go.dev/dl"), "{}", none.said);
    Ok(())
}

const RACE: &str = r#"package race

import (
	"os"
	"testing"
	"time"
)

func TestRace(t *testing.T) {
	visits, seen := 0, make(chan bool)
	go func() {
		visits++ // writes
		close(seen)
	}()
	if os.Getenv("CASE") == "sound" {
		<-seen
	}
	time.Sleep(20 * time.Millisecond)
	visits++ // writes too
}
"#;

#[test]
fn races_are_reported_with_both_places_in_each_run() -> anyhow::Result<()> {
    for minor in [22, 27] {
        let Some(release) = release_or_skip("run::race", minor) else { continue };
        let module = Module::new(&format!("run-race-{minor}"), release, &[("race/race_test.go", RACE)])?;
        let arguments = ["--race", "--count", "2", "--procs", "1,2", "--format", "json", "./race"];
        let ran = run(&module, "", &arguments)?;
        assert_eq!(ran.status, Some(1), "{}", ran.said);
        for word in ["WARNING: DATA RACE", "race detected during execution of test", "FAIL\texample.com"] {
            assert!(ran.said.contains(word), "go test's own result is there: {}", ran.said);
        }
        let report: Value = serde_json::from_str(&ran.text)?;
        let races: Vec<&Value> = report["bugs"]
            .as_array()
            .context("bugs")?
            .iter()
            .filter(|bug| bug["type"] == "data_race")
            .collect();
        let [race] = &races[..] else { anyhow::bail!("{}", ran.text) };
        assert_eq!(race["confidence"], "proven");
        let lines = [&race["location"]["line"], &race["related"][0]["at"]["line"]];
        assert!(lines.contains(&&Value::from(12)) && lines.contains(&&Value::from(19)), "{race}");
        assert_eq!((&race["runs"]["of"], report["inputs"].as_array().map(Vec::len)), (&4.into(), Some(4)));
        assert!(report["inputs"].to_string().contains("race -cpu=2 #1"), "{}", report["inputs"]);
        let sound = run(&module, "sound", &["--race", "./race"])?;
        assert_eq!(sound.status, Some(0), "{}{}", sound.text, sound.said);
    }
    Ok(())
}

const HINT: &str = r#"package race

import (
	"sync"
	"testing"
)

func TestTotal(t *testing.T) {
	var group sync.WaitGroup
	total := 0
	for i := 0; i < 2; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			total++ // shared
		}()
	}
	group.Wait()
}

func TestLocked(t *testing.T) {
	var group sync.WaitGroup
	var lock sync.Mutex
	total := 0
	for i := 0; i < 2; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			lock.Lock()
			defer lock.Unlock()
			total++
		}()
	}
	group.Wait()
}
"#;

/// By the source alone it is a hint; beside the race detector's word for it there is none.
#[test]
fn what_the_source_hints_at_is_low_and_gives_way_to_what_was_seen() -> anyhow::Result<()> {
    let Some(release) = release_or_skip("run::hint", 27) else { return Ok(()) };
    let module = Module::new("run-hint", release, &[("race/race_test.go", HINT)])?;
    let line = HINT.lines().position(|line| line.ends_with("// shared")).context("the mark")? + 1;
    let told = |arguments: &[&str]| -> anyhow::Result<(Option<i32>, Vec<[Value; 3]>)> {
        let ran = run(&module, "", arguments)?;
        let report: Value = serde_json::from_str(&ran.text).with_context(|| ran.said.clone())?;
        let bugs = report["bugs"].as_array().context("bugs")?.iter();
        let of =
            |bug: &Value| [bug["type"].clone(), bug["confidence"].clone(), bug["location"]["line"].clone()];
        Ok((ran.status, bugs.map(of).collect()))
    };
    let hint = ["race_hint".into(), "low".into(), line.into()];
    assert_eq!(told(&["--format", "json", "./race"])?, (Some(0), vec![hint]));
    let (status, seen) = told(&["--race", "--count", "3", "--format", "json", "./race"])?;
    let race = ["data_race".into(), "proven".into(), line.into()];
    assert_eq!((status, seen), (Some(1), vec![race]));
    Ok(())
}

#[test]
fn without_a_c_compiler_it_says_what_to_do() -> anyhow::Result<()> {
    let Some(module) = shop("no-cgo", 27)? else { return Ok(()) };
    let mut bingo = command(&module, "", &["--race", "./orders"])?;
    let ran = Ran::from(bingo.env("CGO_ENABLED", "0").output()?);
    assert_eq!(ran.status, Some(2));
    assert!(ran.said.contains("needs cgo") && ran.said.contains("gcc"), "{}", ran.said);
    Ok(())
}
