use super::*;
use crate::services::queue::{Backend, dead};

fn report(error: &str) -> Vec<Attribute> {
    vec![attribute(dead::ERROR, error), attribute(dead::FUNCTION, "bill")]
}

/// The attributes of the host that the only message in `queue` has, by name.
async fn told(fixture: &Fixture, queue: &str) -> Vec<(String, String)> {
    let delivered = receive_one(&fixture.queue(queue).await).await;
    let host = delivered.attributes.into_iter().filter(|attribute| attribute.name.starts_with("faas-"));
    let mut told: Vec<_> = host.map(|attribute| (attribute.name, attribute.value)).collect();
    told.sort();
    told
}

async fn release(fixture: &Fixture, queue: &str, report: Vec<Attribute>) {
    let delivered = receive_one(&fixture.queue(queue).await).await;
    fixture.backends().queue.release(queue, delivered.receipt, Duration::ZERO, report).await.unwrap();
}

pub(super) async fn the_last_report_goes_with_the_dead(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, Message { attributes: vec![attribute("kind", "order")], ..text("x") }).await;
    for error in ["first", "second", "third"] {
        release(&fixture, "standard", report(error)).await;
    }
    let start = START_MS.to_string();
    let expected = [
        (dead::ERROR, "third"),
        (dead::FIRST_SENT, &start),
        (dead::FUNCTION, "bill"),
        (dead::REASON, "max-receives"),
        (dead::RECEIVES, "3"),
        (dead::SOURCE, "standard"),
    ];
    assert_eq!(told(&fixture, "dead").await, expected.map(|(name, value)| (name.into(), value.into())));
    fixture.advance(LEASE_DEFAULT);
    assert_eq!(fixture.backends().queue.redrive("dead", 1).await, Ok(1));
    assert_eq!(receive_one(&queue).await.attributes, [attribute("kind", "order")], "nothing tells of the death");
}

pub(super) async fn a_report_outlasts_a_lease_that_ends(mut fixture: Fixture) {
    send(&fixture.queue("standard").await, text("x")).await;
    release(&fixture, "standard", report("once")).await;
    fixture.reopen();
    for _ in 0..2 {
        receive_one(&fixture.queue("standard").await).await;
        fixture.advance(LEASE_DEFAULT);
    }
    assert_eq!(told(&fixture, "dead").await[0], (dead::ERROR.into(), "once".into()));
}

pub(super) async fn a_release_replaces_the_report(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, text("x")).await;
    release(&fixture, "standard", report("once")).await;
    for _ in 0..2 {
        let receipt = receive_one(&queue).await.receipt.to_string();
        queue.release(&receipt, Duration::ZERO).await.unwrap();
    }
    let names: Vec<String> = told(&fixture, "dead").await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [dead::FIRST_SENT, dead::REASON, dead::RECEIVES, dead::SOURCE]);
}

pub(super) async fn a_second_death_tells_of_the_first_sending(fixture: Fixture) {
    send(&fixture.queue("first").await, text("x")).await;
    fixture.advance(secs(1));
    release(&fixture, "first", report("first")).await;
    fixture.advance(secs(1));
    release(&fixture, "second", report("second")).await;
    let start = START_MS.to_string();
    let expected = [
        (dead::ERROR, "second"),
        (dead::FIRST_SENT, &start),
        (dead::FUNCTION, "bill"),
        (dead::REASON, "max-receives"),
        (dead::RECEIVES, "1"),
        (dead::SOURCE, "second"),
    ];
    assert_eq!(told(&fixture, "dead").await, expected.map(|(name, value)| (name.into(), value.into())));
}

pub(super) async fn a_message_given_back_was_not_received(fixture: Fixture) {
    let (queue, backend) = (fixture.queue("standard").await, &fixture.backends().queue);
    send(&queue, text("x")).await;
    for _ in 0..5 {
        let delivered = receive_one(&queue).await;
        assert_eq!((delivered.receive_count, delivered.first_received_at_ms), (1, fixture.now_ms()));
        backend.give_back("standard", delivered.receipt, secs(5)).await.unwrap();
        assert_eq!(queue.stats().await.unwrap().delayed, 1);
        assert_eq!(backend.give_back("standard", delivered.receipt, secs(5)).await, Err(Error::LeaseLost));
        fixture.advance(secs(5));
    }
    receive_one(&queue).await;
    fixture.advance(LEASE_DEFAULT);
    let first = fixture.now_ms() - 30_000;
    for _ in 0..2 {
        let delivered = receive_one(&queue).await;
        assert_eq!((delivered.receive_count, delivered.first_received_at_ms), (2, first));
        backend.give_back("standard", delivered.receipt, Duration::ZERO).await.unwrap();
    }
}

pub(super) async fn a_group_waits_for_what_was_given_back(fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    for body in ["first", "second"] {
        send(&queue, Message { group: Some("g".into()), ..text(body) }).await;
    }
    let first = receive_one(&queue).await;
    fixture.backends().queue.give_back("fifo", first.receipt, secs(5)).await.unwrap();
    assert_eq!(receive(&queue).await, []);
    fixture.advance(secs(5));
    assert_eq!(texts(&receive(&queue).await), ["first"]);
}

async fn bury(backend: &dyn Backend, queue: &str, receipt: Receipt) -> Result<()> {
    backend.bury(queue, receipt, dead::REJECTED, report("no such customer")).await
}

pub(super) async fn a_buried_message_is_dead_at_once(fixture: Fixture) {
    let (queue, backend) = (fixture.queue("fifo").await, &*fixture.backends().queue);
    for body in ["first", "second"] {
        send(&queue, Message { group: Some("g".into()), ..text(body) }).await;
    }
    let first = receive_one(&queue).await;
    assert_eq!(bury(backend, "fifo", first.receipt).await, Ok(()));
    assert_eq!(bury(backend, "fifo", first.receipt).await, Err(Error::LeaseLost));
    let start = START_MS.to_string();
    let expected = [
        (dead::ERROR, "no such customer"),
        (dead::FIRST_SENT, &start),
        (dead::FUNCTION, "bill"),
        (dead::REASON, "rejected"),
        (dead::RECEIVES, "1"),
        (dead::SOURCE, "fifo"),
    ];
    assert_eq!(told(&fixture, "dead").await, expected.map(|(name, value)| (name.into(), value.into())));
    let second = receive_one(&queue).await;
    assert_eq!(second.body, b"second", "the group goes on");
    fixture.advance(LEASE_DEFAULT);
    assert_eq!(bury(backend, "fifo", second.receipt).await, Err(Error::LeaseLost));
}

pub(super) async fn without_a_dead_letter_queue_the_buried_are_dropped(fixture: Fixture) {
    let queue = fixture.queue("lossy").await;
    send(&queue, text("x")).await;
    let delivered = receive_one(&queue).await;
    assert_eq!(bury(&*fixture.backends().queue, "lossy", delivered.receipt).await, Ok(()));
    assert_eq!(queue.stats().await, Ok(Stats { exact: true, ..Stats::default() }));
    assert_eq!(receive(&fixture.queue("dead").await).await, []);
}
