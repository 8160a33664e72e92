//! The top of the screen: who is looked at, how many goroutines are in which state and
//! were over the last minute, what observing costs, and which view this is. In: views of
//! the session. Out: three lines, and one of tabs.

use std::collections::VecDeque;
use std::time::Duration;

use ratatui::layout::Rect;

use super::canvas::{Canvas, Line, lent, width};
use super::theme::Role;
use crate::model::{GoState, SourceKind, Time};
use crate::report::{count, duration};
use crate::session::{StateCounts, View};

/// Lines of it.
pub(super) const HEIGHT: u16 = 3;

/// Between two points of a sparkline, and how many are kept.
const STEP: Duration = Duration::from_millis(500);
const STEPS: usize = 120;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The states in the order in which they are shown.
const STATES: [GoState; 4] = [GoState::Blocked, GoState::Runnable, GoState::Running, GoState::Syscall];

/// What was counted before.
#[derive(Debug, Default)]
pub(super) struct Meters {
    counts: VecDeque<StateCounts>,
    last: Option<Time>,
    began: Option<Time>,
    /// Of the picture that is shown: the program's own, and the runtime's.
    now: (StateCounts, usize),
}

/// Whether what is shown goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Going {
    Live,
    Paused,
    /// It has ended, or is a recording.
    Still,
}

impl Meters {
    /// Notes how many there are.
    pub(super) fn note(&mut self, view: &View) {
        self.began.get_or_insert(view.time);
        if self.last.is_some_and(|last| view.time.since(last) < STEP) {
            return;
        }
        self.last = Some(view.time);
        if self.counts.len() == STEPS {
            self.counts.pop_front();
        }
        self.counts.push_back(view.counts(false));
    }

    /// Counts a picture that is shown from now on: not anew for each key.
    pub(super) fn turn_to(&mut self, view: &View) {
        self.now = (view.counts(false), view.counts(true).total());
    }

    fn sparkline(&self, state: GoState, room: usize) -> String {
        let counts: Vec<usize> = self.counts.iter().map(|counts| of(*counts, state)).collect();
        let shown = counts.get(counts.len().saturating_sub(room)..).unwrap_or_default();
        let most = shown.iter().copied().max().unwrap_or(0).max(1);
        let bar = |count: &usize| {
            // Nothing is nothing: a bar is one goroutine at least.
            let height = (count * BARS.len()).div_ceil(most).saturating_sub(1);
            if *count == 0 { ' ' } else { BARS.get(height).copied().unwrap_or('█') }
        };
        let spare = room.saturating_sub(shown.len());
        " ".repeat(spare) + &shown.iter().map(bar).collect::<String>()
    }

    /// Draws the three lines.
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View, going: Going) {
        self.who(canvas, area, view, going);
        self.states(canvas, Rect { y: area.y + 1, ..area });
        let at = (area.x + 1, area.y + 2);
        observed(canvas, at, area.width.saturating_sub(2), view, self.now.1);
    }

    fn who(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View, going: Going) {
        let since = view.time.since(self.began.unwrap_or(view.time));
        let (mark, word, role) = match going {
            Going::Live => ("●", "live", Role::Good),
            Going::Paused => ("‖", "paused", Role::Alarm),
            Going::Still => ("■", "still", Role::Dim),
        };
        let right = match since.as_secs() {
            seconds @ ..60 => format!("{word} {seconds}s"),
            seconds => format!("{word} {}", duration(Duration::from_secs(seconds))),
        };
        let taken = width(&right) + 2;
        let room = area.width.saturating_sub(taken + 2);
        let x = area.right().saturating_sub(taken + 1);
        let x = canvas.put((x, area.y), 2, &format!("{mark} "), role);
        canvas.put(
            (x, area.y),
            area.right().saturating_sub(x),
            &right,
            if going == Going::Live { Role::Dim } else { role },
        );

        let header = &view.header;
        let name =
            header.binary.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy());
        let name = name.unwrap_or_else(|| "bingo".into());
        let mut rest = String::new();
        if let Some(pid) = header.pid {
            rest.push_str(&format!("  pid {pid}"));
            rest.extend(header.inner_pid.map(|inner| format!(" ({inner} inside)")));
        }
        rest.extend(header.go_version.as_ref().map(|version| format!("  {version}")));
        rest.push_str(match header.source {
            SourceKind::Live => "",
            SourceKind::Trace => "  trace",
            SourceKind::Core => "  core file",
            SourceKind::Collect => "  collected",
        });
        canvas.line((area.x + 1, area.y), room, &[(&name, Role::Title), (&rest, Role::Dim)]);
    }

    fn states(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let counts = self.now.0;
        // As wide as the largest number was, so that nothing moves.
        let most = self.counts.iter().map(|counts| counts.total()).max().unwrap_or(0).max(counts.total());
        let number = width(&count(most));
        let spark = area.width.saturating_sub(12 + number + 4 * (number + 12)) / 4;
        let total = format!("{:>1$} goroutines  ", count(counts.total()), usize::from(number));
        let mut x = canvas.put((area.x + 1, area.y), area.width.saturating_sub(1), &total, Role::Title);
        for state in STATES {
            let left = |x: u16| area.right().saturating_sub(x);
            let now = format!("{:>1$} ", count(of(counts, state)), usize::from(number));
            let role = if of(counts, state) == 0 { Role::Dim } else { Role::State(state) };
            x = canvas.put((x, area.y), left(x), &now, role);
            let word = if area.width < 100 && state == GoState::Syscall { "syscall" } else { state.as_str() };
            x = canvas.put((x, area.y), left(x), word, Role::Dim);
            if spark >= 4 {
                let line = self.sparkline(state, usize::from(spark.min(40)));
                x = canvas.put((x + 1, area.y), left(x + 1), &line, Role::State(state));
            }
            x += 2;
        }
    }
}

/// How it is observed, and at what cost to the program.
fn observed(canvas: &mut Canvas<'_>, at: (u16, u16), room: u16, view: &View, system: usize) {
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    let mut texts = Line::new();
    let mut say = |text: String, role| texts.push((text, role));
    match &view.probes {
        Some(probes) => {
            say("overhead ".to_owned(), Role::Dim);
            let over = probes.overhead.zip(probes.budget).is_some_and(|(overhead, budget)| overhead > budget);
            let role = if over { Role::Alarm } else { Role::Text };
            say(probes.overhead.map_or_else(|| "…".to_owned(), percent), role);
            say(
                probes
                    .budget
                    .map_or_else(|| " unbounded".to_owned(), |budget| format!(" of {}", percent(budget))),
                Role::Dim,
            );
            let set = if probes.probes.is_empty() { "none for now" } else { &probes.probes };
            say(format!("   probes {set}"), Role::Dim);
            say(format!("   {} events", count(view.totals.events)), Role::Dim);
        }
        None if view.header.source == SourceKind::Live => {
            say(format!("polling   {} a snapshot", duration(view.snapshot.1)), Role::Dim);
        }
        None => say(format!("{} events", count(view.totals.events)), Role::Dim),
    }
    let lost = view.totals.lost.total();
    if lost > 0 {
        say(format!("   {} lost", count(lost)), Role::Alarm);
    }
    if view.uncertain > 0 && lost > 0 {
        say(format!("   {} uncertain", count(view.uncertain)), Role::Notice);
    }
    if !view.problems.is_empty() {
        say(format!("   {} unreadable", count(view.problems.len())), Role::Notice);
    }
    say(format!("   {} of the runtime", count(system)), Role::Dim);
    canvas.line(at, room, &lent(&texts));
}

fn of(counts: StateCounts, state: GoState) -> usize {
    match state {
        GoState::Blocked => counts.blocked,
        GoState::Runnable => counts.runnable,
        GoState::Running => counts.running,
        GoState::Syscall => counts.syscall,
        GoState::Dead => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_shows_the_newest_and_nothing_as_nothing() {
        let mut meters = Meters::default();
        for blocked in [0, 1, 50, 100] {
            meters.counts.push_back(StateCounts { blocked, ..StateCounts::default() });
        }
        assert_eq!(meters.sparkline(GoState::Blocked, 6), "   ▁▄█");
        assert_eq!(meters.sparkline(GoState::Blocked, 2), "▄█");
        assert_eq!(meters.sparkline(GoState::Running, 3), "   ");
    }
}
