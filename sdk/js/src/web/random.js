// Randomness for QuickJS. Its own generator is seeded at build time: every instance would draw the same numbers.

import { randomBytes } from "wasm-faas:function/context@0.1.0";
import { isServing } from "../host.js";

const CHUNK = 65536;
const seededAtBuild = Math.random;
let state = null;

/** In [0, 1), from sfc32 seeded by the host when the instance first asks; the engine's own at a module's top level. */
export function random() {
  if (state === null) {
    if (!isServing()) {
      return seededAtBuild();
    }
    const seed = randomBytes(16);
    state = new Uint32Array(seed.buffer.slice(seed.byteOffset, seed.byteOffset + 16));
  }
  // 53 bits of two draws, all that a double holds.
  return ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 0x20000000000000;
}

// Chris Doty-Humphrey's Small Fast Counting generator, 32 bit.
function next() {
  const sum = (state[0] + state[1] + state[3]) >>> 0;
  state[3] += 1;
  state[0] = state[1] ^ (state[1] >>> 9);
  state[1] = state[2] + (state[2] << 3);
  state[2] = ((state[2] << 21) | (state[2] >>> 11)) + sum;
  return sum;
}

export const crypto = {
  /** Fills an integer typed array, at most 65,536 bytes as the Web Crypto standard says. */
  getRandomValues(array) {
    if (!ArrayBuffer.isView(array) || array instanceof DataView || /Float/.test(array.constructor.name)) {
      throw new TypeError("crypto.getRandomValues takes an integer typed array");
    }
    if (array.byteLength > CHUNK) {
      throw new DOMException(`${array.byteLength} bytes are over the limit of ${CHUNK}`, "QuotaExceededError");
    }
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(randomBytes(array.byteLength));
    return array;
  },

  /** A version 4 UUID. */
  randomUUID() {
    const bytes = randomBytes(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  },
};
