//! What `coverage` says.
