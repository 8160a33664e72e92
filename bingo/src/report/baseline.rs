//! A baseline: findings that are known, and are not told again. In: what was found,
//! or a file. Out: the file, sorted, so that a difference between two shows what is
//! new; or which findings are in it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::findings::Context;
use crate::session::{Analysis, Finding};

/// Findings by their ids.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Baseline(BTreeMap<String, Known>);

/// What is said of one, for people.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
struct Known {
    r#type: String,
    title: String,
    at: String,
}

#[derive(Serialize, Deserialize)]
struct WireBaseline {
    bingo_baseline: u32,
    findings: Vec<WireKnown>,
}

#[derive(Serialize, Deserialize)]
struct WireKnown {
    id: String,
    #[serde(flatten)]
    known: Known,
}

/// Why a file is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// Its text is of another form.
    #[error("it is no baseline: {0}")]
    Form(#[from] serde_json::Error),
    /// A newer Bingo wrote it.
    #[error("it is a baseline of version {0}, and this Bingo reads version 1")]
    Version(u32),
    /// An id is there twice: two were merged, or it was edited.
    #[error("it has {0} twice")]
    Twice(String),
}

impl Baseline {
    /// What is in `text`.
    ///
    /// # Errors
    /// When it is no baseline.
    pub fn parse(text: &str) -> Result<Baseline, BaselineError> {
        let wire: WireBaseline = serde_json::from_str(text)?;
        if wire.bingo_baseline != 1 {
            return Err(BaselineError::Version(wire.bingo_baseline));
        }
        let mut all = BTreeMap::new();
        for WireKnown { id, known } in wire.findings {
            if all.insert(id.clone(), known).is_some() {
                return Err(BaselineError::Twice(id));
            }
        }
        Ok(Baseline(all))
    }

    /// All that was found. What is in `before` stays as it is there: numbers in a
    /// title differ from run to run.
    #[must_use]
    pub fn of(analysis: &Analysis, before: Option<&Baseline>, context: &Context<'_>) -> Baseline {
        let suppressed = analysis.suppressed.iter().map(|suppressed| &suppressed.finding);
        let entry = |finding: &Finding| {
            let site = finding.stack.site();
            let known = before.and_then(|before| before.0.get(&finding.id)).cloned();
            let known = known.unwrap_or_else(|| Known {
                r#type: finding.class.as_str().to_owned(),
                title: finding.title.clone(),
                at: site.map(|site| super::findings::place_in(context, site)).unwrap_or_default(),
            });
            (finding.id.clone(), known)
        };
        Baseline(analysis.findings.iter().chain(suppressed).map(entry).collect())
    }

    /// Writes it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        let known = |(id, known): (&String, &Known)| WireKnown { id: id.clone(), known: known.clone() };
        let wire = WireBaseline { bingo_baseline: 1, findings: self.0.iter().map(known).collect() };
        serde_json::to_writer_pretty(&mut out, &wire)?;
        out.write_all(b"\n")
    }

    /// Whether it has the finding.
    #[must_use]
    pub fn has(&self, finding: &Finding) -> bool {
        self.0.contains_key(&finding.id)
    }

    /// What is in it and was not found: its id, and what it was.
    #[must_use]
    pub fn stale(&self, analysis: &Analysis) -> Vec<String> {
        let found = |id: &String| analysis.findings.iter().any(|finding| finding.id == *id);
        let gone = self.0.iter().filter(|(id, _)| !found(id));
        gone.map(|(id, known)| format!("{id} ({} at {})", known.r#type, known.at)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_baseline_is_refused_with_its_place() {
        let of = |text: &str| Baseline::parse(text).map(drop).unwrap_err().to_string();
        assert!(of("{\"bingo_baseline\": 1,\n \"findings\": 7}").contains("line 2"));
        assert!(of("").contains("line 1"));
        assert!(of("{\"bingo_baseline\": 2, \"findings\": []}").contains("version 2"));
        let one = r#"{"id":"leak-1","type":"goroutine_leak","title":"t","at":"main.f a.go:1"}"#;
        assert!(of(&format!("{{\"bingo_baseline\":1,\"findings\":[{one},{one}]}}")).contains("leak-1 twice"));
    }

    #[test]
    fn what_is_written_is_read_sorted() {
        let one = |id: &str| format!(r#"{{"id":"{id}","type":"deadlock","title":"t","at":"a.go:1"}}"#);
        let text = format!("{{\"bingo_baseline\":1,\"findings\":[{},{}]}}", one("b"), one("a"));
        let baseline = Baseline::parse(&text).unwrap();
        let mut written = Vec::new();
        baseline.write(&mut written).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert!(written.find("\"a\"") < written.find("\"b\""), "{written}");
        assert_eq!(Baseline::parse(&written).unwrap(), baseline);
        assert_eq!(
            baseline.stale(&Analysis::default()),
            ["a (deadlock at a.go:1)", "b (deadlock at a.go:1)"]
        );
    }
}
