//! One value is allowed in, and it goes no further.
//!
//! For a field that could ask for more than a client may: `status` of a new invitation is pending, whatever else its
//! enumeration offers. Law: lift refuses every other value; nothing crosses in either direction.

use crate::lens::explain::How;
use crate::lens::path::Literal;
use crate::lens::run::{Run, Source, Stop};

/// A field that may hold one value.
#[derive(Clone, Debug)]
pub struct Fixed(pub Literal);

impl Fixed {
    pub(super) fn lift(&self, source: Source<'_>, run: &mut Run<'_, '_>) -> Result<(), Stop> {
        run.say(|| How::Fixed(self.0.json().to_owned()));
        if self.0.is(source) {
            return Ok(());
        }
        Err(Stop::refused("const", format!("must be {}", self.0.json())))
    }
}

#[cfg(test)]
mod tests {
    use super::Fixed;
    use crate::lens::op::Op;
    use crate::lens::support::{Became, field, lift, literal};
    use crate::lens::{Lens, Wrap};

    #[test]
    fn only_the_one_value_is_let_in_and_goes_no_further() {
        let lens = Lens::new("test", Wrap::Object, vec![field("status", "", Op::Fixed(Fixed(literal("0"))))]);
        assert_eq!(lift(&lens, r#"{"status":0}"#), Became::body(""), "there is nothing to say");
        assert_eq!(lift(&lens, "{}"), Became::body(""));
        for other in ["1", "\"0\"", "null", "0.0"] {
            let refusal = lift(&lens, &format!("{{\"status\":{other}}}")).refusal();
            assert_eq!(refusal, ("/status".to_owned(), "const"), "{other}");
        }
    }
}
