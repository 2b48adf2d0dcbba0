//! Schemas and the skeleton of a mapping from somebody's `OpenAPI` document.
mod read;
mod yaml;
pub use read::{ReadError, read};
