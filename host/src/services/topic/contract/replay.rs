use super::*;
use crate::services::Result;

async fn replay(fixture: &Fixture, queue: &str, from_ms: u64) -> Result<u64> {
    fixture.backends().topic.replay("events", queue, from_ms).await
}

/// Drops what is in all the queues.
async fn empty(fixture: &Fixture) {
    for queue in ["all", "images", "large", "fifo"] {
        fixture.backends().queue.purge(queue).await.unwrap();
    }
}

pub(super) async fn a_replay_puts_messages_in_again(fixture: Fixture) {
    let message = Message {
        content_type: Some("text/plain".into()),
        attributes: vec![attribute("type", "image/png")],
        group: Some("g".into()),
        deduplication_id: Some("once".into()),
        ..text("x")
    };
    let topic = fixture.topic("events").await;
    let id = publish(&topic, message.clone()).await;
    assert!(topic.publish(message).await.unwrap().duplicate, "a duplicate is not kept");
    empty(&fixture).await;
    fixture.advance(secs(10));
    assert_eq!(replay(&fixture, "all", 0).await, Ok(1));
    let again = receive(&fixture, "all").await.remove(0);
    assert_eq!((again.id, again.body, again.receive_count), (id, b"x".into(), 1));
    assert_eq!((again.content_type.as_deref(), again.group.as_deref()), (Some("text/plain"), Some("g")));
    assert_eq!(again.attributes, [attribute("type", "image/png"), attribute("faas-replay", "true")]);
    assert_eq!(again.sent_at_ms, fixture.now_ms());
    for queue in ["images", "fifo"] {
        assert_eq!(bodies(&fixture, queue).await, [] as [&str; 0], "other subscriptions have their peace");
    }
}

pub(super) async fn a_replay_begins_where_it_is_told(fixture: Fixture) {
    let topic = fixture.topic("events").await;
    for body in ["a", "b", "c", "d"] {
        publish(&topic, text(body)).await;
        fixture.advance(secs(1200));
    }
    empty(&fixture).await;
    assert_eq!(replay(&fixture, "all", START_MS + 2_400_000).await, Ok(2));
    assert_eq!(bodies(&fixture, "all").await, ["c", "d"]);
    empty(&fixture).await;
    assert_eq!(replay(&fixture, "all", 0).await, Ok(2), "the first two were published more than an hour ago");
    assert_eq!(replay(&fixture, "all", fixture.now_ms()).await, Ok(0));
}

pub(super) async fn a_replay_goes_through_the_filter(fixture: Fixture) {
    let topic = fixture.topic("events").await;
    publish(&topic, text("plain")).await;
    publish(&topic, Message { attributes: vec![attribute("type", "image/png")], ..text("image") }).await;
    empty(&fixture).await;
    assert_eq!(replay(&fixture, "images", 0).await, Ok(1));
    assert_eq!(bodies(&fixture, "images").await, ["image"]);
}

/// Messages of one millisecond, and more of them than one step takes.
pub(super) async fn a_replay_goes_on_over_many_steps(fixture: Fixture) {
    let topic = fixture.topic("events").await;
    let numbers: Vec<String> = (0..700).map(|number| number.to_string()).collect();
    for batch in numbers.chunks(100) {
        let grouped = |body: &String| Message { group: Some(body.clone()), ..text(body) };
        topic.publish_batch(batch.iter().map(grouped).collect()).await.unwrap();
    }
    for _ in 0..3 {
        publish(&topic, Message { body: bytes(250 << 10), ..Message::default() }).await;
    }
    empty(&fixture).await;
    assert_eq!(replay(&fixture, "fifo", 0).await, Ok(703));
    let queue = fixture.queue("fifo").await;
    let mut again = Vec::new();
    while again.len() < 700 {
        for message in receive(&fixture, "fifo").await {
            acknowledge(&queue, &message).await;
            again.push(String::from_utf8(message.body).unwrap());
        }
    }
    assert_eq!(again, numbers, "in order");
    let large: usize = receive(&fixture, "fifo").await.iter().map(|message| message.body.len()).sum();
    assert_eq!(large, 750 << 10);
}

pub(super) async fn a_replay_ends_with_what_was_there(fixture: Fixture) {
    let topic = fixture.topic("events").await;
    for _ in 0..6 {
        topic.publish_batch(vec![text("before"); 100]).await.unwrap();
    }
    let more = (0..100).map(|number| {
        let topic = topic.clone();
        async move { publish(&topic, text(&format!("more {number}"))).await }
    });
    let more = tokio::spawn(crate::services::contract::all_at_once(more.collect::<Vec<_>>()));
    let replayed = replay(&fixture, "all", 0).await.unwrap();
    more.await.unwrap();
    assert!((600..=700).contains(&replayed), "{replayed}");
    let stats = fixture.queue("all").await.stats().await.unwrap();
    assert_eq!(stats.ready, 700 + replayed, "each once by itself, and once more if it was there");
}

pub(super) async fn what_is_kept_survives_reopening(mut fixture: Fixture) {
    publish(&fixture.topic("events").await, text("x")).await;
    empty(&fixture).await;
    fixture.reopen();
    assert_eq!(replay(&fixture, "all", 0).await, Ok(1));
    assert_eq!(bodies(&fixture, "all").await, ["x"]);
}

pub(super) async fn what_cannot_be_replayed_is_invalid(fixture: Fixture) {
    let backend = &fixture.backends().topic;
    assert_eq!(backend.replay("nowhere", "all", 0).await, Err(Error::NotFound));
    assert_eq!(backend.replay("events", "nowhere", 0).await, Err(Error::NotFound));
    let refusals = [backend.replay("other", "all", 0).await, backend.replay("events", "dead", 0).await];
    insta::allow_duplicates! {
        insta::assert_snapshot!(refusals.map(|refusal| refusal.unwrap_err().to_string()).join("\n"), @r"
        invalid: topic `other` keeps no messages to replay: give it a `retention`
        invalid: queue `dead` has no subscription to topic `events`: name one that has
        ");
    }
}
