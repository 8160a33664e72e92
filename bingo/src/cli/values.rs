//! Values of options: `30s`, `100ms`, `2%`, a regular expression; and the options
//! that several commands take.

use std::path::PathBuf;
use std::time::Duration;

use super::Failure;
use crate::report::{Filter, Selection};

/// Which goroutines are shown, and where.
#[derive(clap::Args, Debug)]
pub(super) struct Showing {
    /// Only goroutines that match, on `state reason function file:line`
    #[arg(long, value_name = "REGEX", value_parser = filter_text)]
    filter: Option<String>,
    /// The runtime's goroutines and frames too
    #[arg(long)]
    all: bool,
    /// Where to write, in place of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

impl Showing {
    /// Which goroutines are shown.
    pub(super) fn selection(&self) -> Result<Selection, Failure> {
        let filter = self.filter.as_deref().map(Filter::new).transpose().map_err(Failure::bad_input)?;
        Ok(Selection { all: self.all, filter })
    }

    /// The regular expression as it was given.
    #[cfg(all(target_os = "linux", feature = "live", feature = "tui"))]
    pub(super) fn filter_text(&self) -> &str {
        self.filter.as_deref().unwrap_or_default()
    }
}

/// What a command looks at: a number is a process, and `./4242` a file of that name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Subject {
    /// A running process.
    Process(u32),
    /// A file.
    File(PathBuf),
}

/// A process, or a file.
pub(super) fn subject(text: &str) -> Result<Subject, String> {
    let number = text.strip_prefix('-').unwrap_or(text);
    if number.bytes().all(|byte| byte.is_ascii_digit()) {
        return pid(text).map(Subject::Process);
    }
    Ok(Subject::File(PathBuf::from(text)))
}

/// The number of a process.
pub(super) fn pid(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(pid) if pid > 0 => Ok(pid),
        _ => Err("a process has a number such as 4242, which `pgrep -a NAME` finds".to_owned()),
    }
}

/// The number of a goroutine.
pub(super) fn goroutine(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(id) if id > 0 => Ok(id),
        _ => Err("a goroutine has a number such as 18, as `bingo dump` shows it".to_owned()),
    }
}

/// An address: `0xc000012345`.
pub(super) fn address(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
        Some(address) if address > 0 => Ok(address),
        _ => Err("an address is written like 0xc000012345, as `bingo dump` shows it".to_owned()),
    }
}

/// A number of processors.
pub(super) fn processors(text: &str) -> Result<u32, String> {
    match text.trim().parse() {
        Ok(processors) if processors > 0 => Ok(processors),
        _ => Err("write numbers of processors like 1,2,4".to_owned()),
    }
}

/// `30s`, `100ms`, `1m30s`. A bare number has no unit and is refused.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write it like 30s, 100ms or 1m30s"))?;
    if duration.is_zero() { Err("it must be longer than nothing".to_owned()) } else { Ok(duration) }
}

/// `2%` as 0.02.
pub(crate) fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    match number.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("write it like 2% or 0.5%, from 0% to 100%".to_owned()),
    }
}

/// A regular expression, as it was given: checked here, so that its error stands with its option.
fn filter_text(text: &str) -> Result<String, String> {
    Filter::new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert!(duration("30").is_err() && duration("0s").is_err() && duration("-1s").is_err());
    }

    #[test]
    fn processes_have_numbers() {
        assert_eq!(pid("4242"), Ok(4242));
        assert!(["0", "-1", "abc", "", "99999999999"].into_iter().all(|text| pid(text).is_err()));
    }

    #[test]
    fn a_number_is_a_process() {
        assert_eq!(subject("4242"), Ok(Subject::Process(4242)));
        assert_eq!(subject("./4242"), Ok(Subject::File("./4242".into())));
        assert_eq!(subject("core.4242"), Ok(Subject::File("core.4242".into())));
        assert!(["0", "-5", "", "-", "99999999999"].into_iter().all(|text| subject(text).is_err()));
    }

    #[test]
    fn shares_are_percent() {
        let close = |text, share: f64| (percent(text).unwrap() - share).abs() < 1e-12;
        assert!(close("2%", 0.02) && close("0.5", 0.005) && close("0%", 0.0));
        assert!(percent("200%").is_err() && percent("x").is_err() && percent("NaN").is_err());
    }
}
