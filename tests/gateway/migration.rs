//! Clients of a dialect move from its old upstream to the canonical side and back, under steady load over real sockets,
//! counted at both ends.
//!
//! Both sides are the reference backend, each on a database of its own. The old upstream is a second proxy in front of one of
//! them, which makes it speak the dialect. The two differ in the name of an organization, so that each answer says whose it is.

mod cases;
mod cursors;
mod effects;
mod listed;
mod load;
mod quota;
mod scripted;
mod shadows;
mod shown;
mod tamper;
mod world;
