//! JUnit's XML, which CI services show as tests: each finding is a test case, of
//! its class. One that makes the exit status 1 has failed, one that is suppressed
//! was skipped, any other passed, with what it says as its output.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Context, place_in};
use crate::session::{Analysis, Finding, Suppression};

/// Writes the report.
///
/// # Errors
/// Those of `out`.
pub fn junit(analysis: &Analysis, context: &Context<'_>, mut out: impl Write) -> io::Result<()> {
    let mut suite = TestSuite::new("bingo");
    for finding in &analysis.findings {
        let text = text(finding, analysis, context);
        if context.fails(finding) {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(finding.title.clone()).set_type(finding.class.as_str()).set_description(text);
            suite.add_test_case(case(finding, status, context));
        } else {
            let mut case = case(finding, TestCaseStatus::success(), context);
            case.set_system_out(text);
            suite.add_test_case(case);
        }
    }
    for suppressed in &analysis.suppressed {
        let mut status = TestCaseStatus::skipped();
        status.set_message(match &suppressed.by {
            Suppression::Baseline => "it is in the baseline",
            Suppression::Comment { reason, .. } => reason,
        });
        suite.add_test_case(case(&suppressed.finding, status, context));
    }
    if analysis.findings.is_empty() && analysis.suppressed.is_empty() {
        // A file without a test case is an error to some.
        suite.add_test_case(TestCase::new("nothing was found", TestCaseStatus::success()));
    }
    if !analysis.problems.is_empty() {
        let problems: Vec<&str> = analysis.problems.iter().map(|problem| &*problem.what).collect();
        suite.set_system_err(problems.join("\n"));
    }
    suite.set_time(context.took);
    let mut report = Report::new("bingo");
    report.set_time(context.took);
    report.add_test_suite(suite);
    report.serialize(&mut out).map_err(io::Error::other)?;
    out.write_all(b"\n")
}

fn case(finding: &Finding, status: TestCaseStatus, context: &Context<'_>) -> TestCase {
    let place = finding.stack.site().map(|site| place_in(context, site)).unwrap_or_default();
    // The same from run to run, so that a service can tell what is new.
    let mut case = TestCase::new(format!("{} {place}", finding.id), status);
    case.set_classname(finding.class.as_str());
    if let Some(site) = finding.stack.site() {
        case.extra.insert("file".into(), context.shown(&site.file).into_owned().into());
        case.extra.insert("line".into(), site.line.to_string().into());
    }
    case
}

fn text(finding: &Finding, analysis: &Analysis, context: &Context<'_>) -> String {
    let mut lines = vec![format!("{} ({})", finding.title, finding.confidence.as_str())];
    lines.extend(finding.stack.visible().map(|frame| format!("    {}", place_in(context, frame))));
    for related in &finding.related {
        lines.push(format!("{}:", related.what));
        lines.extend(related.stack.visible().map(|frame| format!("    {}", place_in(context, frame))));
    }
    lines.extend(finding.evidence.iter().map(|evidence| format!("- {evidence}")));
    lines.extend(analysis.runs.of(&finding.id).map(|came| format!("- found {came}")));
    lines.push(finding.explanation.to_owned());
    lines.join("\n")
}
