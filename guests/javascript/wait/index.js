import { Response } from "wasm-faas";

export async function handle(event) {
  const waited = Number(event.text());
  await new Promise((resolve) => setTimeout(resolve, waited));
  return Response.json({ waited });
}
