// The TextEncoder and TextDecoder for QuickJS against Node.js's own.

import "../support/host.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";

const ours = await import("../src/web/encoding.js");

const TEXTS = [
  "",
  "plain",
  "caf\u00e9",
  "\u00ff",
  "\u20ac 5",
  "a\u{1f600}b",
  "\ud800",
  "x\udc00y",
  "\ufeffbom",
  "\0\x7f\x80",
  "a".repeat(70_000),
];

// A small generator with a fixed seed: the same bytes in every run.
function* randomBytes(count) {
  let state = 12345;
  for (let index = 0; index < count; index += 1) {
    const bytes = Array.from({ length: index % 12 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      // Mostly bytes that begin or continue characters.
      return (state >>> 24) % 3 === 0
        ? state >>> 24
        : [0xe0, 0xed, 0xf0, 0xf4, 0xc3, 0x80, 0x9f, 0xbf, 0xa0, 0x41][(state >>> 16) % 10];
    });
    yield Uint8Array.from(bytes);
  }
}

test("texts encode as Node.js encodes them", () => {
  for (const text of TEXTS) {
    assert.deepEqual(
      [...new ours.TextEncoder().encode(text)],
      [...new TextEncoder().encode(text)],
      JSON.stringify(text.slice(0, 20)),
    );
  }
  assert.deepEqual([...new ours.TextEncoder().encode()], []);
});

test("encodeInto stops before a character that does not fit", () => {
  for (const length of [0, 1, 2, 3, 4, 5, 9]) {
    const [mine, theirs] = [new Uint8Array(length), new Uint8Array(length)];
    const text = "\u00e9\u{1f600}z";
    assert.deepEqual(new ours.TextEncoder().encodeInto(text, mine), new TextEncoder().encodeInto(text, theirs));
    assert.deepEqual(mine, theirs);
  }
});

test("bytes decode as Node.js decodes them, valid or not", () => {
  for (const bytes of randomBytes(5000)) {
    assert.equal(new ours.TextDecoder().decode(bytes), new TextDecoder().decode(bytes), String(bytes));
  }
});

test("bytes at an odd offset decode, and a bare buffer does", () => {
  const bytes = new TextEncoder().encode("xxplain text that is longer than a word");
  assert.equal(new ours.TextDecoder().decode(bytes.subarray(1)), "xplain text that is longer than a word");
  assert.equal(new ours.TextDecoder().decode(new DataView(bytes.buffer, 3, 4)), "lain");
  assert.equal(new ours.TextDecoder().decode(bytes.slice(0, 3).buffer), "xxp");
});

test("a fatal decoder throws where Node.js's throws", () => {
  const attempt = (decoder, bytes) => {
    try {
      return decoder.decode(bytes);
    } catch (error) {
      return error.constructor;
    }
  };
  for (const bytes of randomBytes(2000)) {
    const options = { fatal: true };
    assert.equal(
      attempt(new ours.TextDecoder("utf-8", options), bytes),
      attempt(new TextDecoder("utf-8", options), bytes),
      String(bytes),
    );
  }
});

test("a stream gives the same text wherever it is cut", () => {
  for (const label of ["utf-8", "utf-16le"]) {
    for (const bytes of randomBytes(1500)) {
      const [mine, theirs] = [new ours.TextDecoder(label), new TextDecoder(label)];
      for (const decoder of [mine, theirs]) {
        decoder.pieces = Array.from(bytes, (_, at) => decoder.decode(bytes.subarray(at, at + 1), { stream: true }));
      }
      assert.equal(
        [...mine.pieces, mine.decode()].join(""),
        [...theirs.pieces, theirs.decode()].join(""),
        `${label} ${bytes}`,
      );
    }
  }
});

test("a byte order mark is dropped once, and kept when asked", () => {
  const bytes = new TextEncoder().encode("\ufeff\ufeffx");
  assert.equal(new ours.TextDecoder().decode(bytes), "\ufeffx");
  assert.equal(new ours.TextDecoder("utf8", { ignoreBOM: true }).decode(bytes), "\ufeff\ufeffx");
});

test("an encoding that is not there is named", () => {
  assert.throws(() => new ours.TextDecoder("shift_jis"), /`shift_jis` is not supported/);
});
