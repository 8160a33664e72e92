//! The `bingo` program: a thin shell around [`bingo::cli`].

fn main() {}
