//! Integration tests on live processes; they need root.

mod agreement;
mod containers;
mod matrix;
mod real_programs;
