//! The runtime's types, as far as Bingo reads them: one declaration gives the
//! struct that the rest of Bingo uses, the names to look up in DWARF, and the
//! rows of the release table.
//!
//! Every offset is in bytes from the start of the type. `Option` marks a field
//! that some release lacks. Where a field changed its name or became a struct,
//! all spellings stand beside each other; the first that a release has counts.
//! `cargo xtask layouts` checks each of them against every Go release.

use super::LayoutError;

/// Where sizes and offsets are looked up: a binary's DWARF, or the table.
pub trait Members {
    /// The size of a type in bytes: `runtime.g`.
    fn size(&self, ty: &str) -> Option<u64>;
    /// The offset of a member: `runtime.g`, `sched.sp`.
    fn offset(&self, ty: &str, path: &str) -> Option<u64>;
}

/// A type of the runtime and the members that Bingo reads.
#[derive(Clone, Copy, Debug)]
pub struct TypeSpec {
    /// Go's name: `runtime.g`.
    pub name: &'static str,
    /// All spellings of all members.
    pub paths: &'static [&'static str],
}

/// What a member's offset may be: required, or lacking in some releases.
trait Offset: Sized {
    fn from_lookup(found: Option<u64>) -> Option<Self>;
}

impl Offset for u64 {
    fn from_lookup(found: Option<u64>) -> Option<u64> {
        found
    }
}

impl Offset for Option<u64> {
    fn from_lookup(found: Option<u64>) -> Option<Option<u64>> {
        Some(found)
    }
}

macro_rules! runtime_types {
    ($(
        $(#[$doc:meta])*
        $name:ident = $go:literal {
            $( $(#[$field_doc:meta])* $field:ident: $kind:ty = $($path:literal)|+; )*
        }
    )*) => {
        $(
            $(#[$doc])*
            ///
            #[doc = concat!("Go: `", $go, "`.")]
            #[derive(Clone, Copy, PartialEq, Eq, Debug)]
            pub struct $name {
                /// The size of the type.
                pub size: u64,
                $(
                    #[doc = concat!("Go: ", $("`", $path, "` ",)+)]
                    ///
                    $(#[$field_doc])*
                    pub $field: $kind,
                )*
            }

            impl $name {
                /// Go's name of the type.
                pub const GO_NAME: &'static str = $go;

                pub(super) fn resolve(members: &impl Members) -> Result<$name, LayoutError> {
                    let missing = |path| LayoutError::Missing { ty: $go, path };
                    Ok($name {
                        size: members.size($go).ok_or(missing("sizeof"))?,
                        $(
                            $field: {
                                let mut paths = [$($path),+].into_iter();
                                let found = paths.find_map(|path| members.offset($go, path));
                                Offset::from_lookup(found).ok_or(missing(stringify!($field)))?
                            },
                        )*
                    })
                }
            }
        )*

        /// Every type with every spelling of its members.
        pub const TYPES: &[TypeSpec] = &[$(TypeSpec { name: $go, paths: &[$($($path),+),*] }),*];
    };
}

runtime_types! {
    /// A goroutine.
    G = "runtime.g" {
        /// go: runtime.g.stack (1.19-1.27)
        stack_lo: u64 = "stack.lo";
        stack_hi: u64 = "stack.hi";
        stackguard0: u64 = "stackguard0";
        m: u64 = "m";
        /// go: runtime.g.sched (1.19-1.27): sp, pc, bp while it does not run
        sched_sp: u64 = "sched.sp";
        sched_pc: u64 = "sched.pc";
        sched_g: u64 = "sched.g";
        sched_bp: u64 = "sched.bp";
        /// go: runtime.g.sched.ctxt (1.19-1.27): the closure of one that has not begun
        sched_ctxt: u64 = "sched.ctxt";
        /// go: runtime.g._defer (1.19-1.27): *_defer, innermost first, on the stack or not
        defers: u64 = "_defer";
        /// go: runtime.g.syscallsp (1.19-1.27): nonzero in a system call or in C
        syscallsp: u64 = "syscallsp";
        syscallpc: u64 = "syscallpc";
        /// go: runtime.g.syscallbp (1.23-1.27)
        syscallbp: Option<u64> = "syscallbp";
        param: u64 = "param";
        /// go: runtime.g.atomicstatus (1.19-1.27): u32
        atomicstatus: u64 = "atomicstatus";
        /// go: runtime.g.goid (1.19-1.27): u64, signed until 1.19
        goid: u64 = "goid";
        schedlink: u64 = "schedlink";
        /// go: runtime.g.waitsince (1.19-1.27): ns, monotonic; set when a
        /// collection scans it, not when it parks
        waitsince: u64 = "waitsince";
        /// go: runtime.g.waitreason (1.19-1.27): u8
        waitreason: u64 = "waitreason";
        preempt: u64 = "preempt";
        preempt_stop: u64 = "preemptStop";
        /// go: runtime.g.asyncSafePoint (1.19-1.27): bool, stopped by a signal
        async_safe_point: u64 = "asyncSafePoint";
        parking_on_chan: u64 = "parkingOnChan";
        /// go: runtime.g.trackingSeq (1.19-1.27): u8, counts departures from running
        tracking_seq: u64 = "trackingSeq";
        lockedm: u64 = "lockedm";
        /// go: runtime.g.parentGoid (1.21-1.27)
        parent_goid: Option<u64> = "parentGoid";
        gopc: u64 = "gopc";
        ancestors: u64 = "ancestors";
        startpc: u64 = "startpc";
        /// go: runtime.g.waiting (1.19-1.27): *sudog, in lock order, by waitlink
        waiting: u64 = "waiting";
        labels: u64 = "labels";
        /// go: runtime.g.timer (1.19-1.27): *timer of time.Sleep
        timer: u64 = "timer";
        /// go: runtime.g.sleepWhen (1.23-1.27): ns, monotonic
        sleep_when: Option<u64> = "sleepWhen";
        select_done: u64 = "selectDone";
        /// go: runtime.g.coroarg (1.22-1.27)
        coroarg: Option<u64> = "coroarg";
        /// go: runtime.g.bubble (1.25-1.27), syncGroup (1.24)
        bubble: Option<u64> = "bubble" | "syncGroup";
    }

    /// A thread of the runtime.
    M = "runtime.m" {
        g0: u64 = "g0";
        /// go: runtime.m.procid (1.19-1.27): u64, the thread id in its own pid namespace
        procid: u64 = "procid";
        gsignal: u64 = "gsignal";
        curg: u64 = "curg";
        p: u64 = "p";
        oldp: u64 = "oldp";
        id: u64 = "id";
        incgo: u64 = "incgo";
        alllink: u64 = "alllink";
        lockedg: u64 = "lockedg";
        /// go: runtime.m.waitunlockf, waitlock (1.19-1.27): valid from gopark to
        /// the end of park_m
        waitunlockf: u64 = "waitunlockf";
        waitlock: u64 = "waitlock";
        spinning: u64 = "spinning";
        /// go: runtime.m.vdsoPC, vdsoSP (1.19-1.27): where it called the kernel's code
        vdso_pc: u64 = "vdsoPC";
        vdso_sp: u64 = "vdsoSP";
        blocked: u64 = "blocked";
    }

    /// A processor: the right to run Go code.
    P = "runtime.p" {
        /// go: runtime.p.id (1.19-1.27): i32
        id: u64 = "id";
        /// go: runtime.p.status (1.19-1.27): u32
        status: u64 = "status";
        schedtick: u64 = "schedtick";
        syscalltick: u64 = "syscalltick";
        /// go: runtime.p.sysmontick (1.19-1.27): i64 ns, when sysmon saw it switch
        schedwhen: u64 = "sysmontick.schedwhen";
        syscallwhen: u64 = "sysmontick.syscallwhen";
        m: u64 = "m";
        /// go: runtime.p.runqhead, runqtail (1.19-1.27): u32, modulo 256
        runqhead: u64 = "runqhead";
        runqtail: u64 = "runqtail";
        runq: u64 = "runq";
        runnext: u64 = "runnext";
        /// go: runtime.p.timers (1.23-1.27: heap of it; before a slice of *timer)
        timers: u64 = "timers.heap" | "timers";
    }

    /// The scheduler's globals.
    Sched = "runtime.schedt" {
        goidgen: u64 = "goidgen";
        /// go: runtime.schedt.lastpoll (1.19-1.27): ns, 0 while a thread polls
        lastpoll: u64 = "lastpoll";
        midle: u64 = "midle";
        nmidle: u64 = "nmidle";
        nmidlelocked: u64 = "nmidlelocked";
        ngsys: u64 = "ngsys";
        npidle: u64 = "npidle";
        nmspinning: u64 = "nmspinning";
        runq_head: u64 = "runq.head";
        /// go: runtime.schedt.runq.size (1.25-1.27), runqsize (1.19-1.24): i32
        runq_size: u64 = "runq.size" | "runqsize";
        /// go: runtime.schedt.gcwaiting (1.19-1.27): u32 in 1.19, then one byte
        gcwaiting: u64 = "gcwaiting";
    }

    /// A goroutine in a wait queue. One goroutine may be in many (select).
    Sudog = "runtime.sudog" {
        g: u64 = "g";
        next: u64 = "next";
        prev: u64 = "prev";
        /// go: runtime.sudog.elem (1.19-1.27); of a semaphore: its address
        elem: u64 = "elem.vu" | "elem";
        acquiretime: u64 = "acquiretime";
        releasetime: u64 = "releasetime";
        /// go: runtime.sudog.ticket (1.19-1.27): u32
        ticket: u64 = "ticket";
        is_select: u64 = "isSelect";
        success: u64 = "success";
        /// go: runtime.sudog.waiters (1.22-1.27): u16
        waiters: Option<u64> = "waiters";
        /// go: runtime.sudog.parent, prev, next (1.19-1.27): semaRoot's treap
        parent: u64 = "parent";
        waitlink: u64 = "waitlink";
        waittail: u64 = "waittail";
        /// go: runtime.sudog.c (1.19-1.27); a maybeTraceableChan since 1.26,
        /// whose `vu` is the source of truth
        c: u64 = "c.maybeTraceablePtr.vu" | "c";
    }

    /// A deferred call.
    Defer = "runtime._defer" {
        /// go: runtime._defer.fn (1.19-1.27): a func(), nil for open-coded ones
        func: u64 = "fn";
        /// go: runtime._defer.pc (1.19-1.27): where the call returns to that deferred it
        pc: u64 = "pc";
        link: u64 = "link";
    }

    /// The heap.
    Mheap = "runtime.mheap" {
        /// go: runtime.mheap.allspans (1.19-1.27): []*mspan, each that ever was
        allspans: u64 = "allspans";
    }

    /// Pages of the heap that hold objects of one size.
    Mspan = "runtime.mspan" {
        start_addr: u64 = "startAddr";
        npages: u64 = "npages";
        /// go: runtime.mspan.state (1.19-1.27): u8, 1 while it holds objects
        state: u64 = "state";
        /// go: runtime.mspan.spanclass (1.19-1.27): u8, size class << 1 | noscan
        spanclass: u64 = "spanclass";
        /// go: runtime.mspan.elemsize (1.19-1.27): of a large object its pages
        elemsize: u64 = "elemsize";
        /// go: runtime.mspan.specials (1.19-1.27): *special, by offset
        specials: u64 = "specials";
        /// go: runtime.mspan.freeindex, allocBits (1.19-1.27): a slot from there on
        /// whose bit is not set holds nothing
        freeindex: u64 = "freeindex";
        alloc_bits: u64 = "allocBits";
        /// go: runtime.mspan.largeType (1.22-1.27): *_type of the one large object
        large_type: Option<u64> = "largeType";
    }

    /// Something that is known of one object: a finalizer, a cleanup.
    Special = "runtime.special" {
        next: u64 = "next";
        /// go: runtime.special.offset (1.19-1.27): u16 until 1.23, then uintptr
        offset: u64 = "offset";
        /// go: runtime.special.kind (1.19-1.27): u8
        kind: u64 = "kind";
    }

    /// What the linker knows of a module: the program, a plugin, a shared library.
    Module = "runtime.moduledata" {
        noptrdata: u64 = "noptrdata";
        data: u64 = "data";
        edata: u64 = "edata";
        bss: u64 = "bss";
        ebss: u64 = "ebss";
        enoptrbss: u64 = "enoptrbss";
        /// go: runtime.moduledata.gcdatamask, gcbssmask (1.19-1.27): a bit for
        /// each word of data and bss, set where it is a pointer
        gcdatamask: u64 = "gcdatamask.bytedata";
        gcbssmask: u64 = "gcbssmask.bytedata";
        /// go: runtime.moduledata.types, etypes (1.19-1.27): where its types' descriptions are
        types: u64 = "types";
        etypes: u64 = "etypes";
        next: u64 = "next";
    }

    /// A channel.
    Hchan = "runtime.hchan" {
        qcount: u64 = "qcount";
        dataqsiz: u64 = "dataqsiz";
        buf: u64 = "buf";
        /// go: runtime.hchan.elemsize (1.19-1.27): u16
        elemsize: u64 = "elemsize";
        /// go: runtime.hchan.closed (1.19-1.27): u32
        closed: u64 = "closed";
        /// go: runtime.hchan.timer (1.23-1.27): *timer that feeds it
        timer: Option<u64> = "timer";
        elemtype: u64 = "elemtype";
        sendx: u64 = "sendx";
        recvx: u64 = "recvx";
        recvq_first: u64 = "recvq.first";
        recvq_last: u64 = "recvq.last";
        sendq_first: u64 = "sendq.first";
        sendq_last: u64 = "sendq.last";
        lock: u64 = "lock";
    }

    /// A root of the semaphore table: waiters of all semaphores that hash to it.
    SemaRoot = "runtime.semaRoot" {
        lock: u64 = "lock";
        /// go: runtime.semaRoot.treap (1.19-1.27): *sudog
        treap: u64 = "treap";
        /// go: runtime.semaRoot.nwait (1.19-1.27): u32
        nwait: u64 = "nwait";
    }

    /// The wait list inside a `sync.Cond`.
    NotifyList = "runtime.notifyList" {
        wait: u64 = "wait";
        notify: u64 = "notify";
        head: u64 = "head";
        tail: u64 = "tail";
    }

    /// A timer.
    Timer = "runtime.timer" {
        /// go: runtime.timer.when (1.19-1.27): ns, monotonic
        when: u64 = "when";
        period: u64 = "period";
        f: u64 = "f";
        /// go: runtime.timer.arg (1.19-1.27): interface, its second word is the channel or function
        arg: u64 = "arg";
        seq: u64 = "seq";
        /// go: runtime.timer.status (1.19-1.22)
        status: Option<u64> = "status";
        /// go: runtime.timer.state (1.23-1.27)
        state: Option<u64> = "state";
        /// go: runtime.timer.isChan (1.23-1.27)
        is_chan: Option<u64> = "isChan";
    }

    /// The network poller's record of a file descriptor.
    PollDesc = "runtime.pollDesc" {
        link: u64 = "link";
        fd: u64 = "fd";
        /// go: runtime.pollDesc.rg, wg (1.19-1.27): nil, pdReady 1, pdWait 2, or a *g
        rg: u64 = "rg";
        wg: u64 = "wg";
        closing: u64 = "closing";
        /// go: runtime.pollDesc.rd, wd (1.19-1.27): deadline, ns monotonic, 0 none
        rd: u64 = "rd";
        wd: u64 = "wd";
    }

    /// A mutex. Since Go 1.24 it wraps an `internal/sync.Mutex`.
    Mutex = "sync.Mutex" {
        /// go: sync.Mutex.state (1.19-1.27): i32; 1 locked, 2 woken, 4 starving, waiters << 3
        state: u64 = "mu.state" | "state";
        sema: u64 = "mu.sema" | "sema";
    }

    /// A reader/writer mutex.
    RwMutex = "sync.RWMutex" {
        /// go: sync.RWMutex.w (1.19-1.27): sync.Mutex of the writers
        w: u64 = "w";
        writer_sem: u64 = "writerSem";
        reader_sem: u64 = "readerSem";
        /// go: sync.RWMutex.readerCount (1.19-1.27): i32, less 1<<30 while a writer waits
        reader_count: u64 = "readerCount";
        reader_wait: u64 = "readerWait";
    }

    /// A wait group.
    WaitGroup = "sync.WaitGroup" {
        /// go: sync.WaitGroup.state (1.20-1.27), state1 (1.19): u64, counter in the high half
        state: u64 = "state" | "state1";
        sema: u64 = "sema" | "state2";
    }

    /// A condition variable.
    Cond = "sync.Cond" {
        locker: u64 = "L";
        notify: u64 = "notify";
    }

    /// A file descriptor of package `os` or `net`.
    PollFd = "internal/poll.FD" {
        /// go: internal/poll.FD.fdmu (1.19-1.27): semaphores of readers and writers
        rsema: u64 = "fdmu.rsema";
        wsema: u64 = "fdmu.wsema";
        sysfd: u64 = "Sysfd";
        /// go: internal/poll.pollDesc.runtimeCtx (1.19-1.27): *runtime.pollDesc
        runtime_ctx: u64 = "pd.runtimeCtx";
        csema: u64 = "csema";
    }

    /// A map before Go 1.24: what `g.labels` points to.
    Hmap = "runtime.hmap" {
        count: u64 = "count";
        /// go: runtime.hmap.B (1.19-1.23): u8, log2 of the number of buckets
        log2_buckets: u64 = "B";
        buckets: u64 = "buckets";
        oldbuckets: u64 = "oldbuckets";
    }
}
