//! An answer, held against what was shown. In: the answer. Out: a remark on each
//! diff, whether it can be applied, and on each line or goroutine that it names and
//! that was not shown.

use std::collections::BTreeSet;

use regex::Regex;

use super::question::Question;
use crate::model::GoId;

impl Question {
    /// The remarks.
    #[must_use]
    pub fn check(&self, answer: &str) -> Vec<String> {
        let mut remarks: Vec<String> = diffs(answer).iter().map(|diff| self.check_diff(diff)).collect();
        let unknown = self.unknown(answer);
        if !unknown.is_empty() {
            let unknown: Vec<String> = unknown.into_iter().collect();
            remarks.push(format!("it names what it was not shown: {}", unknown.join(", ")));
        }
        remarks
    }

    /// Whether a diff of one file fits that file.
    fn check_diff(&self, diff: &str) -> String {
        let named = diff.lines().find_map(|line| line.strip_prefix("+++ ")).unwrap_or_default();
        let named = named.split('\t').next().unwrap_or_default().trim();
        let name = named.strip_prefix("b/").unwrap_or(named);
        let Some(shown) = self.files.get(name).or_else(|| self.files.get(named)) else {
            return format!("its diff is of {named:?}, of which it was shown nothing");
        };
        let applied = diffy::Patch::from_str(diff)
            .map_err(|error| error.to_string())
            .and_then(|patch| diffy::apply(&shown.text, &patch).map_err(|error| error.to_string()));
        match applied {
            Ok(_) => format!("its diff of {name} can be applied"),
            Err(error) => format!("its diff of {name} can NOT be applied: {error}"),
        }
    }

    /// Lines and goroutines that are named and were not shown.
    fn unknown(&self, answer: &str) -> BTreeSet<String> {
        let prose = without_diffs(answer);
        let mut unknown = BTreeSet::new();
        for (file, line) in matches(r"([^\s`(\x22']+\.go):(\d+)", &prose) {
            let known = self.files.iter().any(|(name, shown)| {
                let same = *name == file || name.ends_with(&format!("/{file}"));
                same && line.parse().is_ok_and(|line| shown.lines.contains(&line))
            });
            // A place in Go's own library is in the stacks, without its text.
            if !known && !self.text.contains(&format!("{file}:{line}\n")) {
                unknown.insert(format!("{file}:{line}"));
            }
        }
        for (_, id) in matches(r"(?i)\b(goroutine) (\d+)", &prose) {
            if !id.parse().is_ok_and(|id| self.goroutines.contains(&GoId(id))) {
                unknown.insert(format!("goroutine {id}"));
            }
        }
        unknown
    }
}

fn matches<'t>(expression: &str, text: &'t str) -> Vec<(&'t str, &'t str)> {
    let Ok(expression) = Regex::new(expression) else { return Vec::new() };
    let found = expression.captures_iter(text);
    found.filter_map(|found| Some((found.get(1)?.as_str(), found.get(2)?.as_str()))).collect()
}

/// The diffs of an answer, one for each file.
fn diffs(answer: &str) -> Vec<String> {
    let mut diffs: Vec<String> = Vec::new();
    let mut inside = false;
    let mut lines = answer.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            inside = !inside && line.trim_end() == "```diff";
            continue;
        }
        let begins = line.starts_with("--- ") && lines.peek().is_some_and(|next| next.starts_with("+++ "));
        if inside && begins {
            diffs.push(String::new());
        }
        if let Some(diff) = diffs.last_mut().filter(|_| inside) {
            diff.push_str(line);
            diff.push('\n');
        }
    }
    diffs
}

fn without_diffs(answer: &str) -> String {
    let mut inside = false;
    let mut prose = String::new();
    for line in answer.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if !inside {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}
