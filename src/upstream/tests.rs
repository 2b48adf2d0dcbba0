//! Calls over real sockets, to backends that behave and to those that do not.

mod backend;
mod base;
mod breaking;
mod faults;
mod given_up;
mod identity;
mod outage;
mod quiet;
mod reuse;
mod sending;
