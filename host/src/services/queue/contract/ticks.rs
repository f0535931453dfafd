use super::*;
use crate::services::queue::Ticked;

async fn tick(fixture: &Fixture, planned_ms: u64, overlap: bool) -> Ticked {
    fixture.backends().queue.tick("standard", planned_ms, overlap, text(&planned_ms.to_string())).await.unwrap()
}

async fn last_tick(fixture: &Fixture) -> u64 {
    fixture.backends().queue.last_tick("standard", fixture.now_ms()).await.unwrap()
}

pub(super) async fn a_tick_is_sent_once(mut fixture: Fixture) {
    assert_eq!(last_tick(&fixture).await, START_MS);
    fixture.advance(secs(1));
    assert_eq!(last_tick(&fixture).await, START_MS, "it stays the first one");
    assert_eq!(tick(&fixture, START_MS, true).await, Ticked::Past);
    assert_eq!(tick(&fixture, START_MS + 1000, true).await, Ticked::Sent);
    assert_eq!(tick(&fixture, START_MS + 1000, true).await, Ticked::Past);
    assert_eq!(tick(&fixture, START_MS + 3000, true).await, Ticked::Sent);
    assert_eq!(tick(&fixture, START_MS + 2000, true).await, Ticked::Past);
    fixture.reopen();
    assert_eq!(last_tick(&fixture).await, START_MS + 3000);
    let sent = [START_MS + 1000, START_MS + 3000].map(|planned_ms| planned_ms.to_string());
    assert_eq!(texts(&receive(&fixture.queue("standard").await).await), sent);
}

pub(super) async fn a_tick_may_be_the_first_look(fixture: Fixture) {
    assert_eq!(tick(&fixture, 1, true).await, Ticked::Sent);
    assert_eq!(last_tick(&fixture).await, 1);
}

pub(super) async fn ticks_do_not_overlap(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    assert_eq!(tick(&fixture, START_MS + 1, false).await, Ticked::Sent);
    assert_eq!(tick(&fixture, START_MS + 2, false).await, Ticked::Busy);
    assert_eq!(last_tick(&fixture).await, START_MS + 2, "it is remembered");
    assert_eq!(tick(&fixture, START_MS + 2, false).await, Ticked::Past);
    let delivered = receive_one(&queue).await;
    assert_eq!(tick(&fixture, START_MS + 3, false).await, Ticked::Busy, "the first is being handled");
    acknowledge(&queue, &delivered).await.unwrap();
    assert_eq!(tick(&fixture, START_MS + 4, false).await, Ticked::Sent);
    for _ in 0..3 {
        receive_one(&queue).await;
        fixture.advance(LEASE_DEFAULT);
    }
    assert_eq!(tick(&fixture, START_MS + 5, false).await, Ticked::Sent, "a dead one is in the way of none");
}

pub(super) async fn one_of_many_sends_a_tick(fixture: Fixture) {
    let attempts = (0..16).map(|_| {
        let backend = fixture.backends().queue.clone();
        async move { backend.tick("standard", START_MS + 1, true, text("x")).await.unwrap() }
    });
    let answers = all_at_once(attempts).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Ticked::Sent).count(), 1);
    assert_eq!(receive(&fixture.queue("standard").await).await.len(), 1);
}
