// Drives a started proxy with the published client of the GitBook API, unchanged, the way its users do.
//
//   INTERLINGUA_URL           where the dialect is mounted, such as http://127.0.0.1:8080/gitbook
//   INTERLINGUA_TOKEN         token of a person who may invite
//   INTERLINGUA_JOINER_TOKEN  token of a person who joins; left out: the same person
//   INTERLINGUA_ORGANIZATION  id of the organization, in any spelling the dialect accepts
//   INTERLINGUA_SPACE         id of a space; left out: space-1
//   INTERLINGUA_COLLECTION    id of a collection; left out: collection-1
//
// Every address is new on every run, so it can run twice against one database, though not within one minute:
// it sends some thirty requests, and the dialect's quota is 60 a minute. Prints a line for each check; ends
// with 1 when one of them failed.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { GitBookAPI, GitBookAPIError } from "@gitbook/api";
import { address, assertMembers, assertRefused, check, finish, overhearing, required } from "./support.mjs";

const endpoint = required("INTERLINGUA_URL").replace(/\/$/, "");
const token = required("INTERLINGUA_TOKEN");
const joinerToken = process.env.INTERLINGUA_JOINER_TOKEN || token;
const organization = required("INTERLINGUA_ORGANIZATION");
const content = {
  space: process.env.INTERLINGUA_SPACE || "space-1",
  collection: process.env.INTERLINGUA_COLLECTION || "collection-1",
};

const { orgs } = new GitBookAPI({ endpoint, authToken: token });
const joiner = new GitBookAPI({ endpoint, authToken: joinerToken }).orgs;

const { client: refused, heard } = overhearing(GitBookAPI, endpoint, token);
const { client: stranger, heard: strangerHeard } = overhearing(GitBookAPI, endpoint, "gb_nobody_has_this_token");

// Has the form of an id that the dialect accepts, and is nobody's.
const nowhere = randomUUID();

const links = {};

// ---- invite users

const early = address();

await check("invites an address, a person with a role and a guest in one call", async () => {
  const { data } = await orgs.inviteUsersToOrganization(organization, {
    emails: [early, { email: address(), role: "edit" }, { email: address(), role: null }],
    role: "read",
    sso: false,
  });
  assertMembers(data, ["users", "invited"], ["failedSSOEmails"]);
  assert.equal(data.invited, 3);
  assert.equal(new Set(data.users).size, 3);
  for (const user of data.users) assert.match(user, /^[a-zA-Z0-9_-]+$/);
});

await check("counts only those who were added", async () => {
  const { data } = await orgs.inviteUsersToOrganization(organization, { emails: [early, address()] });
  assert.equal(data.invited, 1);
  assert.equal(data.users.length, 1);
});

await check("invites nobody when the list is empty", async () => {
  const { data } = await orgs.inviteUsersToOrganization(organization, { emails: [] });
  assert.deepEqual(data.users, []);
  assert.equal(data.invited, 0);
});

// ---- link invites

await check("creates a link into the organization", async () => {
  const { data, status } = await orgs.createOrganizationInvite(organization, { role: "read" });
  assert.equal(status, 201);
  assertMembers(data, ["object", "id", "role", "redundant"]);
  assert.equal(data.object, "invite");
  assert.equal(data.role, "read");
  assert.equal(typeof data.redundant, "boolean");
  links.organization = data;
});

await check("creates a link for guests, whose role is null", async () => {
  const { data } = await orgs.createOrganizationInvite(organization, { role: null });
  assert.equal(data.role, null);
  links.guest = data;
});

for (const [kind, id] of Object.entries(content)) {
  await check(`creates a link into a ${kind}`, async () => {
    const { data, status } = await orgs.createOrganizationInvite(organization, { level: "comment", [kind]: id });
    assert.equal(status, 201);
    assertMembers(data, ["object", "id", "level", "redundant", kind]);
    assert.equal(data.level, "comment");
    assert.equal(data[kind].object, kind);
    assert.equal(data[kind].id, id);
    for (const [name, may] of Object.entries(data[kind].permissions)) assert.equal(typeof may, "boolean", name);
    links[kind] = data;
  });
}

await check("gets each link as it was created", async () => {
  for (const link of created()) {
    const { data } = await orgs.getOrganizationInviteLink(organization, link.id);
    assert.deepEqual(data, link);
  }
});

await check("lists the links into the organization", async () => {
  const { data } = await orgs.listOrganizationInviteLinks(organization, { limit: 1000 });
  assertMembers(data, ["items"], ["next", "count"]);
  for (const link of [links.organization, links.guest]) {
    assert.deepEqual(data.items.find(({ id }) => id === link.id), link);
  }
  for (const item of data.items) assertMembers(item, ["object", "id", "role", "redundant"]);
});

await check("pages through the same links, one at a time", async () => {
  const whole = await orgs.listOrganizationInviteLinks(organization, { limit: 1000 });
  assert.equal(whole.data.next, undefined);
  const ids = [];
  let page;
  do {
    const { data } = await orgs.listOrganizationInviteLinks(organization, { limit: 1, ...(page && { page }) });
    assert.ok(data.items.length <= 1);
    ids.push(...data.items.map(({ id }) => id));
    assert.notEqual(data.next?.page, page ?? null);
    page = data.next?.page;
  } while (page !== undefined && ids.length <= whole.data.items.length);
  assert.deepEqual(ids, whole.data.items.map(({ id }) => id));
});

await check("updates the role of a link into the organization", async () => {
  const { data } = await orgs.updateOrganizationInviteById(organization, links.organization.id, { role: "review" });
  assert.deepEqual(data, { ...links.organization, role: "review", redundant: data.redundant });
  const again = await orgs.getOrganizationInviteLink(organization, links.organization.id);
  assert.deepEqual(again.data, data);
});

await check("updates the level of a link into a space, also to null", async () => {
  for (const level of ["edit", null]) {
    const { data } = await orgs.updateOrganizationInviteById(organization, links.space.id, { level });
    assert.equal(data.level, level);
    assert.equal(data.space.id, content.space);
  }
});

// ---- join

await check("joins with a link", async () => {
  const { data, status } = await joiner.joinOrganizationWithInvite(organization, links.guest.id);
  assert.equal(status, 200);
  assert.deepEqual(data, {});
});

// ---- the client's error class

await check("reports code and message of an unknown link", () =>
  assertRefused(GitBookAPIError, heard, 404, () => refused.orgs.getOrganizationInviteLink(organization, nowhere)));

await check("reports code and message of an unknown organization", () =>
  assertRefused(GitBookAPIError, heard, 404, () => refused.orgs.listOrganizationInviteLinks(nowhere)));

for (const [what, body] of Object.entries({
  "an address that is none": { emails: ["nobody"] },
  "a role nobody has": { emails: [address()], role: "guest" },
  "a person without a role": { emails: [{ email: address() }] },
  "a body without addresses": { role: "read" },
})) {
  await check(`reports code and message of ${what}`, () =>
    assertRefused(GitBookAPIError, heard, 400, () => refused.orgs.inviteUsersToOrganization(organization, body)));
}

await check("reports code and message of a link that is two kinds at once", () =>
  assertRefused(GitBookAPIError, heard, 400, () =>
    refused.orgs.createOrganizationInvite(organization, { role: "read", level: "read", space: content.space })));

await check("reports code and message of an unknown token", () =>
  assertRefused(GitBookAPIError, strangerHeard, 401, () => stranger.orgs.listOrganizationInviteLinks(organization)));

finish();

/** The links made so far; a check of none of them would pass for nothing. */
function created() {
  const all = Object.values(links);
  assert.equal(all.length, 4, "some links could not be created");
  return all;
}
