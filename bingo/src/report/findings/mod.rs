//! What is found, for people and for programs: a file a form. In: an [`Analysis`],
//! and what a report says beside it as [`Context`]. Out: text.

mod github;
mod html;
mod json;
mod junit;
mod markdown;
mod quote;
mod rules;
mod sarif;
mod terminal;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use super::words::{count, duration};
use crate::model::{Frame, Texts};
use crate::session::{Analysis, Class, Confidence, Finding, Step, Suppression};

pub use github::github;
pub use html::html;
pub use json::{findings_json, findings_jsonl};
pub use junit::junit;
pub use markdown::markdown;
pub use sarif::sarif;
pub use terminal::findings;

/// What a report says beside what was found.
pub struct Context<'a> {
    /// The inputs, as they were named.
    pub inputs: &'a [String],
    /// How long it took.
    pub took: Duration,
    /// From which confidence on a finding makes the exit status 1.
    pub fail_on: Option<Confidence>,
    /// The source text.
    pub texts: &'a dyn Texts,
    /// The folder that paths are shown from.
    pub folder: &'a Path,
}

impl Context<'_> {
    /// Whether a finding makes the exit status 1.
    fn fails(&self, finding: &Finding) -> bool {
        self.fail_on.is_some_and(|least| finding.confidence >= least)
    }

    /// The path of `file` within the folder, which may be another than it was built
    /// from; `None` where it lies elsewhere.
    fn within(&self, file: &str) -> Option<String> {
        let inside = |path: &Path| {
            let inside = path.strip_prefix(self.folder).ok()?.to_string_lossy().into_owned();
            Some(inside).filter(|inside| !inside.is_empty())
        };
        inside(Path::new(file)).or_else(|| inside(&self.texts.path(file)?))
    }

    /// The path of `file` from the folder on, where it lies within.
    fn shown<'f>(&self, file: &'f str) -> Cow<'f, str> {
        self.within(file).map_or(Cow::Borrowed(file), Cow::Owned)
    }
}

/// `main.serve orders/serve.go:31`, with the path from the folder on.
pub(in crate::report) fn place_in(context: &Context<'_>, frame: &Frame) -> String {
    let file = context.shown(&frame.file);
    match (frame.function.is_empty(), file.is_empty()) {
        (_, true) => super::words::place(frame),
        (true, false) => format!("{file}:{}", frame.line),
        (false, false) => format!("{} {file}:{}", frame.function, frame.line),
    }
}

/// The findings of each class: those first whose worst is worse.
fn by_class(analysis: &Analysis) -> Vec<(Class, Vec<&Finding>)> {
    let mut classes: Vec<(Class, Vec<&Finding>)> = Vec::new();
    for finding in &analysis.findings {
        match classes.iter_mut().find(|(class, _)| *class == finding.class) {
            Some((_, members)) => members.push(finding),
            None => classes.push((finding.class, vec![finding])),
        }
    }
    classes
}

/// `3 findings in 7 goroutines: 2 goroutine_leak (1 high, 1 low), 1 deadlock (proven)`.
fn summary(analysis: &Analysis) -> String {
    let several =
        |number: u64, word: &str| format!("{} {word}{}", count(number), if number == 1 { "" } else { "s" });
    let found = u64::try_from(analysis.findings.len()).unwrap_or(u64::MAX);
    let mut text = several(found, "finding");
    if analysis.goroutines > 0 {
        text += &format!(" in {}", several(analysis.goroutines, "goroutine"));
    }
    let classes: Vec<String> = by_class(analysis)
        .iter()
        .map(|(class, members)| {
            let mut levels: Vec<(Confidence, usize)> = Vec::new();
            for finding in members {
                match levels.iter_mut().find(|(level, _)| *level == finding.confidence) {
                    Some((_, members)) => *members += 1,
                    None => levels.push((finding.confidence, 1)),
                }
            }
            let levels: Vec<String> = match levels.as_slice() {
                [(level, _)] => vec![level.as_str().to_owned()],
                levels => levels.iter().map(|(level, of)| format!("{of} {}", level.as_str())).collect(),
            };
            format!("{} {} ({})", members.len(), class.as_str(), levels.join(", "))
        })
        .collect();
    if !classes.is_empty() {
        text += &format!(": {}", classes.join(", "));
    }
    if !analysis.stopped_for.is_zero() {
        text += &format!("; the program was stopped for {}", duration(analysis.stopped_for));
    }
    text
}

/// What follows from the findings: `2 at or over medium (--fail-on)`.
fn verdict(analysis: &Analysis, context: &Context<'_>) -> Option<String> {
    let least = context.fail_on?;
    let failing = analysis.findings.iter().filter(|finding| context.fails(finding)).count();
    Some(match failing {
        0 => format!("none at or over {} (--fail-on)", least.as_str()),
        some => format!("{some} at or over {} (--fail-on)", least.as_str()),
    })
}

/// How many findings are not told, and why: `2 in the baseline`.
fn left_out(analysis: &Analysis) -> Option<String> {
    let baseline = analysis.suppressed.iter().filter(|one| one.by == Suppression::Baseline).count();
    let comments = analysis.suppressed.len() - baseline;
    let mut said = Vec::new();
    if baseline > 0 {
        said.push(format!("{baseline} in the baseline"));
    }
    if comments > 0 {
        said.push(format!("{comments} ignored by comments"));
    }
    (!said.is_empty()).then(|| format!("not told: {}", said.join(", ")))
}

/// `goroutine 7 waits for goroutine 8 on mutex 0xc000…: goroutine 8 holds it since …`.
fn step_text(step: &Step) -> String {
    let Step { goroutine, waits_for, because, .. } = step;
    let on = step.on.words();
    if goroutine == waits_for {
        format!("goroutine {goroutine} waits for itself on {on}: it {because}")
    } else {
        format!(
            "goroutine {goroutine} waits for goroutine {waits_for} on {on}: goroutine {waits_for} {because}"
        )
    }
}

/// The same without what would mean something to a terminal or to a reader of lines.
fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(|c| c.is_control() && c != '\t') {
        Cow::Owned(text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}
