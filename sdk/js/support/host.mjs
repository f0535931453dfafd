// A stand-in for the host and the engine, so that the SDK's modules load in Node.js. Import it before them.
//
// `host` holds what the contract's interfaces answer; a test puts functions there.

import { register } from "node:module";

const INTERFACES = ["context", "config", "kv", "queue", "topic", "blob", "functions"];

export const host = (globalThis.fakeHost = Object.fromEntries(INTERFACES.map((name) => [name, {}])));

// What QuickJS has and Node.js 20 has not.
Uint8Array.fromBase64 ??= (text) => new Uint8Array(Buffer.from(text, "base64"));
Uint8Array.prototype.toBase64 ??= function () {
  return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString("base64");
};
Uint8Array.prototype.toHex ??= function () {
  return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString("hex");
};

register("./resolve.mjs", import.meta.url);

/** A resource class as the bindings make them: `open` remembers the name, methods go to `methods` with it. */
export function resource(methods) {
  return {
    open(name) {
      const bound = Object.entries(methods).map(([key, method]) => [key, (...values) => method(name, ...values)]);
      return { [Symbol.dispose]() {}, ...Object.fromEntries(bound) };
    },
  };
}

/** An event as the bindings give it. */
export function rawEvent(fields = {}) {
  const data = new TextEncoder().encode("hello");
  const trigger = { tag: "invoke" };
  return { id: "1", source: "/run", type: "faas.invoke", timeMs: 1000, attributes: [], trigger, data, ...fields };
}
