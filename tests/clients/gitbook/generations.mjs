// Drives a started proxy with older versions of the published client of the GitBook API: what they share with the newest,
// and the removal of a member, whose statuses changed their meaning twice.
//
//   INTERLINGUA_URL                where the dialect is mounted, such as http://127.0.0.1:8080/gitbook
//   INTERLINGUA_GENERATIONS_TOKEN  token of an owner of the organization
//   INTERLINGUA_ORGANIZATION       id of the organization
//
// Prints a line for each check; ends with 1 when one of them failed.

import assert from "node:assert/strict";
import { address, assertMembers, check, finish, required } from "./support.mjs";

const endpoint = required("INTERLINGUA_URL").replace(/\/$/, "");
const authToken = required("INTERLINGUA_GENERATIONS_TOKEN");
const organization = required("INTERLINGUA_ORGANIZATION");

// What the published document of each version says of removing a member, and of the members of one.
const OLD_MEMBER = [["object", "id", "role", "user", "disabled", "joinedAt", "sso", "spaces", "teams"], ["lastSeenAt"]];
const NEW_MEMBER = [[...OLD_MEMBER[0], "sites"], ["lastSeenAt"]];
const VERSIONS = [
  { name: "gitbook-api-0.34", removed: 204, member: OLD_MEMBER },
  { name: "gitbook-api-0.91", removed: 204, member: OLD_MEMBER },
  { name: "gitbook-api-0.146", removed: 205, wasNone: 204, member: OLD_MEMBER },
  { name: "@gitbook/api", removed: 205, wasNone: 204, member: NEW_MEMBER },
];

for (const { name, removed, wasNone, member } of VERSIONS) {
  const { GitBookAPI } = await import(name);
  const { orgs } = new GitBookAPI({ endpoint, authToken });

  await check(`${name} invites, reads, changes and removes a member`, async () => {
    const invited = await orgs.inviteUsersToOrganization(organization, { emails: [address()], role: "read" });
    const [user] = invited.data.users;
    const { data } = await orgs.getMemberInOrganizationById(organization, user);
    assertMembers(data, ...member);
    assert.equal(data.role, "read");
    const changed = await orgs.updateMemberInOrganizationById(organization, user, { role: "edit" });
    assert.equal(changed.data.role, "edit");

    assert.equal((await orgs.removeMemberFromOrganizationById(organization, user)).status, removed);
    if (wasNone !== undefined) {
      assert.equal((await orgs.removeMemberFromOrganizationById(organization, user)).status, wasNone);
    }
  });

  await check(`${name} lists members and organizations`, async () => {
    const members = await orgs.listMembersInOrganizationById(organization, { limit: 5 });
    for (const item of members.data.items) assertMembers(item, ...member);
    const own = await orgs.listOrganizationsForAuthenticatedUser({});
    assert.ok(own.data.items.length >= 1);
  });
}

finish();
