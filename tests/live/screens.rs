//! The screens as a person has them, in tmux: keys go in, what stands on the screen comes
//! out. A deadlock is found by keys alone, and the terminal is as it was behind it.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use bingo_tests::{Child, Fixture, GoRelease, Mode, bingo_bin, live_or_skip, skip, wait_until};

const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal of its own, with a shell in it; both end with the test.
struct Terminal {
    socket: String,
}

impl Terminal {
    fn open(name: &str) -> anyhow::Result<Terminal> {
        let terminal = Terminal { socket: format!("bingo-{name}-{}", std::process::id()) };
        let shell = ["new-session", "-d", "-x", "120", "-y", "40", "env PS1='$ ' NO_COLOR=1 sh"];
        terminal.tmux(&[&["-f", "/dev/null"], &shell[..]].concat())?;
        Ok(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut tmux = Command::new("tmux");
        let output = tmux.args(["-L", &self.socket]).args(arguments).stdin(Stdio::null()).output()?;
        anyhow::ensure!(
            output.status.success(),
            "tmux {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Presses keys, by tmux's names for them.
    fn press(&self, keys: &[&str]) -> anyhow::Result<()> {
        self.tmux(&[&["send-keys"], keys].concat()).map(drop)
    }

    /// Waits until all of these stand on the screen.
    fn shows(&self, texts: &[&str]) -> anyhow::Result<String> {
        let mut screen = String::new();
        let shown = wait_until(PATIENCE, "the screen", || {
            screen = self.tmux(&["capture-pane", "-p"]).unwrap_or_default();
            texts.iter().all(|text| screen.contains(text)).then_some(())
        });
        shown.with_context(|| format!("{texts:?} not all on\n{screen}"))?;
        Ok(screen)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}

#[test]
fn a_deadlock_is_found_by_keys_and_the_terminal_given_back() -> anyhow::Result<()> {
    let test = "screens::a_deadlock_is_found_by_keys_and_the_terminal_given_back";
    if !live_or_skip(test) {
        return Ok(());
    }
    if Command::new("tmux").arg("-V").output().is_err() {
        skip(test, "tmux is not installed (cargo xtask setup)");
        return Ok(());
    }
    let Some(release) = GoRelease::newest() else {
        skip(test, "no Go is installed (cargo xtask setup)");
        return Ok(());
    };
    let service = Child::start(&Fixture::build("demo", &release, Mode::Normal)?, &[])?;
    let terminal = Terminal::open("deadlock")?;
    let attach = format!("{} attach {}", bingo_bin()?.display(), service.pid());
    terminal.press(&[&attach, "Enter"])?;
    terminal.shows(&["1 goroutines", "main.transfer main.go:97", "by stack, stuck first"])?;

    // Whoever types a filter sees it hold; its stack has the line that waits.
    terminal.press(&["/mutex", "Enter", "Enter"])?;
    let closely = terminal.shows(&["2 match", "2 goroutines  blocked  mutex-lock", "▸ "])?;
    anyhow::ensure!(
        closely.contains("to.Lock()") && !closely.contains("main.fetchPrice main.go:77"),
        "{closely}"
    );
    terminal.press(&["Escape"])?;
    terminal.press(&["Escape"])?;
    terminal.shows(&["main.fetchPrice main.go:77"])?;

    terminal.press(&["2"])?;
    let findings = terminal.shows(&["SURE", "proven", "deadlock"])?;
    let above = findings.lines().skip_while(|line| !line.contains("SURE")).skip(1);
    let down = above.take_while(|line| !line.contains("deadlock")).count();
    terminal.press(&["Home"])?;
    for _ in 0..down {
        terminal.press(&["Down"])?;
    }
    terminal.shows(&["waits on mutex", "holds it since main.go:94", "╰────▶ goroutine"])?;

    // Suspended and back, as any program that has the terminal.
    terminal.press(&["C-z"])?;
    terminal.shows(&["$ "])?;
    terminal.press(&["fg", "Enter"])?;
    terminal.shows(&["waits on mutex"])?;
    terminal.press(&["q"])?;
    let left = terminal.shows(&["$ fg"])?;
    anyhow::ensure!(!left.contains("waits on mutex"), "the screen is not given back:\n{left}");
    terminal.press(&["echo status-$?-$((40 + 2))", "Enter"])?;
    terminal.shows(&["status-0-42"])?;
    anyhow::ensure!(
        terminal.tmux(&["display", "-p", "#{alternate_on}#{mouse_any_flag}#{cursor_flag}"])?.trim() == "001"
    );
    Ok(())
}
