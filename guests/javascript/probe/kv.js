import { Bucket } from "wasm-faas";
import { condition, decode, encode, snake } from "./results.js";

function entryOf(entry) {
  return entry && snake({ ...entry, value: encode(entry.value) });
}

function operation(step) {
  const [[name, { key, value, ttl_ms: ttlMs, when }]] = Object.entries(step);
  return { [name]: key, value: value && decode(value), ttlMs, ...condition(when) };
}

export const kv = {
  "kv.get": ({ bucket, key }) => entryOf(Bucket.open(bucket).get(key)),
  "kv.get_many": ({ bucket, keys }) => Bucket.open(bucket).getMany(keys).map(entryOf),
  "kv.exists": ({ bucket, key }) => Bucket.open(bucket).exists(key),
  "kv.set": ({ bucket, key, value, ttl_ms: ttlMs, when }) =>
    Bucket.open(bucket).set(key, decode(value), { ttlMs, ...condition(when) }),
  "kv.delete": ({ bucket, key, when }) => Bucket.open(bucket).delete(key, condition(when)),
  "kv.increment": ({ bucket, key, delta, ttl_ms: ttlMs }) => Bucket.open(bucket).increment(key, delta, { ttlMs }),
  "kv.list": ({ bucket, prefix, cursor, limit }) => Bucket.open(bucket).list(prefix, { cursor, limit }),
  "kv.transact": ({ bucket, operations }) => Bucket.open(bucket).transact(operations.map(operation)),
};
