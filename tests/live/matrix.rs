//! Every supported Go release, each build mode: Bingo's dump of a quiet program
//! equals what the program's own runtime says of it, goroutine by goroutine.

use bingo_tests::{Child, Fixture, Mode, live_or_skip, release_or_skip};

use crate::agreement::{self, PATIENCE};

macro_rules! matrix {
    ($($test:ident: $minor:literal $mode:ident;)*) => {
        $(#[test]
        fn $test() -> anyhow::Result<()> {
            check(concat!("matrix::", stringify!($test)), $minor, Mode::$mode)
        })*
    };
}

matrix! {
    go_1_19_normal: 19 Normal;
    go_1_19_stripped: 19 Stripped;
    go_1_19_pie: 19 Pie;
    go_1_21_normal: 21 Normal;
    go_1_21_stripped: 21 Stripped;
    go_1_21_pie: 21 Pie;
    go_1_22_normal: 22 Normal;
    go_1_22_stripped: 22 Stripped;
    go_1_22_pie: 22 Pie;
    go_1_23_normal: 23 Normal;
    go_1_23_stripped: 23 Stripped;
    go_1_23_pie: 23 Pie;
    go_1_24_normal: 24 Normal;
    go_1_24_stripped: 24 Stripped;
    go_1_24_pie: 24 Pie;
    go_1_25_normal: 25 Normal;
    go_1_25_stripped: 25 Stripped;
    go_1_25_pie: 25 Pie;
    go_1_26_normal: 26 Normal;
    go_1_26_stripped: 26 Stripped;
    go_1_26_pie: 26 Pie;
    go_1_27_normal: 27 Normal;
    go_1_27_stripped: 27 Stripped;
    go_1_27_pie: 27 Pie;
    go_1_22_race: 22 Race;
    go_1_27_race: 27 Race;
    go_1_21_cgo: 21 Cgo;
    go_1_27_cgo: 27 Cgo;
}

/// Runs the quiet program, asks both Bingo and the program itself, and compares.
fn check(test: &str, minor: u32, mode: Mode) -> anyhow::Result<()> {
    if !live_or_skip(test) {
        return Ok(());
    }
    let Some(release) = release_or_skip(test, minor) else { return Ok(()) };
    let fixture = Fixture::build("waits", &release, mode)?;
    let mut child = Child::start(&fixture, &[])?;
    child.lines_until(PATIENCE, |line| line == "ready")?;
    let pid = child.pid();
    agreement::check(&mut child, pid)
}
