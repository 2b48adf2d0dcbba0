//! A compatibility proxy: old clients keep speaking the API they were written for, one canonical backend
//! hears one language.

pub mod server;

pub mod admin;

pub mod limit;

pub mod upstream;

pub mod telemetry;

pub mod time;
