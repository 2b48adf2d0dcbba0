// Steady load: every principal calls again and again at its own pace, whatever is changed meanwhile.

import { setTimeout as pause } from "node:timers/promises";

/** Milliseconds between the calls of one principal. */
const EVERY = 250;

/** Calls under way at once. On a slow machine the pace is slower for it, and shadows find room beside them. */
const IN_FLIGHT = 6;

/** Milliseconds without any answer after which nobody waits any more. */
const PATIENCE = 60_000;

/**
 * Calls of all principals, and what became of each: the principal's number, the step that the call began and ended in
 * (none if it was under way while the step changed), the side that answered, how long it took, or why it failed.
 *
 * A principal is `{ token, calls }`; each of its calls is a function that asks, looks at the answer, and gives the side.
 */
export class Load {
  made = [];
  #step = 0;
  #stopped = false;
  #running;
  #waiting = [];
  #free = IN_FLIGHT;
  #queue = [];

  constructor(principals) {
    this.principals = principals;
    this.#running = principals.map((_, number) => this.#run(number));
  }

  /** Goes on to the next step, which begins when `change` is done. */
  async step(change) {
    const next = this.#step + 1;
    this.#step = undefined;
    await change();
    this.#step = next;
  }

  /** Waits until so many more calls have ended. */
  async untilMade(more) {
    const enough = this.made.length + more;
    await this.#until(() => this.made.length >= enough);
  }

  /** Waits until each principal has made so many calls in this step. */
  async untilEachMade(count) {
    const left = new Map(this.principals.map((_, number) => [number, count]));
    let seen = this.made.length;
    await this.#until(() => {
      for (; seen < this.made.length; seen += 1) {
        const { principal, step } = this.made[seen];
        if (step !== this.#step || !left.has(principal)) continue;
        left.set(principal, left.get(principal) - 1);
        if (left.get(principal) === 0) left.delete(principal);
      }
      return left.size === 0;
    });
  }

  /** Lets everybody end what they began. */
  async stop() {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** Looks at a condition after each call, until it holds. */
  async #until(condition) {
    while (!condition()) {
      const patience = new AbortController();
      const next = new Promise((resolve) => this.#waiting.push(resolve));
      const never = pause(PATIENCE, "never", { signal: patience.signal }).catch(() => {});
      if ((await Promise.race([next, never])) === "never") throw new Error("nothing is answered any more");
      patience.abort();
    }
  }

  /** Waits for a place among those under way; who came first is first. */
  async #enter() {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise((resolve) => this.#queue.push(resolve));
  }

  #leave() {
    const next = this.#queue.shift();
    if (next) next();
    else this.#free += 1;
  }

  async #run(principal) {
    const { calls } = this.principals[principal];
    // Spread evenly, so that they do not all come at once.
    let due = performance.now() + (EVERY * principal) / this.principals.length;
    for (let number = principal; !this.#stopped; number += 1) {
      await pause(Math.max(0, due - performance.now()));
      await this.#enter();
      const [step, began] = [this.#step, performance.now()];
      const told = await calls[number % calls.length]().then((side) => ({ side }), (failure) => ({ failure }));
      const took = performance.now() - began;
      this.#leave();
      this.made.push({ principal, step: step === this.#step ? step : undefined, took, ...told });
      for (const resolve of this.#waiting.splice(0)) resolve();
      // Who is late does not make up for it: the pace is no faster afterwards.
      due = Math.max(due + EVERY, performance.now());
    }
  }
}
