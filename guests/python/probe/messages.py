from values import Json, Step, duration, each, message, shown
from wasm_faas import Queue, Topic


def send(step: Step) -> Json:
    return shown(Queue.open(step["queue"]).send(message(step["message"])))


def send_batch(step: Step) -> Json:
    return each(Queue.open(step["queue"]).send_batch(map(message, step["messages"])))


def receive(step: Step) -> Json:
    queue, wait = Queue.open(step["queue"]), step["wait_ms"] / 1000
    return shown(queue.receive(step["max"], wait=wait, lease=duration(step, "lease_ms")))


def acknowledge(step: Step) -> Json:
    return each(Queue.open(step["queue"]).acknowledge(step["receipts"]))


def release(step: Step) -> Json:
    Queue.open(step["queue"]).release(step["receipt"], delay=step["delay_ms"] / 1000)


def extend(step: Step) -> Json:
    Queue.open(step["queue"]).extend(step["receipt"], lease=step["lease_ms"] / 1000)


def stats(step: Step) -> Json:
    return shown(Queue.open(step["queue"]).stats())


def publish(step: Step) -> Json:
    return shown(Topic.open(step["topic"]).publish(message(step["message"])))


def publish_batch(step: Step) -> Json:
    return each(Topic.open(step["topic"]).publish_batch(map(message, step["messages"])))


steps = {
    "queue.send": send,
    "queue.send_batch": send_batch,
    "queue.receive": receive,
    "queue.acknowledge": acknowledge,
    "queue.release": release,
    "queue.extend": extend,
    "queue.stats": stats,
    "topic.publish": publish,
    "topic.publish_batch": publish_batch,
}
