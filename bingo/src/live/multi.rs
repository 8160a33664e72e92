//! Uprobes as multi links (Linux 6.6), which aya 0.14 has not.
//!
//! In: the object's programs, tied to the maps that aya made. Out: a descriptor
//! a program and a probe. `bpf_uprobe_multi_link_attach` in
//! `kernel/trace/bpf_trace.c` (Linux 6.6 to 6.18) asks for no capability beyond
//! those that loaded the program, where a uprobe event asks for
//! `CAP_SYS_ADMIN`; and it takes a breakpoint out before it waits for the
//! programs that still run, where a uprobe event waits first.

use std::collections::HashSet;
use std::ffi::{CStr, c_char};
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use aya_obj::Object;
use aya_obj::generated::{bpf_attach_type, bpf_attr, bpf_cmd, bpf_prog_type};
use nix::errno::Errno;
use nix::libc::{SYS_bpf, syscall};

/// The object's programs, as multi links take them.
pub(super) struct Programs(Vec<(&'static str, OwnedFd)>);

impl Programs {
    /// Loads the programs of these names into the kernel.
    ///
    /// # Errors
    /// `EINVAL` where the kernel has no multi links.
    pub(super) fn load(
        object: &[u8],
        maps: &[(&str, RawFd)],
        names: &[&'static str],
    ) -> io::Result<Programs> {
        let mut object = Object::parse(object).map_err(io::Error::other)?;
        let sections: HashSet<usize> = object.functions.keys().map(|&(section, _)| section).collect();
        let declared = object.maps.clone();
        let tied = maps.iter().filter_map(|&(name, fd)| Some((name, fd, declared.get(name)?)));
        object.relocate_maps(tied, &sections).map_err(io::Error::other)?;
        object.relocate_calls(&sections).map_err(io::Error::other)?;
        let programs = names.iter().map(|&name| Ok((name, load(&object, name)?)));
        Ok(Programs(programs.collect::<io::Result<_>>()?))
    }

    /// Has the program run wherever process `pid` executes the instruction at
    /// `offset` of the file `exe`, until the descriptor is closed.
    pub(super) fn attach(&self, name: &str, exe: &CStr, offset: u64, pid: u32) -> io::Result<OwnedFd> {
        let (_, program) = self.0.iter().find(|(known, _)| *known == name).ok_or(Errno::ENOENT)?;
        let attach_type = bpf_attach_type::BPF_TRACE_UPROBE_MULTI as u32;
        let program = u32::try_from(program.as_fd().as_raw_fd()).map_err(io::Error::other)?;
        let mut attr = empty();
        attr.link_create.attach_type = attach_type;
        attr.link_create.__bindgen_anon_1.prog_fd = program;
        #[expect(unsafe_code, reason = "a field of a union, all of whose bytes are zero")]
        // SAFETY: every field of it is an integer.
        let probe = unsafe { &mut attr.link_create.__bindgen_anon_3.uprobe_multi };
        probe.path = address(exe.as_ptr());
        probe.offsets = address(&raw const offset);
        probe.cnt = 1;
        probe.pid = pid;
        bpf(bpf_cmd::BPF_LINK_CREATE, &mut attr)
    }
}

fn load(object: &Object, name: &str) -> io::Result<OwnedFd> {
    let program = object.programs.get(name).ok_or(Errno::ENOENT)?;
    let function = object.functions.get(&program.function_key()).ok_or(Errno::ENOENT)?;
    let mut attr = empty();
    #[expect(unsafe_code, reason = "a field of a union, all of whose bytes are zero")]
    // SAFETY: every field of it is an integer.
    let asked = unsafe { &mut attr.__bindgen_anon_3 };
    asked.prog_type = bpf_prog_type::BPF_PROG_TYPE_KPROBE as u32;
    asked.expected_attach_type = bpf_attach_type::BPF_TRACE_UPROBE_MULTI as u32;
    asked.insns = address(function.instructions.as_ptr());
    asked.insn_cnt = u32::try_from(function.instructions.len()).map_err(io::Error::other)?;
    asked.license = address(program.license.as_ptr());
    // The last byte stays zero; names longer than 15 bytes are cut off.
    let last = asked.prog_name.len() - 1;
    for (slot, byte) in asked.prog_name.iter_mut().take(last).zip(name.bytes()) {
        *slot = c_char::from_ne_bytes([byte]);
    }
    bpf(bpf_cmd::BPF_PROG_LOAD, &mut attr)
}

/// The argument of `bpf(2)`, all zero: what is not named is not asked for.
fn empty() -> bpf_attr {
    #[expect(unsafe_code, reason = "the kernel's union of integers, for which zero is right")]
    // SAFETY: all fields of all variants are integers or arrays of them.
    unsafe {
        zeroed()
    }
}

/// An address as the kernel takes it.
fn address<T>(pointer: *const T) -> u64 {
    pointer.addr() as u64
}

/// `bpf(2)`, for the commands that answer a descriptor.
fn bpf(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<OwnedFd> {
    #[expect(unsafe_code, reason = "no crate wraps this system call")]
    // SAFETY: `attr` is as long as said, and what it points to lives through the call.
    let answer = unsafe { syscall(SYS_bpf, command as i32, &raw mut *attr, size_of::<bpf_attr>()) };
    let fd = RawFd::try_from(Errno::result(answer)?).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "the kernel hands over a descriptor")]
    // SAFETY: it is new, and nobody else has it. The kernel has set `FD_CLOEXEC`.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
