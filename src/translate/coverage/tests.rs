//! What counts as used.
