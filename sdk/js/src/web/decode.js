// Bytes to text. Both functions return `{ text, used }`; with `more` to come an unfinished character at the end is not used.

import { isAscii } from "./ascii.js";

const REPLACEMENT = "\ufffd";

/** Throws a `TypeError` on what is not UTF-8 when `fatal`, else puts U+FFFD in its place. */
export function decodeUtf8(bytes, { fatal, more }) {
  const used = more ? bytes.length - unfinished(bytes) : bytes.length;
  return { text: decoded(bytes.subarray(0, used), fatal), used };
}

function decoded(bytes, fatal) {
  const binary = atob(bytes.toBase64());
  if (isAscii(bytes)) {
    return binary;
  }
  try {
    return decodeURIComponent(escape(binary));
  } catch {
    if (fatal) {
      throw new TypeError("the data is not valid UTF-8");
    }
    return repaired(bytes);
  }
}

// How many bytes at the end begin a character that they do not finish.
function unfinished(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const start = bytes.length - back;
    const { valid, length, expected } = sequence(bytes, start);
    if (expected > 1) {
      return !valid && length === back ? back : 0;
    }
  }
  return 0;
}

// One U+FFFD for each maximal beginning of a character, as the Encoding standard says.
function repaired(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length;) {
    const { valid, length } = sequence(bytes, at);
    parts.push(valid ? character(bytes, at, length) : REPLACEMENT);
    at += length;
  }
  return parts.join("");
}

// The character that starts at `at`: how many of its `expected` bytes are there, and whether that is all of them.
function sequence(bytes, at) {
  const lead = bytes[at];
  const expected = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  let length = 1;
  while (length < expected && continues(lead, bytes[at + length], length)) {
    length += 1;
  }
  return { valid: length === expected, length, expected };
}

// The second byte rules out overlong forms, surrogates and what is beyond U+10FFFF.
function continues(lead, byte, position) {
  const low = position > 1 ? 0x80 : lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = position > 1 ? 0xbf : lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return byte >= low && byte <= high;
}

function character(bytes, at, length) {
  if (length === 1) {
    return String.fromCharCode(bytes[at]);
  }
  let code = bytes[at] & (0x7f >> length);
  for (let index = 1; index < length; index += 1) {
    code = (code << 6) | (bytes[at + index] & 0x3f);
  }
  return String.fromCodePoint(code);
}

const HIGH_SURROGATE_LAST = /[\ud800-\udbff]$/;

/** Little-endian UTF-16. Throws a `TypeError` on what is not when `fatal`, else puts U+FFFD in its place. */
export function decodeUtf16(bytes, { fatal, more }) {
  const odd = bytes.length % 2;
  const units = [];
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    units.push(String.fromCharCode(bytes[at] | (bytes[at + 1] << 8)));
  }
  const half = HIGH_SURROGATE_LAST.test(units.at(-1) ?? "");
  if (more) {
    const text = (half ? units.slice(0, -1) : units).join("");
    return { text: wellFormed(text, fatal), used: bytes.length - odd - (half ? 2 : 0) };
  }
  // A byte left over and half a character before it are one mistake.
  const text = units.join("") + (odd && !half ? "\udc00" : "");
  return { text: wellFormed(text, fatal), used: bytes.length };
}

function wellFormed(text, fatal) {
  if (fatal && !text.isWellFormed()) {
    throw new TypeError("the data is not valid UTF-16");
  }
  return text.toWellFormed();
}
