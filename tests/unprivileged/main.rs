//! Integration tests that need no privilege.
