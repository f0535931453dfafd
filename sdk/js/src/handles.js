// Handles of the host's resources. The engines free one only when their cycle collector happens to run, and the host
// refuses the 4,097th: so an invocation opens a name once, and everything is given back at its end.

import { call, string } from "./host.js";

// StarlingMonkey's bindings make do without `Symbol.dispose`.
const DISPOSE = Symbol.dispose ?? Symbol.for("dispose");

const named = new Map();
const others = new Set();

/** Gives back every handle of the invocation that ends. */
export function releaseAll() {
  // Readers and writers before their containers.
  for (const raw of [...others, ...named.values()]) {
    raw[DISPOSE]();
  }
  named.clear();
  others.clear();
}

/** A resource that is opened by name, at once; it may be kept over invocations and opens again in each. */
export class Named {
  #open;

  /** `kind` is what messages call it, `open` the binding that opens it. */
  constructor(kind, name, open) {
    this.name = string("name", name);
    this.subject = `${kind} \`${name}\``;
    this.#open = open;
    this.call(() => undefined);
  }

  /** Runs a service call with the raw resource. */
  call(operation) {
    return call(this.subject, () => operation(this.#raw()));
  }

  #raw() {
    if (!named.has(this.subject)) {
      named.set(this.subject, this.#open(this.name));
    }
    return named.get(this.subject);
  }
}

/** A resource that a call gave. `message` says what is wrong when it is used after `close`. */
export class Owned {
  #raw;
  #subject;

  constructor(raw, subject) {
    others.add(raw);
    this.#raw = raw;
    this.#subject = subject;
  }

  get closed() {
    return !others.has(this.#raw);
  }

  /** Runs a service call with the raw resource. */
  call(operation) {
    return call(this.#subject, () => operation(this.#raw));
  }

  /** Gives the handle back; harmless when that is done. */
  close() {
    if (others.delete(this.#raw)) {
      this.#raw[DISPOSE]();
    }
  }
}
