//! One HTML file that needs nothing else: the findings with their stacks and lines
//! of source, each with a picture of who waits for whom. Nothing in it is run, and
//! whatever comes from a program stands in it as text.

mod graph;

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use pulldown_cmark::{Options, Parser, html::push_html};

use super::quote::Quote;
use super::{Context, by_class, left_out, place_in, rules, step_text, summary, verdict};
use crate::model::{Frame, Stack, WaitReason};
use crate::report::words::duration;
use crate::session::{Analysis, Finding};

const STYLE: &str = include_str!("page.css");
/// Nothing is fetched, whatever a name in it says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Writes the page.
///
/// # Errors
/// Those of `out`.
pub fn html(analysis: &Analysis, context: &Context<'_>, mut out: impl Write) -> io::Result<()> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { "Bingo: " (summary(analysis)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Bingo" }
                    p { (summary(analysis)) "." }
                    @for said in verdict(analysis, context).into_iter().chain(left_out(analysis)) {
                        p.quiet { (said) "." }
                    }
                    @if !context.inputs.is_empty() {
                        details.quiet {
                            summary { "inputs (" (context.inputs.len()) ")" }
                            ul { @for input in context.inputs { li { (input) } } }
                        }
                    }
                    @for problem in &analysis.problems { p.problem { "problem: " (problem.what) } }
                }
                main {
                    @for (class, members) in by_class(analysis) {
                        h2 { (class.as_str()) }
                        details.page {
                            summary { (rules::summary(class)) }
                            (rendered(rules::page(class)))
                        }
                        @for finding in members { (section(finding, analysis, context)) }
                    }
                    @if analysis.findings.is_empty() { p { "Nothing was found." } }
                }
            }
        }
    };
    out.write_all(page.into_string().as_bytes())?;
    out.write_all(b"\n")
}

fn section(finding: &Finding, analysis: &Analysis, context: &Context<'_>) -> Markup {
    let lasted = Some(finding.blocked_for).filter(|lasted| !lasted.is_zero());
    html! {
        article.(finding.confidence.as_str()) id=(finding.id) {
            h3 { span.confidence { (finding.confidence.as_str()) } " " (finding.title) }
            @if let Some(site) = finding.stack.site() {
                p { code { (place_in(context, site)) }
                    @if let Some(lasted) = lasted { ", for " (duration(lasted)) } }
                (quoted(site, finding.reason, context))
            }
            (graph::of(finding, context))
            ul {
                @for evidence in &finding.evidence { li { (evidence) } }
                @if let Some(came) = analysis.runs.of(&finding.id) { li { "found " (came.to_string()) } }
                @if let Some(made) = &finding.created_by {
                    li { "made by " code { (made.function) " " (context.shown(&made.file)) ":" (made.line) } }
                }
            }
            @if !finding.cycle.is_empty() {
                ol {
                    @for step in &finding.cycle {
                        li {
                            (step_text(step))
                            @if let Some(site) = step.stack.site() {
                                " — " code { (place_in(context, site)) }
                            }
                        }
                    }
                }
            }
            (stack("stack", &finding.stack, context))
            @for related in &finding.related {
                @if let Some(site) = related.stack.site() {
                    p { (related.what) " " code { (place_in(context, site)) } }
                    (quoted(site, None, context))
                }
                (stack(&related.what, &related.stack, context))
            }
            p.quiet { (finding.explanation) }
            p.quiet { code { (finding.id) } }
        }
    }
}

fn quoted(site: &Frame, reason: Option<WaitReason>, context: &Context<'_>) -> Markup {
    let Some(quote) = Quote::of(context, site, reason) else { return html! {} };
    let part = |range| quote.text.get(range).unwrap_or_default();
    html! {
        pre.source {
            span.line { (site.line) }
            (part(0..quote.span.start).trim_start()) mark { (part(quote.span.clone())) }
            (part(quote.span.end..quote.text.len()))
        }
    }
}

fn stack(what: &str, stack: &Stack, context: &Context<'_>) -> Markup {
    let calls: Vec<&Frame> = stack.visible().collect();
    html! {
        @if calls.len() > 1 {
            details {
                summary { (what) }
                ol.stack { @for call in calls { li { code { (place_in(context, call)) } } } }
            }
        }
    }
}

/// A page of ours as HTML.
fn rendered(markdown: &str) -> Markup {
    let mut text = String::new();
    push_html(&mut text, Parser::new_ext(markdown, Options::ENABLE_TABLES));
    PreEscaped(text)
}
