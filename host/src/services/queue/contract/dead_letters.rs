use super::*;
use crate::services::queue::dead;

/// What the dead-letter queue's message has besides its own attributes, in order of the names.
fn dead_attributes(source: &str, first_sent_ms: u64) -> Vec<Attribute> {
    vec![
        attribute(dead::REASON, "max-receives"),
        attribute(dead::RECEIVES, "3"),
        attribute(dead::FIRST_SENT, &first_sent_ms.to_string()),
        attribute(dead::SOURCE, source),
    ]
}

fn sorted(mut attributes: Vec<Attribute>, first: &str) -> Vec<Attribute> {
    let order = [first, dead::REASON, dead::RECEIVES, dead::FIRST_SENT, dead::SOURCE];
    attributes.sort_by_key(|attribute| order.iter().position(|name| *name == attribute.name));
    attributes
}

/// Receives everything `times` times and lets the leases end.
async fn fail(fixture: &Fixture, queue: &Queue, times: u32) {
    for _ in 0..times {
        assert!(!receive(queue).await.is_empty());
        fixture.advance(LEASE_DEFAULT);
    }
}

pub(super) async fn a_message_dies_when_its_last_lease_ends(fixture: Fixture) {
    let (queue, dead_letters) = (fixture.queue("standard").await, fixture.queue("dead").await);
    let own = vec![attribute("kind", "order")];
    let sent =
        Message { content_type: Some("a/b".into()), attributes: own.clone(), group: Some("g".into()), ..text("x") };
    let id = send(&queue, sent).await;
    fail(&fixture, &queue, 2).await;
    assert_eq!(receive_one(&queue).await.receive_count, 3);
    fixture.advance(LEASE_DEFAULT - millis(1));
    assert_eq!(dead_letters.stats().await.unwrap().ready, 0);
    fixture.advance(millis(1));
    assert_eq!(dead_letters.stats().await.unwrap().ready, 1);
    assert_eq!(queue.stats().await, Ok(Stats { exact: true, ..Stats::default() }));
    let delivered = receive_one(&dead_letters).await;
    assert_eq!((delivered.id, delivered.body, delivered.receive_count), (id, b"x".into(), 1));
    assert_eq!((delivered.content_type.as_deref(), delivered.group.as_deref()), (Some("a/b"), Some("g")));
    assert_eq!(delivered.first_received_at_ms, fixture.now_ms());
    assert_eq!(sorted(delivered.attributes, "kind"), [own, dead_attributes("standard", START_MS)].concat());
}

pub(super) async fn a_message_dies_when_released_the_last_time(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    fixture.advance(secs(1));
    send(&queue, text("x")).await;
    for count in 1..=3 {
        let delivered = receive_one(&queue).await;
        assert_eq!(delivered.receive_count, count);
        queue.release(&delivered.receipt.to_string(), Duration::ZERO).await.unwrap();
    }
    assert_eq!(receive(&queue).await, []);
    let delivered = receive_one(&fixture.queue("dead").await).await;
    assert_eq!(sorted(delivered.attributes, ""), dead_attributes("standard", START_MS + 1000));
}

/// Its time ends first, but nobody may take it out of a lease; then it is dead.
pub(super) async fn a_message_that_expires_in_its_last_lease_dies(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, Message { ttl: Some(secs(70)), ..text("x") }).await;
    fail(&fixture, &queue, 3).await;
    assert_eq!(texts(&receive(&fixture.queue("dead").await).await), ["x"]);
}

pub(super) async fn without_a_dead_letter_queue_the_dead_are_dropped(fixture: Fixture) {
    let queue = fixture.queue("lossy").await;
    send(&queue, text("x")).await;
    fail(&fixture, &queue, 3).await;
    assert_eq!(queue.stats().await, Ok(Stats { exact: true, ..Stats::default() }));
    assert_eq!(receive(&fixture.queue("dead").await).await, []);
}

pub(super) async fn a_waiting_receiver_gets_the_dead(fixture: Fixture) {
    let (queue, dead_letters) = (fixture.queue("standard").await, fixture.queue("dead").await);
    let wait = || {
        let dead_letters = dead_letters.clone();
        tokio::spawn(async move { dead_letters.receive(1, WAIT_MAX, None).await.unwrap() })
    };
    send(&queue, text("by time")).await;
    fail(&fixture, &queue, 2).await;
    let task = wait();
    tokio::time::sleep(millis(50)).await;
    soon(queue.receive(1, Duration::ZERO, Some(secs(5)))).await.unwrap();
    fixture.advance(secs(5));
    let died = soon(task).await.unwrap();
    assert_eq!(texts(&died), ["by time"]);
    acknowledge(&dead_letters, &died[0]).await.unwrap();
    send(&queue, text("by release")).await;
    fail(&fixture, &queue, 2).await;
    let last = receive_one(&queue).await;
    let task = wait();
    tokio::time::sleep(millis(50)).await;
    queue.release(&last.receipt.to_string(), secs(3600)).await.unwrap();
    assert_eq!(texts(&soon(task).await.unwrap()), ["by release"]);
}

pub(super) async fn redrive_returns_messages_to_their_queue(fixture: Fixture) {
    let (queue, fifo) = (fixture.queue("standard").await, fixture.queue("fifo").await);
    let redrive = async |max| fixture.backends().queue.redrive("dead", max).await;
    assert_eq!(redrive(10).await, Ok(0));
    for body in ["one", "two", "three"] {
        send(&queue, Message { attributes: vec![attribute("kind", body)], ..text(body) }).await;
    }
    let id = send(&fifo, text("four")).await;
    for _ in 0..3 {
        assert_eq!((receive(&queue).await.len(), receive(&fifo).await.len()), (3, 1));
        fixture.advance(LEASE_DEFAULT);
    }
    assert_eq!(redrive(2).await, Ok(2));
    assert_eq!(redrive(10).await, Ok(2));
    assert_eq!(redrive(10).await, Ok(0));
    assert_eq!(receive(&fixture.queue("dead").await).await, []);
    let back = receive(&queue).await;
    assert_eq!(texts(&back).into_iter().collect::<BTreeSet<_>>(), ["one", "three", "two"].into());
    for message in back {
        let body = std::str::from_utf8(&message.body).unwrap();
        assert_eq!((message.receive_count, message.attributes), (1, vec![attribute("kind", body)]));
    }
    let four = receive_one(&fifo).await;
    assert_eq!((four.id, four.receive_count, four.attributes), (id, 1, vec![]));
}

pub(super) async fn redrive_leaves_what_did_not_die_here(fixture: Fixture) {
    let (queue, dead_letters) = (fixture.queue("standard").await, fixture.queue("dead").await);
    send(&dead_letters, text("sent to it")).await;
    fixture.advance(millis(1));
    send(&queue, text("died")).await;
    fail(&fixture, &queue, 3).await;
    send(&queue, text("died and leased")).await;
    fail(&fixture, &queue, 3).await;
    let ready = soon(dead_letters.receive(3, Duration::ZERO, Some(secs(1)))).await.unwrap();
    let held = ready.into_iter().find(|message| message.body == b"died and leased").unwrap();
    dead_letters.extend(&held.receipt.to_string(), secs(600)).await.unwrap();
    fixture.advance(secs(1));
    assert_eq!(fixture.backends().queue.redrive("dead", 10).await, Ok(1));
    assert_eq!(texts(&receive(&queue).await), ["died"]);
    assert_eq!(texts(&receive(&dead_letters).await), ["sent to it"]);
    assert_eq!(acknowledge(&dead_letters, &held).await, Ok(()));
}
