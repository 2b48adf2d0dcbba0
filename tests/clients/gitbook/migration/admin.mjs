// What the admin listener of the proxy is told, and tells.

export class Admin {
  constructor(url) {
    this.url = url;
  }

  /** Says who answers the requests of a dialect; the answer comes when every worker does as it says. */
  async say(dialect, mode) {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${this.url}/modes/${dialect}`, { method: "PUT", headers, body: JSON.stringify(mode) });
    if (response.status !== 200) throw new Error(`${response.status} for ${JSON.stringify(mode)}: ${await response.text()}`);
    await response.arrayBuffer();
  }

  /** The newest differences. */
  async differences() {
    const response = await fetch(`${this.url}/differences`);
    return (await response.json()).differences;
  }

  /** The counters as they are now. */
  async counters() {
    const response = await fetch(`${this.url}/metrics`);
    return new Counters(await response.text());
  }
}

export class Counters {
  #lines;

  constructor(page) {
    const lines = [...page.matchAll(/^([a-z_]+)\{(.*)\} ([0-9]+)$/gm)];
    this.#lines = lines.map(([, name, labels, value]) => {
      const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)];
      return { name, labels: Object.fromEntries(pairs.map(([, label, text]) => [label, text])), value: Number(value) };
    });
  }

  /** All of that name whose labels have these values. */
  of(name, labels = {}) {
    const fits = (line) => line.name === name && Object.entries(labels).every(([label, value]) => line.labels[label] === value);
    return this.#lines.filter(fits);
  }

  /** What they come to. */
  sum(name, labels = {}) {
    return this.of(name, labels).reduce((sum, { value }) => sum + value, 0);
  }
}
