//! A compatibility proxy: old clients keep speaking the API they were written for, one canonical backend
//! hears one language.

pub mod admin;
pub mod backend;
pub mod config;
pub mod diag;
pub mod limit;
pub mod server;
pub mod telemetry;
pub mod time;
pub mod upstream;
