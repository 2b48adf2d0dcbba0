//! Phase 4: whether the document is what the operation takes.

use super::decode::Decoded;
use crate::problem::Problem;
use crate::translate;

/// A request whose body keeps to the operation's schema. Nothing else can be lifted.
#[derive(Debug)]
pub(super) struct Checked(Decoded);

/// Checks the body; what is wrong is only collected once it is known that something is.
pub(super) fn check(decoded: Decoded) -> Result<Checked, Box<Problem>> {
    translate::check(&decoded.request)?;
    Ok(Checked(decoded))
}

impl Checked {
    pub(super) fn into_inner(self) -> Decoded {
        self.0
    }
}
