// Drives a started proxy with the published client of the GitBook API: organizations, members and users.
//
//   INTERLINGUA_URL            where the dialect is mounted, such as http://127.0.0.1:8080/gitbook
//   INTERLINGUA_MEMBERS_TOKEN  token of an owner of the organization
//   INTERLINGUA_VIEWER_TOKEN   token of a member who may not manage members
//   INTERLINGUA_JOINER_TOKEN   token of a person whose address is at one of the domains of INTERLINGUA_OPEN
//   INTERLINGUA_ORGANIZATION   id of the organization, in any spelling the dialect accepts
//   INTERLINGUA_OPEN           id of an organization that people with a certain address may join
//
// Every address is new on every run. Prints a line for each check; ends with 1 when one of them failed.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { GitBookAPI, GitBookAPIError } from "@gitbook/api";
import { address, assertMembers, assertRefused, check, finish, overhearing, required } from "./support.mjs";

const endpoint = required("INTERLINGUA_URL").replace(/\/$/, "");
const token = required("INTERLINGUA_MEMBERS_TOKEN");
const organization = required("INTERLINGUA_ORGANIZATION");
const open = required("INTERLINGUA_OPEN");
const { client, heard } = overhearing(GitBookAPI, endpoint, token);
const { orgs, users } = client;
const viewer = new GitBookAPI({ endpoint, authToken: required("INTERLINGUA_VIEWER_TOKEN") }).orgs;
const joiner = new GitBookAPI({ endpoint, authToken: required("INTERLINGUA_JOINER_TOKEN") }).orgs;

// Members of the objects of the published document: those it requires, and those it leaves open.
const MEMBER = [["object", "id", "role", "user", "disabled", "joinedAt", "sso", "spaces", "teams", "sites"], ["lastSeenAt"]];
const USER = [["object", "id", "displayName", "urls"], ["email", "photoURL"]];
const nowhere = randomUUID();

// ---- organizations

await check("lists the organizations of the caller", async () => {
  const { data } = await orgs.listOrganizationsForAuthenticatedUser({ limit: 1000 });
  assertMembers(data, ["items"], ["next", "count"]);
  assert.ok(data.items.length >= 2);
  for (const item of data.items) assert.equal(item.object, "organization");
});

let made;

await check("creates an organization and says where it is", async () => {
  const { data, status, headers } = await orgs.createOrganization({ title: `Made at ${Date.now()}`, emailDomains: ["made.example"] });
  assert.equal(status, 201);
  assert.deepEqual(data.emailDomains, ["made.example"]);
  assert.equal(headers.get("location"), `${endpoint}/v1/orgs/${data.id}`);
  made = data;
});

await check("gets the organization that was created", async () => {
  const { data } = await orgs.getOrganizationById(made.id);
  assert.deepEqual(data, made);
});

await check("updates an organization, also its default role to null", async () => {
  for (const defaultRole of ["comment", null]) {
    const { data, status } = await orgs.updateOrganizationById(made.id, { title: "Renamed", defaultRole });
    assert.equal(status, 200);
    assert.equal(data.title, "Renamed");
    assert.equal(data.defaultRole, defaultRole);
    assert.deepEqual(data.emailDomains, ["made.example"]);
  }
});

await check("joins an organization by the domain of an address", async () => {
  const { status } = await joiner.joinOrganization(open);
  assert.equal(status, 204);
});

await check("refuses to let a person in whose address is elsewhere", () =>
  assertRefused(GitBookAPIError, heard, 400, () => orgs.joinOrganization(required("INTERLINGUA_CLOSED"))));

// ---- members

const invited = await orgs.inviteUsersToOrganization(organization, {
  emails: [{ email: address(), role: "edit" }, { email: address(), role: null }],
});
const [editor, guest] = invited.data.users;

await check("gets a member by the id of the user", async () => {
  const { data } = await orgs.getMemberInOrganizationById(organization, editor);
  assertMembers(data, ...MEMBER);
  assertMembers(data.user, ...USER);
  assert.equal(data.object, "member");
  assert.equal(data.id, editor);
  assert.equal(data.user.id, editor);
  assert.equal(data.role, "edit");
});

await check("lists members, a page at a time, as in one piece", async () => {
  const whole = await orgs.listMembersInOrganizationById(organization, { limit: 1000 });
  assert.equal(whole.data.next, undefined);
  const ids = [];
  let page;
  do {
    const { data } = await orgs.listMembersInOrganizationById(organization, { limit: 7, ...(page && { page }) });
    ids.push(...data.items.map(({ id }) => id));
    page = data.next?.page;
  } while (page !== undefined && ids.length <= whole.data.items.length);
  assert.deepEqual(ids, whole.data.items.map(({ id }) => id));
  for (const item of whole.data.items) assertMembers(item, ...MEMBER);
});

await check("filters members by role, guest meaning those whose role is null", async () => {
  const { data } = await orgs.listMembersInOrganizationById(organization, { role: "guest", limit: 1000 });
  assert.ok(data.items.some(({ id }) => id === guest));
  for (const { role } of data.items) assert.equal(role, null);
});

await check("asked for administrators, lists everyone who is shown as one", async () => {
  const all = await orgs.listMembersInOrganizationById(organization, { limit: 1000 });
  const { data } = await orgs.listMembersInOrganizationById(organization, { role: "admin", limit: 1000 });
  const shown = all.data.items.filter(({ role }) => role === "admin").map(({ id }) => id);
  assert.deepEqual(data.items.map(({ id }) => id).sort(), shown.sort());
});

await check("searches members and sorts them both ways", async () => {
  const { data } = await orgs.listMembersInOrganizationById(organization, { search: "ADA@EXAMPLE", limit: 10 });
  assert.equal(data.items.length, 1);
  const order = async (order) => {
    const { data } = await orgs.listMembersInOrganizationById(organization, { sort: "joinedAt", order, limit: 1000 });
    return data.items.map(({ joinedAt }) => Date.parse(joinedAt));
  };
  const up = await order("asc");
  assert.deepEqual(up, [...up].sort((a, b) => a - b));
  assert.deepEqual(await order("desc"), [...up].reverse());
});

await check("updates the role of a member, also to none", async () => {
  for (const role of ["comment", null, "review"]) {
    const { data } = await orgs.updateMemberInOrganizationById(organization, editor, { role });
    assert.equal(data.role, role);
    assert.equal((await orgs.getMemberInOrganizationById(organization, editor)).data.role, role);
  }
});

await check("makes a member one of single sign-on", async () => {
  const { data } = await orgs.setUserAsSsoMemberForOrganization(organization, editor);
  assertMembers(data, ...MEMBER);
  assert.equal(data.sso, true);
});

await check("gets a user by id", async () => {
  const { data } = await users.getUserById(editor);
  assertMembers(data, ...USER);
  assert.equal(data.id, editor);
});

await check("tells the admins when one who may not remove members asks for it", async () => {
  const { status } = await viewer.removeMemberFromOrganizationById(organization, guest);
  assert.equal(status, 202);
  assert.equal((await orgs.getMemberInOrganizationById(organization, guest)).data.id, guest);
});

await check("removes a member, and then there is nobody to remove", async () => {
  assert.equal((await orgs.removeMemberFromOrganizationById(organization, editor)).status, 205);
  assert.equal((await orgs.removeMemberFromOrganizationById(organization, editor)).status, 204);
});

await check("deletes a link, and then there is no link to delete", async () => {
  const { data } = await orgs.createOrganizationInvite(organization, { role: "read" });
  assert.equal((await orgs.deleteOrganizationInviteById(organization, data.id)).status, 205);
  assert.equal((await orgs.deleteOrganizationInviteById(organization, data.id)).status, 204);
});

// ---- the client's error class

for (const [what, status, call] of [
  ["an unknown organization", 404, () => orgs.getOrganizationById(nowhere)],
  ["a member that was removed", 404, () => orgs.getMemberInOrganizationById(organization, editor)],
  ["a member of an unknown organization", 404, () => orgs.removeMemberFromOrganizationById(nowhere, editor)],
  ["an unknown user", 404, () => users.getUserById(nowhere)],
  ["a page that is too large", 400, () => orgs.listMembersInOrganizationById(organization, { limit: 1001 })],
  ["a page nobody gave", 400, () => orgs.listMembersInOrganizationById(organization, { page: "mine" })],
  ["a role nobody has", 400, () => orgs.updateMemberInOrganizationById(organization, guest, { role: "king" })],
  ["a title that is too short", 400, () => orgs.createOrganization({ title: "x" })],
]) {
  await check(`reports code and message of ${what}`, () => assertRefused(GitBookAPIError, heard, status, call));
}

finish();
