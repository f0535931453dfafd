// Settings and secrets that the function was given.

import * as raw from "wasm-faas:function/config@0.1.0";
import { call, orNull, string } from "./host.js";

/** The setting's value, null when it is not set. */
export function get(key) {
  return orNull(raw.get(string("key", key)));
}

/** The secret's value, fresh at each call. Throws `AccessDenied`, `Unavailable`. */
export function secret(name) {
  return call(`secret \`${name}\``, () => raw.secret(string("name", name)));
}
