// Events and responses between the contract's records and what authors see.

import { rawEvent } from "../support/host.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";

const { Event, Response, toRawResponse } = await import("../src/event.js");

const pairs = (...entries) => entries.map(([name, value]) => ({ name, value }));
const text = (bytes) => new TextDecoder().decode(bytes);

test("absent fields are null, whichever way the bindings say absent", () => {
  for (const absent of [undefined, null]) {
    const event = new Event(rawEvent({ subject: absent, contentType: absent }));
    assert.equal(event.subject, null);
    assert.equal(event.contentType, null);
  }
});

test("64-bit integers are numbers, whichever way the bindings give them", () => {
  for (const timeMs of [1700000000000, 1700000000000n]) {
    const event = new Event(rawEvent({ timeMs }));
    assert.equal(event.timeMs, 1700000000000);
    assert.equal(event.time.toISOString(), "2023-11-14T22:13:20.000Z");
  }
});

test("data reads as text and as JSON", () => {
  const event = new Event(rawEvent({ data: new TextEncoder().encode('{"a":"\u00e9"}') }));
  assert.equal(event.text(), '{"a":"\u00e9"}');
  assert.deepEqual(event.json(), { a: "\u00e9" });
  assert.throws(() => new Event(rawEvent()).json(), SyntaxError);
});

test("attributes are an object, even one named `__proto__`", () => {
  const event = new Event(rawEvent({ attributes: pairs(["a", "1"], ["__proto__", "2"]) }));
  assert.deepEqual(Object.entries(event.attributes), [
    ["a", "1"],
    ["__proto__", "2"],
  ]);
});

test("an http trigger keeps repeated names in order", () => {
  const query = pairs(["tag", "a"], ["page", "2"], ["tag", "b"]);
  const val = { method: "GET", path: "/x", route: null, parameters: [], query, headers: pairs(["host", "h"]) };
  const { trigger } = new Event(rawEvent({ trigger: { tag: "http", val } }));
  assert.equal(trigger.kind, "http");
  assert.equal(trigger.query.get("page"), "2");
  assert.equal(trigger.query.get("none"), null);
  assert.deepEqual(trigger.query.getAll("tag"), ["a", "b"]);
  assert.deepEqual(JSON.parse(JSON.stringify(trigger.headers)), [["host", "h"]]);
  assert.equal(trigger.route, null);
});

test("the other triggers carry their fields", () => {
  const trigger = (tag, val) => new Event(rawEvent({ trigger: { tag, val } })).trigger;
  const delivery = {
    source: "q",
    messageId: "m",
    receiveCount: 2,
    sentAtMs: 1n,
    firstReceivedAtMs: 2n,
    group: undefined,
  };
  assert.deepEqual(trigger("queue", delivery), {
    kind: "queue",
    ...delivery,
    sentAtMs: 1,
    firstReceivedAtMs: 2,
    group: null,
  });
  assert.deepEqual(trigger("invoke"), { kind: "invoke" });
  assert.deepEqual(trigger("schedule", { schedule: "s", plannedMs: 5n }), {
    kind: "schedule",
    schedule: "s",
    plannedMs: 5,
  });
  assert.deepEqual(trigger("blob", { container: "c", key: "k", kind: "removed" }), {
    kind: "blob",
    container: "c",
    key: "k",
    change: "removed",
    etag: null,
    size: null,
  });
  assert.deepEqual(trigger("kv", { bucket: "b", key: "k", kind: "set", version: 7n }), {
    kind: "kv",
    bucket: "b",
    key: "k",
    change: "set",
    version: 7,
  });
});

test("what a handler returns becomes a response with its media type", () => {
  const cases = [
    ["text", "text/plain; charset=utf-8", "text"],
    [new Uint8Array([104, 105]), "application/octet-stream", "hi"],
    [new Uint8Array([104, 105]).buffer, "application/octet-stream", "hi"],
    [{ a: 1 }, "application/json", '{"a":1}'],
    [[1, 2], "application/json", "[1,2]"],
    [5, "application/json", "5"],
    [undefined, undefined, ""],
    [null, undefined, ""],
    [Response.json("text"), "application/json", '"text"'],
    [Response.text(5), "text/plain; charset=utf-8", "5"],
    [Response.bytes(new Uint16Array([0x6968])), "application/octet-stream", "hi"],
    [new Response("x", { contentType: null }), undefined, "x"],
  ];
  for (const [result, contentType, data] of cases) {
    const raw = toRawResponse(result);
    assert.equal(raw.contentType, contentType);
    assert.equal(text(raw.data), data);
    assert.equal(raw.status, undefined);
    assert.deepEqual(raw.attributes, []);
  }
});

test("status and attributes go along, a name more than once too", () => {
  const attributes = { vary: "accept", "set-cookie": ["a=1", "b=2"] };
  const raw = toRawResponse(Response.json({}, { status: 201, attributes }));
  assert.equal(raw.status, 201);
  assert.deepEqual(raw.attributes, pairs(["vary", "accept"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]));
});

test("what cannot be sent is refused before the binding traps on it", () => {
  assert.throws(
    () => toRawResponse(new Response("x", { status: "200" })),
    /`status` must be a whole number from 100 to 999/,
  );
  assert.throws(
    () => toRawResponse(new Response("x", { attributes: { a: 5 } })),
    /`attribute a` must be a string, is `5`/,
  );
  assert.throws(() => toRawResponse(new Response("x", { attributes: "ab" })), /attributes must be an object or pairs/);
  assert.throws(() => Response.bytes("text"), TypeError);
  assert.throws(() => toRawResponse(() => 1), /a function cannot be written as JSON/);
});
