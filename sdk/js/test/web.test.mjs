// The web's basics that QuickJS lacks, and what the log makes of values.

import { host, rawEvent } from "../support/host.mjs";
import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { test } from "node:test";

const { beginServing } = await import("../src/host.js");
const { structuredClone: clone } = await import("../src/web/clone.js");
const { format } = await import("../src/web/format.js");
const { readable } = await import("../src/stack.js");

test("structuredClone copies as Node.js's does", () => {
  const cycle = { name: "cycle", list: [1, , 3] };
  cycle.self = cycle;
  const values = [
    1,
    "a",
    null,
    undefined,
    5n,
    true,
    [1, [2]],
    { a: { b: 1 } },
    new Map([[{ k: 1 }, new Set([1, "2"])]]),
    new Date(5),
    /x+/gi,
    Uint16Array.of(1, 2),
    Uint8Array.of(1, 2, 3).subarray(1),
    new DataView(Uint8Array.of(1, 2).buffer),
    Uint8Array.of(9).buffer,
    new RangeError("r", { cause: { why: 1 } }),
    Object(5),
    Object("s"),
    { undefined: undefined },
    cycle,
  ];
  for (const value of values) {
    const copy = clone(value);
    assert.deepEqual(copy, structuredClone(value));
    assert.ok(typeof value !== "object" || value === null || copy !== value);
  }
  assert.equal(clone(cycle).self.self.name, "cycle");
  assert.equal(clone({ ["__proto__"]: 1, a: 1 }).a, 1);
});

test("structuredClone refuses what cannot be copied", () => {
  for (const value of [() => 1, Symbol("s"), { inner: () => 1 }, Promise.resolve(), new WeakMap()]) {
    assert.throws(() => clone(value), { name: "DataCloneError" });
  }
});

test("random numbers come from the host's seed, none before the instance serves", async () => {
  const seeds = [];
  host.context.randomBytes = (count) => seeds.push(count) && randomFillSync(new Uint8Array(count));
  const { random, crypto } = await import("../src/web/random.js");
  assert.ok(random() < 1);
  assert.deepEqual(seeds, []);
  beginServing(rawEvent().timeMs);
  const drawn = Array.from({ length: 20_000 }, random);
  assert.deepEqual(seeds, [16]);
  assert.ok(drawn.every((number) => number >= 0 && number < 1));
  assert.ok(Math.abs(drawn.reduce((sum, number) => sum + number) / drawn.length - 0.5) < 0.02);
  assert.equal(new Set(drawn).size, drawn.length);
  assert.match(crypto.randomUUID(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("instances with other seeds draw other numbers, with the same seed the same", async () => {
  const draw = async (seed, tag) => {
    host.context.randomBytes = (count) => new Uint8Array(count).fill(seed);
    const { random } = await import(`../src/web/random.js?${tag}`);
    return [random(), random(), random()];
  };
  const [first, other, again] = [await draw(1, "a"), await draw(2, "b"), await draw(1, "c")];
  assert.notDeepEqual(first, other);
  assert.deepEqual(first, again);
});

test("getRandomValues fills the array it is given, within the standard's limits", async () => {
  host.context.randomBytes = (count) => new Uint8Array(count).fill(0x41);
  const { crypto } = await import("../src/web/random.js");
  const words = new Uint16Array(4);
  assert.equal(crypto.getRandomValues(words.subarray(1, 3)).length, 2);
  assert.deepEqual([...words], [0, 0x4141, 0x4141, 0]);
  assert.throws(() => crypto.getRandomValues(new Float64Array(1)), TypeError);
  assert.throws(() => crypto.getRandomValues(new Uint8Array(65537)), { name: "QuotaExceededError" });
});

test("values are written as one line", () => {
  const cycle = {};
  cycle.self = cycle;
  class Order {
    id = 5;
  }
  const cases = [
    [["a", 1, null, undefined], "a 1 null undefined"],
    [["%s is %d%%, %i, %f, %j %o", "x", "5", "6.7", "1.5", { a: 1 }, [1]], 'x is 5%, 6, 1.5, {"a":1} [1]'],
    [["%s"], "%s"],
    [["%s %s", "one"], "one %s"],
    [["100%", 5], "100% 5"],
    [[{ a: "t", b: [1, { c: null }] }], '{a: "t", b: [1, {c: null}]}'],
    [[new Order()], "Order {id: 5}"],
    [[new Map([["k", 1]]), new Set([2])], 'Map(1) {"k" => 1} Set(1) {2}'],
    [[Uint8Array.of(1, 2)], "Uint8Array(2) [1, 2]"],
    [[cycle], "{self: [circular]}"],
    [[{ a: { b: { c: { d: { e: 1 } } } } }], "{a: {b: {c: {d: {...}}}}}"],
    [[new Date(0), new Date(Number.NaN)], "1970-01-01T00:00:00.000Z Invalid Date"],
    [[5n, Symbol("s"), () => 1], "5n Symbol(s) [function anonymous]"],
    [[Array.from({ length: 102 }, () => 0)], `[${"0, ".repeat(100)}and 2 more]`],
  ];
  for (const [values, line] of cases) {
    assert.equal(format(values), line);
  }
  assert.match(
    format([
      {
        get broken() {
          throw new Error("no");
        },
      },
    ]),
    /uninspectable: Error: no/,
  );
});

test("an error is written with its stack and its cause", () => {
  const written = format([new Error("outer", { cause: new TypeError("inner") })]);
  assert.match(written, /^Error: outer\n[^]*web\.test\.mjs[^]*caused by TypeError: inner\n/);
});

test("a stack names the author's lines and drops the others", () => {
  globalThis[Symbol.for("wasm-faas.lines")] = {
    files: ["index.js", "lib/a.ts"],
    runs: [
      [1, -1, 0],
      [10, 0, 3],
      [20, 1, 40],
      [30, -1, 0],
    ],
  };
  const stack = [
    "    at handle (componentize-qjs:user.js:12:5)",
    "    at helper (componentize-qjs:user.js:20:1)",
    "    at map (native)",
    "    at <anonymous> (componentize-qjs:user.js:35:60)",
    "handle@function.js:10:1",
    "export_handler@/tmp/x/sources/initializer.js:8049:29",
  ];
  const expected = [
    "    at handle (index.js:5)",
    "    at helper (lib/a.ts:40)",
    "    at map (native)",
    "handle@index.js:3",
  ];
  assert.equal(readable(stack.join("\n")), expected.join("\n"));
});
