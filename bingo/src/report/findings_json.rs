//! `analyze --format json`: the report as the interface fixes it (`bingo_report` 1).

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::json::WireProblem;
use crate::model::WaitReason;
use crate::recording::wire::{Number, WireFrame, WirePlace, WireWait};
use crate::session::{Analysis, Finding};

/// What the report says of how it was made.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The inputs, as they were named.
    pub inputs: &'a [String],
    /// How long it took.
    pub took: Duration,
}

#[derive(Serialize)]
struct WireReport<'a> {
    bingo_report: u32,
    bugs: Vec<WireBug<'a>>,
    goroutines_analyzed: Number,
    duration_ms: Number,
    inputs: &'a [String],
    lost_events: Number,
    problems: Vec<WireProblem<'a>>,
}

#[derive(Serialize)]
struct WireBug<'a> {
    id: &'a str,
    r#type: &'static str,
    confidence: &'static str,
    title: &'a str,
    goroutines: Vec<Number>,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_on: Option<BlockedOn>,
    blocked_for_ns: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location<'a>>,
    stack: Vec<WireFrame<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<WirePlace<'a>>,
    evidence: &'a [String],
    explanation: &'a str,
}

/// What is waited on: the object, or of what kind it is.
#[derive(Serialize)]
#[serde(untagged)]
enum BlockedOn {
    Object(WireWait),
    Kind {
        kind: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        direction: Option<&'static str>,
    },
}

#[derive(Serialize)]
struct Location<'a> {
    file: &'a str,
    line: u32,
}

/// Writes the report in one line.
///
/// # Errors
/// Those of `out`.
pub fn findings_json(analysis: &Analysis, context: &Context<'_>, mut out: impl Write) -> io::Result<()> {
    let report = WireReport {
        bingo_report: 1,
        bugs: analysis.findings.iter().map(bug).collect(),
        goroutines_analyzed: Number(analysis.goroutines),
        duration_ms: Number(u64::try_from(context.took.as_millis()).unwrap_or(u64::MAX)),
        inputs: context.inputs,
        lost_events: Number(analysis.lost_events),
        problems: analysis.problems.iter().map(WireProblem::of).collect(),
    };
    serde_json::to_writer(&mut out, &report)?;
    out.write_all(b"\n")
}

fn bug(finding: &Finding) -> WireBug<'_> {
    let site = finding.stack.site();
    WireBug {
        id: &finding.id,
        r#type: finding.class.as_str(),
        confidence: finding.confidence.as_str(),
        title: &finding.title,
        goroutines: finding.goroutines.iter().map(|id| Number(id.0)).collect(),
        count: finding.count,
        blocked_on: match &finding.wait {
            Some(wait) => Some(BlockedOn::Object(WireWait::of(wait, None))),
            None => finding.reason.and_then(kind),
        },
        blocked_for_ns: Number(u64::try_from(finding.blocked_for.as_nanos()).unwrap_or(u64::MAX)),
        function: site.map(|site| &*site.function),
        location: site.map(|site| Location { file: &site.file, line: site.line }),
        stack: WireFrame::stack(&finding.stack, false, false),
        created_by: finding.created_by.as_ref().map(|creator| WirePlace {
            file: &creator.file,
            line: creator.line,
            function: &creator.function,
        }),
        evidence: &finding.evidence,
        explanation: finding.explanation,
    }
}

/// What kind of object the reason says it is.
fn kind(reason: WaitReason) -> Option<BlockedOn> {
    use WaitReason as Why;
    let (kind, direction) = match reason {
        Why::ChanSend | Why::ChanSendDurable | Why::ChanSendNil => ("channel", Some("send")),
        Why::ChanReceive | Why::ChanReceiveDurable | Why::ChanReceiveNil => ("channel", Some("receive")),
        Why::Select | Why::SelectDurable => ("select", None),
        Why::MutexLock => ("mutex", None),
        Why::RwMutexLock | Why::RwMutexRLock => ("rwmutex", None),
        Why::WaitGroupWait | Why::WaitGroupWaitDurable => ("waitgroup", None),
        Why::CondWait => ("cond", None),
        _ => return None,
    };
    Some(BlockedOn::Kind { kind, direction })
}
