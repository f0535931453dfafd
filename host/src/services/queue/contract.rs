//! What every queue backend must do.

mod bounds;
mod browse;
mod dead_letters;
mod fifo;
mod leases;
mod ready;
mod reports;
mod ticks;
mod waiting;

use std::collections::BTreeSet;
use std::time::Duration;

use bytesize::ByteSize;

use super::{Delivered, LEASE_DEFAULT, Message, Queue, Receipt, Stats, WAIT_MAX};
use crate::config::{Grant, QueueSettings, Resources, Right, Service};
use crate::services::contract::{Fixture, START_MS, all_at_once, bytes, contract, millis, secs, soon};
use crate::services::message::{ATTRIBUTES, Attribute, BATCH_BYTES};
use crate::services::{Error, Result};
use bounds::*;
use browse::*;
use dead_letters::*;
use fifo::*;
use leases::*;
use ready::*;
use reports::*;
use ticks::*;
use waiting::*;

contract! {
    bodies_come_back_as_sent
    everything_about_a_message_comes_back
    messages_are_bounded
    arguments_are_bounded
    rights_are_checked
    unknown_queues_are_not_found
    a_batch_fails_one_by_one
    a_batch_is_received_whole
    a_receive_stops_at_a_mebibyte
    a_delayed_message_waits
    messages_expire
    the_retention_bounds_the_life
    a_duplicate_is_not_stored
    a_duplicate_may_come_after_the_window
    a_duplicate_is_known_after_the_acknowledgement
    a_duplicate_is_known_after_reopening
    deduplication_ids_belong_to_their_queue
    stats_count_each_state
    purge_spares_what_is_leased
    messages_survive_reopening
    an_acknowledged_message_is_gone
    an_acknowledgement_works_once
    a_late_acknowledgement_has_lost_its_lease
    foreign_receipts_are_refused
    a_lease_ends
    a_lease_lasts_as_default
    a_lease_is_extended_from_now
    a_released_message_is_ready_again
    a_released_message_waits_its_delay
    receives_are_counted_over_reopening
    consumers_share_without_doubles
    a_waiting_receiver_gets_what_is_sent
    a_waiting_receiver_gives_up
    a_waiting_receiver_sees_delays_and_leases_end
    a_waiting_receiver_sees_the_lease_of_another_end
    a_waiting_receiver_is_woken_by_a_release
    a_cancelled_receive_takes_nothing
    a_waiting_receiver_sees_a_lease_end_early
    a_waiting_receiver_sees_a_group_move_up
    a_message_dies_when_its_last_lease_ends
    a_message_dies_when_released_the_last_time
    a_message_that_expires_in_its_last_lease_dies
    without_a_dead_letter_queue_the_dead_are_dropped
    a_waiting_receiver_gets_the_dead
    redrive_returns_messages_to_their_queue
    redrive_leaves_what_did_not_die_here
    a_group_keeps_its_order
    a_group_has_one_message_in_flight
    groups_do_not_hold_each_other
    a_delay_holds_its_group
    the_dead_and_expired_let_their_group_go
    purge_keeps_the_leased_head_of_a_group
    a_group_keeps_its_order_over_reopening
    groups_keep_their_order_under_load
    a_standard_queue_carries_the_group
    ready_tells_what_can_be_received
    ready_sees_delays_and_leases_end
    ready_sees_what_comes_before_the_end_of_a_lease
    ready_sees_the_dead
    every_message_is_told_to_a_waiter
    a_waiter_that_leaves_takes_no_wake_along
    ready_knows_no_unknown_queue
    the_last_report_goes_with_the_dead
    a_report_outlasts_a_lease_that_ends
    a_release_replaces_the_report
    a_second_death_tells_of_the_first_sending
    a_message_given_back_was_not_received
    a_group_waits_for_what_was_given_back
    a_buried_message_is_dead_at_once
    without_a_dead_letter_queue_the_buried_are_dropped
    a_tick_is_sent_once
    a_tick_may_be_the_first_look
    ticks_do_not_overlap
    one_of_many_sends_a_tick
    browsing_shows_each_state_and_leases_nothing
    browsing_goes_page_by_page
    a_message_is_found_by_its_id
    removing_spares_what_is_leased
    removing_a_head_lets_its_group_go
    replacing_changes_what_a_message_says
    one_dead_message_goes_back
    what_did_not_die_stays
    operators_meet_unknown_queues_too
}

/// `standard`, `fifo` and `brief` have the dead-letter queue `dead`, `lossy` has none. What dies in `first` goes to `second`,
/// and from there to `dead`.
pub(super) fn resources() -> Resources {
    let dead_letter = || Some("dead".to_owned());
    let standard = QueueSettings { max_receives: 3, dead_letter: dead_letter(), ..QueueSettings::default() };
    let queues = [
        ("standard", standard.clone()),
        ("fifo", QueueSettings { fifo: true, ..standard.clone() }),
        ("lossy", QueueSettings { dead_letter: None, ..standard.clone() }),
        ("brief", QueueSettings { retention: secs(60), deduplication_window: secs(10), ..standard.clone() }),
        ("first", QueueSettings { max_receives: 1, dead_letter: Some("second".into()), ..standard.clone() }),
        ("second", QueueSettings { max_receives: 1, ..standard.clone() }),
        ("large", QueueSettings { message_size: ByteSize::mib(1), ..standard }),
        ("dead", QueueSettings::default()),
    ];
    Resources { queues: queues.map(|(name, settings)| (name.into(), settings)).into(), ..Resources::default() }
}

fn text(body: &str) -> Message {
    Message { body: body.into(), ..Message::default() }
}

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute { name: name.into(), value: value.into() }
}

async fn send(queue: &Queue, message: Message) -> String {
    let accepted = queue.send(message).await.unwrap();
    assert!(!accepted.duplicate);
    accepted.id
}

/// Up to 100 messages that are there now, leased for 30 seconds.
async fn receive(queue: &Queue) -> Vec<Delivered> {
    soon(queue.receive(100, Duration::ZERO, None)).await.unwrap()
}

async fn receive_one(queue: &Queue) -> Delivered {
    let mut delivered = soon(queue.receive(1, Duration::ZERO, None)).await.unwrap();
    delivered.pop().expect("no message is ready")
}

fn texts(delivered: &[Delivered]) -> Vec<&str> {
    delivered.iter().map(|message| std::str::from_utf8(&message.body).unwrap()).collect()
}

async fn acknowledge(queue: &Queue, message: &Delivered) -> Result<()> {
    queue.acknowledge(&[message.receipt.to_string()]).await.unwrap().remove(0)
}

async fn bodies_come_back_as_sent(fixture: Fixture) {
    let queue = fixture.queue("large").await;
    for length in [0, 1, 255, 4096, 65_537, BATCH_BYTES] {
        send(&queue, Message { body: bytes(length), ..Message::default() }).await;
        let delivered = receive_one(&queue).await;
        assert!(delivered.body == bytes(length), "{length} bytes came back as {}", delivered.body.len());
        assert_eq!(acknowledge(&queue, &delivered).await, Ok(()));
    }
}

async fn everything_about_a_message_comes_back(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let attributes = vec![attribute("a.B-c_1", "Grüße 🦀\n\0"), attribute("empty", ""), attribute("a.B-c_1", "again")];
    let message = Message {
        body: b"body".into(),
        content_type: Some("text/plain".into()),
        attributes: attributes.clone(),
        group: Some("gruppe ü".into()),
        deduplication_id: Some("once".into()),
        ..Message::default()
    };
    let id = send(&queue, message).await;
    fixture.advance(millis(250));
    let delivered = receive_one(&queue).await;
    let expected = Delivered {
        id,
        receipt: delivered.receipt,
        body: b"body".into(),
        content_type: Some("text/plain".into()),
        attributes,
        group: Some("gruppe ü".into()),
        receive_count: 1,
        sent_at_ms: START_MS,
        first_received_at_ms: START_MS + 250,
        expires_at_ms: START_MS + 4 * 24 * 3_600_000,
    };
    assert_eq!(delivered, expected);
    let ulid: ulid::Ulid = delivered.id.parse().unwrap();
    assert_eq!(ulid.timestamp_ms(), START_MS);
    send(&queue, Message::default()).await;
    let bare = receive_one(&queue).await;
    assert_eq!((bare.content_type, bare.group, bare.attributes), (None, None, vec![]));
}

async fn a_batch_fails_one_by_one(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let bad = Message { attributes: vec![attribute("a b", "")], ..Message::default() };
    let large = Message { body: bytes((256 << 10) + 1), ..Message::default() };
    let answers = queue.send_batch(vec![text("one"), bad, text("two"), large, text("three")]).await.unwrap();
    assert!(matches!(answers[1], Err(Error::Invalid(_))), "{:?}", answers[1]);
    assert_eq!(answers[3], Err(Error::TooLarge(256 << 10)));
    let sent: Vec<String> = [0, 2, 4].map(|index| answers[index].clone().unwrap().id).into();
    let mut delivered = receive(&queue).await;
    delivered.sort_by_key(|message| sent.iter().position(|id| *id == message.id));
    assert_eq!(texts(&delivered), ["one", "two", "three"]);
}

async fn a_batch_is_received_whole(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let sent: BTreeSet<String> = (0..100).map(|index| index.to_string()).collect();
    let answers = queue.send_batch(sent.iter().map(|body| text(body)).collect()).await.unwrap();
    let ids: BTreeSet<String> = answers.into_iter().map(|answer| answer.unwrap().id).collect();
    let delivered = [soon(queue.receive(30, Duration::ZERO, None)).await.unwrap(), receive(&queue).await].concat();
    assert_eq!(delivered.len(), 100);
    assert_eq!(delivered.iter().map(|message| message.id.clone()).collect::<BTreeSet<_>>(), ids);
    assert_eq!(texts(&delivered).into_iter().map(String::from).collect::<BTreeSet<_>>(), sent);
    let receipts: Vec<String> = delivered.iter().map(|message| message.receipt.to_string()).collect();
    assert_eq!(queue.acknowledge(&receipts).await, Ok(vec![Ok(()); 100]));
}

async fn a_receive_stops_at_a_mebibyte(fixture: Fixture) {
    let queue = fixture.queue("large").await;
    for length in [256 << 10, 256 << 10, 256 << 10, 256 << 10, 1] {
        send(&queue, Message { body: bytes(length), ..Message::default() }).await;
        fixture.advance(millis(1));
    }
    assert_eq!(receive(&queue).await.len(), 4);
    assert_eq!(receive(&queue).await.len(), 1);
    send(&queue, Message { body: bytes(BATCH_BYTES), ..Message::default() }).await;
    assert_eq!(receive(&queue).await.len(), 1, "one message always fits");
}

async fn a_delayed_message_waits(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, Message { delay: Some(millis(1500)), ..text("late") }).await;
    send(&queue, Message { delay: Some(Duration::ZERO), ..text("now") }).await;
    assert_eq!(texts(&receive(&queue).await), ["now"]);
    fixture.advance(millis(1499));
    assert_eq!(receive(&queue).await, []);
    fixture.advance(millis(1));
    let late = receive_one(&queue).await;
    assert_eq!((late.body, late.sent_at_ms, late.receive_count), (b"late".into(), START_MS, 1));
}

async fn messages_expire(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let expiring = |body: &str, ttl: u64| Message { ttl: Some(millis(ttl)), ..text(body) };
    send(&queue, expiring("leased", 1000)).await;
    let leased = receive_one(&queue).await;
    send(&queue, expiring("ready", 1000)).await;
    send(&queue, Message { delay: Some(millis(2000)), ..expiring("delayed", 1000) }).await;
    send(&queue, expiring("lasting", 1001)).await;
    fixture.advance(millis(1000));
    assert_eq!(texts(&receive(&queue).await), ["lasting"]);
    assert_eq!(acknowledge(&queue, &leased).await, Ok(()), "a lease outlives the message's time");
    fixture.advance(secs(3600));
    assert_eq!(receive(&queue).await, []);
    assert_eq!(fixture.queue("dead").await.stats().await.unwrap().ready, 0, "an expired message is not dead");
}

async fn the_retention_bounds_the_life(fixture: Fixture) {
    let queue = fixture.queue("brief").await;
    send(&queue, text("no ttl")).await;
    send(&queue, Message { ttl: Some(secs(3600)), ..text("longer") }).await;
    fixture.advance(millis(59_999));
    assert_eq!(queue.stats().await.unwrap().ready, 2);
    fixture.advance(millis(1));
    assert_eq!(queue.stats().await, Ok(Stats { exact: true, ..Stats::default() }));
    assert_eq!(receive(&queue).await, []);
}

fn once(body: &str) -> Message {
    Message { deduplication_id: Some("once".into()), ..text(body) }
}

async fn a_duplicate_is_not_stored(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let answers = queue.send_batch(vec![once("first"), text("other"), once("second")]).await.unwrap();
    let [first, other, second] = [0, 1, 2].map(|index| answers[index].clone().unwrap());
    assert_eq!((first.duplicate, other.duplicate, second.duplicate), (false, false, true));
    assert_eq!(second.id, first.id);
    fixture.advance(millis(5 * 60_000 - 1));
    let third = queue.send(once("third")).await.unwrap();
    assert!(third.duplicate && third.id == first.id);
    let mut bodies: Vec<_> = receive(&queue).await.into_iter().map(|message| message.body).collect();
    bodies.sort();
    assert_eq!(bodies, [b"first", b"other"]);
}

async fn a_duplicate_may_come_after_the_window(fixture: Fixture) {
    let queue = fixture.queue("brief").await;
    let first = send(&queue, once("first")).await;
    fixture.advance(secs(10));
    let second = send(&queue, once("second")).await;
    assert_ne!(first, second);
    fixture.advance(millis(9_999));
    assert_eq!(queue.send(once("third")).await.unwrap().id, second);
    assert_eq!(receive(&queue).await.len(), 2);
}

async fn a_duplicate_is_known_after_the_acknowledgement(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let first = send(&queue, once("first")).await;
    acknowledge(&queue, &receive_one(&queue).await).await.unwrap();
    let second = queue.send(once("second")).await.unwrap();
    assert!(second.duplicate && second.id == first);
    assert_eq!(receive(&queue).await, []);
}

async fn a_duplicate_is_known_after_reopening(mut fixture: Fixture) {
    let first = send(&fixture.queue("standard").await, once("first")).await;
    fixture.reopen();
    let second = fixture.queue("standard").await.send(once("second")).await.unwrap();
    assert!(second.duplicate && second.id == first);
}

async fn deduplication_ids_belong_to_their_queue(fixture: Fixture) {
    send(&fixture.queue("standard").await, once("one")).await;
    send(&fixture.queue("fifo").await, once("other")).await;
}

async fn stats_count_each_state(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    assert_eq!(queue.stats().await, Ok(Stats { exact: true, ..Stats::default() }));
    send(&queue, text("leased")).await;
    let leased = receive_one(&queue).await;
    send(&queue, Message { delay: Some(secs(60)), ..text("delayed") }).await;
    fixture.advance(secs(2));
    send(&queue, text("old")).await;
    fixture.advance(secs(3));
    send(&queue, text("new")).await;
    let stats = Stats { ready: 2, delayed: 1, leased: 1, oldest_age_ms: 3000, exact: true };
    assert_eq!(queue.stats().await, Ok(stats));
    acknowledge(&queue, &leased).await.unwrap();
    assert_eq!(queue.stats().await, Ok(Stats { leased: 0, ..stats }));
    fixture.advance(secs(55));
    assert_eq!(queue.stats().await, Ok(Stats { ready: 3, delayed: 0, leased: 0, oldest_age_ms: 60_000, exact: true }));
}

async fn purge_spares_what_is_leased(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let purge = async || fixture.backends().queue.purge("standard").await;
    send(&queue, text("acknowledged")).await;
    send(&queue, text("released")).await;
    let leased = receive(&queue).await;
    send(&queue, text("ready")).await;
    send(&queue, Message { delay: Some(secs(60)), ..text("delayed") }).await;
    assert_eq!(purge().await, Ok(2));
    assert_eq!(queue.stats().await, Ok(Stats { leased: 2, exact: true, ..Stats::default() }));
    assert_eq!(acknowledge(&queue, &leased[0]).await, Ok(()));
    assert_eq!(queue.release(&leased[1].receipt.to_string(), Duration::ZERO).await, Ok(()));
    assert_eq!(receive_one(&queue).await.id, leased[1].id);
    assert_eq!(purge().await, Ok(0));
    fixture.advance(secs(60));
    assert_eq!(receive(&queue).await.len(), 1, "only what was leased is left");
}

async fn messages_survive_reopening(mut fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, text("done")).await;
    acknowledge(&queue, &receive_one(&queue).await).await.unwrap();
    let sent = Message { content_type: Some("a/b".into()), attributes: vec![attribute("n", "v")], ..text("ready") };
    let id = send(&queue, sent).await;
    send(&queue, Message { delay: Some(secs(60)), ttl: Some(secs(90)), ..text("delayed") }).await;
    drop(queue);
    fixture.reopen();
    let queue = fixture.queue("standard").await;
    let ready = receive_one(&queue).await;
    assert_eq!((ready.id, ready.body, ready.sent_at_ms), (id, b"ready".into(), START_MS));
    assert_eq!((ready.content_type.as_deref(), ready.attributes), (Some("a/b"), vec![attribute("n", "v")]));
    assert_eq!(receive(&queue).await, []);
    fixture.advance(secs(60));
    assert!(texts(&receive(&queue).await).contains(&"delayed"));
    fixture.advance(secs(30));
    assert!(!texts(&receive(&queue).await).contains(&"delayed"), "its time is over");
}
