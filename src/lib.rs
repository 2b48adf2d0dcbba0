//! A compatibility proxy: old clients keep speaking the API they were written for, one canonical backend
//! hears one language.
//!
//! A *dialect* is one client-facing API, described by data: `mappings/<dialect>.toml` and `schemas/<dialect>/`. The
//! [`mapping`] compiler turns that data into a [`dialect::Registry`] or says everything that is wrong with it; the
//! [`gateway`] serves the registry. The two halves meet in nothing else, so the one runs in CI without a socket and the
//! other in tests without a file.
//!
//! # The life of a request
//!
//! A connection is accepted by [`server`], which wraps every request in limits that belong to HTTP alone, and hands it
//! to [`gateway::Gateway::answer`]. There it goes through eight phases in one direction: select, admit, decode, check,
//! lift, fetch, lower, encode. Whatever goes wrong on the way is a [`problem::Problem`], a value, until the selected
//! dialect's [error shape](dialect::ErrorShape) turns it into a body in the client's own words.
//!
//! A request keeps to its end the gateway it began with. Files may be read anew meanwhile: [`boot`] proves them and
//! hands another gateway to each worker, between two requests ([`boot::reload`]).
//!
//! What happens between *check* and *encode*, without the network, is [`translate`]: whole requests and answers, on
//! documents that [`json`] read strictly and [`schema`] checked, by way of [`lens`]es that run in both directions. The
//! command line uses the same functions.
//!
//! # The modules
//!
//! In rows, from what puts everything together to what everything speaks of. A module imports from its own row or from one
//! further down, never from above, and what stands beside each other as compilers and components knows nothing of the other;
//! a test looks.
//!
//! | | | |
//! | --- | --- | --- |
//! | wiring | [`cli`], [`boot`] | everything comes together here and nowhere else |
//! | shell | [`server`], [`admin`], [`config`], [`backend`] | sockets, settings, the reference backend |
//! | pipeline | [`gateway`] | the eight phases |
//! | compilers | [`mapping`], [`openapi`] | files to dialects, and dialects to documents |
//! | components | [`ids`], [`upstream`], [`usage`] | lookups that are remembered, calls to the backend, who still calls what |
//! | model | [`dialect`], [`translate`] | what a compiled dialect is and does |
//! | engines | [`lens`], [`schema`], [`problem`], [`limit`] | pure: no sockets, no files |
//! | words | [`canonical`], [`causes`], [`json`], [`diag`], [`once`], [`pem`], [`telemetry`], [`time`] | what all others speak of |

pub mod boot;
pub mod cli;

pub mod admin;
pub mod server;

pub mod gateway;

pub mod dialect;
pub mod translate;

pub mod json;
pub mod lens;
pub mod problem;
pub mod schema;

pub mod canonical;

pub mod ids;
pub mod limit;
pub mod upstream;
pub mod usage;

pub mod config;
pub mod diag;
pub mod mapping;
pub mod openapi;

pub mod backend;
pub mod causes;
pub mod once;
pub mod pem;
pub mod telemetry;
pub mod time;
