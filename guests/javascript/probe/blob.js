import { Container } from "wasm-faas";
import { answers, condition, decode, encode, snake } from "./results.js";

function options({ content_type: contentType, metadata, when }) {
  return { contentType, metadata, ...condition(when) };
}

function get({ container, key, range }) {
  const object = Container.open(container).get(key, range);
  return object && { info: snake(object.info), data: encode(object.data) };
}

function head({ container, key }) {
  const info = Container.open(container).head(key);
  return info && snake(info);
}

function list({ container, prefix, delimiter, cursor, limit }) {
  const page = Container.open(container).list(prefix, { delimiter, cursor, limit });
  return { ...page, objects: page.objects.map(snake) };
}

function write(step) {
  const writer = Container.open(step.container).writer(step.key, options(step));
  for (const chunk of step.chunks) {
    writer.write(decode(chunk));
  }
  return step.finish ? snake(writer.finish()) : writer.close();
}

function read({ container, key, range, max }) {
  const reader = Container.open(container).reader(key, range);
  const chunks = [];
  for (let chunk = reader.read(max); chunk.length > 0; chunk = reader.read(max)) {
    chunks.push(encode(chunk));
  }
  return { info: snake(reader.info), chunks };
}

export const blob = {
  "blob.put": (step) => snake(Container.open(step.container).put(step.key, decode(step.data), options(step))),
  "blob.get": get,
  "blob.head": head,
  "blob.copy": ({ container, source, destination, when }) =>
    snake(Container.open(container).copy(source, destination, condition(when))),
  "blob.delete": ({ container, key, when }) => Container.open(container).delete(key, condition(when)),
  "blob.delete_many": ({ container, keys }) => answers(Container.open(container).deleteMany(keys)),
  "blob.list": list,
  "blob.write": write,
  "blob.read": read,
  "blob.presign": ({ container, key, method, ttl_ms: ttlMs }) => Container.open(container).presign(method, key, ttlMs),
};
