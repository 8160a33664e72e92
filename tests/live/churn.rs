//! A program in which nothing stands still: whatever a snapshot shows is whole,
//! or is reported as not.

use std::collections::HashSet;

use bingo::goruntime::ProcessSource;
use bingo::model::{GoState, Time};
use bingo_tests::{Child, Fixture, Mode, live_or_skip, release_or_skip};

use crate::agreement::PATIENCE;

const SNAPSHOTS: u64 = 300;

macro_rules! releases {
    ($($test:ident: $minor:literal;)*) => {
        $(#[test]
        fn $test() -> anyhow::Result<()> {
            check(concat!("churn::", stringify!($test)), $minor)
        })*
    };
}

releases! {
    go_1_19: 19;
    go_1_22: 22;
    go_1_27: 27;
}

fn check(test: &str, minor: u32) -> anyhow::Result<()> {
    if !live_or_skip(test) {
        return Ok(());
    }
    let Some(release) = release_or_skip(test, minor) else { return Ok(()) };
    let fixture = Fixture::build("churn", &release, Mode::Normal)?;
    let mut child = Child::start(&fixture, &[])?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    let mut source = ProcessSource::open(child.pid())?;
    let (mut seen, mut reported) = (0, 0);
    for number in 0..SNAPSHOTS {
        let snapshot = source.snapshot(Time(number))?;
        let problems: HashSet<_> = snapshot.problems.iter().map(|problem| problem.goroutine).collect();
        seen += snapshot.goroutines.len();
        reported += snapshot.problems.len();
        for goroutine in &snapshot.goroutines {
            let outermost = goroutine.stack.frames().last().map(|frame| &*frame.function);
            let whole = match goroutine.state {
                GoState::Running => outermost.is_none(),
                _ => outermost == Some("runtime.goexit"),
            };
            anyhow::ensure!(
                whole || problems.contains(&Some(goroutine.id)),
                "snapshot {number}: goroutine {} ends at {outermost:?}, and nothing is said of it: {:?}",
                goroutine.id,
                snapshot.problems
            );
        }
    }
    println!("{reported} problems in {seen} goroutines of {SNAPSHOTS} snapshots");
    // In motion is the exception, or the tries are too few or too slow.
    anyhow::ensure!(reported * 50 < seen, "{reported} problems in {seen} goroutines");
    Ok(())
}
