//! Which changes of the shipped dialects can be read back, and by what: as their mappings say, read by hand.

use interlingua::translate::reverse::back::Back;

use crate::support::shipped;

const BACK: &[(&str, &str, &str)] = &[
    ("apexscore", "update_organization_invitation", "list_organization_invitations"),
    ("closient", "create_organization", "get_organization"),
    ("closient", "invite_member", "list_members"),
    ("closient", "remove_member", "list_members"),
    ("closient", "update_member_role", "list_members"),
    ("dreadnode", "remove_organization_member", "list_organization_members"),
    ("dreadnode", "update_organization", "get_organization"),
    ("dreadnode", "update_organization_member", "list_organization_members"),
    ("gitbook", "createOrganization", "getOrganizationById"),
    ("gitbook", "createOrganizationInvite", "getOrganizationInviteLink"),
    ("gitbook", "deleteOrganizationInviteById", "getOrganizationInviteLink"),
    ("gitbook", "removeMemberFromOrganizationById", "getMemberInOrganizationById"),
    ("gitbook", "setUserAsSSOMemberForOrganization", "getMemberInOrganizationById"),
    ("gitbook", "updateMemberInOrganizationById", "getMemberInOrganizationById"),
    ("gitbook", "updateOrganizationById", "getOrganizationById"),
    ("gitbook", "updateOrganizationInviteById", "getOrganizationInviteLink"),
    ("letpiper", "add_organization_member", "list_organization_members"),
    ("letpiper", "create_organization", "list_user_organizations"),
    ("letpiper", "create_role", "list_roles"),
    ("letpiper", "remove_organization_member", "list_organization_members"),
    ("letpiper", "update_member_role", "list_organization_members"),
];

#[test]
fn changes_are_read_back_by_what_reads_the_record_or_the_list_it_lies_in() {
    let registry = &shipped().registry;
    let mut found = Vec::new();
    for dialect in registry.dialects().iter().filter(|dialect| dialect.extends.is_empty()) {
        for operation in dialect.operations.iter().filter(|operation| !operation.method.is_safe()) {
            for case in operation.with_cases() {
                if let Some(back) = Back::of(registry.api(), dialect, case) {
                    found.push((dialect.name.as_str(), case.name.as_str(), back.reads.name.clone()));
                }
            }
        }
    }
    found.sort();
    let found: Vec<_> =
        found.iter().map(|(dialect, change, reads)| (*dialect, *change, reads.as_str())).collect();
    assert_eq!(found, BACK);
}
