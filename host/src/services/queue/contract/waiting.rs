use std::future::Future;

use tokio::task::JoinHandle;

use super::*;

/// Starts a receive that waits up to 20 seconds of the fixture's clock, and lets it begin to wait.
async fn waiting(queue: &Queue) -> JoinHandle<Vec<Delivered>> {
    let queue = queue.clone();
    let task = tokio::spawn(async move { queue.receive(1, WAIT_MAX, None).await.unwrap() });
    tokio::time::sleep(millis(50)).await;
    assert!(!task.is_finished(), "it did not wait");
    task
}

/// Woken at once, not at the next look.
async fn at_once<T>(task: impl Future<Output = Result<T, tokio::task::JoinError>>) -> T {
    tokio::time::timeout(secs(2), task).await.expect("it was not woken").unwrap()
}

pub(super) async fn a_waiting_receiver_gets_what_is_sent(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let tasks = [waiting(&queue).await, waiting(&queue).await, waiting(&queue).await];
    queue.send_batch(vec![text("a"), text("b"), text("c")]).await.unwrap();
    let mut bodies = Vec::new();
    for task in tasks {
        bodies.extend(at_once(task).await.into_iter().map(|message| message.body));
    }
    bodies.sort();
    assert_eq!(bodies, [b"a", b"b", b"c"]);
}

pub(super) async fn a_waiting_receiver_gives_up(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let task = waiting(&queue).await;
    fixture.advance(WAIT_MAX - millis(1));
    tokio::time::sleep(millis(50)).await;
    assert!(!task.is_finished(), "it gave up early");
    fixture.advance(millis(1));
    assert_eq!(at_once(task).await, []);
}

pub(super) async fn a_waiting_receiver_sees_delays_and_leases_end(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let task = waiting(&queue).await;
    send(&queue, Message { delay: Some(secs(5)), ..text("x") }).await;
    fixture.advance(secs(5));
    assert_eq!(texts(&at_once(task).await), ["x"]);
    fixture.advance(secs(15));
    let task = waiting(&queue).await;
    fixture.advance(secs(15));
    assert_eq!(at_once(task).await[0].receive_count, 2);
}

pub(super) async fn a_waiting_receiver_sees_the_lease_of_another_end(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let wait = || {
        let queue = queue.clone();
        tokio::spawn(async move { queue.receive(1, WAIT_MAX, Some(secs(5))).await.unwrap() })
    };
    let tasks = [wait(), wait()];
    tokio::time::sleep(millis(50)).await;
    send(&queue, text("x")).await;
    tokio::time::sleep(millis(50)).await;
    fixture.advance(secs(5));
    let mut counts = BTreeSet::new();
    for task in tasks {
        counts.extend(at_once(task).await.iter().map(|message| message.receive_count));
    }
    assert_eq!(counts, [1, 2].into());
}

pub(super) async fn a_waiting_receiver_is_woken_by_a_release(fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    for body in ["first", "second"] {
        send(&queue, Message { group: Some("g".into()), ..text(body) }).await;
    }
    let first = receive_one(&queue).await;
    let task = waiting(&queue).await;
    queue.release(&first.receipt.to_string(), Duration::ZERO).await.unwrap();
    let again = at_once(task).await.remove(0);
    assert_eq!(again.id, first.id);
    let task = waiting(&queue).await;
    acknowledge(&queue, &again).await.unwrap();
    assert_eq!(texts(&at_once(task).await), ["second"], "an acknowledgement lets the next of the group go");
}

pub(super) async fn a_cancelled_receive_takes_nothing(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let task = waiting(&queue).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    send(&queue, text("x")).await;
    assert_eq!(texts(&receive(&queue).await), ["x"]);
}

/// A lease that was made shorter ends earlier for those who wait already, here and for the dead.
pub(super) async fn a_waiting_receiver_sees_a_lease_end_early(fixture: Fixture) {
    let (queue, dead_letters) = (fixture.queue("standard").await, fixture.queue("dead").await);
    send(&queue, text("x")).await;
    let first = receive_one(&queue).await;
    let task = waiting(&queue).await;
    queue.extend(&first.receipt.to_string(), secs(2)).await.unwrap();
    fixture.advance(secs(2));
    assert_eq!(at_once(task).await[0].receive_count, 2);
    fixture.advance(LEASE_DEFAULT);
    let last = receive_one(&queue).await;
    let task = waiting(&dead_letters).await;
    queue.extend(&last.receipt.to_string(), secs(2)).await.unwrap();
    fixture.advance(secs(2));
    assert_eq!(texts(&at_once(task).await), ["x"]);
}

pub(super) async fn a_waiting_receiver_sees_a_group_move_up(fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    let held = Message { delay: Some(secs(3600)), ttl: Some(secs(5)), ..text("expires") };
    for message in [held, text("next")] {
        send(&queue, Message { group: Some("g".into()), ..message }).await;
    }
    let task = waiting(&queue).await;
    fixture.advance(secs(5));
    assert_eq!(texts(&at_once(task).await), ["next"]);
}
