//! A compiled dialect: what a client-facing API is once its mapping has been understood.
//!
//! The compilers make these values and the gateway runs them; the two halves meet nowhere else. Everything here is
//! immutable and shared between all workers.
//!
//! This module never knows how a mapping was written or how a request arrives.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use foldhash::fast::FixedState;
use http::{HeaderName, StatusCode};
use regex::Regex;

use crate::lens::Lens;
use crate::lens::op::id::Id;
use crate::lens::op::table::Table;
use crate::limit::{HeaderFamily, Window};
use crate::schema::Schema;

pub mod errors;
pub mod ledger;
pub mod operation;
pub mod origins;
pub mod page;
pub mod parameters;
pub mod registry;
pub mod resolver;
pub mod retirement;
pub mod selector;
pub mod url;

pub use errors::ErrorShape;
pub use operation::Operation;
pub use origins::Origins;
pub use page::Page;
pub use registry::{Registry, Selected, Unselected};
pub use resolver::Resolver;
pub use retirement::Retirement;
pub use selector::Selector;

/// A table by names that mappings give. No client chooses what is in it, so its hash need not withstand names that were chosen to
/// collide, and takes a tenth of the time of one that does: a request looks into ten such tables.
pub type ByName<V> = HashMap<String, V, FixedState>;

/// One client-facing API.
#[derive(Debug)]
pub struct Dialect {
    /// Its name: that of its mapping file, of its schemas' folder and of its mount.
    pub name: String,
    /// What its owner calls it.
    pub title: String,
    /// The dialects it is a generation of: the one its mapping extends, then what that one extends, and so on.
    pub extends: Vec<String>,
    /// Which requests to the dialects it extends are meant for it after all.
    pub select: Option<Selector>,
    /// Hosts whose requests are meant for it.
    pub hosts: Vec<String>,
    /// What every path of it begins with: empty, or from a slash to before the next.
    pub prefix: String,
    /// The status of the redirect for a path that is one of the dialect's but for its last slash; none if such a path is not
    /// found.
    pub wrong_slash: Option<StatusCode>,
    /// Where a request may carry its credential.
    pub credentials: Vec<Credential>,
    /// How much a principal may ask.
    pub quota: Quota,
    /// How all of it retires, if it does.
    pub retirement: Option<Arc<Retirement>>,
    /// How its errors look.
    pub errors: ErrorShape,
    /// Its lookups; lenses name them by index.
    pub resolvers: Vec<Arc<Resolver>>,
    /// What a client can do.
    pub operations: Vec<Arc<Operation>>,
    /// Its kinds of ids.
    pub ids: BTreeMap<String, Id>,
    /// Its words for roles.
    pub roles: Option<Arc<Table>>,
    /// Its lenses with the schemas on their two sides, for tools and tests.
    pub lenses: BTreeMap<String, ShapedLens>,
    /// The names of its declared losses, by the numbers they are counted by.
    pub losses: Vec<String>,
    /// What is excepted from the proofs of privilege, and why.
    pub exceptions: Vec<ledger::Exception>,
    /// What its operations do not tell of what their calls answer, where no lens tells it.
    pub untold: Vec<ledger::Untold>,
    /// Where its mapping says what, for explanations.
    pub origins: Origins,
}

impl Dialect {
    /// The name of the dialect that it is a generation of, at the root of all; its own if it extends none. Generations
    /// speak of the same entities, so that what was imported for one holds for all.
    pub fn family(&self) -> &str {
        self.extends.last().unwrap_or(&self.name)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A header that carries the credential.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The header.
    pub header: HeaderName,
    /// The word before the credential, such as `Bearer`.
    pub scheme: Option<String>,
    /// What a credential looks like. Only that is checked here: the backend knows it or does not.
    pub pattern: Regex,
}

/// How much a principal may ask.
#[derive(Clone, Debug, Default)]
pub struct Quota {
    /// How many requests in which time; all of them hold at once.
    pub windows: Vec<Window>,
    /// The families of headers that tell a client where it stands.
    pub headers: Vec<HeaderFamily>,
}

/// A lens and what is known of the documents on its two sides.
#[derive(Debug)]
pub struct ShapedLens {
    /// The lens.
    pub lens: Arc<Lens>,
    /// The dialect's schema, if the lens names one.
    pub left: Option<Arc<Schema>>,
    /// The canonical schema.
    pub right: Option<Arc<Schema>>,
}
