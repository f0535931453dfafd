import { context, log, Rejected, Response, Retry } from "wasm-faas";
import { sleep } from "wasm-faas:function/context@0.1.0";

const MISBEHAVIOURS = {
  spin() {
    for (;;);
  },
  grow() {
    const kept = [];
    for (;;) {
      kept.push(new Uint8Array(1_000_000).fill(1));
    }
  },
  recurse: function deeper() {
    return 1 + deeper();
  },
  // The raw binding does not check what it is given.
  trap() {
    sleep("not a number");
  },
  exit() {
    throw new Rejected("javascript cannot exit");
  },
  reject() {
    throw new Rejected("rejected on request");
  },
  retry() {
    throw new Retry("try again later", { afterMs: 1500 });
  },
  throw() {
    throw new Error("thrown on request");
  },
  big() {
    return Response.bytes(new Uint8Array(100_000_000));
  },
  flood() {
    for (let line = 1; ; line += 1) {
      log.info(`line ${line} of a flood`);
    }
  },
  sleep(durationMs = "60000") {
    context.sleep(Number(durationMs));
    return "slept";
  },
};

export function handle(event) {
  const [name, ...values] = event.text().split(" ");
  if (!Object.hasOwn(MISBEHAVIOURS, name)) {
    throw new Rejected(`no such misbehaviour: ${event.text()}`);
  }
  return MISBEHAVIOURS[name](...values);
}
