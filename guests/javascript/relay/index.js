import { Container, Response, Topic } from "wasm-faas";

export function handle({ id, data, contentType }) {
  Container.open("inbox").put(id, data, { contentType });
  Topic.open("stored").publish(id);
  return Response.json({ key: id });
}
