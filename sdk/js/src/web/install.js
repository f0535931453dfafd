// The web's basics, where the engine has none. Imported before anything of the author's.

import { performance } from "./clock.js";
import { structuredClone } from "./clone.js";
import { console } from "./console.js";
import { TextDecoder, TextEncoder } from "./encoding.js";
import { crypto, random } from "./random.js";
import { clearTimer, setInterval, setTimeout } from "./timers.js";

// QuickJS is the engine without a `crypto`; StarlingMonkey has all of this, and draws its randomness from the host.
const bare = globalThis.crypto === undefined;

const MISSING = {
  TextEncoder,
  TextDecoder,
  crypto,
  structuredClone,
  setTimeout,
  clearTimeout: clearTimer,
  setInterval,
  clearInterval: clearTimer,
};

function define(target, name, value) {
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
}

define(globalThis, "console", console);
for (const [name, value] of Object.entries(MISSING)) {
  if (globalThis[name] === undefined) {
    define(globalThis, name, value);
  }
}
if (bare) {
  define(Math, "random", random);
  define(globalThis, "performance", performance);
}
