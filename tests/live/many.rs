//! So many goroutines that more than one thread reads them: none is missing, none
//! comes twice, and each is on its own channel.

use std::collections::HashSet;

use bingo::goruntime::ProcessSource;
use bingo::model::{GoState, Time, Wait, WaitReason};
use bingo_tests::{Child, Fixture, GoRelease, Mode, live_or_skip, skip};

use crate::agreement::PATIENCE;

const GOROUTINES: usize = 40_000;

#[test]
fn each_is_there_once() -> anyhow::Result<()> {
    let test = "many::each_is_there_once";
    if !live_or_skip(test) {
        return Ok(());
    }
    let Some(release) = GoRelease::newest() else {
        skip(test, "no Go is installed (cargo xtask setup)");
        return Ok(());
    };
    let fixture = Fixture::build("bench/parkers", &release, Mode::Normal)?;
    // Tokens are handed out so slowly that nearly all stand still.
    let arguments = ["-goroutines", &GOROUTINES.to_string(), "-rate", "10", "-interval", "100ms"];
    let mut child = Child::start(&fixture, &arguments)?;
    child.line(PATIENCE)?;
    let mut source = ProcessSource::open(child.pid())?;
    for number in 0..3 {
        let snapshot = source.snapshot(Time(number))?;
        let waiters = snapshot
            .goroutines
            .iter()
            .filter(|goroutine| goroutine.stack.frames().iter().any(|frame| &*frame.function == "main.wait"));
        let (mut ids, mut channels) = (HashSet::new(), HashSet::new());
        for waiter in waiters {
            anyhow::ensure!(ids.insert(waiter.id), "goroutine {} comes twice", waiter.id);
            if let (GoState::Blocked, Some(Wait::Channel { channel, .. })) = (waiter.state, &waiter.wait) {
                anyhow::ensure!(waiter.reason == Some(WaitReason::ChanReceive), "{waiter:?}");
                anyhow::ensure!(channels.insert(*channel), "two wait on channel {channel}");
            }
        }
        let problems = snapshot.problems.len();
        anyhow::ensure!(ids.len() + problems >= GOROUTINES, "{} and {problems} problems", ids.len());
        anyhow::ensure!(channels.len() + problems + 2 >= GOROUTINES, "{} channels", channels.len());
        anyhow::ensure!(problems <= 2, "{:?}", snapshot.problems);
    }
    Ok(())
}
