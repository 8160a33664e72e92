//! A trace's generations, one after the other: about a second of the program
//! each, with tables of its own. In: the bytes of a trace behind its header.
//! Out: a [`Generation`] a call: its threads' batches, still packed, its CPU
//! samples and its tables.
//!
//! Before Go 1.26 a generation ends where a batch of the next one begins, since
//! then with a mark. Source: `internal/trace/generation.go`, Go 1.27.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use super::ahead::{BatchesAhead, Reading};
use super::batch::{BatchHeader, Input, Next};
use super::bodies::Bodies;
use super::bytes::Bytes;
use super::coming::Coming;
use super::cursor::Cursor;
use super::error::{StructureFault, TraceError};
use super::samples::{self, CpuSample};
use super::spec::EventType;
use super::tables::{ClockSnapshot, Tables, TablesBuilder};
use super::version::Version;

/// The length of a trace's header.
const HEADER: u64 = super::version::HEADER_LEN as u64;
/// The most threads of a generation. The runtime ends a program that has more than 10,000
/// at once, unless that was raised (`runtime/debug.SetMaxThreads`). What is kept of each
/// is many times what a trace needs to name it.
pub(super) const MAX_THREADS: usize = 1 << 16;

/// One generation, unordered.
pub(super) struct Generation {
    pub(super) number: u64,
    /// The batches of events, in the order of the file.
    pub(super) batches: Vec<Batch>,
    /// The threads in the order in which they appear.
    pub(super) threads: Vec<Thread>,
    /// By time.
    pub(super) samples: Vec<CpuSample>,
    /// The earliest time of a batch, in the trace's units.
    pub(super) start: u64,
    pub(super) tables: Arc<Tables>,
    /// The batches that have not been begun.
    pub(super) coming: Coming,
}

impl Generation {
    /// A batch, which is begun now.
    pub(super) fn begin(&mut self, number: u32) -> Reading {
        let Some(batch) = self.batches.get(number as usize) else { return Reading::default() };
        self.coming.begin(number, batch)
    }

    /// Has batches read that come soon.
    pub(super) fn want(&mut self) {
        self.coming.want(&self.batches, &self.tables);
    }

    /// A batch that was begun or, at the most, `len` bytes of its beginning, where they are in a file.
    pub(super) fn again(&self, number: u32, len: usize) -> Option<Reading> {
        self.coming.again(self.batches.get(number as usize)?, len)
    }

    /// Whether bytes of batches can be had again.
    pub(super) fn is_in_file(&self) -> bool {
        self.coming.are_in_file()
    }
}

/// A batch of events of one thread.
#[derive(Clone, Copy)]
pub(super) struct Batch {
    /// Where its events begin in the file.
    pub(super) offset: u64,
    /// The time before its first event, in the trace's units.
    pub(super) time: u64,
    /// How many bytes they take.
    len: u32,
    /// The thread's next batch; [`Batch::LAST`]: none.
    pub(super) next: u32,
}

impl Batch {
    pub(super) const LAST: u32 = u32::MAX;

    /// How many bytes its events take.
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }
}

/// A thread and its batches.
#[derive(Clone, Copy)]
pub(super) struct Thread {
    /// Its id; -1 where events belong to no thread.
    pub(super) id: i64,
    pub(super) first: u32,
    last: u32,
}

/// Reads generations.
pub(super) struct Generations<'r> {
    input: Input<'r>,
    version: Version,
    /// Yield what there is of a generation that is cut off.
    salvage: bool,
    /// The file that the bytes are of, if it can be read again.
    again: Option<Arc<File>>,
    /// Where batches are that may be read before their turn.
    pub(super) ahead: Option<Arc<BatchesAhead>>,
    /// The batch that ended the generation before, by beginning the next one.
    spill: Option<BatchHeader>,
    /// What ended the trace, for the next call.
    ended: Option<Result<(), TraceError>>,
    /// The clock's unit in the generation before.
    unit: Option<f64>,
}

/// How a generation ended.
enum End {
    /// With its mark, or the next one's first batch.
    Proper,
    /// With the file.
    File,
    /// Within a batch, or because of a broken one.
    Broken(TraceError),
}

impl<'r> Generations<'r> {
    pub(super) fn new(
        mut bytes: Bytes<'r>,
        salvage: bool,
        again: Option<File>,
    ) -> Result<Generations<'r>, TraceError> {
        let version = read_version(&mut bytes)?;
        let input = Input::new(bytes, HEADER);
        let again = again.map(Arc::new);
        Ok(Generations { input, version, salvage, again, ahead: None, spill: None, ended: None, unit: None })
    }

    /// How many bytes of the trace were read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.input.offset()
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// The next generation; `None` at the trace's end.
    pub(super) fn next(&mut self) -> Result<Option<Generation>, TraceError> {
        match self.ended.take() {
            None => {}
            Some(Ok(())) => {
                self.ended = Some(Ok(()));
                return Ok(None);
            }
            Some(Err(error)) => {
                self.ended = Some(Ok(()));
                return Err(error);
            }
        }
        let generation = self.read();
        match &generation {
            Ok(Some(whole)) => self.unit = Some(whole.tables.unit),
            Ok(None) | Err(_) => self.ended = Some(Ok(())),
        }
        generation
    }

    fn read(&mut self) -> Result<Option<Generation>, TraceError> {
        let mut builder = Builder { bodies: Bodies::new(self.again.clone()), ..Builder::default() };
        let end = self.fill(&mut builder)?;
        self.input.generation = builder.number;
        let marked = self.version >= Version::Go126;
        let lost = match end {
            End::Proper => None,
            End::File if marked && builder.number == 0 => return Ok(None),
            End::File if marked => Some(self.input.cut("its end mark is missing")),
            End::File => {
                // Nothing marks its end: what is missing shows.
                self.ended = Some(Ok(()));
                let missing = builder.missing(self.version).or_else(|| builder.unfinished());
                missing.filter(|_| self.salvage).map(|what| self.input.cut(what))
            }
            End::Broken(error) if marked || builder.number == 0 || self.salvages(&error) => Some(error),
            End::Broken(error) => {
                // As Go does: what was read before may well be a whole generation.
                self.ended = Some(Err(error));
                None
            }
        };
        let Some(error) = lost else {
            return builder.finish(self, None).map(Some);
        };
        let unit = builder.unit.or(self.unit);
        if !self.salvages(&error) || unit.is_none() || builder.batches.is_empty() {
            return Err(error);
        }
        let generation = builder.finish(self, unit)?;
        self.ended = Some(Err(error));
        Ok(Some(generation))
    }

    /// Reads batches until the generation ends.
    fn fill(&mut self, builder: &mut Builder) -> Result<End, TraceError> {
        if let Some(spilled) = self.spill.take() {
            builder.number = spilled.generation;
            self.input.generation = spilled.generation;
            if let Err(error) = builder.add(&spilled, &mut self.input, self.version)? {
                return Ok(End::Broken(error));
            }
        }
        loop {
            let header = match self.input.next() {
                Ok(Next::Batch(header)) => header,
                Ok(Next::End) => return Ok(End::File),
                Ok(Next::EndOfGeneration) if self.version >= Version::Go126 => return Ok(End::Proper),
                Ok(Next::EndOfGeneration) => {
                    return Err(self.input.fault(self.input.offset(), self.interleaved(0, builder.number)));
                }
                Err(error) => return Ok(End::Broken(error)),
            };
            if builder.number == 0 {
                builder.number = header.generation;
                self.input.generation = header.generation;
            }
            let next = builder.number.wrapping_add(1);
            if header.generation == next && self.version < Version::Go126 && header.generation != 0 {
                self.spill = Some(header);
                return Ok(End::Proper);
            }
            if header.generation != builder.number || header.generation == 0 {
                let fault = self.interleaved(header.generation, builder.number);
                return Err(self.input.fault(header.offset, fault));
            }
            if let Err(error) = builder.add(&header, &mut self.input, self.version)? {
                return Ok(End::Broken(error));
            }
        }
    }

    /// Whether what there is of a generation that ended so is to be yielded.
    fn salvages(&self, error: &TraceError) -> bool {
        self.salvage && error.is_cut_off()
    }

    fn interleaved(&self, found: u64, expected: u64) -> StructureFault {
        StructureFault::Interleaved { found, expected }
    }
}

fn read_version(bytes: &mut impl Read) -> Result<Version, TraceError> {
    let mut header = Vec::new();
    let read = bytes.take(HEADER).read_to_end(&mut header);
    read.map_err(|source| TraceError::Read { offset: 0, source })?;
    Ok(Version::of_header(&header)?)
}

/// A generation that is being read.
#[derive(Default)]
struct Builder {
    number: u64,
    bodies: Bodies,
    batches: Vec<Batch>,
    threads: Vec<Thread>,
    by_id: HashMap<i64, usize, foldhash::fast::FixedState>,
    samples: Vec<CpuSample>,
    start: u64,
    tables: TablesBuilder,
    /// What the batch behind all others is of.
    last: Option<EventType>,
    /// Nanoseconds of a unit of the trace's clock.
    unit: Option<f64>,
    /// The clocks, the trace's own in units.
    clock: Option<(u64, ClockSnapshot)>,
}

impl Builder {
    /// Takes in a batch. The inner error is one of getting at it.
    fn add(
        &mut self,
        header: &BatchHeader,
        input: &mut Input<'_>,
        version: Version,
    ) -> Result<Result<(), TraceError>, TraceError> {
        let kind = EventType(input.peek().unwrap_or_default());
        let sync = if version < Version::Go125 { EventType::FREQUENCY } else { EventType::SYNC };
        let is_table =
            matches!(kind, EventType::STRINGS | EventType::STACKS | EventType::CPU_SAMPLES) || kind == sync;
        // Experiments' batches have a form of their own, which none of ours needs.
        let is_wanted = header.experiment == 0 && header.size > 0;
        self.last = Some(kind);
        if is_wanted && !is_table {
            let offset = input.offset();
            if let Err(error) = self.bodies.add(header.size, input) {
                return Ok(Err(error));
            }
            self.begins_by(header.time);
            let added = self.add_events(header, offset);
            return added.map(Ok).map_err(|fault| input.fault(header.offset, fault));
        }
        let mut body = Vec::new();
        let read = if is_wanted { input.body(header.size, &mut body) } else { input.pass(header.size) };
        if let Err(error) = read {
            return Ok(Err(error));
        }
        self.begins_by(header.time);
        let taken = match kind {
            _ if !is_wanted => Ok(()),
            EventType::STRINGS => self.tables.add_strings(&body),
            EventType::STACKS => self.tables.add_stacks(&body),
            EventType::CPU_SAMPLES => samples::read(&body, &mut self.samples),
            _ => {
                let entries = if version < Version::Go125 { 0 } else { 1 };
                let entries = body.get(entries..).unwrap_or_default();
                read_clocks(entries, header.time, version, &mut self.unit, &mut self.clock)
            }
        };
        taken.map(Ok).map_err(|fault| input.fault(header.offset, fault))
    }

    /// It began at `time` at the latest.
    fn begins_by(&mut self, time: u64) {
        if self.start == 0 || time < self.start {
            self.start = time;
        }
    }

    fn add_events(&mut self, header: &BatchHeader, offset: u64) -> Result<(), StructureFault> {
        let Ok(batch) = u32::try_from(self.batches.len()) else { return Ok(()) };
        let len = u32::try_from(header.size).unwrap_or(0);
        self.batches.push(Batch { offset, time: header.time, len, next: Batch::LAST });
        let next = self.threads.len();
        let at = *self.by_id.entry(header.thread).or_insert(next);
        match self.threads.get_mut(at) {
            Some(thread) => {
                if let Some(before) = self.batches.get_mut(thread.last as usize) {
                    before.next = batch;
                }
                thread.last = batch;
            }
            None if next >= MAX_THREADS => return Err(StructureFault::Threads),
            None => self.threads.push(Thread { id: header.thread, first: batch, last: batch }),
        }
        Ok(())
    }

    /// What a whole generation has and this one lacks.
    fn missing(&self, version: Version) -> Option<&'static str> {
        if self.unit.is_none() {
            Some("frequency")
        } else if version >= Version::Go125 && self.clock.is_none() {
            Some("clock snapshot")
        } else {
            None
        }
    }

    /// What the file still lacked of this generation, the last one, if its end has
    /// no mark. The runtime ends each with its strings (`traceAdvance` in
    /// runtime/trace.go, Go 1.23 to 1.25, runtime/trace2.go in 1.22), and writes
    /// batch by batch: where a program was killed, a file ends between two.
    fn unfinished(&self) -> Option<&'static str> {
        (self.last != Some(EventType::STRINGS)).then_some("strings")
    }

    /// The generation. `cut_off`: it is not whole; this is the clock's unit.
    fn finish(self, from: &Generations<'_>, cut_off: Option<f64>) -> Result<Generation, TraceError> {
        let fault = |fault| from.input.fault(from.input.offset(), fault);
        if cut_off.is_none()
            && let Some(what) = self.missing(from.version)
        {
            return Err(fault(StructureFault::Missing(what)));
        }
        let unit = cut_off.or(self.unit).unwrap_or_default();
        let tables = self.tables.finish(self.number, unit, None, cut_off.is_some());
        let mut tables = tables.map_err(fault)?;
        tables.clock =
            self.clock.map(|(units, clock)| ClockSnapshot { trace: tables.nanoseconds(units), ..clock });
        Ok(Generation {
            number: self.number,
            coming: Coming::new(self.bodies, &self.batches, from.ahead.clone()),
            batches: self.batches,
            threads: self.threads,
            samples: samples::by_time(self.samples, &tables),
            start: self.start,
            tables: Arc::new(tables),
        })
    }
}

/// Reads the frequency of the trace's clock, and since Go 1.25 the other clocks.
fn read_clocks(
    entries: &[u8],
    time: u64,
    version: Version,
    unit: &mut Option<f64>,
    clock: &mut Option<(u64, ClockSnapshot)>,
) -> Result<(), StructureFault> {
    let mut cursor = Cursor::new(entries);
    let mut time = time;
    while let Some(kind) = cursor.byte() {
        let mut number = |what| cursor.uvarint().ok_or(StructureFault::Unfinished(what));
        match EventType(kind) {
            EventType::FREQUENCY => {
                if unit.is_some() {
                    return Err(StructureFault::Again("frequency"));
                }
                *unit = Some(1.0 / (number("frequency")? as f64 / 1e9));
            }
            EventType::CLOCK_SNAPSHOT if version >= Version::Go125 => {
                if clock.is_some() {
                    return Err(StructureFault::Again("clock snapshot"));
                }
                let mut number = || number("clock snapshot");
                time = time.wrapping_add(number()?);
                let (monotonic, wall_seconds, wall_nanoseconds) = (number()?, number()?, number()?);
                *clock = Some((time, ClockSnapshot { trace: 0, monotonic, wall_seconds, wall_nanoseconds }));
            }
            _ => {
                let expected = "frequency or clock snapshot event";
                return Err(StructureFault::Foreign { expected, found: kind });
            }
        }
    }
    Ok(())
}
