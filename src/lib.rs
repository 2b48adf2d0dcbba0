//! A compatibility proxy: old clients keep speaking the API they were written for, one canonical backend
//! hears one language.

pub mod boot;
pub mod cli;

pub mod admin;
pub mod server;

pub mod gateway;

pub mod dialect;
pub mod translate;

pub mod mapping;

pub mod json;
pub mod lens;
pub mod problem;
pub mod schema;

pub mod canonical;

pub mod ids;
pub mod limit;
pub mod upstream;

pub mod config;
pub mod diag;

pub mod backend;
pub mod telemetry;
pub mod time;
