//! What a model is asked. In: findings and the text of the source. Out: a text with
//! the findings, their stacks, who waits for whom and the lines around; and which
//! lines and goroutines these are, so that the answer can be held against them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use crate::model::{Frame, GoId, Stack, Texts};
use crate::session::{Analysis, Finding};

/// Findings that are asked about, the worst first.
const FINDINGS: usize = 5;
/// Calls of a stack, goroutines of a finding, steps of a cycle that are shown.
const SHOWN: usize = 20;
/// Lines that are shown before and behind one.
const AROUND: u32 = 15;

/// What the model is told before.
pub(super) const SYSTEM: &str = "You help to find out why a Go program hangs, leaks or races. You get what a \
    tool has found, and lines of the source with their numbers. For each finding say, in plain words: the root \
    cause, how to fix it, and the change as a unified diff in a ```diff block, with --- and +++ lines that name \
    the file as it is named here. Name only lines and goroutines that you were shown. If what you see is not \
    enough, say what is missing and do not guess.";

/// A question, and what was shown in it.
#[derive(Debug)]
pub struct Question {
    pub(super) text: String,
    /// The files by the names that they are shown by, and their lines.
    pub(super) files: BTreeMap<String, Shown>,
    pub(super) goroutines: BTreeSet<GoId>,
}

/// What is shown of a file.
#[derive(Debug)]
pub(super) struct Shown {
    /// All of it.
    pub(super) text: Arc<str>,
    pub(super) lines: BTreeSet<u32>,
}

impl Question {
    /// The question about what was found; `None` where nothing was. Paths are from
    /// `folder` on.
    #[must_use]
    pub fn of(analysis: &Analysis, texts: &dyn Texts, folder: &Path) -> Option<Question> {
        let asked = analysis.findings.get(..FINDINGS).unwrap_or(&analysis.findings);
        if asked.is_empty() {
            return None;
        }
        let empty = Question { text: String::new(), files: BTreeMap::new(), goroutines: BTreeSet::new() };
        let mut writer = Writer { question: empty, texts, folder };
        for (nth, finding) in (1_usize..).zip(asked) {
            writer.finding(nth, finding);
        }
        Some(writer.end())
    }

    /// What would be sent.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{SYSTEM}\n\n{}", self.text)
    }
}

struct Writer<'a> {
    question: Question,
    texts: &'a dyn Texts,
    folder: &'a Path,
}

impl Writer<'_> {
    fn finding(&mut self, nth: usize, finding: &Finding) {
        let goroutines: Vec<String> =
            finding.goroutines.iter().take(SHOWN).map(|id| format!("goroutine {id}")).collect();
        self.question.goroutines.extend(finding.goroutines.iter().take(SHOWN));
        let _ = writeln!(
            self.question.text,
            "## Finding {nth}: {} ({})\n{}\n{} in all: {}",
            finding.class.as_str(),
            finding.confidence.as_str(),
            finding.title,
            finding.count,
            goroutines.join(", ")
        );
        for evidence in &finding.evidence {
            let _ = writeln!(self.question.text, "- {evidence}");
        }
        self.stack("stack", &finding.stack);
        if let Some(made) = &finding.created_by {
            let frame = Frame {
                function: Arc::clone(&made.function),
                file: Arc::clone(&made.file),
                line: made.line,
                pc: crate::model::Addr(0),
                inlined: false,
            };
            self.stack("made by", &Stack::new(vec![frame]));
        }
        for step in finding.cycle.iter().take(SHOWN) {
            self.question.goroutines.extend([step.goroutine, step.waits_for]);
            let title = format!(
                "goroutine {} waits for goroutine {}, which {}; its stack",
                step.goroutine, step.waits_for, step.because
            );
            self.stack(&title, &step.stack);
        }
        for related in &finding.related {
            self.stack(&related.what, &related.stack);
        }
        self.question.text.push('\n');
    }

    fn stack(&mut self, title: &str, stack: &Stack) {
        let _ = writeln!(self.question.text, "{title}:");
        for frame in stack.visible().take(SHOWN) {
            let file = self.shown(&frame.file);
            let _ = writeln!(self.question.text, "    {} {file}:{}", frame.function, frame.line);
            if !frame.is_standard() && !frame.is_machinery() {
                self.show(file, frame);
            }
        }
    }

    fn shown(&self, file: &str) -> String {
        let inside = Path::new(file).strip_prefix(self.folder).ok();
        inside.map_or_else(|| file.to_owned(), |inside| inside.to_string_lossy().into_owned())
    }

    /// The lines around a frame are to be shown.
    fn show(&mut self, name: String, frame: &Frame) {
        let Some(text) = self.texts.text(&frame.file) else { return };
        let last = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
        let lines = frame.line.saturating_sub(AROUND).max(1)..=frame.line.saturating_add(AROUND).min(last);
        let shown = self.question.files.entry(name).or_insert(Shown { text, lines: BTreeSet::new() });
        shown.lines.extend(lines);
    }

    fn end(mut self) -> Question {
        for (name, shown) in &self.question.files {
            let _ = writeln!(self.question.text, "## {name}");
            let mut before = 0;
            for (number, line) in (1_u32..).zip(shown.text.lines()) {
                if shown.lines.contains(&number) {
                    let gap = if number > before + 1 { "  …\n" } else { "" };
                    let _ = writeln!(self.question.text, "{gap}{number:>5}  {line}");
                    before = number;
                }
            }
            self.question.text.push('\n');
        }
        self.question
    }
}
