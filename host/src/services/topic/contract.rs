//! What every topic backend must do.

mod replay;

use std::time::Duration;

use super::{DEDUPLICATION_WINDOW, Message, Topic};
use crate::config::{Filter, Grant, QueueSettings, Resources, Right, Service, Subscription, TopicSettings};
use crate::services::Error;
use crate::services::contract::{Fixture, START_MS, bytes, contract, millis, secs, soon};
use crate::services::message::Attribute;
use crate::services::queue::{Delivered, Queue};
use replay::*;

contract! {
    a_message_reaches_every_queue_whose_filter_matches
    everything_about_a_message_reaches_the_queue
    a_publish_nobody_subscribes_to_is_accepted
    messages_are_bounded
    a_batch_fails_one_by_one
    rights_are_checked
    unknown_topics_are_not_found
    a_duplicate_is_not_published
    a_duplicate_may_come_after_the_window
    a_duplicate_is_known_after_reopening
    deduplication_ids_belong_to_their_topic
    subscriptions_fail_for_themselves
    groups_keep_their_order
    a_waiting_receiver_gets_what_is_published
    published_messages_survive_reopening
    a_replay_puts_messages_in_again
    a_replay_begins_where_it_is_told
    a_replay_goes_through_the_filter
    a_replay_goes_on_over_many_steps
    a_replay_ends_with_what_was_there
    what_is_kept_survives_reopening
    what_cannot_be_replayed_is_invalid
}

/// `events` feeds `all`, `images` (those with a matching attribute), `large` (those with a matching body) and `fifo`;
/// `other` feeds `all`; `unheard` feeds none. `events` keeps its messages for an hour.
pub(super) fn resources() -> Resources {
    let settings = QueueSettings { max_receives: 1, dead_letter: Some("dead".into()), ..QueueSettings::default() };
    let queues = [
        ("all", settings.clone()),
        ("images", QueueSettings { retention: secs(60), ..settings.clone() }),
        ("large", settings.clone()),
        ("fifo", QueueSettings { fifo: true, ..settings }),
        ("dead", QueueSettings::default()),
    ];
    let subscription =
        |queue: &str, filter: Option<&str>| Subscription { queue: queue.into(), filter: filter.map(pattern) };
    let events = vec![
        subscription("all", None),
        subscription("images", Some(r#"{"attributes": {"type": [{"prefix": "image/"}]}}"#)),
        subscription("large", Some(r#"{"body": {"size": [{"numeric": [">=", 1000]}]}}"#)),
        subscription("fifo", None),
    ];
    let topics = [("events", events), ("other", vec![subscription("all", None)]), ("unheard", vec![])];
    Resources {
        queues: queues.map(|(name, settings)| (name.into(), settings)).into(),
        topics: topics
            .map(|(name, subscriptions)| {
                let retention = (name == "events").then(|| secs(3600));
                (name.into(), TopicSettings { subscriptions, retention })
            })
            .into(),
        ..Resources::default()
    }
}

fn pattern(text: &str) -> Filter {
    Filter::parse(text).unwrap()
}

fn text(body: &str) -> Message {
    Message { body: body.into(), ..Message::default() }
}

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute { name: name.into(), value: value.into() }
}

async fn publish(topic: &Topic, message: Message) -> String {
    let accepted = topic.publish(message).await.unwrap();
    assert!(!accepted.duplicate);
    accepted.id
}

async fn receive(fixture: &Fixture, queue: &str) -> Vec<Delivered> {
    soon(fixture.queue(queue).await.receive(100, Duration::ZERO, None)).await.unwrap()
}

/// The bodies that are ready, sorted.
async fn bodies(fixture: &Fixture, queue: &str) -> Vec<String> {
    let delivered = receive(fixture, queue).await.into_iter();
    let mut bodies: Vec<String> = delivered.map(|message| String::from_utf8(message.body).unwrap()).collect();
    bodies.sort();
    bodies
}

async fn acknowledge(queue: &Queue, message: &Delivered) {
    assert_eq!(queue.acknowledge(&[message.receipt.to_string()]).await, Ok(vec![Ok(())]));
}

async fn a_message_reaches_every_queue_whose_filter_matches(fixture: Fixture) {
    let topic = fixture.topic("events").await;
    let image = |body: &str| Message { attributes: vec![attribute("type", "image/png")], ..text(body) };
    publish(&topic, text("plain")).await;
    publish(&topic, image("image")).await;
    publish(&topic, text(r#"{"size": 999}"#)).await;
    publish(&topic, image(r#"{"size": 1000}"#)).await;
    publish(&topic, Message { content_type: Some("text/plain".into()), ..text(r#"{"size": 1001}"#) }).await;
    let everything = ["image", "plain", r#"{"size": 1000}"#, r#"{"size": 1001}"#, r#"{"size": 999}"#];
    assert_eq!(bodies(&fixture, "all").await, everything);
    assert_eq!(bodies(&fixture, "images").await, ["image", r#"{"size": 1000}"#]);
    assert_eq!(bodies(&fixture, "large").await, [r#"{"size": 1000}"#]);
    assert_eq!(bodies(&fixture, "fifo").await, everything);
    assert_eq!(bodies(&fixture, "dead").await, [""; 0]);
}

async fn everything_about_a_message_reaches_the_queue(fixture: Fixture) {
    let topic = fixture.topic("other").await;
    let attributes = vec![attribute("a.B-c_1", "Grüße 🦀")];
    let message = Message {
        body: bytes(200_000),
        content_type: Some("image/png".into()),
        attributes: attributes.clone(),
        group: Some("g".into()),
        deduplication_id: Some("once".into()),
    };
    let id = publish(&topic, message).await;
    fixture.advance(secs(1));
    let delivered = receive(&fixture, "all").await.remove(0);
    let expected = Delivered {
        id,
        receipt: delivered.receipt,
        body: bytes(200_000),
        content_type: Some("image/png".into()),
        attributes,
        group: Some("g".into()),
        receive_count: 1,
        sent_at_ms: START_MS,
        first_received_at_ms: START_MS + 1000,
        expires_at_ms: START_MS + 4 * 24 * 3_600_000,
    };
    assert!(delivered == expected, "{delivered:?}");
}

async fn a_publish_nobody_subscribes_to_is_accepted(fixture: Fixture) {
    publish(&fixture.topic("unheard").await, text("x")).await;
    assert_eq!(bodies(&fixture, "all").await, [""; 0]);
}

async fn messages_are_bounded(fixture: Fixture) {
    let topic = fixture.topic("events").await;
    publish(&topic, Message { body: bytes(256 << 10), ..Message::default() }).await;
    let large = Message { body: bytes((256 << 10) + 1), ..Message::default() };
    assert_eq!(topic.publish(large).await, Err(Error::TooLarge(256 << 10)));
    let reserved = Message { attributes: vec![attribute("faas-replay", "")], ..text("x") };
    assert!(matches!(topic.publish(reserved).await, Err(Error::Invalid(_))));
    let long = Message { group: Some("g".repeat(129)), ..text("x") };
    assert_eq!(topic.publish(long).await, Err(Error::TooLarge(128)));
    let empty = Message { deduplication_id: Some(String::new()), ..text("x") };
    assert!(matches!(topic.publish(empty).await, Err(Error::Invalid(_))));
    assert!(matches!(topic.publish_batch(vec![]).await, Err(Error::Invalid(_))));
    assert_eq!(topic.publish_batch(vec![text(""); 101]).await, Err(Error::TooLarge(100)));
    let quarter = Message { body: bytes((256 << 10) + 1), ..Message::default() };
    assert_eq!(topic.publish_batch(vec![quarter; 4]).await, Err(Error::TooLarge(1 << 20)));
    assert_eq!(receive(&fixture, "all").await.len(), 1);
}

async fn a_batch_fails_one_by_one(fixture: Fixture) {
    let topic = fixture.topic("events").await;
    let bad = Message { attributes: vec![attribute("a b", "")], ..text("bad") };
    let answers = topic.publish_batch(vec![text("one"), bad, text("two")]).await.unwrap();
    assert!(answers[0].is_ok() && matches!(answers[1], Err(Error::Invalid(_))) && answers[2].is_ok(), "{answers:?}");
    assert_eq!(bodies(&fixture, "all").await, ["one", "two"]);
    let batch = topic.publish_batch(vec![text("x"); 100]).await.unwrap();
    assert!(batch.iter().all(Result::is_ok));
    assert_eq!(receive(&fixture, "all").await.len(), 100);
}

async fn rights_are_checked(fixture: Fixture) {
    let grant = Grant::new(Service::Topic, "events", &[]);
    let topic = Topic::open(fixture.backends().topic.clone(), grant).await.unwrap();
    let denied = topic.publish(text("x")).await.unwrap_err();
    insta::allow_duplicates! {
        insta::assert_snapshot!(
            denied,
            @"access denied: topic `events` is not granted for this, add `--grant topic:events:publish`"
        );
    }
    assert_eq!(topic.publish_batch(vec![text("x")]).await, Err(denied));
}

async fn unknown_topics_are_not_found(fixture: Fixture) {
    let backend = &fixture.backends().topic;
    let grant = Grant::new(Service::Topic, "nowhere", &[Right::Publish]);
    assert_eq!(Topic::open(backend.clone(), grant).await.map(|_| ()), Err(Error::NotFound));
    assert_eq!(backend.topic_exists("nowhere").await, Ok(false));
    assert_eq!(backend.publish("nowhere", vec![text("x")]).await, Err(Error::NotFound));
}

fn once(body: &str) -> Message {
    Message { deduplication_id: Some("once".into()), ..text(body) }
}

async fn a_duplicate_is_not_published(fixture: Fixture) {
    let topic = fixture.topic("events").await;
    let answers = topic.publish_batch(vec![once("first"), text("between"), once("second")]).await.unwrap();
    let [first, between, second] = [0, 1, 2].map(|index| answers[index].clone().unwrap());
    assert_eq!((first.duplicate, between.duplicate, second.duplicate), (false, false, true));
    fixture.advance(DEDUPLICATION_WINDOW - millis(1));
    let third = topic.publish(once("third")).await.unwrap();
    assert!(third.duplicate);
    assert_eq!([&second.id, &third.id], [&first.id; 2]);
    assert_eq!(bodies(&fixture, "all").await, ["between", "first"]);
}

async fn a_duplicate_may_come_after_the_window(fixture: Fixture) {
    let topic = fixture.topic("events").await;
    publish(&topic, once("first")).await;
    fixture.advance(DEDUPLICATION_WINDOW);
    publish(&topic, once("second")).await;
    assert_eq!(bodies(&fixture, "all").await, ["first", "second"]);
}

async fn a_duplicate_is_known_after_reopening(mut fixture: Fixture) {
    let first = publish(&fixture.topic("events").await, once("first")).await;
    fixture.reopen();
    let second = fixture.topic("events").await.publish(once("second")).await.unwrap();
    assert!(second.duplicate && second.id == first);
    assert_eq!(bodies(&fixture, "all").await, ["first"]);
}

async fn deduplication_ids_belong_to_their_topic(fixture: Fixture) {
    publish(&fixture.topic("events").await, once("one")).await;
    publish(&fixture.topic("other").await, once("two")).await;
    let queue = fixture.queue("all").await;
    let sent = crate::services::queue::Message { deduplication_id: Some("once".into()), ..Default::default() };
    assert!(!queue.send(sent).await.unwrap().duplicate);
    assert_eq!(bodies(&fixture, "all").await, ["", "one", "two"]);
}

async fn subscriptions_fail_for_themselves(fixture: Fixture) {
    let topic = fixture.topic("events").await;
    let message = Message { attributes: vec![attribute("type", "image/png")], ..text("x") };
    publish(&topic, message.clone()).await;
    let (all, images) = (fixture.queue("all").await, fixture.queue("images").await);
    acknowledge(&images, &receive(&fixture, "images").await[0]).await;
    receive(&fixture, "all").await;
    fixture.advance(secs(30));
    let died = receive(&fixture, "dead").await;
    assert_eq!(died.len(), 1, "one dead letter, of the queue that failed");
    let source = died[0].attributes.iter().find(|attribute| attribute.name == "faas-dead-source").unwrap();
    assert_eq!(source.value, "all");
    publish(&topic, message).await;
    fixture.advance(secs(60));
    assert_eq!(images.stats().await.unwrap().ready, 0, "the queue's own retention");
    assert_eq!(all.stats().await.unwrap().ready, 1);
}

async fn groups_keep_their_order(fixture: Fixture) {
    let topic = fixture.topic("events").await;
    let grouped = |body: &str| Message { group: Some("g".into()), ..text(body) };
    topic.publish_batch(["1", "2", "3"].map(grouped).into()).await.unwrap();
    publish(&topic, grouped("4")).await;
    let queue = fixture.queue("fifo").await;
    for expected in ["1", "2", "3", "4"] {
        let delivered = receive(&fixture, "fifo").await;
        assert_eq!(delivered.len(), 1);
        assert_eq!(delivered[0].body, expected.as_bytes());
        acknowledge(&queue, &delivered[0]).await;
    }
}

async fn a_waiting_receiver_gets_what_is_published(fixture: Fixture) {
    let queue = fixture.queue("all").await;
    let task = tokio::spawn(async move { queue.receive(1, secs(20), None).await.unwrap() });
    tokio::time::sleep(millis(50)).await;
    let id = publish(&fixture.topic("events").await, text("x")).await;
    assert_eq!(soon(task).await.unwrap()[0].id, id);
}

async fn published_messages_survive_reopening(mut fixture: Fixture) {
    publish(&fixture.topic("events").await, text("x")).await;
    fixture.reopen();
    assert_eq!(bodies(&fixture, "all").await, ["x"]);
    publish(&fixture.topic("events").await, text("y")).await;
    fixture.advance(secs(30));
    assert_eq!(bodies(&fixture, "fifo").await, ["x", "y"]);
}
