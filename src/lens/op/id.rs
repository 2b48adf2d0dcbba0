//! An id in another spelling.
//!
//! Law: `lift ∘ lower` is the identity on ids the dialect's form can write, and `lower ∘ lift` gives the spelling the
//! dialect writes, whichever accepted one was sent. Null is no id and stays null.

use crate::canonical::id::{IdCodec, IdError, IdForm};
use crate::json::{Kind, Writer};
use crate::lens::run::{Source, Stop};

/// The spellings of an id on both sides.
#[derive(Clone, Debug)]
pub struct Id {
    /// The dialect's.
    pub dialect: IdCodec,
    /// The canonical one.
    pub canonical: IdCodec,
}

impl Id {
    pub(super) fn lift(&self, source: Source<'_>, out: &mut Writer) -> Result<(), Stop> {
        convert(&self.dialect, &self.canonical, source, out)
    }

    pub(super) fn lower(&self, source: Source<'_>, out: &mut Writer) -> Result<(), Stop> {
        convert(&self.canonical, &self.dialect, source, out)
    }
}

fn convert(read: &IdCodec, write: &IdCodec, source: Source<'_>, out: &mut Writer) -> Result<(), Stop> {
    let refused = |error: IdError| Stop::refused("id", error.to_string());
    if source.is_null() {
        out.null();
        return Ok(());
    }
    let text = match source {
        Source::Json(value) if value.kind() == Kind::Integer => value.raw().into(),
        Source::Json(_) | Source::Text(_) => source.text().ok_or_else(|| refused(IdError::Malformed))?,
    };
    let id = read.read(&text).map_err(refused)?;
    let mut spelling = String::with_capacity(36);
    write.write(&id, &mut spelling).map_err(refused)?;
    match write.written {
        IdForm::Integer => out.raw(&spelling),
        IdForm::Uuid | IdForm::ShortUuid | IdForm::Opaque => out.string(&spelling),
    }
    Ok(())
}
