//! Answers in memory: what is one and what is none, however it is delivered, and what another parser makes of it.

mod answers;
mod calls;
mod oracle;
mod script;
mod table;
