import { Bucket } from "wasm-faas";

/** Keeps a report. The event's id is the same at each attempt, so that a second one writes the same key again. */
export function handle(event) {
  const { title } = event.json();
  Bucket.open("reports").set(event.id, `report: ${title}`);
}
