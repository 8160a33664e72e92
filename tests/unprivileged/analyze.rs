//! `bingo analyze` from outside: what it finds, its exit status, and what it
//! says of inputs that are something else.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::Context;
use bingo_tests::{bingo_bin, target_dir};
use serde_json::Value;

const HEADER: &str =
    r#"{"bingo_events":1,"source":"live","start":"2026-11-22T00:38:11Z","start_ns":0,"clock":"monotonic"}"#;

/// A file of this test's own.
fn file(name: &str, content: &[u8]) -> anyhow::Result<PathBuf> {
    let folder = target_dir().join("analyze-tests");
    fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    fs::write(&path, content)?;
    Ok(path)
}

fn event(ms: u64, id: u64, kind: &str, more: &str, line: u32) -> String {
    format!(
        "{{\"time_ns\":{},\"goroutine_id\":{id},\"event_type\":\"{kind}\"{more},\
         \"stack\":[{{\"function\":\"main.f\",\"file\":\"/src/main.go\",\"line\":{line},\"pc\":\"0x1\"}}]}}\n",
        ms * 1_000_000
    )
}

/// Five that wait to send, made by one that has ended.
fn leak() -> String {
    let mut text = format!("{HEADER}\n{}", event(0, 1, "run", "", 1));
    text += &event(1, 7, "create", ",\"parent\":1", 2);
    for id in 18..23 {
        text += &event(100, id, "create", ",\"parent\":7", 13);
    }
    for id in 18..23 {
        let on = r#","block_reason":"chan-send","blocked_on":{"kind":"channel","address":"0xc0","direction":"send"}"#;
        text += &event(103, id, "block", on, 15);
    }
    text += &event(110, 7, "dead", "", 3);
    text + &event(404, 1, "stop", "", 1)
}

fn analyze(arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(Command::new(bingo_bin()?).arg("analyze").args(arguments).stdin(Stdio::null()).output()?)
}

#[test]
fn a_leak_is_found_once_and_said_in_both_forms() -> anyhow::Result<()> {
    let path = file("leak.jsonl", leak().as_bytes())?;
    let path = path.to_str().context("a path")?;
    let output = analyze(&[path, "--format", "json"])?;
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(report["bingo_report"], 1);
    assert_eq!(report["goroutines_analyzed"], 7);
    assert_eq!(report["inputs"][0], path);
    assert_eq!((&report["lost_events"], &report["problems"]), (&Value::from(0), &Value::Array(vec![])));
    let bugs = report["bugs"].as_array().context("bugs")?;
    let [bug] = &bugs[..] else { anyhow::bail!("{report}") };
    assert_eq!((&bug["type"], &bug["confidence"]), (&"goroutine_leak".into(), &"high".into()));
    assert_eq!(bug["goroutines"], serde_json::json!([18, 19, 20, 21, 22]));
    assert_eq!((&bug["count"], &bug["blocked_for_ns"]), (&5.into(), &301_000_000.into()));
    assert_eq!(bug["location"], serde_json::json!({"file": "/src/main.go", "line": 15}));
    assert_eq!((&bug["function"], &bug["created_by"]["line"]), (&"main.f".into(), &13.into()));
    assert_eq!(bug["blocked_on"]["direction"], "send");

    let terminal = analyze(&[path, path, "--fail-on", "proven"])?;
    assert_eq!(terminal.status.code(), Some(0), "high is below proven");
    let said = String::from_utf8(terminal.stdout)?;
    let id = bug["id"].as_str().context("id")?;
    for word in
        ["goroutine_leak (high)", "main.f /src/main.go:15", id, "1 finding in 14", "found    in 2 of 2 runs"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(said.matches(id).count(), 1, "the two inputs have one finding: {said}");
    assert_eq!(analyze(&[path, "--fail-on", "never"])?.status.code(), Some(0));
    Ok(())
}

#[test]
fn a_cut_recording_gives_what_is_there_and_says_so() -> anyhow::Result<()> {
    let whole = leak();
    let path = file("cut.jsonl", &whole.as_bytes()[..whole.len() - 20])?;
    let output = analyze(&[path.to_str().context("a path")?, "--format", "json"])?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let problem = report["problems"][0]["what"].as_str().context("a problem")?;
    assert!(problem.contains("breaks off") && problem.contains("line"), "{problem}");
    Ok(())
}

#[test]
fn what_is_no_input_is_named_for_what_it_is() -> anyhow::Result<()> {
    let gzip = |content: &[u8]| {
        let mut child = Command::new("gzip").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdin.take().context("piped")?.write_all(content)?;
        Ok::<_, anyhow::Error>(child.wait_with_output()?.stdout)
    };
    let profile = b"\x0a\x04\x08\x01\x10\x02\x12\x04";
    let newer = HEADER.replace(":1,", ":2,");
    for (name, content, words) in [
        ("empty", &b""[..], &["is empty", "attach"][..]),
        ("profile", profile, &["pprof profile", "go tool pprof"]),
        ("profile.gz", &gzip(profile)?, &["pprof profile"]),
        ("leak.gz", &gzip(leak().as_bytes())?, &["gzip -dc"]),
        ("text", b"goroutines are fine\n", &["is a text", "trace"]),
        ("binary", b"\xff\xfe\x00\x01", &["no trace and no recording"]),
        ("core", b"\x7fELF\x02\x01", &["core file"]),
        ("newer", newer.as_bytes(), &["version 2", "newer Bingo"]),
        ("future.out", b"go 1.99 trace\0\0\0", &["1.99", "update Bingo"]),
        ("old.out", b"go 1.11 trace\0\0\0", &["Go 1.11", "go tool trace", "Go 1.22"]),
        ("header.out", b"go 1.26 tr", &["within its header", "record it again"]),
        ("page", b"\n<!DOCTYPE html><title>x", &["HTML page", "/debug/pprof/trace"]),
        ("json", b"{}", &["bingo_events", "attach"]),
    ] {
        let path = file(name, content)?;
        refuses(path.to_str().context("a path")?, words)?;
    }
    refuses("/", &["directory"])?;
    refuses("/no/such", &["/no/such", "attach"])
}

/// What is before the corrupt place is analysed, and the others too; the status
/// says that not all could be read.
#[test]
fn a_corrupt_input_is_analysed_as_far_as_it_goes() -> anyhow::Result<()> {
    let broken = file("broken.jsonl", format!("{}{{\"time_ns\":1\n", leak()).as_bytes())?;
    let broken = broken.to_str().context("a path")?;
    let output = analyze(&[broken, "--format", "json"])?;
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr)?;
    for word in [broken, "line 16", "byte ", "before that place"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let report: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(report["bugs"][0]["count"], 5);
    assert!(report["problems"][0]["what"].as_str().context("a problem")?.contains("line 16"), "{report}");
    // Events were lost, so to say, behind that place.
    assert_eq!(report["bugs"][0]["confidence"], "medium");

    let whole = file("whole.jsonl", leak().as_bytes())?;
    let output = analyze(&["/no/such", whole.to_str().context("a path")?])?;
    let (found, said) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(found.contains("goroutine_leak (high)") && said.contains("/no/such"), "{found}{said}");
    Ok(())
}

#[test]
fn a_traceback_is_one_picture() -> anyhow::Result<()> {
    let mut text = "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:9 +0x1\n".to_owned();
    for id in 18..21 {
        text += &format!(
            "\ngoroutine {id} [chan send, 5 minutes]:\nmain.leaky.func1()\n\t/src/main.go:15 +0x25\n\
             created by main.leaky in goroutine 1\n\t/src/main.go:13 +0x1e\n"
        );
    }
    let path = file("traceback.txt", text.as_bytes())?;
    let output = analyze(&[path.to_str().context("a path")?])?;
    let said = String::from_utf8(output.stdout)?;
    assert_eq!(output.status.code(), Some(1), "{said}");
    for words in ["goroutine_leak (medium)", "3 goroutines wait to send", "for 5m00s", "one picture alone"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(
        said.contains("made by  main.leaky /src/main.go:13") && said.contains("1 finding in 4"),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_number_is_a_process_and_not_a_file() -> anyhow::Result<()> {
    let folder = target_dir().join("analyze-tests");
    let number = "4194305";
    file(number, leak().as_bytes())?;
    let run = |input: &str| {
        let mut analyze = Command::new(bingo_bin()?);
        Ok::<_, anyhow::Error>(analyze.current_dir(&folder).args(["analyze", input]).output()?)
    };
    let process = run(number)?;
    let said = String::from_utf8(process.stderr)?;
    assert_eq!(process.status.code(), Some(2));
    assert!(said.contains("no process has the pid 4194305"), "{said}");
    assert_eq!(run("./4194305")?.status.code(), Some(1));
    Ok(())
}

fn refuses(path: &str, words: &[&str]) -> anyhow::Result<()> {
    let output = analyze(&[path])?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(2), "{path}: {said}");
    assert!(output.stdout.is_empty(), "{path}: errors belong to standard error");
    for word in words {
        assert!(said.contains(word), "{path} does not say {word:?}: {said}");
    }
    Ok(())
}

#[test]
fn nothing_is_written_over_an_input() -> anyhow::Result<()> {
    let path = file("own.jsonl", leak().as_bytes())?;
    let shown = path.to_str().context("a path")?;
    for option in ["--output", "--write-baseline"] {
        let output = analyze(&[shown, option, shown])?;
        let said = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(2), "{option}: {said}");
        assert!(said.contains("is the input itself"), "{option}: {said}");
        assert_eq!(fs::read_to_string(&path)?, leak(), "{option}");
    }
    Ok(())
}

#[test]
fn ctrl_c_ends_the_wait_for_somebody_who_writes_to_a_named_pipe() -> anyhow::Result<()> {
    let path = target_dir().join("analyze-tests/pipe");
    fs::create_dir_all(target_dir().join("analyze-tests"))?;
    let _ = fs::remove_file(&path);
    assert!(Command::new("mkfifo").arg(&path).status()?.success());
    let start = |path: &PathBuf| {
        Command::new(bingo_bin()?)
            .arg("analyze")
            .arg(path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("bingo")
    };
    let child = start(&path)?;
    // Time enough to begin to watch for signals.
    std::thread::sleep(Duration::from_secs(2));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8(output.stderr)?;
    assert!(output.status.code() == Some(130) && said.contains("nothing came from"), "{said}");

    let child = start(&path)?;
    fs::write(&path, leak())?;
    let output = child.wait_with_output()?;
    assert!(String::from_utf8(output.stdout)?.contains("goroutine_leak"));
    Ok(())
}

#[test]
fn ctrl_c_ends_a_pipe_that_waits_with_what_was_gathered() -> anyhow::Result<()> {
    let mut child = Command::new(bingo_bin()?)
        .args(["analyze", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("piped")?;
    // More than the pipe and what is read ahead hold: when it is written, the
    // events have been taken in, and the signal was watched for before.
    stdin.write_all(leak().as_bytes())?;
    stdin.write_all(&vec![b'\n'; 2 << 20])?;
    Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
    let output = child.wait_with_output()?;
    drop(stdin);
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stdout)?;
    assert!(said.contains("goroutine_leak") && said.contains("interrupted"), "{said}");
    Ok(())
}
