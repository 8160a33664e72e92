//! `cargo xtask …`: set-up, tests, benchmarks and generated files of Bingo.

fn main() {}
