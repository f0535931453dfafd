import { invoke } from "wasm-faas";

/** Invokes the first of the functions that the event's data lists, with the others; at the end of the list it is done. */
export function handle(event) {
  const [first, ...others] = event.json();
  return first === undefined ? "the end of the chain" : invoke(first, others);
}
