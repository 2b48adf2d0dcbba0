//! Calls over real sockets, to backends that behave and to those that do not.

mod backend;
mod faults;
mod identity;
mod quiet;
mod reuse;
mod sending;
