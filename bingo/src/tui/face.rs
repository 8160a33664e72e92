//! A live session's pictures, laid on the desk. In: ticks. Out: pictures, as often as
//! making them is cheap.

use std::io;
use std::time::{Duration, Instant};

use super::desk::{Desk, Picture};
use crate::model::Event;
use crate::session::Session;
use crate::session::live_loop::{Ending, Face};

/// Pictures may take one part in so many of a processor's time: of very many goroutines
/// there are fewer pictures.
const SHARE: u32 = 20;

/// What a session is shown by.
pub struct ScreenFace<'d> {
    desk: &'d Desk,
    /// Not before then.
    next: Option<Instant>,
}

impl<'d> ScreenFace<'d> {
    /// Shows on this desk.
    #[must_use]
    pub fn new(desk: &'d Desk) -> ScreenFace<'d> {
        ScreenFace { desk, next: None }
    }

    fn show(&mut self, session: &Session) {
        let begun = Instant::now();
        let wanted = self.desk.wanted();
        let past = wanted.and_then(|id| Some((id, session.world().history(id)?)));
        self.desk.show(Picture { view: session.view(), past });
        let took = begun.elapsed();
        self.next = begun.checked_add(took * SHARE).filter(|_| took > Duration::from_millis(1));
    }
}

impl Face for ScreenFace<'_> {
    fn begin(&mut self, session: &Session) -> io::Result<()> {
        self.show(session);
        Ok(())
    }

    fn events(&mut self, _: &Session, _: &[Event]) -> io::Result<()> {
        Ok(())
    }

    fn tick(&mut self, session: &Session) -> io::Result<()> {
        if self.next.is_none_or(|next| Instant::now() >= next) {
            self.show(session);
        }
        Ok(())
    }

    fn end(&mut self, session: &Session, _: Ending) -> io::Result<()> {
        self.show(session);
        Ok(())
    }
}
