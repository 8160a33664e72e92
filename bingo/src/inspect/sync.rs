//! Channels and the locks of package sync, with who waits there.

use std::fmt::Write;

use super::source::Source;
use super::values::Values;
use crate::binary::debug::GoType;
use crate::memory::{Memory, Pages};
use crate::model::{Addr, Channel, GoId, Missing, SyncObject, Value, Waiters};

/// Goroutines that are named.
const NAMED: usize = 8;
/// go: sync.mutexLocked, mutexWaiterShift (1.19-1.27)
const LOCKED: u64 = 1;
const WAITERS: u32 = 3;
/// go: sync.rwmutexMaxReaders (1.19-1.27)
const MOST_READERS: i64 = 1 << 30;

impl<M: Memory> Values<'_, '_, M> {
    /// The channel that the pointer at `source` points to.
    pub(super) fn channel(&mut self, source: &Source) -> Result<Value, Missing> {
        let address = Addr(source.word(&mut self.pages)?);
        if address.is_nil() {
            return Ok(Value::plain("nil"));
        }
        if let Some(SyncObject::Channel(channel)) = self.object(address) {
            return Ok(Value::Plain(channel_text(channel)));
        }
        // Nobody waits there.
        let (at, hchan) = (Source::Memory(address), &self.layout.hchan);
        let word = |pages: &mut Pages<'_, M>, offset| at.at(offset).word(pages);
        let channel = Channel {
            address,
            cap: word(&mut self.pages, hchan.dataqsiz)?,
            len: word(&mut self.pages, hchan.qcount)?,
            closed: at.at(hchan.closed).number(&mut self.pages, 4)? != 0,
            receivers: Waiters::default(),
            senders: Waiters::default(),
        };
        if channel.len > channel.cap {
            return Err(Missing::Torn(format!("no channel at {address}")));
        }
        Ok(Value::Plain(channel_text(&channel)))
    }

    /// A lock of package sync; `None` for any other struct.
    pub(super) fn lock(&mut self, shape: &GoType, source: &Source) -> Option<Result<Value, Missing>> {
        let text = match &*shape.name {
            "sync.Mutex" | "internal/sync.Mutex" => self.mutex(source),
            "sync.RWMutex" => self.rw_mutex(source),
            "sync.WaitGroup" => self.wait_group(source),
            "sync.Once" => self.once(shape, source),
            "sync.Cond" => self.cond(source),
            _ => return None,
        };
        Some(text.map(Value::Plain))
    }

    fn mutex(&mut self, source: &Source) -> Result<String, Missing> {
        let state = source.at(self.layout.mutex.state).number(&mut self.pages, 4)?;
        let held = if state & LOCKED != 0 { "locked" } else { "unlocked" };
        Ok(self.with_waiters(held, source, state >> WAITERS))
    }

    fn rw_mutex(&mut self, source: &Source) -> Result<String, Missing> {
        let layout = self.layout.rw_mutex;
        let readers = self.signed(&source.at(layout.reader_count), 4)?;
        let leaving = self.signed(&source.at(layout.reader_wait), 4)?;
        let held = match (readers, leaving) {
            (0, _) => "unlocked".to_owned(),
            (1.., _) => format!("read by {readers}"),
            // A writer holds it, or has announced itself and waits for the readers to leave.
            (_, 0) => "locked to write".to_owned(),
            (_, leaving) => format!("read by {leaving}, a writer waits for them"),
        };
        let queued = if readers < 0 { readers.saturating_add(MOST_READERS) } else { 0 };
        let queued = if leaving > 0 { queued - leaving } else { queued };
        let readers_wait = u64::try_from(queued).unwrap_or(0);
        Ok(self.with_waiters(&held, source, readers_wait))
    }

    fn wait_group(&mut self, source: &Source) -> Result<String, Missing> {
        let state = source.at(self.layout.wait_group.state).word(&mut self.pages)?;
        let counter = (state >> 32) as i32;
        // go: sync.waitGroupBubbleFlag (1.25-1.27)
        let waiters = state & 0x7fff_ffff;
        Ok(self.with_waiters(&format!("counter {counter}"), source, waiters))
    }

    fn once(&mut self, shape: &GoType, source: &Source) -> Result<String, Missing> {
        let done = shape.field("done").ok_or_else(|| Missing::Torn("a sync.Once without done".into()))?;
        let done = source.at(done.offset).number(&mut self.pages, 4)?;
        Ok(if done != 0 { "done".to_owned() } else { "not done".to_owned() })
    }

    fn cond(&mut self, source: &Source) -> Result<String, Missing> {
        let list = source.at(self.layout.cond.notify);
        let wait = list.at(self.layout.notify_list.wait).number(&mut self.pages, 4)?;
        let notify = list.at(self.layout.notify_list.notify).number(&mut self.pages, 4)?;
        let waiting = (wait.wrapping_sub(notify)) & 0xffff_ffff;
        Ok(self.with_waiters("a condition", source, waiting))
    }

    /// Says who waits at the object at `source`: by the queues, where they are
    /// known, else the number that the object itself has.
    fn with_waiters(&self, held: &str, source: &Source, count: u64) -> String {
        let mut text = held.to_owned();
        let object = source.address().and_then(|address| self.object(address));
        match object {
            Some(SyncObject::Lock(lock)) if !lock.waiters.is_empty() => {
                let _ = write!(text, ", {}", waiting(&lock.waiters, "waits", "wait"));
            }
            _ if count > 0 => {
                let _ = write!(text, ", {count} {}", if count == 1 { "waits" } else { "wait" });
            }
            _ => {}
        }
        text
    }

    fn object(&self, address: Addr) -> Option<&SyncObject> {
        self.snapshot.objects.get(&address).map(AsRef::as_ref)
    }
}

/// `0xc000… (cap 2, len 2, 3 senders wait: goroutines 18, 19, 20)`.
pub(super) fn channel_text(channel: &Channel) -> String {
    let mut text = format!("{} (cap {}, len {}", channel.address, channel.cap, channel.len);
    if channel.closed {
        text.push_str(", closed");
    }
    let ends = [
        (&channel.senders, "sender waits", "senders wait"),
        (&channel.receivers, "receiver waits", "receivers wait"),
    ];
    for (queue, one, many) in ends {
        if !queue.is_empty() {
            let _ = write!(text, ", {}", waiting(queue, one, many));
        }
    }
    text.push(')');
    text
}

fn waiting(queue: &[GoId], one: &str, many: &str) -> String {
    let named: Vec<String> = queue.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if queue.len() > NAMED { " …" } else { "" };
    let (verb, noun) = if queue.len() == 1 { (one, "goroutine") } else { (many, "goroutines") };
    format!("{} {verb}: {noun} {}{more}", queue.len(), named.join(" "))
}
