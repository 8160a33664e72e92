//! Findings for people at a terminal: those of a class together, the worst first,
//! with the lines of source that they are at, and lines that sum up.

use std::fmt::Write;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::quote::Quote;
use super::{Context, by_class, left_out, place_in, printable, step_text, summary, verdict};
use crate::model::{Frame, LiveVars, Stack, WaitReason};
use crate::report::style::{Style, Tone};
use crate::report::words::{cut, duration};
use crate::session::{Analysis, Class, Confidence, Finding};

/// Goroutines that are named on a line.
const NAMED: usize = 10;
/// Steps of a cycle that are shown; the json has them all.
const STEPS: usize = 12;
/// Calls of a stack that are shown.
const CALLS: usize = 8;
/// Characters of a variable's value,
const VALUE: usize = 60;
/// and of all variables together.
const VARIABLES: usize = 200;

/// The findings, and lines that sum up.
#[must_use]
pub fn findings(analysis: &Analysis, context: &Context<'_>, style: Style) -> String {
    let mut text = String::new();
    let classes = by_class(analysis);
    for (class, members) in &classes {
        if classes.len() > 1 {
            let heading = format!("── {} ({}) ──", class.as_str(), members.len());
            let _ = writeln!(text, "{}\n", style.paint(Tone::Calm, &heading));
        }
        for finding in members {
            one(&mut text, finding, analysis, (context, style));
        }
    }
    text.push_str(&summary(analysis));
    for more in [verdict(analysis, context).filter(|_| !analysis.findings.is_empty()), left_out(analysis)] {
        let _ = more.map(|more| write!(text, "; {more}"));
    }
    if analysis.lost_events > 0 {
        let _ = write!(text, "; {} events were lost", crate::report::count(analysis.lost_events));
    }
    text.push('\n');
    for problem in &analysis.problems {
        let _ = writeln!(text, "problem: {}", printable(&problem.what));
    }
    text
}

fn one(text: &mut String, finding: &Finding, analysis: &Analysis, (context, style): (&Context<'_>, Style)) {
    let class = format!("{} ({})", finding.class.as_str(), finding.confidence.as_str());
    let title = printable(&finding.title);
    let _ = writeln!(text, "{}  {}", style.paint(tone(finding), &class), style.paint(Tone::Heading, &title));
    if let Some(site) = finding.stack.site() {
        let lasted = Some(finding.blocked_for).filter(|lasted| !lasted.is_zero());
        let lasted = lasted.map(|lasted| format!(", for {}", duration(lasted))).unwrap_or_default();
        let _ = writeln!(text, "    at       {}{lasted}", printable(&place_in(context, site)));
        quote(text, site, finding.reason, (context, style));
    }
    if let Some(vars) = analysis.live_vars.get(&finding.id) {
        let _ = writeln!(text, "    with     {}", printable(&live_vars(vars)));
    }
    if finding.class == Class::DataRace {
        calls(text, &finding.stack, context);
    }
    for related in &finding.related {
        let what = printable(&related.what);
        match related.stack.site() {
            Some(site) => {
                let _ = writeln!(text, "    {what}: {}", printable(&place_in(context, site)));
                quote(text, site, None, (context, style));
                calls(text, &related.stack, context);
            }
            None => {
                let _ = writeln!(text, "    {what}");
            }
        }
    }
    for step in finding.cycle.iter().take(STEPS) {
        let at = step.stack.site().map(|site| place_in(context, site)).unwrap_or_default();
        let line = step_text(step);
        let _ = writeln!(text, "    {}\n             {}", printable(&line), printable(&at));
    }
    if finding.cycle.len() > STEPS {
        let _ = writeln!(text, "    … {} more steps", finding.cycle.len() - STEPS);
    }
    if let Some(made) = finding.created_by.as_ref().filter(|_| finding.class != Class::DataRace) {
        let line = format!("{} {}:{}", made.function, context.shown(&made.file), made.line);
        let _ = writeln!(text, "    made by  {}", printable(&line));
    }
    if !finding.goroutines.is_empty() {
        let named: Vec<String> = finding.goroutines.iter().take(NAMED).map(ToString::to_string).collect();
        let more = if finding.count > named.len() { " …" } else { "" };
        let _ = writeln!(text, "    ids      {}{more}", named.join(" "));
    }
    if let Some(came) = analysis.runs.of(&finding.id) {
        let _ = writeln!(text, "    found    {}", printable(&came.to_string()));
    }
    for evidence in &finding.evidence {
        let _ = writeln!(text, "    - {}", printable(evidence));
    }
    let _ = writeln!(text, "    {}\n", style.paint(Tone::Calm, &finding.id));
}

fn tone(finding: &Finding) -> Tone {
    match finding.confidence {
        Confidence::Proven | Confidence::High => Tone::Stuck,
        Confidence::Medium => Tone::Waiting,
        Confidence::Low => Tone::Calm,
    }
}

/// `goroutine 18: id int = 6, jobs chan int = 0xc000…`, as much as fits on two lines.
fn live_vars(vars: &LiveVars) -> String {
    let mut text = format!("goroutine {}: ", vars.goroutine);
    for (place, variable) in vars.variables.iter().enumerate() {
        let value = cut(&variable.value.to_string(), VALUE);
        let one = format!("{} {} = {value}", variable.name, variable.ty);
        if place > 0 && text.chars().count() + one.chars().count() > VARIABLES {
            let _ = write!(text, ", …");
            break;
        }
        let _ = write!(text, "{}{one}", if place == 0 { "" } else { ", " });
    }
    text
}

/// The line that `frame` is at, with a mark below.
fn quote(
    text: &mut String,
    frame: &Frame,
    reason: Option<WaitReason>,
    (context, style): (&Context<'_>, Style),
) {
    let Some(Quote { text: line, span }) = Quote::of(context, frame, reason) else { return };
    let snippet = Snippet::source(&*line)
        .line_start(usize::try_from(frame.line).unwrap_or_default())
        .annotation(AnnotationKind::Primary.span(span));
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled(),
    };
    let shown = renderer.render(&[Group::with_level(Level::ERROR).element(snippet)]);
    for line in shown.lines() {
        let _ = writeln!(text, "    {}", line.trim_end());
    }
}

/// The calls of a stack below its site, where there are more than that.
fn calls(text: &mut String, stack: &Stack, context: &Context<'_>) {
    let calls: Vec<&Frame> = stack.visible().collect();
    if calls.len() < 2 {
        return;
    }
    for call in calls.iter().take(CALLS) {
        let _ = writeln!(text, "             {}", printable(&place_in(context, call)));
    }
    if calls.len() > CALLS {
        let _ = writeln!(text, "             … {} more", calls.len() - CALLS);
    }
}
