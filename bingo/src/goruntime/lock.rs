//! Which lock a semaphore belongs to, told by the functions that wait on it.
//!
//! A goroutine in `sync.(*Mutex).lockSlow` waits on the `sema` field of a mutex,
//! so the mutex is that field's offset before it. Where no function of package
//! sync is there, the semaphore is all that is known.

use crate::binary::layout::Layout;
use crate::model::{Addr, Frame, LockKind};

/// The operation of package sync that a stack is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LockCall {
    /// `(*Mutex).Lock`.
    Mutex,
    /// `(*RWMutex).Lock`, at the mutex that keeps writers apart.
    RwMutexWriters,
    /// `(*RWMutex).Lock`, until the readers have left.
    RwMutexWrite,
    /// `(*RWMutex).RLock`.
    RwMutexRead,
    /// `(*WaitGroup).Wait`.
    WaitGroup,
    /// None of these.
    None,
}

impl LockCall {
    /// The operation that `frames`, innermost first, are in. Inlined calls are
    /// among them, so that it does not matter what the compiler inlined.
    pub(super) fn of(frames: &[Frame]) -> LockCall {
        // The way from the park to the caller of package sync, and no further:
        // a mutex that is held further out is another matter.
        let mut inside = frames
            .iter()
            .map(|frame| &*frame.function)
            .skip_while(|name| name.starts_with("runtime."))
            .take_while(|name| name.starts_with("sync.") || name.starts_with("internal/sync."))
            .skip_while(|name| {
                name.starts_with("sync.runtime_") || name.starts_with("internal/sync.runtime_")
            });
        match inside.next() {
            Some("sync.(*RWMutex).RLock") => LockCall::RwMutexRead,
            Some("sync.(*RWMutex).Lock") => LockCall::RwMutexWrite,
            Some("sync.(*WaitGroup).Wait") => LockCall::WaitGroup,
            Some(name) if is_mutex_lock(name) => match inside.find(|name| !is_mutex_lock(name)) {
                Some("sync.(*RWMutex).Lock") => LockCall::RwMutexWriters,
                _ => LockCall::Mutex,
            },
            _ => LockCall::None,
        }
    }

    /// The object whose semaphore at `semaphore` this operation waits on.
    pub(super) fn object(self, semaphore: Addr, layout: &Layout) -> (Addr, LockKind) {
        let before = |offset: u64| Addr(semaphore.0.wrapping_sub(offset));
        let rw = &layout.rw_mutex;
        match self {
            LockCall::Mutex => (before(layout.mutex.sema), LockKind::Mutex),
            LockCall::RwMutexWriters => (before(rw.w + layout.mutex.sema), LockKind::RwMutex),
            LockCall::RwMutexWrite => (before(rw.writer_sem), LockKind::RwMutex),
            LockCall::RwMutexRead => (before(rw.reader_sem), LockKind::RwMutex),
            LockCall::WaitGroup => (before(layout.wait_group.sema), LockKind::WaitGroup),
            LockCall::None => (semaphore, LockKind::Semaphore),
        }
    }
}

// go: internal/sync.Mutex (1.24-1.27), sync.Mutex (1.19-1.23)
fn is_mutex_lock(name: &str) -> bool {
    let method = name.strip_prefix("internal/").unwrap_or(name).strip_prefix("sync.(*Mutex).");
    matches!(method, Some("lockSlow" | "Lock"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn check(functions: &[&str], expect: LockCall) {
        let frames: Vec<_> = functions
            .iter()
            .map(|&function| Frame {
                function: Arc::from(function),
                file: Arc::from(""),
                line: 1,
                pc: Addr(1),
                inlined: false,
            })
            .collect();
        assert_eq!(LockCall::of(&frames), expect, "{functions:?}");
    }

    #[test]
    fn each_operation_is_told_by_its_functions() {
        let park = ["runtime.gopark", "runtime.goparkunlock", "runtime.semacquire1"];
        let parked = |rest: &[&'static str]| [&park[..], rest].concat();
        check(
            &parked(&[
                "sync.runtime_SemacquireMutex",
                "sync.(*Mutex).lockSlow",
                "sync.(*Mutex).Lock",
                "main.f",
            ]),
            LockCall::Mutex,
        );
        check(
            &parked(&[
                "internal/sync.runtime_SemacquireMutex",
                "internal/sync.(*Mutex).lockSlow",
                "internal/sync.(*Mutex).Lock",
                "sync.(*Mutex).Lock",
                "sync.(*RWMutex).Lock",
                "main.f",
            ]),
            LockCall::RwMutexWriters,
        );
        check(
            &parked(&[
                "sync.runtime_SemacquireRWMutexR",
                "sync.(*RWMutex).RLock",
                "sync.(*rlocker).Lock",
                "main.f",
            ]),
            LockCall::RwMutexRead,
        );
        check(&parked(&["sync.runtime_SemacquireRWMutex", "sync.(*RWMutex).Lock"]), LockCall::RwMutexWrite);
        check(&parked(&["sync.runtime_Semacquire", "sync.(*WaitGroup).Wait", "main.f"]), LockCall::WaitGroup);
        check(
            &parked(&[
                "sync.runtime_SemacquireMutex",
                "sync.(*Mutex).lockSlow",
                "sync.(*Once).doSlow",
                "main.f",
            ]),
            LockCall::Mutex,
        );
        check(
            &parked(&[
                "internal/poll.runtime_Semacquire",
                "internal/poll.(*fdMutex).rwlock",
                "sync.(*Mutex).Lock",
            ]),
            LockCall::None,
        );
        check(&["runtime.gopark", "runtime.main"], LockCall::None);
    }
}
