//! Phase 4: whether the document is what the operation takes.

use std::sync::Arc;

use super::Exchange;
use super::decode::Decoded;
use crate::problem::Problem;
use crate::translate;

/// A request whose body keeps to the operation's schema. Nothing else can be lifted.
#[derive(Debug)]
pub(super) struct Checked(Decoded);

/// Checks query and body; what is wrong is only collected once it is known that something is. From here on the
/// operation is the case of it that the body asks for.
pub(super) fn check(mut decoded: Decoded, exchange: &mut Exchange) -> Result<Checked, Box<Problem>> {
    translate::check(&decoded.request)?;
    decoded.request.choose_case();
    exchange.operation = Some(Arc::clone(&decoded.request.operation));
    Ok(Checked(decoded))
}

impl Checked {
    pub(super) fn into_inner(self) -> Decoded {
        self.0
    }
}
