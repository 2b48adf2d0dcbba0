//! What is sent fits the call: it has a place for everything, and nothing it needs is missing.

use crate::canonical::api;
use crate::diag::{Diagnostic, code};
use crate::mapping::canonical::suggest;
use crate::mapping::compile::Compiler;
use crate::mapping::file::OperationPart;
use crate::mapping::operations::Filling;
use crate::problem::Root;
use crate::schema::{Schema, Shape, Type};

/// The call takes what is sent, and its path is filled.
pub(in crate::mapping) fn call(
    compiler: &mut Compiler<'_>,
    part: &OperationPart,
    calls: &api::Operation,
    filling: &Filling,
) {
    let mut is_lost = false;
    for filled in &filling.places {
        let name = || filled.at.path.first().map(|name| &**name).unwrap_or_default();
        let takes = match filled.at.root {
            Root::Body => calls.body.is_some(),
            Root::Outer => false,
            Root::Path => calls.parameters().any(|parameter| parameter == name()),
            Root::Query => calls.query.iter().any(|parameter| parameter == name()),
        };
        if takes {
            continue;
        }
        is_lost |= filled.at.root == Root::Path;
        let diagnostic = Diagnostic::error(code::M0218, format!("`{}` takes no `{}`", calls.name, filled.at))
            .at(filled.span, "goes nowhere")
            .also(part.calls.span, "of this call");
        let known: Vec<&str> = match filled.at.root {
            Root::Body | Root::Outer => Vec::new(),
            Root::Path => calls.parameters().collect(),
            Root::Query => calls.query.iter().map(String::as_str).collect(),
        };
        compiler.report(suggest(diagnostic, name(), known));
    }
    // What goes nowhere was probably meant for the place that is empty.
    if !filling.is_known || is_lost {
        return;
    }
    for parameter in calls.parameters() {
        let is_filled = |root: Root, path: &[Box<str>]| {
            root == Root::Path && matches!(path, [name] if **name == *parameter)
        };
        if !filling.places.iter().any(|filled| is_filled(filled.at.root, &filled.at.path)) {
            let message = format!("nothing fills `{parameter}` of `{}`", calls.name);
            let found = Diagnostic::error(code::M0213, message);
            let help = format!(
                "lead a parameter of the path to it, as in `path = {{ x = \"{parameter}\" }}`, or call another operation"
            );
            compiler.report(found.at(part.calls.span, "this call needs it").help(help));
        }
    }
}

/// Every field the body of the call has to have is sent.
pub(in crate::mapping) fn request(
    compiler: &mut Compiler<'_>,
    part: &OperationPart,
    filling: &Filling,
    schema: &Schema,
) {
    if !filling.is_known {
        return;
    }
    let in_body = filling.places.iter().filter(|filled| filled.at.root == Root::Body);
    let sent: Vec<&[Box<str>]> = in_body.map(|filled| filled.at.path.as_slice()).collect();
    let mut missing = Vec::new();
    unsent(&schema.shape(), &mut Vec::new(), &sent, &mut missing);
    for field in missing {
        let (call, operation) = (&part.calls.value, &part.name.value);
        let message = format!("`{call}` needs `{field}`, and operation `{operation}` never sends it");
        let help = format!(
            "map it, give its field a `default`, or set it: `{field}` under `sets` of the operation or of its lens"
        );
        compiler.report(
            Diagnostic::error(code::M0401, message).at(part.calls.span, "required by this call").help(help),
        );
    }
}

/// Collects the required fields that are not sent: of the body, and of the objects in it that are sent in part.
fn unsent(shape: &Shape<'_>, at: &mut Vec<String>, sent: &[&[Box<str>]], missing: &mut Vec<String>) {
    let is_below = |path: &[Box<str>], at: &[String]| {
        path.len() >= at.len() && path.iter().zip(at).all(|(sent, name)| **sent == **name)
    };
    for name in shape.properties() {
        let is_required = shape.is_required(&name);
        at.push(name);
        let is_sent_whole = sent.iter().any(|path| {
            !path.is_empty()
                && at.len() >= path.len()
                && path.iter().zip(&*at).all(|(sent, name)| **sent == **name)
        });
        let is_sent_in_part = sent.iter().any(|path| is_below(path, at));
        if !is_sent_whole && is_sent_in_part {
            let inner = at.last().and_then(|name| shape.property(name));
            if let Some(inner) = inner.filter(|inner| inner.types().contains(Type::Object)) {
                unsent(&inner, at, sent, missing);
            }
        } else if !is_sent_whole && is_required {
            missing.push(at.join("."));
        }
        at.pop();
    }
}
