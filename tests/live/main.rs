//! Integration tests on live processes; they need root.

mod matrix;
