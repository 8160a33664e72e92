//! A finding as a picture: who waits for whom. In: a finding. Out: SVG; a cycle as
//! a loop of goroutines with the objects between them, all others as a row.

use maud::{Markup, html};

use super::super::Context;
use crate::model::{Frame, Stack, Wait};
use crate::session::{Class, Finding, Step};

/// Goroutines of a cycle that are drawn: more cannot be read.
const DRAWN: usize = 16;
/// A goroutine's box.
const WIDTH: f64 = 170.0;
const HEIGHT: f64 = 44.0;
/// From one box of a column to the next.
const ROW: f64 = 84.0;
/// Characters of its second line.
const LETTERS: usize = 26;

/// A point.
#[derive(Clone, Copy)]
struct At(f64, f64);

/// The picture of a finding; nothing where there is nothing to see.
pub(super) fn of(finding: &Finding, context: &Context<'_>) -> Markup {
    match finding.cycle.as_slice() {
        [] => row(finding, context),
        [own] => alone(own, context),
        steps => ring(steps.get(..DRAWN).unwrap_or(steps), steps.len(), context),
    }
}

/// A box of a cycle: its two lines, and what it is.
type Box = (String, String, &'static str);

/// Down on the left, up on the right, so that it is as wide with two as with many.
fn ring(steps: &[Step], all: usize, context: &Context<'_>) -> Markup {
    let mut boxes: Vec<Box> = Vec::new();
    for step in steps {
        let object = step.on.words();
        let (kind, which) = object.split_once(' ').unwrap_or((&object, ""));
        boxes.push((format!("goroutine {}", step.goroutine), site_of(&step.stack, context), "goroutine"));
        boxes.push((kind.to_owned(), which.to_owned(), "object"));
    }
    if all > steps.len() {
        boxes.push((format!("{} more goroutines", all - steps.len()), String::new(), "maker"));
    }
    let rows = boxes.len().div_ceil(2);
    let row = |row: usize| HEIGHT / 2.0 + 10.0 + f64::from(u32::try_from(row).unwrap_or(u32::MAX)) * ROW;
    let place = |nth: usize| match nth.checked_sub(rows) {
        None => At(WIDTH / 2.0 + 10.0, row(nth)),
        Some(back) => At(WIDTH * 1.5 + 190.0, row(rows.saturating_sub(back + 1))),
    };
    let size = At(WIDTH * 2.0 + 200.0, row(rows) - ROW + HEIGHT / 2.0 + 10.0);
    let label = format!("{all} goroutines that wait for each other in a circle");
    picture(
        size,
        &label,
        &html! {
            @for (nth, (_, _, kind)) in boxes.iter().enumerate() {
                (arrow(place(nth), place((nth + 1) % boxes.len()), if *kind == "goroutine" { "waits on" } else { "" }))
            }
            @for (nth, (first, second, kind)) in boxes.iter().enumerate() {
                (node(place(nth), first, second, kind))
            }
        },
    )
}

/// A goroutine that waits for itself.
fn alone(step: &Step, context: &Context<'_>) -> Markup {
    let at = At(WIDTH / 2.0 + 10.0, 40.0);
    let (right, low) = (at.0 + WIDTH / 2.0, at.1 + HEIGHT / 2.0);
    let path = format!("M {right} {y} h 40 v {down} H {x} V {low}", y = at.1, x = at.0, down = 50.0);
    picture(
        At(WIDTH + 330.0, 130.0),
        "a goroutine that waits for itself",
        &html! {
            path d=(path) marker-end="url(#tip)" {}
            (node(at, &format!("goroutine {}", step.goroutine), &site_of(&step.stack, context), "goroutine"))
            text.object.left x=(right + 50.0) y=(at.1 + 30.0) { (step.on.words()) }
        },
    )
}

/// Who made them, they themselves, what they wait on; or two that race.
fn row(finding: &Finding, context: &Context<'_>) -> Markup {
    let at = |place: f64| At(WIDTH / 2.0 + 10.0 + place * (WIDTH + 110.0), 40.0);
    let size = At(3.0 * WIDTH + 240.0, 80.0);
    if let (Class::DataRace, Some(other)) = (finding.class, finding.related.first()) {
        let [first, second] = [&finding.stack, &other.stack].map(|stack| site_of(stack, context));
        return picture(
            size,
            "two goroutines at the same memory",
            &html! {
                (arrow(at(0.0), at(1.0), ""))
                (arrow(at(2.0), at(1.0), ""))
                (node(at(0.0), "one access", &first, "goroutine"))
                (node(at(1.0), "the same memory", "", "object"))
                (node(at(2.0), "the other", &second, "goroutine"))
            },
        );
    }
    let Some(site) = finding.stack.site() else { return html! {} };
    let who = match (finding.count, finding.goroutines.first()) {
        (1, Some(one)) => format!("goroutine {one}"),
        (count, _) => format!("{count} goroutines"),
    };
    let on = on(finding);
    let made = finding.created_by.as_ref();
    picture(
        size,
        "who waits, on what, and who made them",
        &html! {
            @if let Some(made) = made {
                (arrow(at(0.0), at(1.0), "made"))
                (node(at(0.0), &short(&made.function), &line(&context.shown(&made.file), made.line), "maker"))
            }
            @if let Some((kind, which)) = &on {
                (arrow(at(1.0), at(2.0), "waits on"))
                (node(at(2.0), kind, which, "object"))
            }
            (node(at(1.0), &who, &place(site, context), "goroutine"))
        },
    )
}

/// What they wait on, as far as that is known.
fn on(finding: &Finding) -> Option<(String, String)> {
    match (&finding.wait, finding.reason) {
        (Some(Wait::Channel { channel, .. }), _) if channel.is_nil() => {
            Some(("a nil channel".to_owned(), String::new()))
        }
        (Some(Wait::Channel { channel, .. }), _) => Some(("channel".to_owned(), channel.to_string())),
        (Some(Wait::Select(cases)), _) => Some(("select".to_owned(), format!("{} channels", cases.len()))),
        (Some(Wait::Lock(lock)), _) => Some(("lock".to_owned(), lock.to_string())),
        (Some(Wait::Sleep { .. } | Wait::Io { .. }), _) => None,
        (None, reason) => reason.map(|reason| (reason.to_string(), String::new())),
    }
}

fn picture(size: At, label: &str, inside: &Markup) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {:.0} {:.0}", size.0, size.1)) width=(format!("{:.0}", size.0)) role="img"
            aria-label=(label) {
            defs {
                marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"
                    orient="auto-start-reverse" { path.tip d="M 0 0 L 10 5 L 0 10 z" {} }
            }
            (inside)
        }
    }
}

fn node(at: At, first: &str, second: &str, class: &str) -> Markup {
    html! {
        g.(class) {
            rect x=(at.0 - WIDTH / 2.0) y=(at.1 - HEIGHT / 2.0) width=(WIDTH) height=(HEIGHT) rx="6" {}
            @if second.is_empty() {
                text x=(at.0) y=(at.1 + 4.0) { (first) }
            } @else {
                text x=(at.0) y=(at.1 - 4.0) { (first) }
                text.second x=(at.0) y=(at.1 + 13.0) { (cut(second)) title { (second) } }
            }
        }
    }
}

/// From the edge of one box to that of the other, with a word in the middle.
fn arrow(from: At, to: At, says: &str) -> Markup {
    let (start, end) = (edge(from, to), edge(to, from));
    html! {
        line x1=(start.0) y1=(start.1) x2=(end.0) y2=(end.1) marker-end="url(#tip)" {}
        @if !says.is_empty() && (start.0 - end.0).abs() < 1.0 {
            text.object.left x=(start.0 + 8.0) y=((start.1 + end.1) / 2.0 + 4.0) { (says) }
        } @else if !says.is_empty() {
            text.object x=((start.0 + end.0) / 2.0) y=((start.1 + end.1) / 2.0 - 6.0) { (says) }
        }
    }
}

/// Where the line from the middle of one box to another point leaves it.
fn edge(from: At, to: At) -> At {
    let (x, y) = (to.0 - from.0, to.1 - from.1);
    let across = (WIDTH / 2.0 + 3.0) / x.abs().max(f64::EPSILON);
    let up = (HEIGHT / 2.0 + 3.0) / y.abs().max(f64::EPSILON);
    let part = across.min(up).min(0.5);
    At(from.0 + x * part, from.1 + y * part)
}

fn site_of(stack: &Stack, context: &Context<'_>) -> String {
    stack.site().map(|site| place(site, context)).unwrap_or_default()
}

fn place(site: &Frame, context: &Context<'_>) -> String {
    line(&context.shown(&site.file), site.line)
}

/// `main.go:5`, without the folders.
fn line(file: &str, line: u32) -> String {
    format!("{}:{line}", file.rsplit(['/', '\\']).next().unwrap_or_default())
}

/// A function without its package's path.
fn short(function: &str) -> String {
    cut(function.rsplit('/').next().unwrap_or_default())
}

/// Its end: the beginning is what names have in common.
fn cut(text: &str) -> String {
    let letters = text.chars().count();
    if letters <= LETTERS {
        return text.to_owned();
    }
    format!("…{}", text.chars().skip(letters + 1 - LETTERS).collect::<String>())
}
