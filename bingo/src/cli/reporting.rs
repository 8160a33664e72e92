//! How what is found is judged and reported: the options that `analyze` and `run`
//! share, and what stands for them in `attach --report`. In: an [`Analysis`]. Out: the report, and the exit status that follows.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::explain::{self, Explain};
use super::output::{self, Output};
use super::source_files::SourceFiles;
use super::{Failure, Status, suppress, values};
use crate::model::Texts;
use crate::report::{self, Baseline, Context};
use crate::session::{Analysis, Confidence};

/// From how long on a wait is long, unless it is told.
#[cfg(all(target_os = "linux", feature = "live"))]
pub(super) const MIN_BLOCK: Duration = Duration::from_secs(1);

#[derive(clap::Args, Debug)]
pub(super) struct Reporting {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// Where to write, in place of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where the program's source is, if it is not where it was built
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// From how long on a wait is long
    #[arg(long, value_parser = values::duration, default_value = "1s")]
    pub(super) min_block: Duration,
    /// From which confidence on a finding makes the exit status 1
    #[arg(long, value_enum, default_value_t = FailOn::Medium)]
    fail_on: FailOn,
    /// Findings that are known, as --write-baseline wrote them: they are not told
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write what is found to this file, to be given to --baseline
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// Ask a language model about what is found (ANTHROPIC_API_KEY, or
    /// OPENAI_BASE_URL); `dry-run` shows what would be sent
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "ask")]
    explain: Option<Explain>,
    /// Which model to ask
    #[arg(long, value_name = "NAME", requires = "explain")]
    model: Option<String>,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// For people
    Terminal,
    /// One JSON object (`bingo_report` 1)
    Json,
    /// The same without its findings, then a finding a line
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit's XML: a finding that fails is a test that failed
    Junit,
    /// Annotations in the log of a GitHub workflow
    Github,
    /// For a comment on a pull request
    Markdown,
    /// One file, for a browser
    Html,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum FailOn {
    Proven,
    High,
    Medium,
    Low,
    Never,
}

impl Reporting {
    /// All that is found, as JSON in this file.
    #[cfg(all(target_os = "linux", feature = "live"))]
    pub(super) fn json(to: PathBuf) -> Reporting {
        Reporting {
            format: Format::Json,
            output: Some(to),
            source: None,
            min_block: MIN_BLOCK,
            fail_on: FailOn::Never,
            baseline: None,
            write_baseline: None,
            explain: None,
            model: None,
        }
    }

    /// That there will be a place to report to, which is none of the inputs, and that the
    /// baseline can be read: what is found may take long.
    pub(super) fn check(&self, inputs: &[String]) -> Result<(), Failure> {
        self.known()?;
        for path in [&self.output, &self.write_baseline].into_iter().flatten() {
            inputs.iter().try_for_each(|input| output::keeps(input, path))?;
            Output::check(path)?;
        }
        Ok(())
    }

    /// The program's source.
    pub(super) fn source_files(&self) -> SourceFiles {
        SourceFiles::new(self.source.clone())
    }

    /// The baseline.
    fn known(&self) -> Result<Option<Baseline>, Failure> {
        let Some(path) = &self.baseline else { return Ok(None) };
        let remedy = "`--write-baseline FILE` writes one";
        let wrong = |what: String| Failure::bad_input(format!("{}: {what}", path.display())).remedy(remedy);
        let text = fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        Baseline::parse(&text).map(Some).map_err(|error| wrong(error.to_string()))
    }

    /// Reports what was found since `begun`.
    pub(super) fn report(&self, mut found: Analysis, begun: Instant) -> Result<Status, Failure> {
        // Read before it is written anew: both may be one file.
        let known = self.known()?;
        let texts = self.source_files();
        suppress::apply(&mut found, known.as_ref(), &texts);
        let found = &found;
        let mut output = Output::open(self.output.as_deref())?;
        let inputs: Vec<String> = found.runs.all().iter().map(ToString::to_string).collect();
        let folder = std::env::current_dir().unwrap_or_default();
        let context = Context {
            inputs: &inputs,
            took: begun.elapsed(),
            fail_on: self.fail_on.least(),
            texts: &texts,
            folder: &folder,
        };
        match self.format {
            Format::Terminal => output.write(report::findings(found, &context, output.style()).as_bytes())?,
            Format::Github => output.write(report::github(found, &context).as_bytes())?,
            Format::Markdown => output.write(report::markdown(found, &context).as_bytes())?,
            Format::Json => output.write_with(|out| report::findings_json(found, &context, out))?,
            Format::Jsonl => output.write_with(|out| report::findings_jsonl(found, &context, out))?,
            Format::Sarif => output.write_with(|out| report::sarif(found, &context, out))?,
            Format::Junit => output.write_with(|out| report::junit(found, &context, out))?,
            Format::Html => output.write_with(|out| report::html(found, &context, out))?,
        }
        if let Some(wanted) = self.explain {
            let asked = (found, &texts as &dyn Texts, &*folder);
            // What other programs read stays what it is.
            if matches!(self.format, Format::Terminal | Format::Markdown) {
                explain::explain(wanted, self.model.as_deref(), asked, &mut output);
            } else {
                explain::explain(wanted, self.model.as_deref(), asked, &mut std::io::stderr());
            }
        }
        if let Some(path) = &self.write_baseline {
            let baseline = Baseline::of(found, known.as_ref(), &context);
            Output::open(Some(path))?.write_with(|out| baseline.write(out))?;
        }
        let fails = |confidence| self.fail_on.least().is_some_and(|least| confidence >= least);
        let failed = found.findings.iter().any(|finding| fails(finding.confidence));
        Ok(if failed { Status::Found } else { Status::Good })
    }
}

impl FailOn {
    fn least(self) -> Option<Confidence> {
        match self {
            FailOn::Proven => Some(Confidence::Proven),
            FailOn::High => Some(Confidence::High),
            FailOn::Medium => Some(Confidence::Medium),
            FailOn::Low => Some(Confidence::Low),
            FailOn::Never => None,
        }
    }
}
