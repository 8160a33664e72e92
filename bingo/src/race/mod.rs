//! What Go's race detector prints, as races. In: a text, which may have anything
//! else in it (a test's output, a CI log with a time before each line). Out:
//! [`Races`], and how many reports could not be made out.
//!
//! ```text
//! ==================
//! WARNING: DATA RACE
//! Write at 0x00c000014098 by goroutine 7:
//!   main.main.func1()
//!       /src/main.go:10 +0x3c
//!
//! Previous read at 0x00c000014098 by main goroutine:
//!   [failed to restore the stack]
//!
//! Goroutine 7 (running) created at:
//!   main.main()
//!       /src/main.go:9 +0x8e
//! ==================
//! ```
//!
//! Source: `PrintReport` of LLVM's `compiler-rt/lib/tsan/rtl/tsan_report.cpp`, in
//! its part for Go, which Go has brought along unchanged from 1.19 to 1.27.

mod parse;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use self::parse::Parser;
use crate::model::Races;

/// The longest line that is looked at as a whole; what is behind that is left out.
const LONGEST: usize = 1 << 16;

/// Hands a text through, and takes the reports out of it.
pub struct RaceReader<R> {
    from: R,
    line: Vec<u8>,
    parser: Parser,
}

/// What was in a text.
#[derive(Default, Debug)]
pub struct RacesFound {
    /// The races.
    pub races: Races,
    /// Reports that no access could be made out of.
    pub unreadable: u64,
}

impl<R: Read> RaceReader<R> {
    /// Nothing read yet.
    pub fn new(from: R) -> RaceReader<R> {
        RaceReader { from, line: Vec::new(), parser: Parser::default() }
    }

    /// What was in what has been read.
    #[must_use]
    pub fn into_found(mut self) -> RacesFound {
        self.end_line();
        self.parser.into_found()
    }

    fn end_line(&mut self) {
        self.parser.line(String::from_utf8_lossy(&self.line).trim_end());
        self.line.clear();
    }
}

impl<R: Read> Read for RaceReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(into)?;
        for piece in into.get(..length).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST.saturating_sub(self.line.len());
            self.line.extend(piece.iter().take(room));
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
        Ok(length)
    }
}

/// What is in a text as a whole.
///
/// # Errors
/// Those of reading it.
pub fn races(text: impl Read) -> io::Result<RacesFound> {
    let mut reader = RaceReader::new(text);
    io::copy(&mut reader, &mut io::sink())?;
    Ok(reader.into_found())
}
