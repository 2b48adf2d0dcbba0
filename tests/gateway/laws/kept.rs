//! What a dialect's clients write and the canonical model only keeps: they are told it as they were promised.

use http::Method;

use super::*;

/// What clients are told of a record that holds what a request writes where the canonical schema says nothing; none if there
/// is no such request.
///
/// # Errors
///
/// What is told is not what its schema allows.
pub(crate) fn kept_and_told(
    dialects: &Dialects,
    dialect: &Arc<Dialect>,
    operation: &Arc<Operation>,
    seed: u64,
) -> Result<Option<Vec<String>>, String> {
    let api = dialects.registry.api();
    let Some(record) = api.record(&operation.calls) else { return Ok(None) };
    let views = || {
        dialect.lenses.values().filter(|shaped| {
            shaped.left.is_some() && shaped.right.as_ref().is_some_and(|right| right.name() == record)
        })
    };
    if views().next().is_none() {
        return Ok(None);
    }
    let Some(request) = valid_request(dialects, dialect, operation, seed) else { return Ok(None) };
    // What is refused is of no concern here.
    let Ok(Some(lifted)) = complete(&dialects.registry, dialect, &request) else { return Ok(None) };
    let mut all = Vec::new();
    for call in lifted.calls {
        let is_patch = call.operation.method == Method::PATCH;
        let Some(sent) = call.body.and_then(|body| serde_json::from_slice::<Value>(&body).ok()) else {
            continue;
        };
        for shaped in views() {
            let (Some(schema), Some(right)) = (&shaped.left, &shaped.right) else { continue };
            let mut document = canonical(dialects, right, seed);
            let root = Node::root(&dialects.schemas, right.folder(), right.name());
            let mut is_any = false;
            for place in shaped.lens.fields().iter().filter_map(|field| field.right.as_ref()) {
                let known = place.path.iter().try_fold(root.clone(), |node, name| node.property(name));
                let written = get(&sent, &place.path).filter(|_| place.root == Root::Body && known.is_none());
                let kept =
                    written.cloned().and_then(|value| if is_patch { merged(value) } else { Some(value) });
                if let Some(value) = kept {
                    put(&mut document, &place.path, value);
                    is_any = true;
                }
            }
            let text =
                Document::parse(document.to_string().into_bytes(), &Limits::default()).expect("it is JSON");
            let may_come = right.is_valid(text.root()) && may_come(dialect, &shaped.lens, &document);
            if !is_any || !may_come {
                continue;
            }
            let Some(told) = run(dialect, &shaped.lens, Direction::Lower, &document, &mut World::default())
            else {
                continue;
            };
            let text =
                Document::parse(told.to_string().into_bytes(), &Limits::default()).expect("it is JSON");
            let violations = schema.violations(text.root(), 3);
            if !violations.is_empty() {
                return Err(format!(
                    "{dialect}.{} writes {sent}, and is told {told}: {violations:?}",
                    operation.name
                ));
            }
            all.push(told.to_string());
        }
    }
    Ok((!all.is_empty()).then_some(all))
}

/// What a merge patch leaves where nothing was (RFC 7396).
fn merged(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(members) => {
            let left = members.into_iter().filter_map(|(name, member)| Some((name, merged(member)?)));
            Some(Value::Object(left.collect()))
        }
        other => Some(other),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_and_only_kept_is_told_as_promised(seed: u64) {
        for dialect in shipped().registry.dialects() {
            for operation in &dialect.operations {
                let outcome = kept_and_told(shipped(), dialect, operation, seed);
                prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
            }
        }
    }
}
