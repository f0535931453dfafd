// What the build puts around a handler: results, failures, and the event loop of async handlers.

import { host, rawEvent } from "../support/host.mjs";
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

// The modules see an engine without timers, as QuickJS is; the tests keep Node.js's.
const { setImmediate, console: realConsole } = globalThis;
for (const name of ["setTimeout", "clearTimeout", "setInterval", "clearInterval"]) {
  delete globalThis[name];
}
globalThis.wit = {
  Future: Object.assign(fakeFuture, { U8: 0 }),
};

const { serve, serveAsync, serveBatch, serveBatchAsync } = await import("../src/runtime.js");
const { each } = await import("../src/batch.js");
const { Rejected, Retry } = await import("../src/errors.js");
globalThis.console = realConsole;

let lines;
let slept;

// Settles once Node.js has run every promise job, as the host answers a turn.
function fakeFuture() {
  const read = () => new Promise((resolve) => setImmediate(resolve));
  return { readable: { read, drop() {} }, writable: { write() {}, drop() {} } };
}

beforeEach(() => {
  lines = [];
  slept = [];
  host.context.log = (level, message) => lines.push([level, message]);
  host.context.sleep = (durationMs) => {
    slept.push(durationMs);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
  };
});

const text = (response) => new TextDecoder().decode(response.data);

function thrownBy(handler) {
  try {
    handler(rawEvent());
  } catch (thrown) {
    return thrown;
  }
  return assert.fail("nothing was thrown");
}

test("a handler gets the event and answers", () => {
  assert.equal(text(serve((event) => `${event.text()}!`)(rawEvent())), "hello!");
});

test("rejected and retry go to the host as they are, without a line in the log", () => {
  const rejected = thrownBy(
    serve(() => {
      throw new Rejected("bad order");
    }),
  );
  assert.deepEqual(rejected, { tag: "rejected", val: "bad order" });
  const later = thrownBy(
    serve(() => {
      throw new Retry("busy", { afterMs: 1500.2 });
    }),
  );
  assert.deepEqual(later, { tag: "retry", val: { reason: "busy", afterMs: 1501 } });
  assert.deepEqual(
    thrownBy(
      serve(() => {
        throw new Retry("busy", { afterMs: -1 });
      }),
    ).val.afterMs,
    undefined,
  );
  assert.deepEqual(lines, []);
});

test("any other error is a retry, with its stack in the log", () => {
  const failure = thrownBy(
    serve(() => {
      throw new TypeError("boom");
    }),
  );
  assert.deepEqual(failure, { tag: "retry", val: { reason: "boom", afterMs: undefined } });
  assert.equal(lines[0][0], "error");
  assert.match(lines[0][1], /^TypeError: boom\n.*runtime\.test\.mjs/);
});

test("whatever is thrown becomes a reason", () => {
  const cases = [
    ["text", "text"],
    [undefined, "undefined"],
    [{ a: 1 }, "{a: 1}"],
    [Symbol("s"), "Symbol(s)"],
    [new Error(""), "Error"],
    [Object.create(null), "{}"],
    ["\ud800", "\ufffd"],
  ];
  for (const [thrown, reason] of cases) {
    assert.equal(
      thrownBy(
        serve(() => {
          throw thrown;
        }),
      ).val.reason,
      reason,
    );
  }
});

test("a result that cannot be sent is a retry, not a trap", () => {
  assert.match(thrownBy(serve(() => Symbol("s"))).val.reason, /a symbol cannot be written as JSON/);
  assert.match(thrownBy(serve(() => 1n)).val.reason, /BigInt/);
});

test("a plain handler that returns a promise is told to be async", () => {
  assert.match(thrownBy(serve(() => Promise.resolve(1))).val.reason, /declare it `async`/);
});

test("a plain handler has no timers", () => {
  assert.match(
    thrownBy(serve(() => globalThis.setTimeout(() => {}, 1))).val.reason,
    /timers work only inside an async handler/,
  );
});

test("an async handler answers, rejects and fails like a plain one", async () => {
  assert.equal(text(await serveAsync(async (event) => event.text())(rawEvent())), "hello");
  assert.equal(text(await serveAsync((event) => event.text())(rawEvent())), "hello");
  await assert.rejects(
    serveAsync(async () => {
      throw new Rejected("no");
    })(rawEvent()),
    { tag: "rejected", val: "no" },
  );
  await assert.rejects(
    serveAsync(async () => {
      throw new Error("boom");
    })(rawEvent()),
    (failure) => failure.val.reason === "boom",
  );
});

test("timers fire in order of their time, and the instance sleeps in between", async () => {
  const order = [];
  await serveAsync(async () => {
    const pause = (ms, name) =>
      new Promise((resolve) => globalThis.setTimeout((value) => resolve(order.push(value)), ms, name));
    globalThis.clearTimeout(globalThis.setTimeout(() => order.push("cleared"), 1));
    await Promise.all([pause(100, "third"), pause(5, "second"), pause(0, "first")]);
  })(rawEvent());
  assert.deepEqual(order, ["first", "second", "third"]);
  assert.ok(slept.length >= 1 && slept.every((ms) => ms <= 100), String(slept));
});

test("an interval repeats until it is cleared", async () => {
  const response = await serveAsync(async () => {
    let count = 0;
    await new Promise((resolve) => {
      const id = globalThis.setInterval(() => {
        count += 1;
        if (count === 3) {
          globalThis.clearInterval(id);
          resolve();
        }
      }, 1);
    });
    return count;
  })(rawEvent());
  assert.equal(text(response), "3");
});

test("promise jobs all run before a timer, however long their chain", async () => {
  const response = await serveAsync(async () => {
    let late = false;
    globalThis.setTimeout(() => {
      late = true;
    }, 0);
    for (let count = 0; count < 5000; count += 1) {
      await null;
    }
    return { late };
  })(rawEvent());
  assert.equal(text(response), '{"late":false}');
});

test("timers left over do not delay the answer nor fire in the next invocation", async () => {
  let fired = false;
  await serveAsync(async () => {
    globalThis.setTimeout(() => {
      fired = true;
    }, 1);
  })(rawEvent());
  await serveAsync(async () => {
    await new Promise((resolve) => globalThis.setTimeout(resolve, 5));
  })(rawEvent());
  assert.equal(fired, false);
});

test("an error in a timer is logged and does not end the handler", async () => {
  const response = await serveAsync(async () => {
    globalThis.setTimeout(() => {
      throw new Error("in a timer");
    }, 0);
    await new Promise((resolve) => globalThis.setTimeout(resolve, 1));
    return "done";
  })(rawEvent());
  assert.equal(text(response), "done");
  assert.equal(lines.filter(([level, message]) => level === "error" && message.includes("in a timer")).length, 1);
});

test("a handler that waits for nothing fails instead of hanging", async () => {
  const forever = serveAsync(() => new Promise(() => {}));
  await assert.rejects(forever(rawEvent()), (failure) => /never finishes/.test(failure.val.reason));
});

const OK = { tag: "ok", val: undefined };
const batch = [rawEvent({ id: "1" }), rawEvent({ id: "2" }), rawEvent({ id: "3" })];

test("a batch handler that returns nothing has handled every event", () => {
  assert.deepEqual(serveBatch(() => undefined)(batch), [OK, OK, OK]);
});

test("a batch handler answers for each event", () => {
  const answers = serveBatch((events) => [null, new Rejected(events[1].id), new Retry("busy", { afterMs: 7 })])(batch);
  assert.deepEqual(answers, [
    OK,
    { tag: "err", val: { tag: "rejected", val: "2" } },
    { tag: "err", val: { tag: "retry", val: { reason: "busy", afterMs: 7 } } },
  ]);
  assert.deepEqual(lines, []);
});

test("each event of a batch is handled for itself", () => {
  const handle = ({ id }) => {
    if (id === "2") {
      throw "odd";
    }
    return id === "3" ? Promise.resolve() : "ignored";
  };
  const answers = serveBatch((events) => each(events, handle))(batch);
  assert.deepEqual(
    answers.map(({ val }) => val?.val.reason),
    [undefined, "odd", "`each` takes a plain function, it got a promise"],
  );
  assert.equal(lines.length, 2);
});

test("an error of a batch as a whole has every event tried again", () => {
  const cases = [
    [() => [], /an array of 3, an answer for each event/],
    [() => "done", /an array of 3/],
    [() => Promise.resolve(), /an array of 3/],
    [() => [null, Promise.resolve(), null], /answered with a promise/],
    [(events) => events.missing.length, /./],
  ];
  for (const [handle, reason] of cases) {
    const answers = serveBatch(handle)(batch);
    assert.equal(answers.length, 3);
    for (const { tag, val } of answers) {
      assert.deepEqual([tag, val.tag], ["err", "retry"]);
      assert.match(val.val.reason, reason);
    }
  }
});

test("a rejection that a batch handler throws rejects no event, a retry says when", () => {
  const thrown = (error) =>
    serveBatch(() => {
      throw error;
    })(batch).map(({ val }) => val);
  const again = { tag: "retry", val: { reason: "no", afterMs: undefined } };
  assert.deepEqual(thrown(new Rejected("no")), [again, again, again]);
  assert.equal(thrown(new Retry("busy", { afterMs: 5 }))[2].val.afterMs, 5);
});

test("an async batch handler answers like a plain one", async () => {
  const answers = await serveBatchAsync(async () => [null, new Rejected("no"), undefined])(batch);
  assert.deepEqual(answers, [OK, { tag: "err", val: { tag: "rejected", val: "no" } }, OK]);
  const failed = await serveBatchAsync(async () => {
    throw new Error("boom");
  })(batch);
  assert.deepEqual(
    failed.map(({ val }) => val.val.reason),
    ["boom", "boom", "boom"],
  );
});
