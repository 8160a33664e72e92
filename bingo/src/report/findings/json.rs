//! `analyze --format json`: the report as the interface fixes it (`bingo_report` 1);
//! `jsonl`: the same in lines.

use std::io::{self, Write};

use serde::Serialize;

use super::Context;
use crate::model::{Frame, Object, ObjectKey, WaitReason};
use crate::recording::wire::{Hex, Number, WireFrame, WirePlace, WireWait};
use crate::report::inspection_json::Variables;
use crate::report::json::WireProblem;
use crate::session::{Analysis, Class, Finding, Related, Step, Suppression};

#[derive(Serialize)]
struct WireReport<'a> {
    bingo_report: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    bugs: Option<Vec<WireBug<'a>>>,
    goroutines_analyzed: Number,
    duration_ms: Number,
    inputs: &'a [String],
    lost_events: Number,
    /// Where the program was stopped to be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_for_ns: Option<Number>,
    problems: Vec<WireProblem<'a>>,
    /// Findings that are known and not among the bugs.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<WireSuppressed>,
}

#[derive(Serialize)]
struct WireSuppressed {
    baseline: usize,
    comments: usize,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_for_ns: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location<'a>>,
    stack: Vec<WireFrame<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<WirePlace<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    live_vars: Option<Variables<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cycle: Vec<WireStep<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<WireRelated<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<WireRuns<'a>>,
    evidence: &'a [String],
    explanation: &'a str,
}

#[derive(Serialize)]
struct WireStep<'a> {
    goroutine: Number,
    waits_for: Number,
    on: WireObject<'a>,
    because: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<WirePlace<'a>>,
}

#[derive(Serialize)]
struct WireObject<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct WireRelated<'a> {
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<WirePlace<'a>>,
    stack: Vec<WireFrame<'a>>,
}

/// In how many runs it came, where there were several.
#[derive(Serialize)]
struct WireRuns<'a> {
    found: usize,
    of: usize,
    /// The numbers of processors it came with, where several were tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    procs: Vec<u32>,
    /// Which of the report's inputs these are, from 0 on.
    inputs: &'a [usize],
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
    let bugs = analysis.findings.iter().map(|finding| bug(finding, analysis)).collect();
    serde_json::to_writer(&mut out, &report(analysis, context, Some(bugs)))?;
    out.write_all(b"\n")
}

/// Writes the report without its findings in a line, then each of them in one.
///
/// # Errors
/// Those of `out`.
pub fn findings_jsonl(analysis: &Analysis, context: &Context<'_>, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut out, &report(analysis, context, None))?;
    out.write_all(b"\n")?;
    for finding in &analysis.findings {
        serde_json::to_writer(&mut out, &bug(finding, analysis))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn report<'a>(
    analysis: &'a Analysis,
    context: &Context<'a>,
    bugs: Option<Vec<WireBug<'a>>>,
) -> WireReport<'a> {
    let baseline = analysis.suppressed.iter().filter(|one| one.by == Suppression::Baseline).count();
    let suppressed = WireSuppressed { baseline, comments: analysis.suppressed.len() - baseline };
    WireReport {
        bingo_report: 1,
        bugs,
        goroutines_analyzed: Number(analysis.goroutines),
        duration_ms: Number(u64::try_from(context.took.as_millis()).unwrap_or(u64::MAX)),
        inputs: context.inputs,
        lost_events: Number(analysis.lost_events),
        stopped_for_ns: (!analysis.stopped_for.is_zero())
            .then(|| Number(u64::try_from(analysis.stopped_for.as_nanos()).unwrap_or(u64::MAX))),
        problems: analysis.problems.iter().map(WireProblem::of).collect(),
        suppressed: (!analysis.suppressed.is_empty()).then_some(suppressed),
    }
}

fn bug<'a>(finding: &'a Finding, analysis: &'a Analysis) -> WireBug<'a> {
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
        // Who races does not wait.
        blocked_for_ns: (finding.class != Class::DataRace)
            .then(|| Number(u64::try_from(finding.blocked_for.as_nanos()).unwrap_or(u64::MAX))),
        function: site.map(|site| &*site.function),
        location: site.map(|site| Location { file: &site.file, line: site.line }),
        stack: WireFrame::stack(&finding.stack, false, false),
        created_by: finding.created_by.as_ref().map(|creator| WirePlace {
            file: &creator.file,
            line: creator.line,
            function: &creator.function,
        }),
        live_vars: analysis.live_vars.get(&finding.id).map(|vars| Variables(&vars.variables)),
        cycle: finding.cycle.iter().map(step).collect(),
        related: finding.related.iter().map(related).collect(),
        runs: analysis.runs.of(&finding.id).map(|came| WireRuns {
            found: came.places.len(),
            of: came.of,
            procs: came.procs,
            inputs: came.places,
        }),
        evidence: &finding.evidence,
        explanation: finding.explanation,
    }
}

fn step(step: &Step) -> WireStep<'_> {
    WireStep {
        goroutine: Number(step.goroutine.0),
        waits_for: Number(step.waits_for.0),
        on: object(&step.on),
        because: &step.because,
        at: step.stack.site().map(place),
    }
}

fn object(object: &Object) -> WireObject<'_> {
    let (address, name) = match &object.key {
        ObjectKey::Address(address) => (Some(Hex(*address)), None),
        ObjectKey::Name(name) => (None, Some(&**name)),
    };
    WireObject { kind: object.kind.as_str(), address, name }
}

fn related(related: &Related) -> WireRelated<'_> {
    WireRelated {
        what: &related.what,
        at: related.stack.site().map(place),
        stack: WireFrame::stack(&related.stack, false, false),
    }
}

fn place(frame: &Frame) -> WirePlace<'_> {
    WirePlace { file: &frame.file, line: frame.line, function: &frame.function }
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
