import { Bucket, Container } from "wasm-faas";

/** Enters a text in the catalogue, by the number of its words. */
export function handle(event) {
  const { name } = event.json();
  const words = Container.open("uploads").get(name).text().split(/\s+/).filter(Boolean);
  Bucket.open("catalogue").set(name, `text of ${words.length} words`);
}
