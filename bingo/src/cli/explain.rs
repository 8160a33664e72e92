//! `--explain`: a language model is asked about the findings. In: what was found,
//! and the environment, which says whom to ask. Out: the answer behind the report,
//! with remarks on what of it does not agree with what is known. Whatever goes wrong
//! is said beside; the report and the exit status are as without it.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::tell;
use crate::explain::{Model, Question};
use crate::model::Texts;
use crate::session::Analysis;

const ANTHROPIC: &str = "https://api.anthropic.com";
const OPEN_AI: &str = "https://api.openai.com/v1";
const MODEL: &str = "claude-sonnet-4-6";
/// How long a model may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// What is wanted of it.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Explain {
    /// Ask, and print the answer
    Ask,
    /// Print what would be sent, and send nothing
    DryRun,
}

/// Explains what was found, to `out`.
pub(super) fn explain(
    wanted: Explain,
    model: Option<&str>,
    (found, texts, folder): (&Analysis, &dyn Texts, &Path),
    out: &mut dyn Write,
) {
    let Some(question) = Question::of(found, texts, folder) else { return };
    let written = match wanted {
        Explain::DryRun => writeln!(out, "\n{}", printable(&question.shown())),
        Explain::Ask => match whom(model) {
            Ok(model) => ask(&model, &question, out),
            Err(what) => {
                tell(format_args!("bingo: no explanation: {what}"));
                Ok(())
            }
        },
    };
    if let Err(error) = written {
        tell(format_args!("bingo: the explanation cannot be written: {error}"));
    }
}

fn ask(model: &Model, question: &Question, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nA language model says (it may be wrong, and nothing was decided by it):\n")?;
    let mut written = Ok(());
    let answer = model.ask(question, |piece| {
        if written.is_ok() {
            written = write!(out, "{}", printable(piece)).and_then(|()| out.flush());
        }
    });
    written?;
    writeln!(out, "\n")?;
    match answer {
        Ok(answer) => {
            for remark in question.check(&answer) {
                writeln!(out, "checked: {}", printable(&remark))?;
            }
            Ok(())
        }
        Err(error) => {
            tell(format_args!("bingo: no whole explanation: {error}"));
            Ok(())
        }
    }
}

/// Who is asked, by the environment.
fn whom(model: Option<&str>) -> Result<Model, String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(key) = variable("ANTHROPIC_API_KEY") {
        let base = variable("ANTHROPIC_BASE_URL").unwrap_or_else(|| ANTHROPIC.to_owned());
        return Ok(Model::anthropic(&base, key, model.unwrap_or(MODEL).to_owned(), SILENCE));
    }
    let (base, key) = (variable("OPENAI_BASE_URL"), variable("OPENAI_API_KEY"));
    if base.is_none() && key.is_none() {
        return Err("set ANTHROPIC_API_KEY, or OPENAI_BASE_URL (and OPENAI_API_KEY) for another model; \
                    --explain=dry-run shows what would be sent"
            .to_owned());
    }
    let Some(model) = model else { return Err("name the model: --model NAME".to_owned()) };
    let base = base.unwrap_or_else(|| OPEN_AI.to_owned());
    Ok(Model::open_ai(&base, key, model.to_owned(), SILENCE))
}

/// Nothing that means something to a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}
