from values import Json, Step, condition, decoded, duration, shown
from wasm_faas import Bucket, kv


def get(step: Step) -> Json:
    return shown(Bucket.open(step["bucket"]).get(step["key"]))


def get_many(step: Step) -> Json:
    return shown(Bucket.open(step["bucket"]).get_many(step["keys"]))


def exists(step: Step) -> Json:
    return Bucket.open(step["bucket"]).exists(step["key"])


def set(step: Step) -> Json:
    bucket, value = Bucket.open(step["bucket"]), decoded(step["value"])
    return bucket.set(step["key"], value, ttl=duration(step, "ttl_ms"), when=condition(step))


def delete(step: Step) -> Json:
    return Bucket.open(step["bucket"]).delete(step["key"], when=condition(step))


def increment(step: Step) -> Json:
    return Bucket.open(step["bucket"]).increment(step["key"], step["delta"], ttl=duration(step, "ttl_ms"))


def list_keys(step: Step) -> Json:
    bucket = Bucket.open(step["bucket"])
    return shown(bucket.list_keys(step["prefix"], cursor=step.get("cursor"), limit=step["limit"]))


def operation(fields: Step) -> kv.Operation:
    match fields:
        case {"check": check}:
            return kv.Check(check["key"], condition(check))
        case {"set": write}:
            return kv.Set(write["key"], decoded(write["value"]), duration(write, "ttl_ms"), condition(write))
        case {"delete": delete}:
            return kv.Delete(delete["key"], condition(delete))
    raise ValueError(f"no such operation: `{fields}`")


def transact(step: Step) -> Json:
    return Bucket.open(step["bucket"]).transact(map(operation, step["operations"]))


steps = {
    "kv.get": get,
    "kv.get_many": get_many,
    "kv.exists": exists,
    "kv.set": set,
    "kv.delete": delete,
    "kv.increment": increment,
    "kv.list": list_keys,
    "kv.transact": transact,
}
