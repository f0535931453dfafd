from values import Json, Step, condition, decoded, each, shown
from wasm_faas import Container


def options(step: Step) -> Json:
    return {"content_type": step.get("content_type"), "metadata": step.get("metadata"), "when": condition(step)}


def span(step: Step) -> Json:
    part = step.get("range") or {}
    return {"start": part.get("start"), "length": part.get("length")}


def put(step: Step) -> Json:
    return shown(Container.open(step["container"]).put(step["key"], decoded(step["data"]), **options(step)))


def get(step: Step) -> Json:
    return shown(Container.open(step["container"]).get(step["key"], **span(step)))


def head(step: Step) -> Json:
    return shown(Container.open(step["container"]).head(step["key"]))


def copy(step: Step) -> Json:
    container = Container.open(step["container"])
    return shown(container.copy(step["source"], step["destination"], when=condition(step)))


def delete(step: Step) -> Json:
    return Container.open(step["container"]).delete(step["key"], when=condition(step))


def delete_many(step: Step) -> Json:
    return each(Container.open(step["container"]).delete_many(step["keys"]))


def list_objects(step: Step) -> Json:
    cut = {"delimiter": step.get("delimiter"), "cursor": step.get("cursor"), "limit": step["limit"]}
    return shown(Container.open(step["container"]).list(step["prefix"], **cut))


def write(step: Step) -> Json:
    writer = Container.open(step["container"]).writer(step["key"], **options(step))
    for chunk in step["chunks"]:
        writer.write(decoded(chunk))
    return shown(writer.finish()) if step["finish"] else writer.discard()


def read(step: Step) -> Json:
    reader, chunks = Container.open(step["container"]).reader(step["key"], **span(step)), []
    while chunk := reader.read(step["max"]):
        chunks.append(chunk)
    return shown({"info": reader.info, "chunks": chunks})


def presign(step: Step) -> Json:
    container = Container.open(step["container"])
    return container.presign(step["key"], method=step["method"], ttl=step["ttl_ms"] / 1000)


steps = {
    "blob.put": put,
    "blob.get": get,
    "blob.head": head,
    "blob.copy": copy,
    "blob.delete": delete,
    "blob.delete_many": delete_many,
    "blob.list": list_objects,
    "blob.write": write,
    "blob.read": read,
    "blob.presign": presign,
}
