//! The memory of a running process: `process_vm_readv`, up to 1,024 runs a call,
//! the target never stopped.
//!
//! The call ends at the first run that faults and says how many bytes it had
//! copied before; from that the failed run follows exactly, and reading goes on
//! behind it.

use std::io::IoSliceMut;

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use super::batch::Run;
use super::{Batch, Memory, MemoryError};

/// `UIO_MAXIOV` (`include/uapi/linux/uio.h`).
const RUNS_A_CALL: usize = 1024;

/// The memory of a running process. It names the process by its pid: whoever
/// holds it watches that the pid is not used again ([`super::Target::check`]).
#[derive(Clone, Copy, Debug)]
pub struct ProcessMemory {
    pid: Pid,
}

impl ProcessMemory {
    /// The memory of the process `pid`; whether it can be read shows at the first read.
    #[must_use]
    pub fn new(pid: u32) -> ProcessMemory {
        // A number over pid_t is no process's: the kernel says so (ESRCH).
        ProcessMemory { pid: Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX)) }
    }

    /// Reads runs into `bytes`, which is as long as they are together. The bytes copied.
    fn call(&self, runs: &[Run], bytes: &mut [u8]) -> Result<usize, MemoryError> {
        let remote: Vec<_> = runs
            .iter()
            .map(|run| RemoteIoVec { base: usize::try_from(run.addr.0).unwrap_or(0), len: run.len })
            .collect();
        match process_vm_readv(self.pid, &mut [IoSliceMut::new(bytes)], &remote) {
            Ok(copied) => Ok(copied),
            Err(Errno::EFAULT) => Ok(0),
            Err(Errno::ESRCH) => Err(MemoryError::Gone),
            Err(Errno::EPERM | Errno::EACCES) => Err(MemoryError::NotPermitted),
            Err(errno) => Err(MemoryError::System(errno.to_string())),
        }
    }

    /// Reads the runs from `first` on in one call; the runs done, and whether
    /// the one behind them failed.
    fn read_runs(&self, batch: &mut Batch, first: usize) -> Result<(usize, bool), MemoryError> {
        let (runs, bytes) = batch.runs();
        let end = runs.len().min(first + RUNS_A_CALL);
        let runs = runs.get(first..end).unwrap_or(&[]);
        let (Some(head), Some(last)) = (runs.first(), runs.last()) else { return Ok((0, false)) };
        let bytes = bytes.get_mut(head.at..last.at + last.len).unwrap_or(&mut []);
        let mut copied = self.call(runs, bytes)?;
        let mut done = 0;
        for run in runs {
            if copied < run.len {
                return Ok((done, true));
            }
            copied -= run.len;
            done += 1;
        }
        Ok((done, false))
    }
}

impl Memory for ProcessMemory {
    fn read_batch(&self, batch: &mut Batch) -> Result<(), MemoryError> {
        batch.plan();
        let total = batch.runs().0.len();
        let mut next = 0;
        while next < total {
            let (done, failed) = self.read_runs(batch, next)?;
            for run in next..next + done {
                batch.mark_run(run);
            }
            next += done;
            if failed {
                self.read_singly(batch, next)?;
                next += 1;
            }
        }
        Ok(())
    }
}

impl ProcessMemory {
    /// Reads the pieces of a failed run one by one.
    fn read_singly(&self, batch: &mut Batch, run: usize) -> Result<(), MemoryError> {
        for piece in batch.pieces_of(run) {
            let (_, bytes) = batch.runs();
            let Some(bytes) = bytes.get_mut(piece.at..piece.at + piece.len) else { continue };
            let remote = [RemoteIoVec { base: usize::try_from(piece.addr.0).unwrap_or(0), len: piece.len }];
            match process_vm_readv(self.pid, &mut [IoSliceMut::new(bytes)], &remote) {
                Ok(copied) if copied == piece.len => batch.mark_piece(piece.index),
                Ok(_) | Err(Errno::EFAULT) => {}
                Err(Errno::ESRCH) => return Err(MemoryError::Gone),
                Err(errno) => return Err(MemoryError::System(errno.to_string())),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Addr;

    fn own() -> ProcessMemory {
        ProcessMemory::new(std::process::id())
    }

    #[test]
    fn a_failed_piece_leaves_the_others_whole() {
        let page = vec![7_u8; 3 * 4096];
        let base = page.as_ptr() as u64;
        let mut batch = Batch::default();
        let good = batch.push(Addr(base), 16);
        let bad = batch.push(Addr(0x10), 16);
        let near = batch.push(Addr(base + 64), 8);
        let far = batch.push(Addr(base + 8192), 4096);
        let worse = batch.push(Addr(u64::MAX - 15), 16);
        own().read_batch(&mut batch).unwrap();
        assert_eq!(batch.bytes(good), Some(&page[..16]));
        assert_eq!(batch.bytes(bad), None);
        assert_eq!(batch.bytes(near), Some(&page[64..72]));
        assert_eq!(batch.bytes(far), Some(&page[8192..]));
        assert_eq!(batch.bytes(worse), None);
    }

    #[test]
    fn a_run_that_leaves_its_mapping_is_read_piece_by_piece() {
        // The end of a mapping that no other one follows.
        let maps = procfs::process::Process::myself().unwrap().maps().unwrap();
        let maps: Vec<_> = maps.into_iter().collect();
        let end = maps
            .iter()
            .filter(|map| map.perms.contains(procfs::process::MMPermissions::READ))
            .map(|map| map.address.1)
            .find(|&end| end < 1 << 47 && maps.iter().all(|other| other.address.0 != end))
            .unwrap();
        let mut batch = Batch::default();
        let inside = batch.push(Addr(end - 64), 16);
        let across = batch.push(Addr(end - 16), 32);
        let outside = batch.push(Addr(end + 64), 16);
        own().read_batch(&mut batch).unwrap();
        assert!(batch.bytes(inside).is_some());
        assert_eq!(batch.bytes(across), None);
        assert_eq!(batch.bytes(outside), None);
    }

    #[test]
    fn more_runs_than_one_call_takes() {
        let words = vec![3_u8; 3000 * 4096];
        let mut batch = Batch::default();
        let ids: Vec<_> = (0..3000).map(|i| batch.push(Addr(words.as_ptr() as u64 + i * 4096), 8)).collect();
        let hole = batch.push(Addr(8), 8);
        own().read_batch(&mut batch).unwrap();
        assert!(ids.iter().all(|&id| batch.bytes(id) == Some(&[3; 8])));
        assert_eq!(batch.bytes(hole), None);
    }

    #[test]
    fn a_process_that_is_not_there() {
        assert_eq!(ProcessMemory::new(0x7fff_fff0).read(Addr(8), &mut [0]), Err(MemoryError::Gone));
    }
}
