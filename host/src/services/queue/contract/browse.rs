use super::*;
use crate::services::Backends;
use crate::services::queue::browse::{Content, Place, State, Stored, find};
use crate::services::queue::dead;

/// Everything in the queue, page by page, with whole bodies.
async fn browse(backends: &Backends, queue: &str, page: u32) -> Vec<Stored> {
    let (mut all, mut after): (Vec<Stored>, Option<String>) = (Vec::new(), None);
    loop {
        let page = backends.queue.browse(queue, after.as_deref(), page, 1 << 20).await.unwrap();
        all.extend(page.messages);
        after = page.cursor;
        if after.is_none() {
            return all;
        }
    }
}

async fn only(fixture: &Fixture, queue: &str) -> Stored {
    let mut all = browse(fixture.backends(), queue, 10).await;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn bodies(messages: &[Stored]) -> Vec<&str> {
    messages.iter().map(|message| std::str::from_utf8(&message.body).unwrap()).collect()
}

async fn die(fixture: &Fixture, queue: &Queue) {
    for _ in 0..3 {
        assert!(!receive(queue).await.is_empty());
        fixture.advance(LEASE_DEFAULT);
    }
}

pub(super) async fn browsing_shows_each_state_and_leases_nothing(fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    let of = |group: &str, body| Message { group: Some(group.into()), ..text(body) };
    send(&queue, of("a", "leased")).await;
    receive_one(&queue).await;
    send(&queue, of("a", "waiting")).await;
    send(&queue, Message { delay: Some(secs(100)), ..of("b", "delayed") }).await;
    send(
        &queue,
        Message { attributes: vec![attribute("kind", "x")], content_type: Some("a/b".into()), ..text("ready") },
    )
    .await;
    for page in [1, 2, 10] {
        let all = browse(fixture.backends(), "fifo", page).await;
        assert_eq!((all.len(), all[0].state), (4, State::Ready), "pages of {page}");
        for (body, state) in [
            ("ready", State::Ready),
            ("delayed", State::Delayed),
            ("leased", State::Leased),
            ("waiting", State::Waiting),
        ] {
            let message = all.iter().find(|message| message.body == body.as_bytes()).unwrap();
            assert_eq!((message.state, message.size), (state, body.len() as u64));
        }
    }
    let all = browse(fixture.backends(), "fifo", 10).await;
    let (ready, leased) = (&all[0], all.iter().find(|message| message.state == State::Leased).unwrap());
    assert_eq!((ready.attributes.clone(), ready.content_type.as_deref()), (vec![attribute("kind", "x")], Some("a/b")));
    assert_eq!((ready.receives, ready.sent_at_ms), (0, fixture.now_ms()));
    assert_eq!((leased.receives, leased.visible_at_ms), (1, Some(fixture.now_ms() + 30_000)));
    assert_eq!(texts(&receive(&queue).await), ["ready"], "browsing leased something");
}

pub(super) async fn browsing_goes_page_by_page(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    for number in 0..25 {
        send(&queue, text(&number.to_string())).await;
        fixture.advance(millis(1));
    }
    let all: Vec<String> = (0..25).map(|number| number.to_string()).collect();
    for page in [1, 7, 25, 26] {
        assert_eq!(bodies(&browse(fixture.backends(), "standard", page).await), all, "pages of {page}");
    }
    let cut = fixture.backends().queue.browse("standard", None, 25, 1).await.unwrap();
    assert_eq!((&cut.messages[24].body[..], cut.messages[24].size), (&b"2"[..], 2));
    let wrong = fixture.backends().queue.browse("standard", Some("x"), 1, 0).await;
    assert!(matches!(wrong, Err(Error::Invalid(_))), "{wrong:?}");
}

pub(super) async fn a_message_is_found_by_its_id(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, text("other")).await;
    let id = send(&queue, text("wanted")).await;
    let backend = &fixture.backends().queue;
    let places = find(&**backend, "standard", &id).await.unwrap();
    assert_eq!(places.len(), 1);
    let message = backend.read("standard", &places[0]).await.unwrap().unwrap();
    assert_eq!((message.body, &message.place), (b"wanted".into(), &places[0]));
    assert_eq!(find(&**backend, "standard", "nothing").await, Ok(vec![]));
    let elsewhere = Place { id: "nothing".into(), ..places[0].clone() };
    assert_eq!(backend.read("standard", &elsewhere).await, Ok(None));
    assert_eq!(backend.read("fifo", &places[0]).await, Ok(None));
}

pub(super) async fn removing_spares_what_is_leased(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, text("x")).await;
    let (backend, place) = (&fixture.backends().queue, only(&fixture, "standard").await.place);
    let delivered = receive_one(&queue).await;
    let content = Content { body: b"y".into(), content_type: None, attributes: vec![] };
    assert_eq!(backend.remove("standard", &place).await, Err(Error::Conflict(None)));
    assert_eq!(backend.replace("standard", &place, content.clone()).await, Err(Error::Conflict(None)));
    assert_eq!(backend.redrive_one("standard", &place).await, Err(Error::Conflict(None)));
    queue.release(&delivered.receipt.to_string(), Duration::ZERO).await.unwrap();
    assert_eq!(backend.remove("standard", &place).await, Ok(()));
    assert_eq!(backend.remove("standard", &place).await, Err(Error::NotFound));
    assert_eq!(backend.replace("standard", &place, content).await, Err(Error::NotFound));
    assert_eq!(backend.redrive_one("standard", &place).await, Err(Error::NotFound));
    assert_eq!(receive(&queue).await, []);
}

pub(super) async fn removing_a_head_lets_its_group_go(fixture: Fixture) {
    let queue = fixture.queue("fifo").await;
    for body in ["first", "second", "third"] {
        send(&queue, Message { group: Some("g".into()), ..text(body) }).await;
    }
    let all = browse(fixture.backends(), "fifo", 10).await;
    let place = |body: &str| all.iter().find(|message| message.body == body.as_bytes()).unwrap().place.clone();
    let backend = &fixture.backends().queue;
    backend.remove("fifo", &place("second")).await.unwrap();
    assert_eq!(texts(&receive(&queue).await), ["first"]);
    fixture.advance(LEASE_DEFAULT);
    backend.remove("fifo", &place("first")).await.unwrap();
    assert_eq!(texts(&receive(&queue).await), ["third"]);
}

pub(super) async fn replacing_changes_what_a_message_says(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let id = send(&queue, Message { attributes: vec![attribute("kind", "old")], ..text("wrong") }).await;
    let before = only(&fixture, "standard").await;
    let attributes = vec![attribute("kind", "new")];
    let content = Content { body: b"right".into(), content_type: Some("a/b".into()), attributes: attributes.clone() };
    fixture.backends().queue.replace("standard", &before.place, content.clone()).await.unwrap();
    let Content { body, content_type, .. } = content;
    let expected = Stored { body, content_type, attributes, size: 5, ..before };
    assert_eq!(only(&fixture, "standard").await, expected);
    let delivered = receive_one(&queue).await;
    assert_eq!((delivered.id, delivered.body), (id, b"right".into()));
}

pub(super) async fn one_dead_message_goes_back(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, Message { attributes: vec![attribute("kind", "x")], ..text("one") }).await;
    send(&queue, text("other")).await;
    die(&fixture, &queue).await;
    let dead = browse(fixture.backends(), "dead", 10).await;
    let one = dead.iter().find(|message| message.body == b"one").unwrap();
    let source = one.attributes.iter().find(|attribute| attribute.name == dead::SOURCE).unwrap();
    assert_eq!((source.value.as_str(), one.receives), ("standard", 0));
    fixture.backends().queue.redrive_one("dead", &one.place).await.unwrap();
    let back = receive_one(&queue).await;
    assert_eq!((&back.id, back.receive_count), (&one.place.id, 1));
    assert_eq!(back.attributes, [attribute("kind", "x")]);
    assert_eq!(bodies(&browse(fixture.backends(), "dead", 10).await), ["other"]);
}

pub(super) async fn what_did_not_die_stays(fixture: Fixture) {
    let dead_letters = fixture.queue("dead").await;
    send(&dead_letters, text("sent")).await;
    let place = only(&fixture, "dead").await.place;
    let refused = fixture.backends().queue.redrive_one("dead", &place).await.unwrap_err();
    insta::allow_duplicates! {
        insta::assert_snapshot!(refused, @"invalid: the message did not die in any queue, it was sent here");
    }
    assert_eq!(texts(&receive(&dead_letters).await), ["sent"]);
}

pub(super) async fn operators_meet_unknown_queues_too(fixture: Fixture) {
    let (backend, place) = (&fixture.backends().queue, Place { id: "x".into(), row: 1 });
    let content = Content { body: vec![], content_type: None, attributes: vec![] };
    assert_eq!(backend.browse("nothing", None, 1, 0).await.err(), Some(Error::NotFound));
    assert_eq!(backend.read("nothing", &place).await, Err(Error::NotFound));
    assert_eq!(backend.remove("nothing", &place).await, Err(Error::NotFound));
    assert_eq!(backend.replace("nothing", &place, content).await, Err(Error::NotFound));
    assert_eq!(backend.redrive_one("nothing", &place).await, Err(Error::NotFound));
}
