//! A line of source, and which part of it is meant. In: the place of a frame, and
//! what a goroutine does there. Out: the line, with the bytes that say so.

use std::ops::Range;

use super::Context;
use crate::model::{Frame, WaitReason};

/// Longer lines are generated ones; nobody reads them.
const LONGEST: usize = 400;

/// A line of source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Quote {
    /// The line, without its end.
    pub(super) text: String,
    /// The bytes of it that are meant.
    pub(super) span: Range<usize>,
}

impl Quote {
    /// The line that `frame` is at, where its text is to be had.
    pub(super) fn of(context: &Context<'_>, frame: &Frame, reason: Option<WaitReason>) -> Option<Quote> {
        let text = context.texts.text(&frame.file)?;
        let at = usize::try_from(frame.line).ok()?.checked_sub(1)?;
        let line = text.lines().nth(at).filter(|line| line.len() <= LONGEST)?;
        let span = span(line, reason);
        (!span.is_empty()).then(|| Quote { text: line.to_owned(), span })
    }

    /// The line without what it is indented by.
    pub(super) fn trimmed(&self) -> &str {
        self.text.trim()
    }
}

/// What of `line` a goroutine waits at that waits for `reason`; all of its code
/// where that cannot be told.
fn span(line: &str, reason: Option<WaitReason>) -> Range<usize> {
    let begin = line.len() - line.trim_start().len();
    let code = line.get(begin..).unwrap_or_default();
    let code = code.find("//").filter(|at| *at > 0).and_then(|at| code.get(..at)).unwrap_or(code);
    let words = reason.map_or(&[][..], words);
    // The first word that is there; a word that is not there twice leaves no doubt.
    let found = words.iter().find_map(|word| {
        let at = code.find(word)?;
        let once = code.matches(word).count() == 1;
        once.then(|| begin + at..begin + at + word.trim_end_matches('(').len())
    });
    found.unwrap_or(begin..begin + code.trim_end().len())
}

/// What a wait for `reason` looks like.
fn words(reason: WaitReason) -> &'static [&'static str] {
    use WaitReason as Why;
    match reason {
        Why::ChanSend | Why::ChanSendDurable | Why::ChanSendNil => &["<-"],
        Why::ChanReceive | Why::ChanReceiveDurable | Why::ChanReceiveNil => &["<-", "range"],
        Why::Select | Why::SelectDurable => &["select", "<-"],
        Why::MutexLock | Why::RwMutexLock => &["Lock("],
        Why::RwMutexRLock => &["RLock("],
        Why::WaitGroupWait | Why::WaitGroupWaitDurable | Why::CondWait => &["Wait("],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, reason: Option<WaitReason>, expect: &str) {
        assert_eq!(&line[span(line, reason)], expect, "{line}");
    }

    #[test]
    fn what_of_a_line_is_meant() {
        use WaitReason as Why;
        check("\tunread <- 1 // leaks", Some(Why::ChanSend), "<-");
        check("\ta, b := <-left, <-right", Some(Why::ChanReceive), "a, b := <-left, <-right");
        check("\tfor job := range jobs {", Some(Why::ChanReceive), "range");
        check("\tselect {", Some(Why::Select), "select");
        check("  to.mu.Lock()", Some(Why::MutexLock), "Lock");
        check("\tvisits++ // read", None, "visits++");
        check("\t// nothing but a comment", None, "// nothing but a comment");
        check("", None, "");
        check("  größe <- ö", Some(Why::ChanSend), "<-");
    }
}
