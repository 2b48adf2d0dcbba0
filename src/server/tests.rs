//! The server over real sockets: one file per concern.

mod crowding;
mod crowds;
mod draining;
mod floods;
mod handover;
mod hops;
mod limits;
mod reading;
mod serving;
mod support;
mod tls;
mod ways;
