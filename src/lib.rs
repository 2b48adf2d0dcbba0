//! A compatibility proxy: old clients keep speaking the API they were written for, one canonical backend
//! hears one language.

pub mod canonical;
pub mod diag;
pub mod json;
pub mod schema;
