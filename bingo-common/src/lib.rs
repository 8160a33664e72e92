//! The contract between Bingo's eBPF programs and its user side: the records
//! of the ring buffer and the configuration that the programs read.
#![no_std]
