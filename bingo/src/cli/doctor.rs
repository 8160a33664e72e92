//! Says what works here, what does not, and the remedy.
//!
//! Without a process: the kernel, what it lets this user do, and with which
//! settings; a probe is tried on Bingo itself. With one: also who it is, how its
//! runtime is understood, and where probes would go.
//!
//! Exit status: 0 if all can be done, 1 if something cannot, such as probes without
//! root, 2 no such process, 3 not permitted to look at it.
//!
//! Examples:
//!   bingo doctor
//!   sudo bingo doctor 4242

use super::{Failure, Status, manual, summary, values};

#[derive(clap::Args, Debug)]
#[command(about = summary(include_str!("doctor.rs")), long_about = manual(include_str!("doctor.rs")))]
pub(super) struct Arguments {
    /// The process
    #[arg(value_name = "PID", value_parser = values::pid, allow_negative_numbers = true)]
    pub(super) pid: Option<u32>,
}

#[cfg(all(target_os = "linux", feature = "live"))]
pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    use super::checks::{Check, Grade};
    use super::output::Output;

    let mut checks = super::checks::of_kernel();
    let opened = match arguments.pid {
        Some(pid) => super::checks::of_process(pid, &mut checks),
        None => Ok(()),
    };
    let mut output = Output::open(None)?;
    let style = output.style();
    let text: String = checks.iter().map(|check| check.line(style)).collect();
    output.write(text.as_bytes())?;
    opened?;
    let fails = |check: &Check| check.grade == Grade::Fail;
    Ok(if checks.iter().any(fails) { Status::Found } else { Status::Good })
}

#[cfg(not(all(target_os = "linux", feature = "live")))]
pub(super) fn run(_: &Arguments) -> Result<Status, Failure> {
    Err(super::not_live("doctor"))
}
