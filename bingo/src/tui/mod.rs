//! The screens: `htop` for goroutines.
//!
//! ```text
//!   a thread owns session and World ──▶ Desk ──▶ App ──▶ screen
//!   (live_loop, a recording's fold)  pictures    ▲  │
//!                                                │  └ acts: quit, suspend, edit
//!                                     keys, clicks, signals
//! ```
//!
//! In: a [`Desk`] on which another thread lays pictures, and the terminal. Out: what the
//! user sees; each key is answered at once, by the picture that there is. Drawing waits
//! for nobody, and nobody waits for it: of pictures that come while it draws it takes the
//! newest.

mod app;
mod canvas;
mod cursor;
mod desk;
mod detail;
mod face;
mod filter;
mod header;
mod help;
mod rows;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod views;

use std::io;
use std::path::Path;
use std::process::Command;

use app::{Act, App};
use nix::errno::Errno;
use terminal::Screen;

use crate::model::Texts;
use crate::report::Selection;

pub use desk::{Desk, Judged, News, Over, Picture};
pub use face::ScreenFace;
pub use theme::Theme;

/// What to show, and how.
#[derive(Debug)]
pub struct Wishes<'a> {
    /// Which goroutines at the beginning.
    pub selection: Selection,
    /// The text of its filter.
    pub filter: &'a str,
    /// The colours.
    pub theme: Theme,
    /// The editor, with its arguments.
    pub editor: Vec<String>,
}

/// Why the screens are gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// The user pressed a key for it.
    ByKey,
    /// There is nothing more to show.
    Over,
    /// A signal asked for it, or the terminal has gone.
    Interrupted,
}

/// Shows what lies on the desk, until the user has had enough or there is nothing more
/// to show; the desk is told. The terminal is taken when there is something to show.
///
/// # Errors
/// When the terminal fails.
pub fn show(desk: &Desk, texts: &dyn Texts, wishes: Wishes<'_>) -> io::Result<Left> {
    let shown = shown(desk, texts, wishes);
    desk.stop();
    match shown {
        // It has gone.
        Err(error) if error.raw_os_error() == Some(Errno::EIO as i32) => Ok(Left::Interrupted),
        shown => shown,
    }
}

fn shown(desk: &Desk, texts: &dyn Texts, wishes: Wishes<'_>) -> io::Result<Left> {
    let Wishes { selection, filter, theme, editor } = wishes;
    let mut app = App::new(theme, selection, filter);
    let mut screen: Option<Screen<'_>> = None;
    loop {
        app.on_news(desk.take());
        if app.over() == Some(&Over::Leave) {
            return Ok(Left::Over);
        }
        if desk.is_stopped() {
            return Ok(Left::Interrupted);
        }
        let Some(screen) = &mut screen else {
            if app.has_picture() {
                screen = Some(Screen::take(desk)?);
            } else {
                desk.wait()?;
            }
            continue;
        };
        desk.want(app.wanted());
        screen.draw(|frame| app.draw(frame.buffer_mut(), texts))?;
        let woken = screen.wait()?;
        if woken.gone {
            return Ok(Left::Interrupted);
        }
        if woken.resumed {
            screen.again()?;
        }
        let mut acts: Vec<Act> = woken.suspend.then_some(Act::Suspend).into_iter().collect();
        acts.extend(woken.events.iter().filter_map(|event| app.on_event(event, texts)));
        for act in acts {
            match act {
                Act::Quit => return Ok(Left::ByKey),
                Act::Suspend => screen.suspend()?,
                Act::Redraw => screen.again()?,
                Act::Edit(file, line) => match texts.path(&file) {
                    Some(path) => {
                        let ran = screen.lend(|| edit(&editor, &path, line))?;
                        ran.unwrap_or_else(|why| app.notice(why));
                    }
                    None => app.notice(format!("{file} is not here")),
                },
            }
        }
    }
}

/// Runs the editor to its end.
fn edit(editor: &[String], path: &Path, line: u32) -> Result<(), String> {
    let Some((program, arguments)) = editor.split_first() else {
        return Err("no editor: set EDITOR".to_owned());
    };
    let ran = Command::new(program).args(arguments).arg(format!("+{line}")).arg(path).status();
    ran.map(drop).map_err(|error| format!("{program}: {error}"))
}
