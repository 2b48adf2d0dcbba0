//! The ten roles and what each may do.
//!
//! The same table as in `mappings/canonical.toml`, which a test compares it with. This one decides here;
//! that one is what mappings are proved against.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

const ORG_DELETE: u16 = 1 << 0;
const ORG_TRANSFER: u16 = 1 << 1;
const BILLING: u16 = 1 << 2;
const MEMBERS_MANAGE: u16 = 1 << 3;
const ORG_UPDATE: u16 = 1 << 4;
const CONTENT_CREATE: u16 = 1 << 5;
const CONTENT_REVIEW: u16 = 1 << 6;
const CONTENT_EDIT: u16 = 1 << 7;
const CONTENT_COMMENT: u16 = 1 << 8;
const CONTENT_READ: u16 = 1 << 9;

/// The names of the capabilities, in the order of `canonical.toml`.
const CAPABILITIES: [(u16, &str); 10] = [
    (ORG_DELETE, "org.delete"),
    (ORG_TRANSFER, "org.transfer"),
    (BILLING, "billing"),
    (MEMBERS_MANAGE, "members.manage"),
    (ORG_UPDATE, "org.update"),
    (CONTENT_CREATE, "content.create"),
    (CONTENT_REVIEW, "content.review"),
    (CONTENT_EDIT, "content.edit"),
    (CONTENT_COMMENT, "content.comment"),
    (CONTENT_READ, "content.read"),
];

/// What a member is in an organization, or on one resource of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Owner,
    Admin,
    Manager,
    Creator,
    Reviewer,
    Editor,
    Commenter,
    Viewer,
    Billing,
    Guest,
}

impl Role {
    /// Every role, in the order of `roles.list`.
    pub(super) const ALL: [Role; 10] = [
        Role::Owner,
        Role::Admin,
        Role::Manager,
        Role::Creator,
        Role::Reviewer,
        Role::Editor,
        Role::Commenter,
        Role::Viewer,
        Role::Billing,
        Role::Guest,
    ];

    /// Finds the role of that name, letter by letter.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The name in bodies and in the database.
    pub(super) fn name(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Admin => "admin",
            Role::Manager => "manager",
            Role::Creator => "creator",
            Role::Reviewer => "reviewer",
            Role::Editor => "editor",
            Role::Commenter => "commenter",
            Role::Viewer => "viewer",
            Role::Billing => "billing",
            Role::Guest => "guest",
        }
    }

    /// The label for people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Role::Owner => "Owner",
            Role::Admin => "Admin",
            Role::Manager => "Manager",
            Role::Creator => "Creator",
            Role::Reviewer => "Reviewer",
            Role::Editor => "Editor",
            Role::Commenter => "Commenter",
            Role::Viewer => "Viewer",
            Role::Billing => "Billing",
            Role::Guest => "Guest",
        }
    }

    /// Whether the role may invite, change and remove members.
    pub(super) fn manages_members(self) -> bool {
        self.capabilities() & MEMBERS_MANAGE != 0
    }

    /// Whether the role may change what the organization is called and how it is set up.
    pub(super) fn updates_organization(self) -> bool {
        self.capabilities() & ORG_UPDATE != 0
    }

    /// The names of what the role may do.
    pub(super) fn capability_names(self) -> Vec<&'static str> {
        let granted = CAPABILITIES.iter().filter(|(bit, _)| self.capabilities() & bit != 0);
        granted.map(|(_, name)| *name).collect()
    }

    /// The role that may do exactly this. None if no role does, or if one of the words is no capability.
    pub(super) fn of_permissions<T: AsRef<str>>(permissions: &[T]) -> Option<Self> {
        let bit = |word: &str| CAPABILITIES.iter().find(|(_, name)| *name == word).map(|(bit, _)| *bit);
        let granted = permissions.iter().try_fold(0, |all, word| Some(all | bit(word.as_ref())?))?;
        Role::ALL.into_iter().find(|role| role.capabilities() == granted)
    }

    /// Whether the role may do everything that `other` may.
    pub(super) fn includes(self, other: Role) -> bool {
        other.capabilities() & !self.capabilities() == 0
    }

    fn capabilities(self) -> u16 {
        match self {
            Role::Owner => ORG_DELETE | ORG_TRANSFER | Role::Admin.capabilities(),
            Role::Admin => BILLING | Role::Manager.capabilities(),
            Role::Manager => MEMBERS_MANAGE | ORG_UPDATE | Role::Creator.capabilities(),
            Role::Creator => CONTENT_CREATE | Role::Reviewer.capabilities(),
            Role::Reviewer => CONTENT_REVIEW | Role::Editor.capabilities(),
            Role::Editor => CONTENT_EDIT | Role::Commenter.capabilities(),
            Role::Commenter => CONTENT_COMMENT | Role::Viewer.capabilities(),
            Role::Viewer => CONTENT_READ,
            Role::Billing => BILLING,
            Role::Guest => 0, // what guests see is granted resource by resource
        }
    }
}

impl ToSql for Role {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.name().into())
    }
}

impl FromSql for Role {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Role::parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a pattern of canonical.toml (`*`, `content.*` or a name) covers a capability.
    fn covers(pattern: &str, capability: &str) -> bool {
        match pattern.strip_suffix('*') {
            Some(prefix) => capability.starts_with(prefix),
            None => capability == pattern,
        }
    }

    #[test]
    fn the_table_is_the_one_of_canonical_toml() {
        let file: toml::Table = include_str!("../../mappings/canonical.toml").parse().unwrap();
        assert_eq!(file["capabilities"].as_table().unwrap().len(), CAPABILITIES.len());
        let roles = file["roles"].as_table().unwrap();
        assert_eq!(roles.len(), Role::ALL.len());
        for role in Role::ALL {
            let patterns = roles[role.name()].as_array().unwrap();
            for (bit, capability) in CAPABILITIES {
                let declared = patterns.iter().any(|pattern| covers(pattern.as_str().unwrap(), capability));
                assert_eq!(role.capabilities() & bit != 0, declared, "{role:?} {capability}");
            }
        }
    }

    #[test]
    fn editor_and_billing_do_not_include_each_other() {
        assert!(!Role::Editor.includes(Role::Billing));
        assert!(!Role::Billing.includes(Role::Editor));
        assert!(Role::Admin.includes(Role::Billing) && Role::Admin.includes(Role::Editor));
    }

    #[test]
    fn permissions_are_a_role_when_they_are_exactly_what_it_may() {
        for role in Role::ALL {
            let names = role.capability_names();
            assert_eq!(Role::of_permissions(&names), Some(role));
            let reversed: Vec<_> = names.into_iter().rev().chain(role.capability_names()).collect();
            assert_eq!(Role::of_permissions(&reversed), Some(role));
        }
        for nobody in [vec!["content.edit"], vec!["content.read", "agents:read"], vec!["content.*"]] {
            assert_eq!(Role::of_permissions(&nobody), None, "{nobody:?}");
        }
    }

    #[test]
    fn names_are_read_letter_by_letter() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        for name in ["", "Owner", "owner ", "member"] {
            assert_eq!(Role::parse(name), None, "{name}");
        }
    }
}
