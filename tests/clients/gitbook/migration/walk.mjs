// Moves the published client of the GitBook API from an old upstream to the canonical side, back and again, under steady load.
//
// `run.py` starts both sides and the proxy, and says where they are: INTERLINGUA_URL, INTERLINGUA_ADMIN,
// INTERLINGUA_OLD_BACKEND, INTERLINGUA_OLD_LIMIT, INTERLINGUA_NEW_LIMIT.
//
// Both sides have the same data at first, and each answer tells its side by the quota it shows. What is read is never
// changed through the proxy: a change is made by one side alone, and would be a difference from then on. So whoever changes
// something does it in an organization of their own, of which nobody reads anything.
//
// Prints a line for each check; ends with 1 when one of them failed.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { GitBookAPI } from "@gitbook/api";
import { check, finish, required } from "../support.mjs";
import { Admin } from "./admin.mjs";
import { Load } from "./load.mjs";
import { hasMoved, idOf, membersOf, tokensOf, userAt } from "./principals.mjs";

const DIALECT = "gitbook";
const endpoint = required("INTERLINGUA_URL");
const admin = new Admin(required("INTERLINGUA_ADMIN"));
const oldBackend = required("INTERLINGUA_OLD_BACKEND");
const SIDES = { [required("INTERLINGUA_OLD_LIMIT")]: "old", [required("INTERLINGUA_NEW_LIMIT")]: "new" };

// ---- the walk

// Nobody spends a quota that matters here, so whatever differs is looked at again.
const shadow = { mode: "shadow", answers: "legacy", extra: 100, validate: true };
const split = (share) => ({ name: `split ${share} %`, mode: { mode: "split", share, validate: true }, share });
const STEPS = [
  { name: "legacy", mode: { mode: "legacy", validate: true }, share: 0 },
  { name: "shadow, alike", mode: shadow, share: 0 },
  { name: "shadow, planted", mode: shadow, share: 0 },
  split(10),
  split(50),
  { name: "canonical", mode: { mode: "canonical" }, share: 100 },
  { name: "legacy again", mode: { mode: "legacy" }, share: 0 },
  { name: "canonical again", mode: { mode: "canonical" }, share: 100 },
];
const [ALIKE, PLANTED] = [1, 2];

/** Calls of each principal in each step, at least. */
const CALLS = 6;

/** Reads that are compared while both sides have the same. */
const COMPARED = 2000;

/** Of those, the part that may be told as anything but the same. */
const NOISE = 0.001;

/** Calls after which what was planted must have been found. */
const FOUND_WITHIN = 3000;

// ---- what differs

/** The member that the old side is going to lack. Nobody asks for him, or as him. */
const REMOVED = "jonas@example.com";

/** What an organization may be called by each side, as far as that is known at the moment. */
const names = {
  northwind: { old: ["Northwind"], new: ["Northwind"] },
  example: { old: ["Example"], new: ["Example"] },
};
const OLD_NAME = "Northwind of old";

/** What is done to the old side's data, and where it must be found, by operation, as places of the canonical answer. */
const DIFFERENCES = [
  {
    what: "a name",
    plant: () => change("PATCH", "", { name: OLD_NAME }),
    found: { getOrganizationById: ["/name"], listOrganizationsForAuthenticatedUser: ["/items/*/name"] },
  },
  {
    what: "a role",
    plant: () => change("PATCH", member("felix@example.com"), { role: "commenter" }),
    found: { getMemberInOrganizationById: ["/role"], listMembersInOrganizationById: ["/items/*/role"] },
  },
  {
    what: "a flag",
    plant: () => change("PATCH", member("elena@example.com"), { sso: true }),
    found: { getMemberInOrganizationById: ["/sso"], listMembersInOrganizationById: ["/items/*/sso"] },
  },
  {
    what: "a missing member",
    plant: () => change("DELETE", member(REMOVED)),
    found: { listMembersInOrganizationById: ["/items/*", "/total"] },
  },
];

/** Makes the sides differ. */
async function plant() {
  const { northwind } = names;
  names.northwind = { ...northwind, old: [...northwind.old, OLD_NAME] };
  for (const difference of DIFFERENCES) await difference.plant();
  names.northwind = { ...northwind, old: [OLD_NAME] };
}

/** Changes something of Northwind at the old side's backend, past everything that is tested here. */
async function change(method, path, body) {
  const response = await fetch(`${oldBackend}/v1/organizations/${idOf("northwind")}${path}`, {
    method,
    headers: { authorization: `Bearer ${tokensOf("northwind")[0]}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200, `${method} ${path}: ${await response.text()}`);
}

function member(address) {
  return `/members/${membersOf("northwind").find(({ user }) => user === address).id}`;
}

// ---- who calls what

/** What a member of an organization reads, one after the other; everybody in it in turn, from another on for each reader. */
function reader(organization, token, turn) {
  const { orgs, users } = new GitBookAPI({ endpoint, authToken: token });
  const id = idOf(organization);
  const others = membersOf(organization).filter(({ user }) => user !== REMOVED).map(({ user }) => userAt(user));
  const somebody = () => others[turn++ % others.length];
  const calls = [
    async () => {
      const before = names[organization];
      const answer = await orgs.getOrganizationById(id);
      const side = sideOf(answer);
      // Once the sides differ, the name tells the side, too. It may have been given meanwhile.
      const expected = [...before[side], ...names[organization][side]];
      assert.ok(expected.includes(answer.data.title), `${answer.data.title} from the ${side} side`);
      return side;
    },
    async () => {
      const answer = await orgs.listMembersInOrganizationById(id, { limit: 20 });
      assert.ok(answer.data.items.length >= others.length);
      return sideOf(answer);
    },
    async () => {
      const answer = await orgs.getMemberInOrganizationById(id, somebody());
      assert.equal(answer.data.object, "member");
      return sideOf(answer);
    },
    async () => {
      const answer = await orgs.listOrganizationsForAuthenticatedUser({});
      assert.ok(answer.data.items.length >= 1);
      return sideOf(answer);
    },
    async () => {
      const answer = await users.getUserById(somebody());
      assert.equal(answer.data.object, "user");
      return sideOf(answer);
    },
  ];
  return { token, calls };
}

/** What an owner changes: a name, and links that are made and taken away again. */
function writer(organization, token) {
  const { orgs } = new GitBookAPI({ endpoint, authToken: token });
  const id = idOf(organization);
  let turn = 0;
  let link;
  const calls = [
    async () => {
      const title = `${organization} ${token.length} ${turn++}`;
      const answer = await orgs.updateOrganizationById(id, { title });
      assert.equal(answer.data.title, title);
      return sideOf(answer);
    },
    async () => {
      const answer = await orgs.createOrganizationInvite(id, { role: "read" });
      assert.equal(answer.status, 201);
      link = answer.data.id;
      return sideOf(answer);
    },
    async () => {
      const answer = await orgs.deleteOrganizationInviteById(id, link ?? idOf(organization));
      // Where the link was made by the other side, there is nothing to take away.
      assert.ok([204, 205].includes(answer.status));
      return sideOf(answer);
    },
  ];
  return { token, calls };
}

function sideOf({ headers }) {
  const limit = headers.get("x-ratelimit-limit");
  assert.ok(limit in SIDES, `a quota that neither side has: ${limit}`);
  return SIDES[limit];
}

// ---- run

const principals = [
  ...tokensOf("northwind", [REMOVED]).map((token, turn) => reader("northwind", token, turn)),
  ...tokensOf("example").map((token, turn) => reader("example", token, turn)),
  ...tokensOf("tiny", ["viktor@example.net"]).map((token) => writer("tiny", token)),
];

await admin.say(DIALECT, STEPS[0].mode);
const load = new Load(principals);
let alike;
for (const [number, { mode }] of STEPS.entries()) {
  if (number === PLANTED) {
    // The same mode goes on. What was compared until now was alike.
    alike = await admin.counters();
    await load.step(plant);
  } else if (number > 0) {
    await load.step(() => admin.say(DIALECT, mode));
  }
  await load.untilEachMade(CALLS);
  if (number === ALIKE) {
    while (compared(await admin.counters()) < COMPARED) await load.untilMade(100);
  }
  if (number === PLANTED) {
    const enough = load.made.length + FOUND_WITHIN;
    while (missing(await admin.counters()).length > 0 && load.made.length < enough) await load.untilMade(100);
  }
}
await load.stop();
const counters = await settled();

// ---- judgement

const { made } = load;
const judged = STEPS.map((_, step) => made.filter((call) => call.step === step && call.side));
table();
console.log(`comparisons: ${outcomes(counters)}`);

await check(`all of ${made.length} calls of ${principals.length} principals were answered, and rightly`, () => {
  const failed = made.filter(({ failure }) => failure);
  assert.equal(failed.length, 0, failed.slice(0, 3).map(({ failure }) => failure.stack).join("\n"));
});

await check("nobody was answered by one side and then by the other within a step", () => {
  for (const [step, calls] of judged.entries()) {
    for (const principal of principals.keys()) {
      const sides = new Set(calls.filter((call) => call.principal === principal).map(({ side }) => side));
      assert.equal(sides.size, 1, `${STEPS[step].name}, principal ${principal}: ${[...sides]}`);
    }
  }
});

await check("each was answered by the side that the formula says", () => {
  for (const [step, calls] of judged.entries()) {
    for (const { principal, side } of calls) {
      const moved = hasMoved(DIALECT, principals[principal].token, STEPS[step].share);
      assert.equal(side, moved ? "new" : "old", `${STEPS[step].name}, principal ${principal}`);
    }
  }
});

await check("in a split some have moved and some have not", () => {
  for (const [step, calls] of judged.entries()) {
    const sides = new Set(calls.map(({ side }) => side));
    const { share } = STEPS[step];
    assert.equal(sides.size, share > 0 && share < 100 ? 2 : 1, STEPS[step].name);
  }
});

await check("the proxy has counted for each side what clients were told", () => {
  for (const [side, name] of [["old", "legacy"], ["new", "canonical"]]) {
    const told = made.filter((call) => call.side === side).length;
    assert.equal(counters.sum("gateway_mode_requests_total", { dialect: DIALECT, side: name }), told, side);
  }
});

await check("what both sides have alike is told as such", () => {
  const all = compared(alike);
  const same = alike.sum("gateway_shadow_requests_total", { outcome: "same" });
  console.log(`        ${all} compared, ${all - same} of them not the same; ${outcomes(alike)}`);
  assert.ok(all >= COMPARED);
  assert.ok((all - same) / all < NOISE);
});

await check("every planted difference was found, and nothing else", async () => {
  assert.deepEqual(missing(counters), []);
  const planted = new Set(places());
  const others = counters.of("gateway_shadow_differences_total").map(({ labels }) => `${labels.operation} ${labels.place}`);
  assert.deepEqual(others.filter((place) => !planted.has(place)), []);
  const shown = new Set((await admin.differences()).map(({ operation, place }) => `${operation} ${place}`));
  assert.deepEqual([...planted].filter((place) => !shown.has(place)), [], "GET /differences");
});

await check("every answer could be read and compared, and every change could have been made by the other side", () => {
  // A busy machine may have no time or no room for some; that is no difference.
  for (const outcome of ["broken", "failed_once", "unreadable", "too_large", "untried", "dry_refused"]) {
    assert.equal(counters.sum("gateway_shadow_requests_total", { outcome }), 0, outcome);
  }
  assert.ok(counters.sum("gateway_shadow_requests_total", { operation: "updateOrganizationById" }) > 0);
});

await check("what the old side was asked and answered is what the mapping says", () => {
  assert.deepEqual(counters.of("gateway_legacy_misfits_total"), []);
});

finish();

// ---- what is looked at

/** The counters, once no comparison is under way; each is given up a few seconds after its request. */
async function settled() {
  let asked, ended;
  for (let round = 0; round < 600; round += 1) {
    const now = await admin.counters();
    asked = now.sum("gateway_mode_requests_total", { mode: "shadow" });
    ended = now.sum("gateway_shadow_requests_total");
    if (asked === ended) return now;
    await pause(100);
  }
  throw new Error(`${asked} requests were to be compared, and ${ended} comparisons have ended`);
}

function compared(now) {
  const outcomes = ["same", "different", "unsteady", "noise"];
  return outcomes.reduce((sum, outcome) => sum + now.sum("gateway_shadow_requests_total", { outcome }), 0);
}

function outcomes(now) {
  const all = new Map();
  for (const { labels, value } of now.of("gateway_shadow_requests_total")) {
    all.set(labels.outcome, (all.get(labels.outcome) ?? 0) + value);
  }
  return [...all].map(([outcome, count]) => `${outcome} ${count}`).join(", ");
}

/** Where differences were planted. */
function places() {
  return DIFFERENCES.flatMap(({ found }) =>
    Object.entries(found).flatMap(([operation, places]) => places.map((place) => `${operation} ${place}`)));
}

/** Those of them that were not found so far. */
function missing(now) {
  const found = new Set(now.of("gateway_shadow_differences_total").map(({ labels }) => `${labels.operation} ${labels.place}`));
  return places().filter((place) => !found.has(place));
}

/** What happened in each step. How long answers took is shown, and judged nowhere: machines differ. */
function table() {
  console.log("step              calls   old   new  p50 ms  p99 ms");
  for (const [step, calls] of judged.entries()) {
    const took = calls.map((call) => call.took).sort((one, other) => one - other);
    const at = (part) => took[Math.floor((took.length - 1) * part)].toFixed(1);
    const of = (side) => calls.filter((call) => call.side === side).length;
    const cells = [calls.length, of("old"), of("new")].map((cell) => String(cell).padStart(5));
    console.log(`${STEPS[step].name.padEnd(16)} ${cells.join(" ")} ${at(0.5).padStart(7)} ${at(0.99).padStart(7)}`);
  }
}
