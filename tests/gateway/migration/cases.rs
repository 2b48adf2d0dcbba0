//! The dialects that are moved from: what their clients ask, and where an answer tells which side it came from.

/// What the clients of one dialect do.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) dialect: &'static str,
    /// A read whose answer has the name that differs.
    pub(super) named: Read,
    /// Where that name is in the canonical answer.
    pub(super) place: &'static str,
    /// A read of what both sides have alike.
    pub(super) alike: Read,
    /// Something that none of these reads tells of.
    pub(super) change: Change,
}

#[derive(Debug)]
pub(super) struct Read {
    pub(super) operation: &'static str,
    pub(super) path: &'static str,
    /// Where the answer has the name of an organization; empty where it has none.
    pub(super) name: &'static str,
}

/// A name is given to something, and told back.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) operation: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) field: &'static str,
}

pub(super) const GITBOOK: Case = Case {
    dialect: "gitbook",
    named: Read {
        operation: "getOrganizationById",
        path: "/v1/orgs/3c90c3cc-0d44-4b50-8888-8dd25736052a",
        name: "/title",
    },
    place: "/name",
    alike: Read {
        operation: "listMembersInOrganizationById",
        path: "/v1/orgs/3c90c3cc-0d44-4b50-8888-8dd25736052a/members?limit=20",
        name: "",
    },
    change: Change {
        operation: "updateOrganizationById",
        method: "PATCH",
        path: "/v1/orgs/e8e912b6-ba9b-4c3a-bb4f-d04bdc370843",
        field: "title",
    },
};

/// Here an organization is read with its members only, and another name can only be given to a new one.
pub(super) const LETPIPER: Case = Case {
    dialect: "letpiper",
    named: Read {
        operation: "list_organization_members",
        path: "/v1/organizations/3c90c3cc-0d44-4b50-8888-8dd25736052a/members?limit=1",
        name: "/members/0/organization/name",
    },
    place: "/items/*/organization/name",
    alike: Read {
        operation: "list_roles",
        path: "/v1/orgs/3c90c3cc-0d44-4b50-8888-8dd25736052a/roles/",
        name: "",
    },
    change: Change {
        operation: "create_organization",
        method: "POST",
        path: "/v1/organizations/",
        field: "name",
    },
};
