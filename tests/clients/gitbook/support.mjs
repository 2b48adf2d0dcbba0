// What the scripts here share: checks that go on after a failure, and what they look at.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

const counts = { passed: 0, failed: 0 };

/** Runs one check and prints how it went; a failure does not stop the others. */
export async function check(name, run) {
  try {
    await run();
    counts.passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    counts.failed += 1;
    console.log(`FAILED  ${name}\n${indent(error.stack ?? String(error))}`);
  }
}

/** Prints how many checks passed, and lets the process end with 1 if one failed. */
export function finish() {
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

/** A client whose transport is overheard, for comparing what it reports with what it was sent. */
export function overhearing(Client, endpoint, authToken) {
  const heard = {};
  const client = new Client({
    endpoint,
    authToken,
    serviceBinding: {
      async fetch(input, init) {
        const response = await fetch(input, init);
        heard.response = response.clone();
        return response;
      },
    },
  });
  return { client, heard };
}

/** The client must throw its own error, with the status and with the very message the proxy sent. */
export async function assertRefused(ClientError, heard, status, call) {
  const error = await call().then(
    (answer) => assert.fail(`the call was answered with ${answer.status}`),
    (error) => error,
  );
  assert.ok(error instanceof ClientError, String(error));

  const answer = await heard.response.json();
  assert.match(heard.response.headers.get("content-type"), /^application\/json\b/);
  assertMembers(answer, ["error"]);
  assertMembers(answer.error, ["code", "message"]);
  assert.equal(answer.error.code, status);
  assert.equal(error.code, status);
  // With no message in the body the client falls back to the reason phrase, so an empty one would go unseen.
  assert.ok(answer.error.message);
  assert.equal(error.errorMessage, answer.error.message);
}

/** An object with exactly these members, the second list of which may be missing. */
export function assertMembers(value, names, optional = []) {
  const seen = Object.keys(value).filter((name) => !optional.includes(name));
  assert.deepEqual(seen.sort(), [...names].sort());
}

/** An address that no earlier run has used. */
export function address() {
  return `${randomUUID()}@example.com`;
}

/** The value of an environment variable; the process ends without it. */
export function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`set ${name}; the head of this file says to what`);
    process.exit(2);
  }
  return value;
}

function indent(text) {
  return text.replace(/^/gm, "        ");
}
