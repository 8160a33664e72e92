//! The forms of a report that other programs read, checked as these read them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::Context;
use bingo_tests::{bingo_bin, target_dir};
use serde_json::Value;

/// OASIS' schema, as it was published.
const SCHEMA: &str = include_str!("schemas/sarif-2.1.0.json");

/// A folder with a program of one file and a traceback of it: three that wait to
/// send, made in line 4.
pub(crate) fn shop(name: &str, source: &str) -> anyhow::Result<PathBuf> {
    let folder = target_dir().join("report-tests").join(name);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("order book.go"), source)?;
    let file = folder.join("order book.go");
    let file = file.display();
    let mut text = format!("goroutine 1 [running]:\nmain.main()\n\t{file}:9 +0x1\n");
    for id in 18..21 {
        text += &format!(
            "\ngoroutine {id} [chan send, 5 minutes]:\nmain.order.func1()\n\t{file}:5 +0x25\n\
             created by main.order in goroutine 1\n\t{file}:4 +0x1e\n"
        );
    }
    fs::write(folder.join("goroutines.txt"), text)?;
    Ok(folder)
}

pub(crate) const SOURCE: &str = "package main\n\nfunc order() {\n\tgo func() {\n\t\tunread <- 1\n\t}()\n}\n";

pub(crate) fn analyze(folder: &PathBuf, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(bingo_bin()?);
    command.current_dir(folder).args(["analyze", "goroutines.txt"]).args(arguments);
    Ok(command.stdin(Stdio::null()).output()?)
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn sarif_is_what_the_schema_says() -> anyhow::Result<()> {
    let folder = shop("sarif", SOURCE)?;
    let output = analyze(&folder, &["--format", "sarif"])?;
    assert_eq!(output.status.code(), Some(1));
    let log: Value = serde_json::from_slice(&output.stdout)?;
    // One of its expressions has a bracket too many, which not every reader takes.
    let schema: Value = serde_json::from_str(&SCHEMA.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$"))?;
    let schema = jsonschema::validator_for(&schema)?;
    let wrong: Vec<String> =
        schema.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // That it is the schema that is asked.
    assert!(!schema.is_valid(&serde_json::json!({ "version": "2.1.0", "runs": [{}] })));

    let run = &log["runs"][0];
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "goroutine_leak");
    let rule = usize::try_from(result["ruleIndex"].as_u64().context("an index")?)?;
    assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], "goroutine_leak");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "order%20book.go");
    assert_eq!(place["region"]["startLine"], 5);
    assert_eq!(result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"], 4);
    assert!(
        result["partialFingerprints"]["bingoFindingId/v1"].as_str().is_some_and(|id| id.starts_with("leak-"))
    );
    Ok(())
}

#[test]
fn each_form_tells_of_the_finding_and_has_its_exit_status() -> anyhow::Result<()> {
    let folder = shop("forms", SOURCE)?;
    for (form, words) in [
        (
            "terminal",
            &["     unread <- 1", "            ^^", "order book.go:5", "1 goroutine_leak (medium)"][..],
        ),
        ("jsonl", &["{\"bingo_report\":1,\"goroutines_analyzed\":4", "\n{\"id\":\"leak-"]),
        ("junit", &["failures=\"1\"", "classname=\"goroutine_leak\"", "order book.go:5"]),
        ("github", &["::error file=order book.go,line=5,title=goroutine_leak (medium)::3 goroutines"]),
        ("markdown", &["| medium | [goroutine_leak](", "```go\nunread <- 1\n```"]),
        ("html", &["<!DOCTYPE html>", "<mark>&lt;-</mark>", "<svg ", "How to fix it"]),
    ] {
        let output = analyze(&folder, &["--format", form])?;
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{form}: {said}");
        for word in words {
            assert!(said.contains(word), "{form}: {word}: {said}");
        }
        let below = analyze(&folder, &["--format", form, "--fail-on", "high"])?;
        assert_eq!(below.status.code(), Some(0), "{form}");
    }
    let passed = said(&analyze(&folder, &["--format", "junit", "--fail-on", "high"])?);
    assert!(passed.contains("failures=\"0\"") && passed.contains("order book.go:5"), "{passed}");
    Ok(())
}

#[test]
fn what_was_built_elsewhere_is_told_where_its_source_is() -> anyhow::Result<()> {
    let folder = shop("elsewhere", SOURCE)?;
    let text = fs::read_to_string(folder.join("goroutines.txt"))?;
    let built = folder.display().to_string();
    fs::write(folder.join("goroutines.txt"), text.replace(&built, "/build/of/another"))?;
    let there = said(&analyze(&folder, &["--format", "github"])?);
    assert!(!there.contains("file="), "{there}");
    let here = said(&analyze(&folder, &["--format", "github", "--source", "."])?);
    assert!(here.contains("file=order book.go,line=5,"), "{here}");
    Ok(())
}

#[test]
fn what_is_in_a_baseline_is_not_told_again() -> anyhow::Result<()> {
    let folder = shop("baseline", SOURCE)?;
    let written = analyze(&folder, &["--write-baseline", "known.json"])?;
    assert_eq!(written.status.code(), Some(1), "what is noted is told this once");
    let text = fs::read_to_string(folder.join("known.json"))?;
    assert!(
        text.contains("\"bingo_baseline\": 1") && text.contains("main.order.func1 order book.go:5"),
        "{text}"
    );

    let again = analyze(&folder, &["--baseline", "known.json", "--write-baseline", "again.json"])?;
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert!(
        said(&again).contains("0 findings") && said(&again).contains("1 in the baseline"),
        "{}",
        said(&again)
    );
    assert_eq!(fs::read_to_string(folder.join("again.json"))?, text);
    let json = analyze(&folder, &["--baseline", "known.json", "--format", "json"])?;
    let report: Value = serde_json::from_slice(&json.stdout)?;
    assert_eq!((&report["bugs"], &report["suppressed"]["baseline"]), (&serde_json::json!([]), &1.into()));
    let sarif = analyze(&folder, &["--baseline", "known.json", "--format", "sarif"])?;
    let log: Value = serde_json::from_slice(&sarif.stdout)?;
    assert_eq!(log["runs"][0]["results"][0]["suppressions"][0]["kind"], "external");

    fs::write(folder.join("stale.json"), text.replace("leak-", "leak-0"))?;
    let stale = analyze(&folder, &["--baseline", "stale.json"])?;
    let told = String::from_utf8(stale.stderr.clone())?;
    assert_eq!(stale.status.code(), Some(1));
    assert!(told.contains("not found any more: leak-0") && told.contains("order book.go:5"), "{told}");

    fs::write(folder.join("torn.json"), &text[..text.len() / 2])?;
    for (file, word) in
        [("torn.json", "line "), ("none.json", "cannot be read"), ("order book.go", "no baseline")]
    {
        let output = analyze(&folder, &["--baseline", file])?;
        let told = String::from_utf8(output.stderr.clone())?;
        assert_eq!(output.status.code(), Some(2), "{file}: {told}");
        assert!(told.contains(file) && told.contains(word) && told.contains("--write-baseline"), "{told}");
    }
    Ok(())
}

#[test]
fn a_comment_sets_a_finding_aside_if_it_says_why() -> anyhow::Result<()> {
    let with = |comment: &str| SOURCE.replace("unread <- 1", &format!("unread <- 1 {comment}"));
    let folder = shop("ignored", &with("//bingo:ignore goroutine_leak they end with us"))?;
    let output = analyze(&folder, &[])?;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("1 ignored by comments"), "{}", said(&output));
    let sarif = analyze(&folder, &["--format", "sarif"])?;
    let log: Value = serde_json::from_slice(&sarif.stdout)?;
    let suppression = &log["runs"][0]["results"][0]["suppressions"][0];
    assert_eq!(
        (&suppression["kind"], &suppression["justification"]),
        (&"inSource".into(), &"they end with us".into())
    );
    for (comment, word) in [
        ("//bingo:ignore goroutine_leak", "it has to say why"),
        ("//bingo:ignore leaks they end with us", "names no type of finding: \"leaks\""),
        ("//bingo:ignore deadlock of another type", "goroutine_leak (medium)"),
    ] {
        let folder = shop("not-ignored", &with(comment))?;
        let output = analyze(&folder, &[])?;
        assert_eq!(output.status.code(), Some(1), "{comment}");
        assert!(said(&output).contains(word), "{comment}: {}", said(&output));
    }
    Ok(())
}

#[test]
fn a_log_with_reports_of_races_is_an_input() -> anyhow::Result<()> {
    let folder = shop("races", SOURCE)?;
    let file = folder.join("order book.go");
    let file = file.display();
    let report = format!(
        "==================\nWARNING: DATA RACE\nWrite at 0x00c0 by goroutine 7:\n  main.order()\n      {file}:5 +0x1\n\n\
         Previous read at 0x00c0 by main goroutine:\n  main.main()\n      {file}:3 +0x1\n==================\n"
    );
    fs::write(folder.join("ci.log"), format!("=== RUN TestOrder\n{report}some output\n{report}--- FAIL\n"))?;
    let output = analyze(&folder, &["ci.log", "--format", "json"])?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let race = report["bugs"].as_array().context("bugs")?.iter().find(|bug| bug["type"] == "data_race");
    let race = race.context("no race")?;
    assert_eq!((&race["confidence"], &race["location"]["line"]), (&"proven".into(), &5.into()));
    assert_eq!(race["related"][0]["at"]["line"], 3);
    assert!(race["evidence"].to_string().contains("reported 2 times"), "{race}");
    assert_eq!(report["bugs"].as_array().map(Vec::len), Some(2), "the other input has its leak");
    Ok(())
}

#[test]
fn an_explanation_is_asked_for_or_shown_and_harms_nothing() -> anyhow::Result<()> {
    let folder = shop("explained", SOURCE)?;
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = Command::new(bingo_bin()?);
        command.current_dir(&folder).args(["analyze", "goroutines.txt"]).args(arguments);
        for name in ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL"] {
            command.env_remove(name);
        }
        anyhow::Ok(command.envs(environment.iter().copied()).stdin(Stdio::null()).output()?)
    };
    let dry = said(&run(&["--explain=dry-run"], &[])?);
    for word in ["1 finding in 4", "Finding 1: goroutine_leak", "    5  \t\tunread <- 1", "goroutine 18"] {
        assert!(dry.contains(word), "{word}: {dry}");
    }
    let plain = run(&["--format", "json"], &[])?;
    for (environment, word) in [
        (&[][..], "set ANTHROPIC_API_KEY"),
        (&[("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")], "--model NAME"),
        (
            &[("ANTHROPIC_API_KEY", "x"), ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")],
            "127.0.0.1:1/v1/messages",
        ),
    ] {
        let output = run(&["--format", "json", "--explain"], environment)?;
        let told = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(word), "{word}: {told}");
        let [mut with, mut without]: [Value; 2] =
            [serde_json::from_slice(&output.stdout)?, serde_json::from_slice(&plain.stdout)?];
        for report in [&mut with, &mut without] {
            report["duration_ms"] = Value::Null;
        }
        assert_eq!(with, without);
    }
    Ok(())
}
