//! Phase 4: whether the document is what the operation takes.

use std::sync::Arc;

use super::decode::Decoded;
use super::{Exchange, retirement};
use crate::problem::Problem;
use crate::time::Clock;
use crate::translate;

/// A request whose body keeps to the operation's schema. Nothing else can be lifted.
#[derive(Debug)]
pub(super) struct Checked(Decoded);

/// Checks query and body; what is wrong is only collected once it is known that something is. From here on the
/// operation is the case of it that the body asks for.
pub(super) fn check(
    clock: &Clock,
    mut decoded: Decoded,
    exchange: &mut Exchange,
) -> Result<Checked, Box<Problem>> {
    if let Err(problem) = translate::check(&decoded.request) {
        retirement::note(&decoded.request, exchange);
        return Err(problem);
    }
    decoded.request.choose_case();
    exchange.operation = Some(Arc::clone(&decoded.request.operation));
    retirement::note(&decoded.request, exchange);
    retirement::refuse_parts(clock, &decoded.request, exchange)?;
    Ok(Checked(decoded))
}

impl Checked {
    pub(super) fn decoded(&self) -> &Decoded {
        &self.0
    }
}
