//! The screens of a command: what it observes goes on in threads of its own, while this
//! one has the terminal. In: what to observe, and which goroutines to show at first. Out:
//! how the observing ended, when the terminal is as it was.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Failure;
use super::source_files::SourceFiles;
use super::values::Showing;
use crate::tui::{self, Desk, Left, Over, Theme, Wishes};

/// Whether there is a terminal that can show them.
pub(super) fn can_be_shown() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    std::io::stdout().is_terminal() && !dumb
}

/// The same, said.
pub(super) fn expect_terminal() -> Result<(), Failure> {
    if can_be_shown() {
        return Ok(());
    }
    Err(Failure::bad_input("there is no terminal that can show screens")
        .remedy("--format text or --format jsonl write to anything"))
}

/// Shows what `observe` lays on a desk, and what `judge` says of it meanwhile, until the
/// user has had enough, or there is nothing more to show.
pub(super) fn show<T: Send>(
    showing: &Showing,
    interrupted: &Arc<AtomicBool>,
    judge: impl FnOnce(&Desk) + Send + 'static,
    observe: impl FnOnce(&Desk) -> Result<T, Failure> + Send,
) -> Result<(Left, T), Failure> {
    let selection = showing.selection()?;
    let terminal = |error| Failure::output("the terminal", &error);
    let desk = Arc::new(Desk::new(Arc::clone(interrupted)).map_err(terminal)?);
    let texts = SourceFiles::new(None);
    let wishes = Wishes {
        selection,
        filter: showing.filter_text(),
        theme: Theme::of_environment(|name| std::env::var_os(name)),
        editor: editor(),
    };
    // Nobody waits for its end: what it finds then nobody reads.
    let judged = Arc::clone(&desk);
    std::thread::spawn(move || judge(&judged));
    std::thread::scope(|scope| {
        let desk = &*desk;
        let observing = scope.spawn(move || {
            let _over = Leaving(desk);
            observe(desk)
        });
        let left = tui::show(desk, &texts, wishes);
        let observed = observing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok((left.map_err(terminal)?, observed))
    })
}

/// Whoever leaves, by a panic too, has nothing more to show unless that was said before.
struct Leaving<'d>(&'d Desk);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.end(Over::Leave);
    }
}

/// What `VISUAL` or `EDITOR` says, else what every Unix has.
fn editor() -> Vec<String> {
    let set = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
    let words = set.filter_map(|command| shlex::split(&command)).find(|words| !words.is_empty());
    words.unwrap_or_else(|| vec!["vi".to_owned()])
}
