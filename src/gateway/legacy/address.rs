//! The address of a request as the old upstream gets it: ids that only the canonical side gives are put as the old one gave
//! them.
//!
//! A client that was answered by the canonical side has computed ids of what nobody had paired yet. Once the id map knows what
//! the old upstream calls the same records, its requests find them there, too. An id that the map does not know, and every other
//! byte of path and query, goes on as it is.

use percent_encoding::{percent_decode_str, utf8_percent_encode};

use super::super::resolve::look_up_imported;
use super::super::{Exchange, Lookups};
use crate::canonical::api::{PathPart, RESERVED};
use crate::canonical::id::{CanonicalId, is_external};
use crate::dialect::Selected;
use crate::dialect::url::Url;
use crate::lens::op::Op;
use crate::lens::op::id::{Id, Imported};
use crate::lens::path::Address;
use crate::lens::{Direction, Field, Found, Lookup, Need};
use crate::problem::{Problem, Root};

/// A parameter that may hold an id of a kind of which some were imported.
struct Parameter<'o> {
    root: Root,
    name: &'o str,
    /// The canonical path parameter that it becomes, if it becomes one as it is.
    becomes: Option<&'o str>,
    id: &'o Id,
    imported: &'o Imported,
}

/// An id in the address.
struct Written<'o> {
    parameter: &'o Parameter<'o>,
    /// Where it stands.
    at: std::ops::Range<usize>,
    text: String,
    /// The canonical id that it spells by itself.
    computed: Option<String>,
    /// The canonical id that it is.
    is: Option<String>,
    /// What to write in its place.
    instead: Option<String>,
}

/// Path and query below the mount, with ids as the old upstream gave them; none if all of it may go on as it is.
///
/// # Errors
///
/// 500 if the id map cannot be read, 504 if it does not answer in time: an upstream that does not know an id says that there is
/// no such thing, and a client would believe it.
pub(super) async fn readdressed(
    lookups: &Lookups,
    target: &Selected,
    url: &Url,
    exchange: &Exchange,
) -> Result<Option<String>, Box<Problem>> {
    if lookups.ids.is_none() {
        return Ok(None);
    }
    let fields = target.operation.request.fields();
    let parameters: Vec<Parameter<'_>> = fields.iter().filter_map(parameter).collect();
    if parameters.is_empty() {
        return Ok(None);
    }
    let address = &url.target.as_str()[url.mount..];
    let mut written = written(address, target, &parameters);
    let scopes: Vec<&str> = parameters.iter().filter_map(|one| one.imported.within.as_deref()).collect();
    // Ids that others lie in are known first.
    for is_inside in [false, true] {
        let mut asked: Vec<&mut Written<'_>> = Vec::new();
        let mut needs = Vec::new();
        let around: Vec<(String, String)> = written.iter().filter_map(Written::scope).collect();
        for one in &mut written {
            let within = one.parameter.imported.within.as_deref();
            let is_scope = one.parameter.becomes.is_some_and(|name| scopes.contains(&name));
            // What no pair can hold is not remembered either.
            let is_asked = one.computed.is_some() || is_scope && is_external(&one.text);
            if within.is_some() != is_inside || !is_asked {
                continue;
            }
            let scope = around.iter().find(|(name, _)| Some(name.as_str()) == within);
            let scope: Vec<String> = scope.map(|(_, value)| value.clone()).into_iter().collect();
            let need = |direction, key: &str| Need {
                of: Lookup::Imported(one.parameter.imported.kind.clone()),
                direction,
                scope: scope.clone(),
                key: key.to_owned(),
            };
            needs.push(need(Direction::Lift, &one.text));
            // Asked in any case, so that there are two answers for each.
            needs.push(need(Direction::Lower, one.computed.as_deref().unwrap_or_default()));
            asked.push(one);
        }
        if asked.is_empty() {
            continue;
        }
        let found = look_up_imported(lookups, exchange.deadline, &target.dialect, &needs).await?;
        let mut found = found.into_iter();
        for one in asked {
            let (itself, other) = (found.next(), found.next());
            // What was imported means what it was imported for, however it looks.
            match (itself, other) {
                (Some(Found::Value(canonical)), _) => one.is = Some(canonical),
                // A map may hold what an import would not take now, and what moves the path is not written into one.
                (_, Some(Found::Value(external))) if is_external(&external) => {
                    one.is = one.computed.clone();
                    one.instead = Some(external);
                }
                _ => one.is = one.computed.clone(),
            }
        }
    }
    Ok(put(address, &written))
}

/// A field that is read from a parameter with such an id, as it is or to look something up by it.
fn parameter(field: &Field) -> Option<Parameter<'_>> {
    let Address { root, path } = field.left.as_ref()?;
    let ([name], Root::Path | Root::Query) = (path.as_slice(), *root) else { return None };
    let (id, is_itself) = match &field.op {
        Op::Id(id) => (id, true),
        Op::Resolve(resolve) => (resolve.0.id.as_ref()?, false),
        _ => return None,
    };
    let imported = id.imported.as_ref()?;
    let becomes = field.right.as_ref().filter(|right| is_itself && right.root == Root::Path);
    let becomes = becomes.and_then(|right| right.path.first()).map(|name| &**name);
    Some(Parameter { root: *root, name, becomes, id, imported })
}

/// The ids in an address, in their order.
fn written<'o>(address: &str, target: &'o Selected, parameters: &'o [Parameter<'o>]) -> Vec<Written<'o>> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut all = Vec::new();
    let mut take = |root, name: &str, at: std::ops::Range<usize>| {
        let Some(parameter) = parameters.iter().find(|one| one.root == root && one.name == name) else {
            return;
        };
        let Ok(text) = percent_decode_str(&address[at.clone()]).decode_utf8() else { return };
        let computed = match parameter.id.dialect.read(&text) {
            Ok(CanonicalId::Uuid(uuid)) => Some(uuid.to_string()),
            Ok(CanonicalId::Text(_) | CanonicalId::Integer(_)) | Err(_) => None,
        };
        all.push(Written { parameter, at, text: text.into_owned(), computed, is: None, instead: None });
    };
    let mut at = target.dialect.prefix.len();
    for (part, segment) in
        target.operation.path.iter().zip(path.get(at..).unwrap_or_default().split('/').skip(1))
    {
        at += 1;
        if let PathPart::Parameter(name) = part {
            take(Root::Path, name, at..at + segment.len());
        }
        at += segment.len();
    }
    let mut at = path.len() + 1;
    for pair in query.split('&').filter(|_| !query.is_empty()) {
        if let Some((name, value)) = pair.split_once('=')
            && let Ok(decoded) = percent_decode_str(name).decode_utf8()
        {
            let begin = at + name.len() + 1;
            take(Root::Query, &decoded, begin..begin + value.len());
        }
        at += pair.len() + 1;
    }
    all
}

impl Written<'_> {
    /// The canonical parameter that it becomes, and its value, once that is known.
    fn scope(&self) -> Option<(String, String)> {
        self.parameter.becomes.map(str::to_owned).zip(self.is.clone())
    }
}

/// The address with what is to be written instead.
fn put(address: &str, written: &[Written<'_>]) -> Option<String> {
    let mut out = String::with_capacity(address.len() + 16);
    let mut from = 0;
    for one in written {
        let Some(instead) = &one.instead else { continue };
        out.push_str(&address[from..one.at.start]);
        out.extend(utf8_percent_encode(instead, RESERVED));
        from = one.at.end;
    }
    if from == 0 {
        return None;
    }
    out.push_str(&address[from..]);
    Some(out)
}
