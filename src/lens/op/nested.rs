//! An object by a lens of its own.
//!
//! Law: that of the lens. Null is no object and stays null.

use std::sync::Arc;

use crate::json::Writer;
use crate::lens::Lens;
use crate::lens::explain::How;
use crate::lens::run::{Run, Source, Stop};

/// A field that is an object with fields of its own.
#[derive(Clone, Debug)]
pub struct Nested {
    /// The lens of the object.
    pub lens: Arc<Lens>,
}

impl Nested {
    pub(super) fn both<'a>(
        &self,
        source: Source<'a>,
        run: &mut Run<'a, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let Source::Json(value) = source else {
            return Err(Stop::refused("type", "must be an object"));
        };
        if value.is_null() {
            out.null();
            return Ok(());
        }
        run.say(|| How::Inside(self.lens.name().to_owned()));
        let before = run.refusals().len();
        self.lens.value(value, run, out);
        if run.refusals().len() > before { Err(Stop::Reported) } else { Ok(()) }
    }
}
