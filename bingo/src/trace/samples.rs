//! CPU samples: what a thread was executing when its timer went off. In: the
//! bodies of the batches that hold them. Out: the samples by time.

use super::cursor::Cursor;
use super::error::StructureFault;
use super::event::TraceEvent;
use super::go_sort::sort_as_go;
use super::spec::EventType;
use super::tables::Tables;

/// One sample. While a generation is being read its time is in the trace's units.
#[derive(Clone, Copy, Debug)]
pub(super) struct CpuSample {
    pub(super) time: i64,
    thread: i64,
    proc: i64,
    goroutine: i64,
    stack: u64,
}

impl CpuSample {
    pub(super) fn event(&self) -> TraceEvent {
        TraceEvent {
            time: self.time,
            thread: self.thread,
            proc: self.proc,
            goroutine: self.goroutine,
            args: [self.stack, 0, 0, 0],
            kind: EventType::CPU_SAMPLE,
        }
    }
}

/// Appends the samples of a batch's body.
pub(super) fn read(body: &[u8], samples: &mut Vec<CpuSample>) -> Result<(), StructureFault> {
    let mut cursor = Cursor::new(body.get(1..).unwrap_or_default());
    while let Some(kind) = cursor.byte() {
        if EventType(kind) != EventType::CPU_SAMPLE {
            return Err(StructureFault::Foreign { expected: "CPU sample event", found: kind });
        }
        let mut number = || cursor.uvarint().ok_or(StructureFault::Unfinished("CPU sample"));
        let (time, thread, proc, goroutine, stack) = (number()?, number()?, number()?, number()?, number()?);
        samples.push(CpuSample {
            time: time.cast_signed(),
            thread: thread.cast_signed(),
            proc: proc.cast_signed(),
            goroutine: if goroutine == 0 { TraceEvent::NONE } else { goroutine.cast_signed() },
            stack,
        });
    }
    Ok(())
}

/// The samples in nanoseconds, sorted.
pub(super) fn by_time(mut samples: Vec<CpuSample>, tables: &Tables) -> Vec<CpuSample> {
    for sample in &mut samples {
        sample.time = tables.nanoseconds(sample.time.cast_unsigned());
    }
    sort_as_go(&mut samples, |sample| sample.time);
    samples
}
