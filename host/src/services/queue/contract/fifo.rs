use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::*;

fn grouped(group: &str, body: &str) -> Message {
    Message { group: Some(group.into()), ..text(body) }
}

async fn send_all(queue: &Queue, group: &str, bodies: &[&str]) {
    queue.send_batch(bodies.iter().map(|body| grouped(group, body)).collect()).await.unwrap();
}

/// Takes one message after the other until none is ready.
async fn take_all(queue: &Queue) -> Vec<String> {
    let mut bodies = Vec::new();
    while let Some(message) = soon(queue.receive(1, Duration::ZERO, None)).await.unwrap().pop() {
        acknowledge(queue, &message).await.unwrap();
        bodies.push(String::from_utf8(message.body).unwrap());
    }
    bodies
}

pub(super) async fn a_group_keeps_its_order(fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    let bodies: Vec<String> = (0..40).map(|index| index.to_string()).collect();
    for pair in bodies.chunks(4) {
        send_all(&queue, "g", &pair.iter().map(String::as_str).collect::<Vec<_>>()).await;
        fixture.advance(millis(1));
    }
    assert_eq!(take_all(&queue).await, bodies);
}

pub(super) async fn a_group_has_one_message_in_flight(fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    send_all(&queue, "g", &["first", "second", "third"]).await;
    let first = receive(&queue).await;
    assert_eq!(texts(&first), ["first"]);
    assert_eq!(receive(&queue).await, []);
    let stats = Stats { delayed: 2, leased: 1, exact: true, ..Stats::default() };
    assert_eq!(queue.stats().await, Ok(stats), "what waits behind the head is not ready");
    queue.release(&first[0].receipt.to_string(), Duration::ZERO).await.unwrap();
    let again = receive(&queue).await;
    assert_eq!(texts(&again), ["first"]);
    fixture.advance(LEASE_DEFAULT);
    let again = receive(&queue).await;
    assert_eq!((texts(&again), again[0].receive_count), (vec!["first"], 3));
    acknowledge(&queue, &again[0]).await.unwrap();
    assert_eq!(texts(&receive(&queue).await), ["second"]);
}

pub(super) async fn groups_do_not_hold_each_other(fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    send_all(&queue, "a", &["a1", "a2"]).await;
    send_all(&queue, "b", &["b1", "b2"]).await;
    queue.send_batch(vec![text("alone"), text("alone too")]).await.unwrap();
    let heads = receive(&queue).await;
    assert_eq!(texts(&heads).into_iter().collect::<BTreeSet<_>>(), ["a1", "alone", "alone too", "b1"].into());
    let a1 = heads.iter().find(|message| message.body == b"a1").unwrap();
    acknowledge(&queue, a1).await.unwrap();
    assert_eq!(texts(&receive(&queue).await), ["a2"]);
}

pub(super) async fn a_delay_holds_its_group(fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    send(&queue, Message { delay: Some(secs(10)), ..grouped("sent", "late") }).await;
    send_all(&queue, "sent", &["behind"]).await;
    send_all(&queue, "released", &["r1", "r2"]).await;
    let released = receive(&queue).await;
    assert_eq!(texts(&released), ["r1"]);
    queue.release(&released[0].receipt.to_string(), secs(10)).await.unwrap();
    fixture.advance(millis(9_999));
    assert_eq!(receive(&queue).await, []);
    fixture.advance(millis(1));
    let heads = receive(&queue).await;
    assert_eq!(texts(&heads).into_iter().collect::<BTreeSet<_>>(), ["late", "r1"].into());
    send(&queue, Message { delay: Some(secs(5)), ..grouped("sent", "delayed behind") }).await;
    fixture.advance(secs(1));
    let late = heads.iter().find(|message| message.body == b"late").unwrap();
    acknowledge(&queue, late).await.unwrap();
    acknowledge(&queue, &receive_one(&queue).await).await.unwrap();
    assert_eq!(receive(&queue).await, [], "its own delay still counts");
    fixture.advance(secs(4));
    assert_eq!(texts(&receive(&queue).await), ["delayed behind"]);
}

pub(super) async fn the_dead_and_expired_let_their_group_go(fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    send_all(&queue, "g", &["dies"]).await;
    send(&queue, Message { ttl: Some(secs(100)), ..grouped("g", "expires") }).await;
    send(&queue, Message { ttl: Some(secs(95)), ..grouped("g", "expires behind") }).await;
    send_all(&queue, "g", &["last"]).await;
    for _ in 0..3 {
        assert_eq!(texts(&receive(&queue).await), ["dies"]);
        fixture.advance(LEASE_DEFAULT);
    }
    let queue_stats = queue.stats().await.unwrap();
    assert_eq!((queue_stats.ready, queue_stats.delayed), (1, 2));
    assert_eq!(texts(&receive(&fixture.queue("dead").await).await), ["dies"]);
    fixture.advance(secs(10));
    assert_eq!(texts(&receive(&queue).await), ["last"]);
}

pub(super) async fn purge_keeps_the_leased_head_of_a_group(fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    send_all(&queue, "g", &["head", "behind", "behind"]).await;
    let head = receive_one(&queue).await;
    assert_eq!(fixture.backends().queue.purge("fifo").await, Ok(2));
    send_all(&queue, "g", &["new"]).await;
    assert_eq!(receive(&queue).await, [], "the lease still holds the group");
    acknowledge(&queue, &head).await.unwrap();
    assert_eq!(take_all(&queue).await, ["new"]);
}

pub(super) async fn a_group_keeps_its_order_over_reopening(mut fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    send_all(&queue, "g", &["1", "2", "3"]).await;
    receive_one(&queue).await;
    drop(queue);
    fixture.reopen();
    fixture.advance(LEASE_DEFAULT);
    let queue = fixture.queue("fifo").await;
    send_all(&queue, "g", &["4"]).await;
    assert_eq!(take_all(&queue).await, ["1", "2", "3", "4"]);
}

/// Takes messages until `left` are gone, and checks that each is the next of its group.
async fn take_in_order(queue: Queue, next: Arc<Mutex<BTreeMap<String, u32>>>, total: u32) {
    loop {
        let delivered = queue.receive(10, Duration::ZERO, None).await.unwrap();
        if delivered.is_empty() && next.lock().unwrap().values().sum::<u32>() == total {
            return;
        }
        for message in delivered {
            let group = message.group.clone().unwrap();
            let position: u32 = String::from_utf8(message.body.clone()).unwrap().parse().unwrap();
            let expected = next.lock().unwrap().get(&group).copied().unwrap_or_default();
            assert_eq!(position, expected, "in group {group}");
            next.lock().unwrap().insert(group, position + 1);
            acknowledge(&queue, &message).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
}

pub(super) async fn groups_keep_their_order_under_load(fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    for position in 0..10 {
        let batch = (0..50).map(|group| grouped(&format!("g{group}"), &position.to_string()));
        queue.send_batch(batch.collect()).await.unwrap();
    }
    let next = Arc::new(Mutex::new(BTreeMap::new()));
    all_at_once((0..4).map(|_| take_in_order(queue.clone(), next.clone(), 500))).await;
    assert_eq!(queue.stats().await, Ok(Stats { exact: true, ..Stats::default() }));
}

pub(super) async fn a_standard_queue_carries_the_group(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send_all(&queue, "g", &["1", "2"]).await;
    let delivered = receive(&queue).await;
    assert_eq!(delivered.len(), 2, "it does not order by it");
    assert!(delivered.iter().all(|message| message.group.as_deref() == Some("g")));
}
