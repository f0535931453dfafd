// The services over a stand-in for the bindings: arguments, answers and errors.

import { host, rawEvent, resource } from "../support/host.mjs";
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const sdk = await import("../src/index.js");
const { releaseAll } = await import("../src/handles.js");
const { beginServing } = await import("../src/host.js");
const { toRawResponse } = await import("../src/event.js");

const bytes = (text) => new TextEncoder().encode(text);
let calls;

// Records each call and gives the answer named for it.
function recording(answers) {
  const record =
    (method) =>
    (...values) => {
      calls.push([method, ...values]);
      const answer = answers[method];
      return typeof answer === "function" ? answer() : answer;
    };
  return resource(Object.fromEntries(Object.keys(answers).map((method) => [method, record(method)])));
}

function raise(error) {
  return () => {
    throw error;
  };
}

beforeEach(() => {
  calls = [];
  releaseAll();
  beginServing(rawEvent().timeMs);
});

test("a value is converted to bytes, options to conditions", () => {
  host.kv.Bucket = recording({ set: 3 });
  const bucket = sdk.Bucket.open("b");
  assert.equal(bucket.set("k", { a: 1 }, { ttlMs: 5, ifVersion: 2 }), 3);
  assert.equal(bucket.set("k", "text", { ifAbsent: true }), 3);
  assert.deepEqual(calls, [
    ["set", "b", "k", bytes('{"a":1}'), 5, { tag: "if-version", val: 2 }],
    ["set", "b", "k", bytes("text"), undefined, { tag: "if-absent" }],
  ]);
});

test("integers are BigInt where the bindings speak BigInt, and numbers to the author", () => {
  beginServing(1n);
  host.kv.Bucket = recording({ increment: -7n, get: { value: bytes("v"), version: 9n, expiresAtMs: 5n } });
  const bucket = sdk.Bucket.open("b");
  assert.equal(bucket.increment("k", -7, { ttlMs: 60 }), -7);
  assert.deepEqual(calls, [["increment", "b", "k", -7n, 60n]]);
  const entry = bucket.get("k");
  assert.deepEqual([entry.version, entry.expiresAtMs, entry.text()], [9, 5, "v"]);
});

test("a negative increment leaves BigInt as it was, also when it fails", () => {
  beginServing(1n);
  const { asIntN } = BigInt;
  host.kv.Bucket = recording({ increment: raise({ payload: { tag: "conflict" } }) });
  assert.throws(() => sdk.Bucket.open("b").increment("k", -7), sdk.Conflict);
  assert.equal(BigInt.asIntN, asIntN);
});

test("every error of the contract has its class, bare or as a payload", () => {
  const cases = [
    ["access-denied", "why", sdk.AccessDenied],
    ["not-found", undefined, sdk.NotFound],
    ["conflict", 4n, sdk.Conflict],
    ["lease-lost", undefined, sdk.LeaseLost],
    ["too-large", 10, sdk.TooLarge],
    ["invalid", "why", sdk.Invalid],
    ["throttled", 10, sdk.Throttled],
    ["unsupported", "why", sdk.Unsupported],
    ["unavailable", "why", sdk.Unavailable],
    ["unknown-outcome", "why", sdk.UnknownOutcome],
  ];
  for (const [tag, val, kind] of cases) {
    for (const thrown of [{ tag, val }, Object.assign(new Error("component error"), { payload: { tag, val } })]) {
      releaseAll();
      host.kv.Bucket = recording({ exists: raise(thrown) });
      assert.throws(
        () => sdk.Bucket.open("b").exists("k"),
        (error) => {
          assert.ok(error instanceof kind && error instanceof sdk.ServiceError);
          assert.equal(error.code, tag);
          assert.equal(error.detail, val === undefined ? null : typeof val === "bigint" ? Number(val) : val);
          assert.equal(error.name, kind.name);
          assert.match(error.message, /^bucket `b`: /);
          return true;
        },
      );
    }
  }
});

test("an error that is none of the contract's passes unchanged", () => {
  const thrown = new RangeError("other");
  host.kv.Bucket = recording({ exists: raise(thrown) });
  assert.throws(() => sdk.Bucket.open("b").exists("k"), thrown);
});

test("a wrong argument is refused before the binding is called", () => {
  const answers = { get: null, set: 1, increment: 1, listKeys: null, transact: [] };
  host.kv.Bucket = recording(answers);
  const bucket = sdk.Bucket.open("b");
  const wrong = [
    [() => bucket.get(5), /bucket `b`: invalid: `key` must be a string, is `5`/],
    [() => bucket.get({}), /`key` must be a string, is \[object Object\]/],
    [() => bucket.increment("k", 1.5), /`delta` must be a whole number/],
    [() => bucket.increment("k", 5n), /`delta` must be a whole number/],
    [() => bucket.set("k", "v", { ttlMs: -1 }), /`ttlMs` must be a whole number from 0/],
    [() => bucket.list("p", { limit: 2 ** 31 }), /`limit` must be a whole number from 0 to 2147483647/],
    [() => bucket.getMany("keys"), /`keys` must be an array of strings/],
    [() => bucket.transact([{ put: "k" }]), /needs one of `check`, `set`, `delete`/],
  ];
  for (const [attempt, message] of wrong) {
    assert.throws(attempt, (error) => error instanceof sdk.Invalid && message.test(error.message));
  }
  assert.deepEqual(calls, []);
});

test("a lone surrogate is made well formed", () => {
  host.kv.Bucket = recording({ exists: true });
  sdk.Bucket.open("b").exists("a\ud800");
  assert.deepEqual(calls, [["exists", "b", "a\ufffd"]]);
});

test("keys walks every page", () => {
  const pages = [
    { keys: ["a", "b"], cursor: "b" },
    { keys: ["c"], cursor: undefined },
  ];
  host.kv.Bucket = recording({ listKeys: () => pages.shift() });
  assert.deepEqual([...sdk.Bucket.open("b").keys("")], ["a", "b", "c"]);
  assert.deepEqual(
    calls.map((call) => call[3]),
    [undefined, "b"],
  );
});

test("a transaction's versions are numbers, from a typed array too", () => {
  host.kv.Bucket = recording({ transact: BigUint64Array.of(0n, 7n) });
  assert.deepEqual(sdk.Bucket.open("b").transact([{ check: "a" }, { set: "b", value: "v" }]), [0, 7]);
});

test("a message takes its media type from its body unless one is named", () => {
  host.queue.Queue = recording({ send: { id: "1", duplicate: false } });
  const queue = sdk.Queue.open("q");
  queue.send({ a: 1 }, { attributes: { x: "y" }, delayMs: 5 });
  queue.send(bytes("b"));
  queue.send("text", { contentType: "text/x" });
  const sent = calls.map((call) => call[2]);
  assert.deepEqual(
    sent.map((message) => message.contentType),
    ["application/json", undefined, "text/x"],
  );
  assert.deepEqual(sent[0].attributes, [{ name: "x", value: "y" }]);
  assert.equal(sent[0].delayMs, 5);
});

test("a batch answers for each part", () => {
  const answers = [
    { tag: "ok", val: { id: "1", duplicate: true } },
    { tag: "err", val: { tag: "too-large", val: 9 } },
  ];
  host.topic.Topic = recording({ publishBatch: answers });
  const [first, second] = sdk.Topic.open("t").publishBatch([{ body: "a" }, { body: "b" }]);
  assert.deepEqual(first, { status: "fulfilled", value: { id: "1", duplicate: true } });
  assert.equal(second.status, "rejected");
  assert.ok(second.reason instanceof sdk.TooLarge);
  assert.match(second.reason.message, /^topic `t`: too large/);
});

test("a message received can be acknowledged, and a lost lease throws", () => {
  const raw = {
    id: "1",
    receipt: "r",
    body: bytes("{}"),
    attributes: [],
    receiveCount: 1,
    sentAtMs: 1,
    firstReceivedAtMs: 2,
  };
  host.queue.Queue = recording({
    receive: [raw],
    acknowledge: [{ tag: "err", val: { tag: "lease-lost" } }],
    extend: undefined,
  });
  const [message] = sdk.Queue.open("q").receive({ max: 5 });
  assert.deepEqual(message.json(), {});
  assert.equal(message.contentType, null);
  message.extend(5000);
  assert.throws(() => message.acknowledge(), sdk.LeaseLost);
  assert.deepEqual(calls, [
    ["receive", "q", 5, 0, undefined],
    ["extend", "q", "r", 5000],
    ["acknowledge", "q", ["r"]],
  ]);
});

test("a writer cuts what it is given into pieces of 1 MiB", () => {
  const info = { key: "k", size: 5n, etag: "e", modifiedMs: 1n, metadata: [{ name: "a", value: "b" }] };
  const sizes = [];
  host.blob.Container = resource({
    writer: () => ({ write: (piece) => sizes.push(piece.length), finish: () => info, [Symbol.dispose]() {} }),
  });
  const writer = sdk.Container.open("c").writer("k", { metadata: { a: "b" } });
  writer.write(new Uint8Array(2.5 * 1024 * 1024));
  assert.deepEqual(sizes, [1048576, 1048576, 524288]);
  assert.deepEqual(writer.finish(), {
    key: "k",
    size: 5,
    etag: "e",
    contentType: null,
    modifiedMs: 1,
    metadata: { a: "b" },
  });
});

test("a reader gives pieces to the end", () => {
  const pieces = [bytes("ab"), bytes("c"), bytes("")];
  const info = { key: "k", size: 3, etag: "e", modifiedMs: 1, metadata: [] };
  host.blob.Container = resource({
    reader: () => ({ info: () => info, read: () => pieces.shift(), [Symbol.dispose]() {} }),
  });
  const reader = sdk.Container.open("c").reader("k", { start: 5 });
  assert.deepEqual(
    [...reader].map((piece) => new TextDecoder().decode(piece)),
    ["ab", "c"],
  );
  assert.equal(reader.info.size, 3);
});

test("presign refuses a method that is not there", () => {
  host.blob.Container = recording({ presign: "url" });
  assert.throws(() => sdk.Container.open("c").presign("head", "k", 1), /`method` must be "get" or "put"/);
  assert.equal(sdk.Container.open("c").presign("put", "k", 1), "url");
});

test("settings, secrets and the invocation", () => {
  host.config.get = () => undefined;
  host.config.secret = raise({ tag: "access-denied", val: "grant it" });
  host.context.current = () => ({ id: "i", function: "f", version: "v", attempt: 2, deadlineMs: 5n, memoryLimit: 6n });
  host.context.remainingFuel = () => undefined;
  assert.equal(sdk.config.get("mode"), null);
  assert.throws(() => sdk.config.secret("token"), /secret `token`: access denied: grant it/);
  const { deadlineMs, fuelLimit, traceparent } = sdk.context.current();
  assert.deepEqual([deadlineMs, fuelLimit, traceparent, sdk.context.remainingFuel()], [5, null, null, null]);
});

test("the log writes whatever it is given", () => {
  const lines = [];
  host.context.log = (...values) => lines.push(values);
  sdk.log.warn("message", { text: "a", number: 5, nested: { b: [1] } });
  sdk.log.info({ a: 1 }, null);
  const fields = [
    { name: "text", value: "a" },
    { name: "number", value: "5" },
    { name: "nested", value: "{b: [1]}" },
  ];
  assert.deepEqual(lines, [
    ["warn", "message", fields],
    ["info", "{a: 1}", []],
  ]);
});

// A class whose handles are counted, with what is open now.
function counted(members) {
  const state = { opened: 0, open: 0 };
  const handle = () => {
    state.opened += 1;
    state.open += 1;
    return { ...members(handle), [Symbol.dispose]: () => (state.open -= 1) };
  };
  return { state, open: handle };
}

test("an invocation opens a name once and gives it back at its end; what is kept opens again", () => {
  host.kv.Bucket = counted(() => ({ exists: () => true }));
  const { state } = host.kv.Bucket;
  const bucket = sdk.Bucket.open("b");
  assert.ok(bucket.exists("k") && sdk.Bucket.open("b").exists("k"));
  assert.deepEqual(state, { opened: 1, open: 1 });
  releaseAll();
  assert.deepEqual(state, { opened: 1, open: 0 });
  assert.ok(bucket.exists("k"));
  assert.deepEqual(state, { opened: 2, open: 1 });
});

test("a name that cannot be opened is told at `open`, and tried again the next time", () => {
  host.kv.Bucket = { open: raise({ tag: "not-found" }) };
  assert.throws(() => sdk.Bucket.open("b"), /^NotFound: bucket `b`: not found$/);
  host.kv.Bucket = resource({ exists: () => true });
  assert.ok(sdk.Bucket.open("b").exists("k"));
});

test("readers and writers are given back when they end, when they are closed, and with the invocation", () => {
  const info = { key: "k", size: 0, etag: "e", modifiedMs: 1, metadata: [] };
  host.blob.Container = counted((handle) => ({
    reader: handle,
    writer: handle,
    info: () => info,
    read: () => bytes(""),
    write: () => undefined,
    finish: () => info,
  }));
  const { state } = host.blob.Container;
  const container = sdk.Container.open("c");
  const ended = container.reader("k");
  assert.deepEqual([ended.read().length, ended.read().length, state.open], [0, 0, 1]);
  const finished = container.writer("k");
  finished.finish();
  assert.throws(() => finished.finish(), /the writer is finished or closed/);
  const closed = container.writer("k");
  closed.close();
  closed.close();
  assert.throws(() => closed.write("x"), sdk.Invalid);
  assert.equal(state.open, 1);
  const left = container.writer("k");
  assert.equal(state.open, 2);
  releaseAll();
  assert.equal(state.open, 0);
  assert.throws(() => left.write("x"), sdk.Invalid);
});

test("another function is invoked with data and options, and its response can be passed on", () => {
  const attributes = [
    { name: "set-cookie", value: "a" },
    { name: "set-cookie", value: "b" },
  ];
  host.functions.invoke = (...values) => {
    calls.push(values);
    return { status: 201, contentType: undefined, attributes, data: bytes('{"total":7}') };
  };
  const response = sdk.invoke("bill", { order: 1 }, { type: "shop.paid", subject: "7", attributes: { a: "b" } });
  assert.deepEqual(calls[0], [
    "bill",
    {
      data: bytes('{"order":1}'),
      contentType: "application/json",
      attributes: [{ name: "a", value: "b" }],
      type: "shop.paid",
      subject: "7",
    },
  ]);
  assert.deepEqual(response.json(), { total: 7 });
  assert.deepEqual(toRawResponse(response), {
    status: 201,
    contentType: undefined,
    attributes,
    data: bytes('{"total":7}'),
  });
  sdk.invoke("bill");
  assert.deepEqual([calls[1][1].data.length, calls[1][1].contentType], [0, undefined]);
});

test("an event is left for another function, with a delay", () => {
  host.functions.invokeAsync = (...values) => {
    calls.push(values);
    return { id: "1", duplicate: false };
  };
  assert.deepEqual(sdk.invokeAsync("bill", "x", { delayMs: 5, deduplicationId: "d" }), { id: "1", duplicate: false });
  assert.deepEqual(calls[0].slice(2), [5, "d"]);
  assert.throws(() => sdk.invokeAsync("bill", "x", { delayMs: -1 }), /function `bill`: invalid: `delayMs`/);
  assert.throws(() => sdk.invoke(5), /`name` must be a string/);
});

test("why a function gave no response has its class, bare or as a payload", () => {
  const cases = [
    [{ tag: "rejected", val: "bad" }, "rejected", "bad", null, "function `bill` rejected the event: bad"],
    [{ tag: "stopped", val: "fuel" }, "stopped", "fuel", null, "function `bill` was stopped: fuel"],
    [{ tag: "retry", val: { reason: "busy" } }, "retry", "busy", null, "function `bill` failed: busy"],
    [{ tag: "retry", val: { reason: "busy", afterMs: 5n } }, "retry", "busy", 5, "function `bill` failed: busy"],
  ];
  for (const [raw, code, reason, afterMs, message] of cases) {
    for (const thrown of [raw, { payload: raw }]) {
      host.functions.invoke = raise(thrown);
      assert.throws(
        () => sdk.invoke("bill"),
        (error) => {
          assert.ok(error instanceof sdk.InvokeError);
          assert.deepEqual([error.code, error.reason, error.afterMs, error.message], [code, reason, afterMs, message]);
          return true;
        },
      );
    }
  }
  host.functions.invoke = raise({ tag: "service", val: { tag: "throttled", val: 1000 } });
  assert.throws(() => sdk.invoke("bill"), { code: "throttled", detail: 1000, message: /^function `bill`: throttled/ });
  const odd = new Error("odd");
  host.functions.invoke = raise(odd);
  assert.throws(() => sdk.invoke("bill"), odd);
});
