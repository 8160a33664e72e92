//! Bingo's eBPF programs, a file a runtime concept.
//!
//! They are attached to instructions of `runtime.gopark`, `runtime.ready`,
//! `runtime.newproc.func1` and the goroutine's exit. In come the registers of
//! the thread that hit the probe and the target's memory, out go
//! [`bingo_common::Record`]s through one ring buffer.
//!
//! A uprobe's program can be preempted by another one on the same CPU
//! (`bpf_prog_run_array_uprobe`, Linux 6.18, disables migration alone), so
//! nothing here keeps state in per-CPU memory but counters, which are added to
//! atomically.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod calibrate;
mod create;
mod exit;
mod park;
mod ready;
mod ring;
mod target;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
