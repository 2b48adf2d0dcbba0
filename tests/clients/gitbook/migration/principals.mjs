// Who calls: the people of the demonstration data, and on which side each is to be.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const seed = JSON.parse(readFileSync(new URL("../../../../src/backend/seed.json", import.meta.url), "utf8"));

/** Tokens of everybody in an organization but those at some addresses: each is a principal of its own. */
export function tokensOf(organization, without = []) {
  const users = membersOf(organization).map(({ user }) => user);
  return seed.tokens.filter(({ user }) => users.includes(user) && !without.includes(user)).map(({ token }) => token);
}

/** The memberships of an organization: id, address of the user, role. */
export function membersOf(organization) {
  return seed.members.filter((member) => member.organization === organization);
}

/** The id of an organization, by its slug. */
export function idOf(organization) {
  return seed.organizations.find(({ slug }) => slug === organization).id;
}

/** The id of a user, by address. */
export function userAt(address) {
  return seed.users.find(({ email }) => email === address).id;
}

/**
 * Whether who has a token is among the first `share` of a hundred, by what docs/migration.md says: the SHA-256 of three
 * parts, each behind its length in eight bytes, begins with a point that the share has to be beyond.
 */
export function hasMoved(dialect, token, share) {
  const principal = createHash("sha256").update(token).digest().subarray(0, 16);
  const digest = createHash("sha256");
  for (const part of [Buffer.from("interlingua-split-1"), Buffer.from(dialect), principal]) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(part.length));
    digest.update(length).update(part);
  }
  const point = digest.digest().readBigUInt64BE();
  return point * 100n < BigInt(share) << 64n;
}
