//! Whether an answer is a list: alone, or in a frame with what is said about the page.

use serde_json::Value;

use super::Skeleton;

/// A list in an answer.
pub(super) struct List<'s> {
    /// The member that holds it; none if it stands alone.
    pub(super) under: Option<&'s str>,
    /// The file of its elements.
    pub(super) items: &'s str,
}

impl<'s> Skeleton<'s> {
    /// The list that the body of an answer is. Something that has one list of objects beside members of its own is a
    /// thing, not a list, unless it is paged.
    pub(super) fn list(&self, file: &str, is_paged: bool) -> Option<List<'s>> {
        let shapes = &self.plan.shapes;
        let schema = shapes.file(file);
        let about = shapes.about(schema);
        if about.is_only("array") {
            let items = shapes.about(about.items?).file?;
            return Some(List { under: None, items });
        }
        let properties = shapes.properties(schema);
        let list = |property: &'s Value| {
            let about = shapes.about(property);
            about.types.contains(&"array").then(|| shapes.about(about.items?).file).flatten()
        };
        let mut lists = properties.iter().filter_map(|(name, property)| Some((*name, list(property)?)));
        let (under, items) = lists.next()?;
        let is_only = lists.next().is_none();
        (is_only && (is_paged || properties.len() == 1)).then_some(List { under: Some(under), items })
    }
}
