//! The arguments of `bingo run`: those that are Bingo's own are told from those
//! that are for `go test`, wherever they stand. In: what was typed. Out: the same
//! with Bingo's in front and the others behind a `--`.
//!
//! Bingo's have two dashes and a name that it knows, or are one letter that it knows
//! (`-o`: a test binary is nothing that one would want here); what stands behind
//! `-args` or a `--` is for `go test`, whatever it looks like.

use std::collections::HashMap;
use std::ffi::OsString;

use clap::CommandFactory;

/// The command whose arguments are put in order.
const COMMAND: &str = "run";

/// Puts them in order, if they are of `bingo run`.
pub(super) fn sorted(typed: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut typed = typed.into_iter();
    let mut own: Vec<OsString> = typed.by_ref().take(2).collect();
    if own.get(1).is_none_or(|command| command != COMMAND) {
        own.extend(typed);
        return own;
    }
    let known = known();
    let mut gos = Vec::new();
    while let Some(argument) = typed.next() {
        if argument == "--" {
            gos.extend(typed);
            break;
        }
        if argument == "-args" || argument == "--args" {
            gos.push(argument);
            gos.extend(typed);
            break;
        }
        let text = argument.to_string_lossy();
        let name = text.split('=').next().unwrap_or_default();
        match known.get(name) {
            Some(takes_value) => {
                let value = if *takes_value && name == text { typed.next() } else { None };
                own.push(argument);
                own.extend(value);
            }
            None => gos.push(argument),
        }
    }
    own.push("--".into());
    own.extend(gos);
    own
}

/// Bingo's own options as they are typed, and whether a value follows.
fn known() -> HashMap<String, bool> {
    let names = ["--help", "-h", "--version"];
    let mut known: HashMap<String, bool> = names.map(|name| (name.to_owned(), false)).into();
    let cli = super::Cli::command();
    let arguments = cli.find_subcommand(COMMAND).into_iter().flat_map(clap::Command::get_arguments);
    for argument in arguments {
        let takes_value = argument.get_action().takes_values() && !argument.is_require_equals_set();
        known.extend(argument.get_long().map(|long| (format!("--{long}"), takes_value)));
        known.extend(argument.get_short().map(|short| (format!("-{short}"), takes_value)));
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expect: &str) {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(sorted(words(typed)), words(expect));
    }

    #[test]
    fn bingos_own_are_known_wherever_they_stand() {
        check("bingo run ./... --format json -race", "bingo run --format json -- ./... -race");
        check("bingo run --min-block=1s -run X ./a", "bingo run --min-block=1s -- -run X ./a");
        check("bingo run --count 3 -count 2 --timeout=2s", "bingo run --count 3 -- -count 2 --timeout=2s");
        check("bingo run --race -race ./a", "bingo run --race -- -race ./a");
        check("bingo run --explain ./a", "bingo run --explain -- ./a");
        check("bingo run --explain=dry-run ./a", "bingo run --explain=dry-run -- ./a");
        check("bingo run ./... -h", "bingo run -h -- ./...");
        check("bingo run ./... -o a.json -v", "bingo run -o a.json -- ./... -v");
    }

    #[test]
    fn what_is_the_tests_is_left_alone() {
        check("bingo run ./a -args --format x", "bingo run -- ./a -args --format x");
        check("bingo run --procs 1,2 -- --format", "bingo run --procs 1,2 -- --format");
        check("bingo analyze a -args", "bingo analyze a -args");
    }
}
