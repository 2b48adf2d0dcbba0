//! A compatibility proxy: old clients keep speaking the API they were written for, one canonical backend
//! hears one language.

pub mod backend;
pub mod json;
