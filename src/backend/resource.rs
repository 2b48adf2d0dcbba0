//! Resources: the content that grants and links point at. It lives elsewhere; here it has a type and an id.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Row, ToSql};

use super::body::Fields;
use crate::canonical::id::IdForm;

const ID_LENGTH_MAX: usize = 128;

/// One resource of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) resource_type: ResourceType,
    pub(super) resource_id: String,
}

/// What kind of content it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResourceType {
    Collection,
    Portfolio,
    Space,
}

impl Resource {
    /// The resource that a row names, if it names one.
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let Some(resource_id) = row.get("resource_id")? else { return Ok(None) };
        Ok(Some(Resource { resource_type: row.get("resource_type")?, resource_id }))
    }

    /// Reads the resource of a grant; without a type it is a portfolio.
    pub(super) fn read_grant(fields: &mut Fields<'_>) -> Option<Self> {
        let resource_type = if fields.has("resource_type") {
            fields.word("resource_type", &ResourceType::ALL.map(|kind| (kind.name(), kind)))
        } else {
            Some(ResourceType::Portfolio)
        };
        Resource::read_id(fields, resource_type)
    }

    /// Reads the resource of a link, which is never a portfolio.
    pub(super) fn read_link(fields: &mut Fields<'_>) -> Option<Self> {
        let linkable = [ResourceType::Space, ResourceType::Collection];
        let resource_type = fields.word("resource_type", &linkable.map(|kind| (kind.name(), kind)));
        Resource::read_id(fields, resource_type)
    }

    fn read_id(fields: &mut Fields<'_>, resource_type: Option<ResourceType>) -> Option<Self> {
        let resource_id = fields.text("resource_id", ID_LENGTH_MAX);
        let resource_id = match (resource_type, resource_id) {
            (Some(ResourceType::Portfolio), Some(id)) if IdForm::Uuid.read(&id).is_err() => {
                fields.fault("resource_id", "invalid-id", "must be a UUID, as portfolios have")
            }
            (_, id) => id,
        };
        Some(Resource { resource_type: resource_type?, resource_id: resource_id? })
    }
}

impl ResourceType {
    pub(super) const ALL: [ResourceType; 3] =
        [ResourceType::Portfolio, ResourceType::Space, ResourceType::Collection];

    /// The name in bodies and in the database.
    pub(super) fn name(self) -> &'static str {
        match self {
            ResourceType::Collection => "collection",
            ResourceType::Portfolio => "portfolio",
            ResourceType::Space => "space",
        }
    }
}

impl ToSql for ResourceType {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.name().into())
    }
}

impl FromSql for ResourceType {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        ResourceType::ALL.into_iter().find(|kind| kind.name() == name).ok_or(FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::body;

    #[test]
    fn a_portfolio_is_known_by_a_uuid_and_other_content_by_any_text() {
        let is_read = |text: &str| body::read(text.as_bytes(), Resource::read_grant).is_ok();
        assert!(is_read(r#"{"resource_type": "space", "resource_id": "tea"}"#));
        assert!(is_read(r#"{"resource_id": "60000000-0000-4000-8000-000000000102"}"#));
        assert!(!is_read(r#"{"resource_type": "portfolio", "resource_id": "tea"}"#));
        assert!(!is_read(r#"{"resource_id": "tea"}"#), "without a type it is a portfolio");
    }
}
