//! What is read of event sources, and what they add to the resources.

use jiff::tz::TimeZone;

use super::*;
use crate::config::{
    Backoff, Batch, BlobWatch, Delivery, Destination, Destinations, KvWatch, Missed, Origin, Schedule, Subscription,
    Ticks,
};

/// Resources of each kind, a function `bill` that is given more, and a function `other`.
pub fn manifest(more: &str) -> Manifest {
    super::manifest(&format!(
        r#"
        [queues]
        orders = {{ fifo = true }}
        dead = {{}}
        [topics.stored]
        [containers.inbox]
        [buckets.visits]
        [functions.other]
        component = "other.wasm"
        async = {{}}
        [functions.bill]
        component = "bill.wasm"
        {more}
        "#
    ))
}

/// With one trigger for `bill`.
pub fn trigger(kind: &str, more: &str) -> Manifest {
    manifest(&format!("[[triggers.{kind}]]\nfunction = \"bill\"\n{more}"))
}

/// The source of the only trigger.
fn source(kind: &str, more: &str) -> EventSource {
    trigger(kind, more).events.into_iter().find(|source| source.function == "bill").unwrap()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The queue of a trigger without settings.
fn internal() -> QueueSettings {
    QueueSettings { message_size: ByteSize::mib(1), ..QueueSettings::default() }
}

#[test]
fn a_queue_has_a_trigger() {
    assert_eq!(source("queue", "queue = \"orders\""), EventSource::new(Origin::Queue, "orders".into(), "bill".into()));
    let read = source(
        "queue",
        r#"
        queue = "orders"
        ordered = true
        batch = { size = 100, bytes = "1KiB", window = "5m" }
        concurrency = 1
        backoff = { min = "10ms", max = "12h" }
        delivery = "transactional"
        "#,
    );
    let expected = EventSource {
        batch: Batch { size: 100, bytes: ByteSize::kib(1), window: secs(300) },
        concurrency: 1,
        backoff: Backoff { min: Duration::from_millis(10), max: secs(12 * 3600) },
        delivery: Delivery::Transactional,
        ..EventSource::new(Origin::Queue, "orders".into(), "bill".into())
    };
    assert_eq!(read, expected);
}

#[test]
fn a_backoff_may_begin_above_the_usual_end() {
    let read = source("queue", "queue = \"orders\"\nbackoff = { min = \"1h\" }");
    assert_eq!(read.backoff, Backoff { min: secs(3600), max: secs(3600) });
}

#[test]
fn a_topic_has_subscriptions_of_functions() {
    let read = manifest(
        r#"
        [triggers]
        topic = [
            { topic = "stored", function = "bill", ordered = true, max-receives = 2, dead-letter = "dead" },
            { topic = "stored", function = "bill", name = "paid", filter = '{"attributes": {"kind": ["paid"]}}' },
        ]
        "#,
    );
    let queues = ["topic/stored/bill", "topic/stored/paid"];
    let sources = queues.map(|queue| EventSource::new(Origin::Topic("stored".into()), queue.into(), "bill".into()));
    assert_eq!(read.events[..2], sources);
    let ordered = QueueSettings { fifo: true, max_receives: 2, dead_letter: Some("dead".into()), ..internal() };
    assert_eq!(queues.map(|queue| read.resources.queues[queue].clone()), [ordered, internal()]);
    let filter = Filter::parse(r#"{"attributes": {"kind": ["paid"]}}"#).unwrap();
    let subscriptions = [(queues[0], None), (queues[1], Some(filter))];
    let subscriptions = subscriptions.map(|(queue, filter)| Subscription { queue: queue.into(), filter });
    assert_eq!(read.resources.topics["stored"].subscriptions, subscriptions);
}

#[test]
fn a_schedule_has_ticks() {
    let read = trigger("schedule", "name = \"nightly\"\nschedule = \"cron(0 0 3 * * *)\"");
    let ticks = |text: &str, zone| Ticks {
        name: "nightly".into(),
        schedule: Schedule::parse(text, zone).unwrap(),
        missed: Missed::Last,
        overlap: true,
        data: String::new(),
    };
    let source = |ticks| EventSource::new(Origin::Schedule(Box::new(ticks)), "schedule/nightly".into(), "bill".into());
    assert_eq!(read.events[0], source(ticks("cron(0 0 3 * * *)", TimeZone::UTC)));
    assert_eq!(read.resources.queues["schedule/nightly"], internal());
    let read = trigger(
        "schedule",
        r#"
        name = "nightly"
        schedule = "at(2026-12-31T18:00:00)"
        zone = "europe/berlin"
        data = '{"full": true}'
        missed = "all"
        overlap = false
        max-receives = 1
        dead-letter = "dead"
        "#,
    );
    let expected = Ticks {
        missed: Missed::All,
        overlap: false,
        data: r#"{"full": true}"#.into(),
        ..ticks("at(2026-12-31T18:00:00)", TimeZone::get("Europe/Berlin").unwrap())
    };
    assert_eq!(read.events[0], source(expected));
    let queue = QueueSettings { max_receives: 1, dead_letter: Some("dead".into()), ..internal() };
    assert_eq!(read.resources.queues["schedule/nightly"], queue);
}

#[test]
fn containers_are_watched() {
    let read = manifest(
        r#"
        [triggers]
        blob = [
            { container = "inbox", function = "bill" },
            { container = "inbox", function = "bill", name = "images", on = ["created"], prefix = "in/", suffix = ".png" },
        ]
        "#,
    );
    let queues = ["blob/inbox/bill", "blob/inbox/images"];
    let sources = queues.map(|queue| EventSource::new(Origin::Blob("inbox".into()), queue.into(), "bill".into()));
    assert_eq!(read.events[..2], sources);
    let watch = |queue: &str, prefix: &str, suffix: &str, removed| BlobWatch {
        queue: queue.into(),
        prefix: prefix.into(),
        suffix: suffix.into(),
        created: true,
        removed,
    };
    let watches = [watch(queues[0], "", "", true), watch(queues[1], "in/", ".png", false)];
    assert_eq!(read.resources.blob_watches["inbox"], watches);
    assert_eq!(read.resources.queues[queues[0]], QueueSettings { fifo: true, ..internal() });
}

#[test]
fn buckets_are_watched() {
    let read = manifest(
        r#"
        [triggers]
        kv = [
            { bucket = "visits", function = "bill" },
            { bucket = "visits", function = "bill", name = "gone", on = ["removed", "expired"], prefix = "user/" },
        ]
        "#,
    );
    let queues = ["kv/visits/bill", "kv/visits/gone"];
    let sources = queues.map(|queue| EventSource::new(Origin::Kv("visits".into()), queue.into(), "bill".into()));
    assert_eq!(read.events[..2], sources);
    let watch = |queue: &str, prefix: &str, set| KvWatch {
        queue: queue.into(),
        prefix: prefix.into(),
        set,
        removed: true,
        expired: true,
    };
    assert_eq!(read.resources.kv_watches["visits"], [watch(queues[0], "", true), watch(queues[1], "user/", false)]);
    assert_eq!(read.resources.queues[queues[1]], QueueSettings { fifo: true, ..internal() });
}

#[test]
fn functions_take_asynchronous_invocations() {
    let read = manifest("async = {}");
    let source =
        |destinations| EventSource::new(Origin::Invoke(Box::new(destinations)), "invoke/bill".into(), "bill".into());
    assert_eq!(read.events[0], source(Destinations::default()));
    let queue = QueueSettings { max_receives: 3, retention: secs(6 * 3600), ..internal() };
    assert_eq!(read.resources.queues["invoke/bill"], queue);
    let read = manifest(
        r#"
        [functions.bill.async]
        concurrency = 2
        max-receives = 1
        max-age = "60s"
        dead-letter = "dead"
        on-success = "topic:stored"
        on-failure = "function:other"
        "#,
    );
    let destinations = Destinations {
        on_success: Some(Destination::Topic("stored".into())),
        on_failure: Some(Destination::Function("other".into())),
    };
    assert_eq!(read.events[0], EventSource { concurrency: 2, ..source(destinations) });
    let queue = QueueSettings { max_receives: 1, retention: secs(60), dead_letter: Some("dead".into()), ..internal() };
    assert_eq!(read.resources.queues["invoke/bill"], queue);
}

#[test]
fn events_are_kept_where_they_come_from() {
    let read = manifest(
        r#"
        async = {}
        [store]
        backend = "memory"
        [buckets.users]
        backend = "embedded"
        [[triggers.kv]]
        bucket = "users"
        function = "bill"
        delivery = "transactional"
        [[triggers.topic]]
        topic = "stored"
        function = "bill"
        [[triggers.schedule]]
        name = "nightly"
        schedule = "rate(1d)"
        function = "bill"
        "#,
    );
    assert_eq!(read.resources.queues.keys().collect::<Vec<_>>(), ["kv/users/bill"]);
    assert_eq!(
        read.memory.queues.keys().collect::<Vec<_>>(),
        ["dead", "invoke/bill", "invoke/other", "orders", "schedule/nightly", "topic/stored/bill"]
    );
    assert_eq!(read.resources.kv_watches.len() + read.memory.topics["stored"].subscriptions.len(), 2);
}

/// The dead letters of a topic's trigger go to a queue whose trigger handles them.
#[test]
fn dead_letters_may_have_a_handler() {
    let read = manifest(
        r#"
        [[triggers.topic]]
        topic = "stored"
        function = "bill"
        dead-letter = "dead"
        [[triggers.queue]]
        queue = "dead"
        function = "other"
        "#,
    );
    assert_eq!(read.events[0].queue, "dead");
}

#[test]
fn without_a_route_a_function_with_events_answers_no_request() {
    let function = "[functions.bill]\ncomponent = \"bill.wasm\"\nasync = {}";
    assert_eq!(super::manifest(function).http, []);
}
