//! How what is found is judged and reported: the options that `analyze` and `run`
//! share. In: an [`Analysis`]. Out: the report, and the exit status that follows.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::output::Output;
use super::source_files::SourceFiles;
use super::{Failure, Status, values};
use crate::report::{self, Context};
use crate::session::{Analysis, Confidence};

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
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// For people
    Terminal,
    /// One JSON object (`bingo_report` 1)
    Json,
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
    /// That there will be a place to report to: what is found may take long.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.output.as_deref().map_or(Ok(()), Output::check)
    }

    /// The program's source.
    pub(super) fn source_files(&self) -> SourceFiles {
        SourceFiles::new(self.source.clone())
    }

    /// Reports what was found in `inputs` since `begun`.
    pub(super) fn report(
        &self,
        found: &Analysis,
        inputs: &[String],
        begun: Instant,
    ) -> Result<Status, Failure> {
        let mut output = Output::open(self.output.as_deref())?;
        let context = Context { inputs, took: begun.elapsed() };
        match self.format {
            Format::Terminal => output.write(report::findings(found, output.style()).as_bytes())?,
            Format::Json => output.write_with(|out| report::findings_json(found, &context, out))?,
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
