use super::*;

pub(super) async fn messages_are_bounded(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let sized = |body: usize| Message {
        body: bytes(body),
        content_type: Some("text/plain".into()),
        attributes: vec![attribute("name", "value")],
        ..Message::default()
    };
    send(&queue, sized((256 << 10) - 19)).await;
    assert_eq!(queue.send(sized((256 << 10) - 18)).await, Err(Error::TooLarge(256 << 10)));
    let with = |attributes| Message { attributes, ..Message::default() };
    send(&queue, with(vec![attribute("a", ""); ATTRIBUTES])).await;
    assert_eq!(queue.send(with(vec![attribute("a", ""); 33])).await, Err(Error::TooLarge(32)));
    send(&queue, with(vec![attribute("a", &"b".repeat((16 << 10) - 1))])).await;
    assert_eq!(queue.send(with(vec![attribute("a", &"b".repeat(16 << 10))])).await, Err(Error::TooLarge(16 << 10)));
    send(&queue, with(vec![attribute(&"a".repeat(64), "")])).await;
    let longest = Some("i".repeat(128));
    send(&queue, Message { group: longest.clone(), deduplication_id: longest, ..Message::default() }).await;
    let long = Some("i".repeat(129));
    assert_eq!(queue.send(Message { group: long.clone(), ..Message::default() }).await, Err(Error::TooLarge(128)));
    assert_eq!(queue.send(Message { deduplication_id: long, ..Message::default() }).await, Err(Error::TooLarge(128)));
    assert_eq!(receive(&queue).await.len(), 5);
}

pub(super) async fn arguments_are_bounded(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let named = |name: &str| Message { attributes: vec![attribute(name, "")], ..Message::default() };
    let messages = [
        named(""),
        named("a b"),
        named(&"a".repeat(65)),
        named("faas-dead-source"),
        Message { group: Some(String::new()), ..Message::default() },
        Message { deduplication_id: Some(String::new()), ..Message::default() },
        Message { delay: Some(secs(7 * 24 * 3600) + millis(1)), ..Message::default() },
        Message { ttl: Some(Duration::ZERO), ..Message::default() },
    ];
    let mut errors = Vec::new();
    for message in messages {
        errors.push(queue.send(message).await.unwrap_err());
    }
    errors.extend([
        queue.send_batch(vec![]).await.unwrap_err(),
        queue.send_batch(vec![Message::default(); 101]).await.unwrap_err(),
        queue
            .send_batch(vec![Message { body: bytes(BATCH_BYTES / 4 + 1), ..Message::default() }; 4])
            .await
            .unwrap_err(),
        queue.receive(0, Duration::ZERO, None).await.unwrap_err(),
        queue.receive(101, Duration::ZERO, None).await.unwrap_err(),
        queue.receive(1, WAIT_MAX + millis(1), None).await.unwrap_err(),
        queue.receive(1, Duration::ZERO, Some(millis(999))).await.unwrap_err(),
        queue.receive(1, Duration::ZERO, Some(secs(12 * 3600) + millis(1))).await.unwrap_err(),
        queue.acknowledge(&[]).await.unwrap_err(),
        queue.acknowledge(&vec!["1.1".into(); 101]).await.unwrap_err(),
        queue.release("1.1", secs(12 * 3600) + millis(1)).await.unwrap_err(),
        queue.release("nonsense", Duration::ZERO).await.unwrap_err(),
        queue.extend("1.1", millis(999)).await.unwrap_err(),
        queue.extend("1.", secs(1)).await.unwrap_err(),
    ]);
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    insta::allow_duplicates! {
        insta::assert_snapshot!(lines.join("\n"), @r#"
        invalid: attribute name "" does not match `[A-Za-z0-9_.-]{1,64}`
        invalid: attribute name "a b" does not match `[A-Za-z0-9_.-]{1,64}`
        invalid: attribute name "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" does not match `[A-Za-z0-9_.-]{1,64}`
        invalid: attribute name `faas-dead-source`: names starting with `faas-` are the host's
        invalid: the group is empty
        invalid: the deduplication id is empty
        invalid: `delay-ms` is 604800001, it goes from 0 to 604800000
        invalid: `ttl-ms` is 0
        invalid: the batch is empty
        too large: the limit is 100
        too large: the limit is 1048576
        invalid: `max` is 0, it goes from 1 to 100
        invalid: `max` is 101, it goes from 1 to 100
        invalid: `wait-ms` is 20001, it goes from 0 to 20000
        invalid: `lease-ms` is 999, it goes from 1000 to 43200000
        invalid: `lease-ms` is 43200001, it goes from 1000 to 43200000
        invalid: the batch is empty
        too large: the limit is 100
        invalid: `delay-ms` is 43200001, it goes from 0 to 43200000
        invalid: the receipt is not one that `receive` gave
        invalid: `lease-ms` is 999, it goes from 1000 to 43200000
        invalid: the receipt is not one that `receive` gave
        "#);
    }
    assert_eq!(receive(&queue).await, []);
}

pub(super) async fn rights_are_checked(fixture: Fixture) {
    let open = |rights| Queue::open(fixture.backends().queue.clone(), Grant::new(Service::Queue, "standard", rights));
    let (sender, receiver) = (open(&[Right::Send]).await.unwrap(), open(&[Right::Receive]).await.unwrap());
    let denied = receiver.send(text("x")).await.unwrap_err();
    insta::allow_duplicates! {
        insta::assert_snapshot!(
            denied,
            @"access denied: queue `standard` is not granted for this, add `--grant queue:standard:send+receive`"
        );
    }
    assert_eq!(receiver.send_batch(vec![text("x")]).await, Err(denied.clone()));
    assert_eq!(sender.receive(1, Duration::ZERO, None).await, Err(denied.clone()));
    assert_eq!(sender.acknowledge(&["1.1".into()]).await, Err(denied.clone()));
    assert_eq!(sender.release("1.1", Duration::ZERO).await, Err(denied.clone()));
    assert_eq!(sender.extend("1.1", secs(1)).await, Err(denied));
    assert!(sender.stats().await.is_ok() && receiver.stats().await.is_ok());
}

pub(super) async fn unknown_queues_are_not_found(fixture: Fixture) {
    let backend = &fixture.backends().queue;
    let receipt = Receipt { row: 1, lease: 1 };
    assert_eq!(backend.message_size("nowhere").await, Err(Error::NotFound));
    assert_eq!(backend.send("nowhere", vec![text("x")]).await, Err(Error::NotFound));
    assert_eq!(backend.receive("nowhere", 1, Duration::ZERO, secs(30)).await, Err(Error::NotFound));
    assert_eq!(backend.acknowledge("nowhere", &[receipt]).await, Err(Error::NotFound));
    assert_eq!(backend.release("nowhere", receipt, Duration::ZERO, vec![]).await, Err(Error::NotFound));
    assert_eq!(backend.extend("nowhere", receipt, secs(1)).await, Err(Error::NotFound));
    assert_eq!(backend.stats("nowhere").await, Err(Error::NotFound));
    assert_eq!(backend.purge("nowhere").await, Err(Error::NotFound));
    assert_eq!(backend.redrive("nowhere", 1).await, Err(Error::NotFound));
    assert_eq!(backend.message_size("standard").await, Ok(256 << 10));
    assert_eq!(backend.message_size("large").await, Ok(1 << 20));
}
