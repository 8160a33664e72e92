//! A process that ends with the test that started it.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::{Fixture, wait_until};

/// A running process: its standard output is read line by line with a
/// deadline, its standard input stays open. Killed, by its pid, when dropped.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Child {
    /// Starts a program built from testdata.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(fixture: &Fixture, arguments: &[&str]) -> anyhow::Result<Child> {
        Child::spawn(Command::new(&fixture.path).args(arguments))
    }

    /// Starts any command, with its standard input and output piped.
    ///
    /// # Errors
    /// When it does not start.
    pub fn spawn(command: &mut Command) -> anyhow::Result<Child> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start of {command:?}"))?;
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().context("standard output is piped")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Child { process, stdin, lines })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The next line of its standard output, without the line end.
    ///
    /// # Errors
    /// When none comes within `timeout`, or none will come any more.
    pub fn line(&mut self, timeout: Duration) -> anyhow::Result<String> {
        match self.lines.recv_timeout(timeout) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => bail!("pid {} wrote no line within {timeout:?}", self.pid()),
            Err(RecvTimeoutError::Disconnected) => bail!("pid {} has closed its output", self.pid()),
        }
    }

    /// The lines of its standard output up to the one that `is_last`, with it.
    ///
    /// # Errors
    /// When that one does not come within `timeout`.
    pub fn lines_until(
        &mut self,
        timeout: Duration,
        is_last: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Vec<String>> {
        let deadline = Instant::now() + timeout;
        let mut lines = Vec::new();
        loop {
            let line = self.line(deadline.saturating_duration_since(Instant::now()))?;
            lines.push(line);
            if lines.last().is_some_and(|line| is_last(line)) {
                return Ok(lines);
            }
        }
    }

    /// Writes a line to its standard input.
    ///
    /// # Errors
    /// When it does not read any more.
    pub fn send(&mut self, line: &str) -> anyhow::Result<()> {
        let stdin = self.stdin.as_mut().context("standard input is closed")?;
        writeln!(stdin, "{line}")?;
        Ok(stdin.flush()?)
    }

    /// Closes its standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When it has not within `timeout`.
    pub fn wait(&mut self, timeout: Duration) -> anyhow::Result<ExitStatus> {
        let process = &mut self.process;
        wait_until(timeout, "the child's end", || process.try_wait().ok().flatten())
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
