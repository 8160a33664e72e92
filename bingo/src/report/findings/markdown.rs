//! Markdown for a pull request's comment: a table of the findings, and each with
//! its details folded away. It ends where a comment has to.

use std::fmt::Write;

use super::quote::Quote;
use super::{Context, left_out, place_in, rules, step_text, summary, verdict};
use crate::model::Stack;
use crate::report::words::duration;
use crate::session::{Analysis, Finding};

/// The most that GitHub takes, in bytes, less what the last line takes.
const LONGEST: usize = 65_000;
/// Calls of a stack that are shown.
const CALLS: usize = 20;

/// The report.
#[must_use]
pub fn markdown(analysis: &Analysis, context: &Context<'_>) -> String {
    let mut text = format!("### Bingo: {}\n\n", plain(&summary(analysis)));
    let said: Vec<String> = verdict(analysis, context)
        .filter(|_| !analysis.findings.is_empty())
        .into_iter()
        .chain(left_out(analysis))
        .collect();
    if !said.is_empty() {
        let _ = writeln!(text, "{}.\n", said.join("; "));
    }
    if !analysis.findings.is_empty() {
        text += "| confidence | type | what | where |\n|---|---|---|---|\n";
    }
    let mut rows = analysis.findings.iter();
    let more = rows.by_ref().find(|finding| !add(&mut text, &row(finding, context), LONGEST / 2));
    if more.is_some() {
        let _ = writeln!(text, "\n{} more are not listed.", rows.len() + 1);
    }
    text.push('\n');
    let mut all = analysis.findings.iter();
    let more = all.by_ref().find(|finding| !add(&mut text, &details(finding, analysis, context), LONGEST));
    if more.is_some() {
        let _ = writeln!(text, "{} more have no room here.", all.len() + 1);
    }
    for problem in &analysis.problems {
        add(&mut text, &format!("- problem: {}\n", plain(&problem.what)), LONGEST);
    }
    text
}

/// Adds `more`, if that makes it no longer than `longest`.
fn add(text: &mut String, more: &str, longest: usize) -> bool {
    let fits = text.len() + more.len() <= longest;
    if fits {
        text.push_str(more);
    }
    fits
}

fn row(finding: &Finding, context: &Context<'_>) -> String {
    let place = finding.stack.site().map(|site| place_in(context, site)).unwrap_or_default();
    format!(
        "| {} | [{}]({}) | {} | {} |\n",
        finding.confidence.as_str(),
        finding.class.as_str(),
        rules::address(finding.class),
        plain(&finding.title),
        code(&place)
    )
}

fn details(finding: &Finding, analysis: &Analysis, context: &Context<'_>) -> String {
    let mut text = format!(
        "<details><summary><b>{}</b> ({}): {}</summary>\n\n",
        finding.class.as_str(),
        finding.confidence.as_str(),
        plain(&finding.title)
    );
    if let Some(site) = finding.stack.site() {
        let lasted = Some(finding.blocked_for).filter(|lasted| !lasted.is_zero());
        let lasted = lasted.map(|lasted| format!(", for {}", duration(lasted))).unwrap_or_default();
        let _ = writeln!(text, "At {}{lasted}:\n", code(&place_in(context, site)));
        if let Some(quote) = Quote::of(context, site, finding.reason) {
            text += &fenced("go", quote.trimmed());
        }
    }
    for step in &finding.cycle {
        let at = step.stack.site().map(|site| place_in(context, site)).unwrap_or_default();
        let _ = writeln!(text, "1. {} ({})", plain(&step_text(step)), code(&at));
    }
    if !finding.cycle.is_empty() {
        text.push('\n');
    }
    for evidence in &finding.evidence {
        let _ = writeln!(text, "- {}", plain(evidence));
    }
    if let Some(came) = analysis.runs.of(&finding.id) {
        let _ = writeln!(text, "- found {}", plain(&came.to_string()));
    }
    if let Some(made) = &finding.created_by {
        let place = format!("{} {}:{}", made.function, context.shown(&made.file), made.line);
        let _ = writeln!(text, "- made by {}", code(&place));
    }
    let _ = writeln!(text, "- {}\n", code(&finding.id));
    text += &stack(&finding.stack, context);
    for related in &finding.related {
        let _ = writeln!(text, "{}:\n", plain(&related.what));
        text += &stack(&related.stack, context);
    }
    let _ = writeln!(text, "{}\n\n</details>\n", plain(finding.explanation));
    text
}

fn stack(stack: &Stack, context: &Context<'_>) -> String {
    let calls: Vec<String> = stack.visible().take(CALLS).map(|frame| place_in(context, frame)).collect();
    if calls.is_empty() { String::new() } else { fenced("", &calls.join("\n")) }
}

/// A text that is nothing but text, in a table too.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => plain.push(' '),
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '#' | '~' => {
                plain.push('\\');
                plain.push(c);
            }
            // It would call somebody.
            '@' => plain.push_str("&#64;"),
            c => plain.push(c),
        }
    }
    plain
}

/// A name as code, within which nothing can be escaped.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.is_empty() || text.contains(['`', '|']) { plain(&text) } else { format!("`{text}`") }
}

/// Lines as they are, between fences that are longer than any in them.
fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}{language}\n{text}\n{fence}\n\n")
}
