//! Integration tests on live processes; they need root.

mod agreement;
mod bad_input;
mod churn;
mod collect;
mod command_line;
mod containers;
mod cores;
mod frozen;
mod inspect;
mod leaks;
mod links;
mod many;
mod matrix;
mod objects;
mod probes;
mod real_programs;
mod screens;
mod variables;
