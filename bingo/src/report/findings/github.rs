//! GitHub's annotations: lines of a workflow's log that it shows beside the code.
//! In: findings. Out: `::error file=…,line=…,title=…::…`, a line each.

use std::fmt::Write;

use super::{Context, place_in, printable, summary};
use crate::model::Frame;
use crate::session::{Analysis, Confidence, Finding};

/// The annotations, and a line that sums up.
#[must_use]
pub fn github(analysis: &Analysis, context: &Context<'_>) -> String {
    let mut text = String::new();
    for finding in &analysis.findings {
        annotation(&mut text, finding, analysis, context);
    }
    for problem in &analysis.problems {
        let _ = writeln!(text, "::warning title=bingo::{}", message(&problem.what));
    }
    // In the log alone.
    let _ = writeln!(text, "bingo: {}", summary(analysis));
    text
}

fn annotation(text: &mut String, finding: &Finding, analysis: &Analysis, context: &Context<'_>) {
    let level = match finding.confidence {
        _ if context.fails(finding) => "error",
        Confidence::Low => "notice",
        _ => "warning",
    };
    let place = annotated(finding, context)
        .map(|(file, line)| format!("file={},line={line},", property(&file)))
        .unwrap_or_default();
    let title = format!("{} ({})", finding.class.as_str(), finding.confidence.as_str());
    let mut says = vec![finding.title.clone()];
    says.extend(finding.stack.site().map(|site| format!("at {}", place_in(context, site))));
    says.extend(finding.related.iter().filter_map(|related| {
        Some(format!("{}: {}", related.what, place_in(context, related.stack.site()?)))
    }));
    says.extend(finding.evidence.iter().map(|evidence| format!("- {evidence}")));
    says.extend(analysis.runs.of(&finding.id).map(|came| format!("- found {came}")));
    says.push(finding.id.clone());
    let _ = writeln!(text, "::{level} {place}title={}::{}", property(&title), message(&says.join("\n")));
}

/// The innermost call in a file of the folder: others are in no pull request.
fn annotated(finding: &Finding, context: &Context<'_>) -> Option<(String, u32)> {
    let inside = |frame: &Frame| {
        let file = context.within(&frame.file)?;
        Some((file, frame.line))
    };
    finding.stack.site().and_then(inside).or_else(|| finding.stack.visible().find_map(inside))
}

/// A text as the message (`escapeData` of GitHub's toolkit).
fn message(text: &str) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    printable(&text).into_owned()
}

/// A text as the value of a property (`escapeProperty`).
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
