//! Findings for people.

use std::fmt::Write;

use super::style::{Style, Tone};
use super::words::{count, duration, place};
use crate::session::{Analysis, Confidence, Finding};

/// Goroutines that are named on a line.
const NAMED: usize = 10;

/// The findings, worst first, and a line that sums up.
#[must_use]
pub fn findings(analysis: &Analysis, style: Style) -> String {
    let mut text = String::new();
    for finding in &analysis.findings {
        one(&mut text, finding, style);
    }
    let several = if analysis.findings.len() == 1 { "finding" } else { "findings" };
    let found = analysis.findings.len();
    let goroutines = if analysis.goroutines == 1 { "goroutine" } else { "goroutines" };
    let _ = write!(text, "{} {several} in {} {goroutines}", count(found), count(analysis.goroutines));
    if analysis.lost_events > 0 {
        let _ = write!(text, "; {} events were lost", count(analysis.lost_events));
    }
    text.push('\n');
    for problem in &analysis.problems {
        let _ = writeln!(text, "problem: {}", problem.what);
    }
    text
}

fn one(text: &mut String, finding: &Finding, style: Style) {
    let tone = match finding.confidence {
        Confidence::Proven | Confidence::High => Tone::Stuck,
        Confidence::Medium => Tone::Waiting,
        Confidence::Low => Tone::Calm,
    };
    let class = format!("{} ({})", finding.class.as_str(), finding.confidence.as_str());
    let _ = writeln!(text, "{}  {}", style.paint(tone, &class), style.paint(Tone::Heading, &finding.title));
    if let Some(site) = finding.stack.site() {
        let _ = writeln!(text, "    at       {}, for {}", place(site), duration(finding.blocked_for));
    }
    if let Some(made) = &finding.created_by {
        let file = made.file.rsplit('/').next().unwrap_or_default();
        let _ = writeln!(text, "    made by  {} {file}:{}", made.function, made.line);
    }
    let named: Vec<String> = finding.goroutines.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if finding.count > named.len() { " …" } else { "" };
    let _ = writeln!(text, "    ids      {}{more}", named.join(" "));
    for evidence in &finding.evidence {
        let _ = writeln!(text, "    - {evidence}");
    }
    let _ = writeln!(text, "    {}\n", style.paint(Tone::Calm, &finding.id));
}
