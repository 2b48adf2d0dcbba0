//! Fields of less common kinds: short texts, lists of texts, labels.

use crate::json::{Kind, Value};

use super::{Fault, Fields};

const LABELS_MAX: usize = 50;
const LABEL_KEY_LENGTH_MAX: usize = 40;
const LABEL_VALUE_LENGTH_MAX: usize = 500;

/// Whether labels may be null, which takes them away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend) enum Nulls {
    Refused,
    TakeAway,
}

impl Fields<'_> {
    /// Whether the field is there and null.
    pub(in crate::backend) fn is_null(&self, name: &str) -> bool {
        self.object.member(name).is_some_and(Value::is_null)
    }

    /// A required truth value.
    pub(in crate::backend) fn required_flag(&mut self, name: &'static str) -> Option<bool> {
        let truth = self.required(name)?.as_bool();
        truth.or_else(|| self.fault(name, "wrong-type", "must be true or false"))
    }

    /// A text of at most `length_max` characters that may be absent or null.
    pub(in crate::backend) fn short_text_or_null(
        &mut self,
        name: &'static str,
        length_max: usize,
    ) -> Option<String> {
        if self.ask(name).is_none_or(Value::is_null) {
            return None;
        }
        let text = self.string(name)?;
        if text.chars().count() > length_max {
            return self.fault(name, "too-long", format!("must be at most {length_max} characters long"));
        }
        Some(text.into_owned())
    }

    /// A text that may be absent or null and that `is_good`, else it is not `what`.
    pub(in crate::backend) fn matching_or_null(
        &mut self,
        name: &'static str,
        length_max: usize,
        is_good: impl Fn(&str) -> bool,
        what: &str,
    ) -> Option<String> {
        let text = self.short_text_or_null(name, length_max)?;
        if is_good(&text) { Some(text) } else { self.fault(name, "not-allowed", format!("must be {what}")) }
    }

    /// A required list of at most `items_max` texts of 1 to `length_max` characters, each of which `is_good`.
    pub(in crate::backend) fn texts(
        &mut self,
        name: &'static str,
        items_max: usize,
        length_max: usize,
        is_good: impl Fn(&str) -> bool,
    ) -> Option<Vec<String>> {
        let list = self.required(name)?;
        if list.kind() != Kind::Array {
            return self.fault(name, "wrong-type", "must be an array");
        }
        if list.len() > items_max {
            return self.fault(name, "too-many", format!("must hold at most {items_max} items"));
        }
        let mut texts = Vec::new();
        let mut is_sound = true;
        for (index, element) in list.elements().enumerate() {
            let fault = match element.as_str() {
                None => Some(("wrong-type", "must be a string".to_owned())),
                Some(text) if text.is_empty() => Some(("too-short", "must not be empty".to_owned())),
                Some(text) if text.chars().count() > length_max => {
                    Some(("too-long", format!("must be at most {length_max} characters long")))
                }
                Some(text) if text.contains(char::is_control) || !is_good(&text) => {
                    Some(("not-allowed", "is not what belongs here".to_owned()))
                }
                Some(text) => {
                    texts.push(text.into_owned());
                    None
                }
            };
            if let Some((code, detail)) = fault {
                is_sound = false;
                let pointer = format!("{}/{index}", self.pointer_to(name));
                self.faults.push(Fault::new(pointer, code, detail));
            }
        }
        is_sound.then_some(texts)
    }

    /// The JSON text of labels that may be absent: an object of texts, small enough to be kept.
    pub(in crate::backend) fn labels(&mut self, name: &'static str, nulls: Nulls) -> String {
        let Some(labels) = self.ask(name) else { return "{}".to_owned() };
        if labels.kind() != Kind::Object {
            self.fault::<()>(name, "wrong-type", "must be an object");
            return "{}".to_owned();
        }
        if labels.len() > LABELS_MAX {
            self.fault::<()>(name, "too-many", format!("must hold at most {LABELS_MAX} labels"));
        }
        for (key, value) in labels.members() {
            let key = key.as_str();
            if !(1..=LABEL_KEY_LENGTH_MAX).contains(&key.chars().count()) {
                let detail = format!("must have a name of 1 to {LABEL_KEY_LENGTH_MAX} characters");
                self.label_fault(name, &key, "bad-name", detail);
            }
            match value.as_str() {
                None if value.is_null() && nulls == Nulls::TakeAway => {}
                None => self.label_fault(name, &key, "wrong-type", "must be a string".to_owned()),
                Some(text) if text.chars().count() > LABEL_VALUE_LENGTH_MAX => {
                    let detail = format!("must be at most {LABEL_VALUE_LENGTH_MAX} characters long");
                    self.label_fault(name, &key, "too-long", detail);
                }
                Some(_) => {}
            }
        }
        labels.raw().to_owned()
    }

    fn label_fault(&mut self, name: &str, key: &str, code: &'static str, detail: String) {
        let pointer = format!("{}/{}", self.pointer_to(name), key.replace('~', "~0").replace('/', "~1"));
        self.faults.push(Fault::new(pointer, code, detail));
    }
}

#[cfg(test)]
mod tests {
    use crate::backend::body;

    use super::*;

    #[test]
    fn lists_and_labels_report_every_place() {
        let body =
            br#"{"list":["a","",7,"abcd","b\u0001"],"labels":{"":"x","a/b":1,"gone":null},"short":"abc"}"#;
        let problem = body::read(body, |fields| {
            fields.texts("list", 9, 3, |_| true);
            fields.labels("labels", Nulls::TakeAway);
            fields.short_text_or_null("short", 2);
            Some(())
        });
        let problem = format!("{:?}", problem.unwrap_err());
        for place in ["/list/1", "/list/2", "/list/3", "/list/4", "/labels/", "/labels/a~1b", "/short"] {
            assert!(problem.contains(&format!("pointer: \"{place}\"")), "{place}: {problem}");
        }
        assert!(!problem.contains("/labels/gone"), "{problem}");
    }

    #[test]
    fn long_lists_and_labels_are_refused() {
        let too_many = format!("{{\"list\":[{}1]}}", "1,".repeat(2));
        assert!(body::read(too_many.as_bytes(), |fields| fields.texts("list", 2, 9, |_| true)).is_err());
        let labels: Vec<_> = (0..51).map(|number| format!("\"{number}\":\"\"")).collect();
        let labels = format!("{{\"labels\":{{{}}}}}", labels.join(","));
        assert!(
            body::read(labels.as_bytes(), |fields| Some(fields.labels("labels", Nulls::Refused))).is_err()
        );
    }
}
