//! Fixtures, built on demand, and children that end with the test.
