//! The operations of the canonical API: `mappings/canonical.toml` in Rust, which a test compares it with.

use http::Method;
use rusqlite::Transaction;

use crate::backend::answer::Answer;
use crate::backend::exchange::Exchange;
use crate::backend::problem::Problem;

use super::{invitations, invite_links, members, organizations, roles, users};

/// One thing a caller can ask for.
pub(in crate::backend) struct Operation {
    /// The name in `canonical.toml`.
    pub(in crate::backend) name: &'static str,
    pub(in crate::backend) method: Method,
    pub(in crate::backend) path: &'static str,
    /// The query parameters it understands.
    pub(in crate::backend) query: &'static [&'static str],
    /// What it does, in one transaction.
    pub(super) run: fn(&Transaction<'_>, &Exchange) -> Result<Answer, Problem>,
}

pub(in crate::backend) static OPERATIONS: [Operation; 31] = [
    Operation {
        name: "organizations.list",
        method: Method::GET,
        path: "/v1/organizations",
        query: &["slug", "order", "limit", "offset"],
        run: organizations::list,
    },
    Operation {
        name: "organizations.create",
        method: Method::POST,
        path: "/v1/organizations",
        query: &[],
        run: organizations::create,
    },
    Operation {
        name: "organizations.get",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}",
        query: &[],
        run: organizations::one,
    },
    Operation {
        name: "organizations.update",
        method: Method::PATCH,
        path: "/v1/organizations/{organization_id}",
        query: &[],
        run: organizations::update,
    },
    Operation {
        name: "organizations.join",
        method: Method::POST,
        path: "/v1/organizations/{organization_id}/join",
        query: &[],
        run: organizations::join,
    },
    Operation {
        name: "roles.list",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}/roles",
        query: &["system", "limit", "offset"],
        run: roles::list,
    },
    Operation {
        name: "roles.create",
        method: Method::POST,
        path: "/v1/organizations/{organization_id}/roles",
        query: &[],
        run: roles::create,
    },
    Operation {
        name: "members.list",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}/members",
        query: &["role", "status", "q", "email", "user_id", "sort", "order", "limit", "offset"],
        run: members::list,
    },
    Operation {
        name: "members.add",
        method: Method::POST,
        path: "/v1/organizations/{organization_id}/members",
        query: &[],
        run: members::add,
    },
    Operation {
        name: "members.get",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}/members/{member_id}",
        query: &[],
        run: members::one,
    },
    Operation {
        name: "members.update",
        method: Method::PATCH,
        path: "/v1/organizations/{organization_id}/members/{member_id}",
        query: &[],
        run: members::update,
    },
    Operation {
        name: "memberships.get",
        method: Method::GET,
        path: "/v1/memberships/{member_id}",
        query: &[],
        run: members::one_alone,
    },
    Operation {
        name: "memberships.update",
        method: Method::PATCH,
        path: "/v1/memberships/{member_id}",
        query: &[],
        run: members::update_membership,
    },
    Operation {
        name: "members.remove",
        method: Method::DELETE,
        path: "/v1/organizations/{organization_id}/members/{member_id}",
        query: &["may_request"],
        run: members::remove,
    },
    Operation {
        name: "invitations.list",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}/invitations",
        query: &["email", "status", "token", "limit", "offset"],
        run: invitations::list,
    },
    Operation {
        name: "invitations.create",
        method: Method::POST,
        path: "/v1/organizations/{organization_id}/invitations",
        query: &[],
        run: invitations::create,
    },
    Operation {
        name: "invitations.search",
        method: Method::GET,
        path: "/v1/invitations",
        query: &["organization_id", "email", "status", "token", "limit", "offset"],
        run: invitations::search,
    },
    Operation {
        name: "invitations.get",
        method: Method::GET,
        path: "/v1/invitations/{invitation_id}",
        query: &[],
        run: invitations::one,
    },
    Operation {
        name: "invitations.update",
        method: Method::PATCH,
        path: "/v1/invitations/{invitation_id}",
        query: &[],
        run: invitations::update,
    },
    Operation {
        name: "invitations.cancel",
        method: Method::POST,
        path: "/v1/invitations/{invitation_id}/cancel",
        query: &[],
        run: invitations::cancel,
    },
    Operation {
        name: "invitations.revoke",
        method: Method::POST,
        path: "/v1/invitations/{invitation_id}/revoke",
        query: &[],
        run: invitations::revoke,
    },
    Operation {
        name: "invitations.respond",
        method: Method::POST,
        path: "/v1/invitations/{invitation_id}/respond",
        query: &[],
        run: invitations::respond,
    },
    Operation {
        name: "invitations.mine",
        method: Method::GET,
        path: "/v1/users/me/invitations",
        query: &["limit", "offset"],
        run: invitations::mine,
    },
    Operation {
        name: "invite_links.list",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}/invite-links",
        query: &["leads_to", "limit", "offset"],
        run: invite_links::list,
    },
    Operation {
        name: "invite_links.create",
        method: Method::POST,
        path: "/v1/organizations/{organization_id}/invite-links",
        query: &[],
        run: invite_links::create,
    },
    Operation {
        name: "invite_links.get",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}/invite-links/{link_id}",
        query: &[],
        run: invite_links::one,
    },
    Operation {
        name: "invite_links.update",
        method: Method::PATCH,
        path: "/v1/organizations/{organization_id}/invite-links/{link_id}",
        query: &[],
        run: invite_links::update,
    },
    Operation {
        name: "invite_links.remove",
        method: Method::DELETE,
        path: "/v1/organizations/{organization_id}/invite-links/{link_id}",
        query: &[],
        run: invite_links::remove,
    },
    Operation {
        name: "invite_links.join",
        method: Method::POST,
        path: "/v1/organizations/{organization_id}/invite-links/{link_id}/join",
        query: &[],
        run: invite_links::join,
    },
    Operation { name: "users.me", method: Method::GET, path: "/v1/users/me", query: &[], run: users::me },
    Operation {
        name: "users.get",
        method: Method::GET,
        path: "/v1/users/{user_id}",
        query: &[],
        run: users::one,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operations_are_those_of_canonical_toml() {
        let file: toml::Table = include_str!("../../../mappings/canonical.toml").parse().unwrap();
        let prefix = file["canonical"]["prefix"].as_str().unwrap();
        let declared: Vec<_> = file["operation"]
            .as_array()
            .unwrap()
            .iter()
            .map(|operation| {
                let (method, path) = operation["request"].as_str().unwrap().split_once(' ').unwrap();
                let query = operation.get("query").and_then(toml::Value::as_array).into_iter().flatten();
                let query: Vec<_> = query.map(|name| name.as_str().unwrap()).collect();
                (operation["name"].as_str().unwrap(), method, format!("{prefix}{path}"), query)
            })
            .collect();
        let served: Vec<_> = OPERATIONS
            .iter()
            .map(|it| (it.name, it.method.as_str(), it.path.to_owned(), it.query.to_vec()))
            .collect();
        assert_eq!(served, declared);
    }
}
