import { Bucket } from "wasm-faas";

/** Enters a picture in the catalogue. */
export function handle(event) {
  const { name, size } = event.json();
  Bucket.open("catalogue").set(name, `picture of ${size} bytes`);
}
