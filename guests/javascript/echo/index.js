import { Response } from "wasm-faas";

export function handle({ data, contentType, attributes }) {
  return new Response(data, { contentType, attributes });
}
