import { Queue, Rejected, Response, Retry, context } from "wasm-faas";

/** Tells the queue `seen` what it knows of each event, then does what the event's data says: `reject` or `retry`. */
export function handle(event) {
  const { source, type, subject } = event;
  const data = event.text();
  const { attempt } = context.current();
  const seen = { source, type, subject, trigger: trigger(event.trigger), attempt, data };
  Queue.open("seen").send(JSON.stringify(seen));
  if (data === "reject") throw new Rejected("rejected on request");
  if (data === "retry") throw new Retry("not now");
  return Response.json({ seen: event.id });
}

/** The kind, the name and what changed. */
function trigger(trigger) {
  const { kind } = trigger;
  switch (kind) {
    case "http":
      return [kind, trigger.path];
    case "queue":
    case "topic":
      return [kind, trigger.source, trigger.group];
    case "schedule":
      return [kind, trigger.schedule];
    case "blob":
      return [kind, trigger.container, trigger.key, trigger.change, ...(trigger.change === "created" ? [trigger.size] : [])];
    case "kv":
      return [kind, trigger.bucket, trigger.key, trigger.change];
    default:
      return [kind];
  }
}
