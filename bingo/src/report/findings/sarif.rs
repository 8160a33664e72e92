//! SARIF 2.1.0, which code scanning services read. A class of findings is a rule
//! with its page as help, a finding a result: its id the fingerprint, the steps of
//! a cycle a code flow, other places related locations, whatever is in the
//! baseline or ignored by a comment a suppressed result.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::{Context, rules, step_text};
use crate::model::{Frame, Stack};
use crate::session::{Analysis, Class, Confidence, Finding, Related, Suppression};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What relative paths are relative to.
const ROOT: &str = "%SRCROOT%";

/// Writes the report.
///
/// # Errors
/// Those of `out`.
pub fn sarif(analysis: &Analysis, context: &Context<'_>, mut out: impl Write) -> io::Result<()> {
    let results: Vec<Value> = analysis
        .findings
        .iter()
        .map(|finding| result(finding, None, analysis, context))
        .chain(
            analysis
                .suppressed
                .iter()
                .map(|suppressed| result(&suppressed.finding, Some(&suppressed.by), analysis, context)),
        )
        .collect();
    let notes: Vec<Value> = analysis
        .problems
        .iter()
        .map(|problem| json!({ "level": "warning", "message": { "text": problem.what } }))
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "bingo",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": Class::ALL.map(rule),
            } },
            "invocations": [{ "executionSuccessful": true, "toolExecutionNotifications": notes }],
            "originalUriBaseIds": { ROOT: { "uri": format!("{}/", file_uri(context.folder)) } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut out, &log)?;
    out.write_all(b"\n")
}

fn rule(class: Class) -> Value {
    let page = rules::page(class);
    json!({
        "id": class.as_str(),
        "shortDescription": { "text": rules::summary(class) },
        "fullDescription": { "text": rules::meaning(class) },
        "help": { "text": page, "markdown": page },
        "helpUri": rules::address(class),
        "defaultConfiguration": { "level": "warning" },
        "properties": { "tags": ["concurrency", "go"] },
    })
}

fn result(finding: &Finding, by: Option<&Suppression>, analysis: &Analysis, context: &Context<'_>) -> Value {
    let (level, rank) = match finding.confidence {
        Confidence::Proven => ("error", 100.0),
        Confidence::High => ("error", 80.0),
        Confidence::Medium => ("warning", 50.0),
        Confidence::Low => ("note", 10.0),
    };
    let mut text = vec![finding.title.clone()];
    text.extend(finding.evidence.iter().map(|evidence| format!("- {evidence}")));
    text.extend(analysis.runs.of(&finding.id).map(|came| format!("- found {came}")));
    let mut result = json!({
        "ruleId": finding.class.as_str(),
        "ruleIndex": Class::ALL.iter().position(|class| *class == finding.class),
        "level": level,
        "rank": rank,
        "message": { "text": text.join("\n") },
        "locations": finding.stack.site().map(|site| location(site, None, context)).into_iter().collect::<Vec<_>>(),
        "partialFingerprints": { "bingoFindingId/v1": finding.id },
        "properties": {
            "confidence": finding.confidence.as_str(),
            "goroutines": finding.count,
            "explanation": finding.explanation,
        },
    });
    let Value::Object(keys) = &mut result else { return result };
    let mut related: Vec<Value> = Vec::new();
    if let Some(made) = &finding.created_by {
        let frame = Frame {
            function: made.function.clone(),
            file: made.file.clone(),
            line: made.line,
            pc: crate::model::Addr(0),
            inlined: false,
        };
        related.push(location(&frame, Some("made here"), context));
    }
    related.extend(
        finding
            .related
            .iter()
            .filter_map(|Related { what, stack }| Some(location(stack.site()?, Some(what), context))),
    );
    let steps: Vec<Value> = finding
        .cycle
        .iter()
        .map(|step| {
            let says = step_text(step);
            match step.stack.site() {
                Some(site) => location(site, Some(&says), context),
                None => json!({ "message": { "text": says } }),
            }
        })
        .collect();
    related.extend(steps.iter().cloned());
    for (id, location) in (1_u64..).zip(&mut related) {
        if let Value::Object(keys) = location {
            keys.insert("id".to_owned(), id.into());
        }
    }
    if !related.is_empty() {
        keys.insert("relatedLocations".to_owned(), related.into());
    }
    if !steps.is_empty() {
        let flow: Vec<Value> = steps.into_iter().map(|step| json!({ "location": step })).collect();
        keys.insert("codeFlows".to_owned(), json!([{ "threadFlows": [{ "locations": flow }] }]));
    }
    let mut stacks = vec![stack("where it is", &finding.stack, context)];
    stacks.extend(finding.related.iter().map(|related| stack(&related.what, &related.stack, context)));
    keys.insert("stacks".to_owned(), stacks.into());
    if let Some(by) = by {
        keys.insert("suppressions".to_owned(), json!([suppression(by)]));
    }
    result
}

fn suppression(by: &Suppression) -> Value {
    match by {
        Suppression::Baseline => json!({ "kind": "external", "justification": "it is in the baseline" }),
        Suppression::Comment { reason, .. } => json!({ "kind": "inSource", "justification": reason }),
    }
}

fn stack(what: &str, stack: &Stack, context: &Context<'_>) -> Value {
    let frames: Vec<Value> =
        stack.visible().map(|frame| json!({ "location": location(frame, None, context) })).collect();
    json!({ "message": { "text": what }, "frames": frames })
}

fn location(frame: &Frame, says: Option<&str>, context: &Context<'_>) -> Value {
    let mut location = json!({});
    let Value::Object(keys) = &mut location else { return location };
    if !frame.file.is_empty() {
        let file = match context.within(&frame.file) {
            Some(inside) => json!({ "uri": encoded(&inside), "uriBaseId": ROOT }),
            None => json!({ "uri": file_uri(Path::new(&*frame.file)) }),
        };
        let mut place = json!({ "artifactLocation": file });
        if let (Value::Object(place), 1..) = (&mut place, frame.line) {
            place.insert("region".to_owned(), json!({ "startLine": frame.line }));
        }
        keys.insert("physicalLocation".to_owned(), place);
    }
    if !frame.function.is_empty() {
        let function = json!([{ "fullyQualifiedName": &*frame.function, "kind": "function" }]);
        keys.insert("logicalLocations".to_owned(), function);
    }
    if let Some(says) = says {
        keys.insert("message".to_owned(), json!({ "text": says }));
    }
    location
}

/// `file:///src/main.go`; a path that is not absolute stays relative.
fn file_uri(path: &Path) -> String {
    let text = encoded(&path.to_string_lossy());
    match text.strip_prefix('/') {
        Some(absolute) => format!("file:///{absolute}"),
        // A drive's letter would read as the scheme.
        None if path.to_string_lossy().get(1..2) == Some(":") => format!("file:///{text}"),
        None => text,
    }
}

/// A path as the path of an address.
fn encoded(path: &str) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for byte in path.bytes() {
        match byte {
            b'\\' => text.push('/'),
            b'/' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}
