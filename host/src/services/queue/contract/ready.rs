use tokio::task::JoinHandle;

use super::*;

/// Begins to wait until a message is ready.
fn ready(fixture: &Fixture, queue: &'static str) -> JoinHandle<Result<()>> {
    let backend = fixture.backends().queue.clone();
    tokio::spawn(async move { backend.ready(queue).await })
}

/// The same, and lets it get as far as it can.
async fn waiting(fixture: &Fixture, queue: &'static str) -> JoinHandle<Result<()>> {
    let task = ready(fixture, queue);
    tokio::time::sleep(millis(50)).await;
    assert!(!task.is_finished(), "it did not wait");
    task
}

/// Told at once, not at the next look.
async fn at_once(task: JoinHandle<Result<()>>) {
    tokio::time::timeout(secs(2), task).await.expect("it was not told").unwrap().unwrap();
}

pub(super) async fn ready_tells_what_can_be_received(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let task = waiting(&fixture, "standard").await;
    send(&queue, text("x")).await;
    at_once(task).await;
    at_once(ready(&fixture, "standard")).await;
    let delivered = receive_one(&queue).await;
    let task = waiting(&fixture, "standard").await;
    fixture.advance(LEASE_DEFAULT);
    at_once(task).await;
    assert_eq!(receive_one(&queue).await.id, delivered.id);
}

pub(super) async fn ready_sees_delays_and_leases_end(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let task = waiting(&fixture, "standard").await;
    send(&queue, Message { delay: Some(secs(60)), ..text("later") }).await;
    send(&queue, Message { delay: Some(secs(5)), ..text("x") }).await;
    fixture.advance(secs(5));
    at_once(task).await;
    let delivered = receive_one(&queue).await;
    let task = waiting(&fixture, "standard").await;
    queue.release(&delivered.receipt.to_string(), secs(10)).await.unwrap();
    fixture.advance(secs(10));
    at_once(task).await;
    let delivered = receive_one(&queue).await;
    let task = waiting(&fixture, "standard").await;
    queue.extend(&delivered.receipt.to_string(), secs(2)).await.unwrap();
    fixture.advance(secs(2));
    at_once(task).await;
}

/// A lease that was made longer leaves the wait of others as long as it is, but not for what is sent meanwhile.
pub(super) async fn ready_sees_what_comes_before_the_end_of_a_lease(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, text("held")).await;
    let held = receive_one(&queue).await;
    at_once_after_delay(&fixture, &queue, &held, 10).await;
    at_once_after_delay(&fixture, &queue, &held, 5).await;
}

async fn at_once_after_delay(fixture: &Fixture, queue: &Queue, held: &Delivered, seconds: u64) {
    queue.extend(&held.receipt.to_string(), secs(600)).await.unwrap();
    let task = waiting(fixture, "standard").await;
    send(queue, Message { delay: Some(secs(seconds)), ..text("x") }).await;
    fixture.advance(secs(seconds));
    at_once(task).await;
    let delivered = receive_one(queue).await;
    assert_eq!(delivered.body, b"x");
    acknowledge(queue, &delivered).await.unwrap();
}

pub(super) async fn ready_sees_the_dead(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, text("x")).await;
    for _ in 0..2 {
        receive_one(&queue).await;
        fixture.advance(LEASE_DEFAULT);
    }
    let task = waiting(&fixture, "dead").await;
    receive_one(&queue).await;
    fixture.advance(LEASE_DEFAULT);
    soon(task).await.unwrap().unwrap();
    assert_eq!(texts(&receive(&fixture.queue("dead").await).await), ["x"]);
}

pub(super) async fn every_message_is_told_to_a_waiter(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let tasks = [waiting(&fixture, "standard").await, waiting(&fixture, "standard").await];
    queue.send_batch(vec![text("a"), text("b")]).await.unwrap();
    for task in tasks {
        at_once(task).await;
        assert_eq!(receive_one(&queue).await.receive_count, 1);
    }
}

/// Whoever leaves after having been told, and before having looked, leaves the wake to another.
pub(super) async fn a_waiter_that_leaves_takes_no_wake_along(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    for round in 0..20 {
        let (leaves, stays) = (waiting(&fixture, "standard").await, waiting(&fixture, "standard").await);
        send(&queue, text("x")).await;
        tokio::time::sleep(Duration::from_micros(5 * round)).await;
        leaves.abort();
        if leaves.await.is_ok() {
            // It was told and would receive now, which is why nobody else was.
            stays.abort();
            let _ = stays.await;
        } else {
            at_once(stays).await;
        }
        let delivered = receive_one(&queue).await;
        acknowledge(&queue, &delivered).await.unwrap();
    }
}

pub(super) async fn ready_knows_no_unknown_queue(fixture: Fixture) {
    assert_eq!(fixture.backends().queue.ready("nowhere").await, Err(Error::NotFound));
    assert_eq!(fixture.backends().queue.last_tick("nowhere", 1).await, Err(Error::NotFound));
}
