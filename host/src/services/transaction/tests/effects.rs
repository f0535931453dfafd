use super::*;

/// One effect of each kind.
async fn act(transaction: &dyn Transaction) {
    transaction.kv().set("visits", write("counted", "1")).await.unwrap();
    transaction.kv().increment("visits", "sum", 2, None).await.unwrap();
    kv_delete(transaction, "old").await.unwrap();
    transaction.send("out", vec![message("sent")]).await.unwrap().remove(0).unwrap();
    let published = topic::Message { body: b"published".into(), ..topic::Message::default() };
    transaction.publish("stored", vec![published]).await.unwrap().remove(0).unwrap();
    put(transaction, "small", 10).await;
    put(transaction, "large", LARGE).await;
    assert!(transaction.blob().delete("inbox", "old", blob::Condition::Always).await.unwrap());
}

/// What others see: values, whether objects are there, bodies of messages.
async fn seen(fixture: &Fixture) -> String {
    let mut lines = Vec::new();
    for key in ["counted", "sum", "old"] {
        lines.push(format!("{key}: {}", value(fixture, key).await.unwrap_or_else(|| "none".into())));
    }
    for key in ["small", "large", "old"] {
        let head = fixture.backends().blob.head("inbox", key).await.unwrap();
        lines.push(format!("{key}: {}", head.map_or_else(|| "none".into(), |info| format!("{} bytes", info.size))));
    }
    for queue in ["out", "all"] {
        lines.push(format!("{queue}: {}", bodies(fixture, queue).await.join(" ")));
    }
    lines.join(", ")
}

async fn prepared() -> (Fixture, Delivered) {
    let fixture = fixture();
    let backends = fixture.backends();
    backends.kv.set("visits", write("old", "0")).await.unwrap();
    backends.blob.put("inbox", "old", bytes(LARGE), blob::PutOptions::default()).await.unwrap();
    let delivered = received(&fixture, "work").await;
    (fixture, delivered)
}

const BEFORE: &str = "counted: none, sum: none, old: 0, small: none, large: none, old: 102400 bytes, out: , all: ";

#[tokio::test]
async fn effects_come_with_the_acknowledgement() {
    let (mut fixture, delivered) = prepared().await;
    let transaction = begin(&fixture);
    act(&*transaction).await;
    assert_eq!(seen(&fixture).await, BEFORE, "nobody else sees them");
    transaction.commit(vec![("work".into(), delivered.receipt)]).await.unwrap();
    drop(transaction);
    assert_eq!(acknowledges(&fixture, "work", &delivered).await, Err(Error::LeaseLost), "it is acknowledged");
    fixture.reopen();
    assert_eq!(
        seen(&fixture).await,
        "counted: 1, sum: 2, old: none, small: 10 bytes, large: 102400 bytes, old: none, out: sent, all: published"
    );
    assert_eq!(files(&fixture), 1, "that of the deleted object is gone");
}

#[tokio::test]
async fn what_is_not_committed_never_was() {
    let (mut fixture, delivered) = prepared().await;
    let transaction = begin(&fixture);
    act(&*transaction).await;
    let mut writer = transaction.blob().writer("inbox", "unfinished", blob::PutOptions::default()).await.unwrap();
    writer.write(bytes(LARGE)).await.unwrap();
    assert_eq!(files(&fixture), 3);
    drop((transaction, writer));
    assert_eq!(files(&fixture), 1);
    assert_eq!(seen(&fixture).await, BEFORE);
    assert_eq!(acknowledges(&fixture, "work", &delivered).await, Ok(()), "it is still leased");
    fixture.reopen();
    assert_eq!(seen(&fixture).await, BEFORE);
}

#[tokio::test]
async fn a_lost_lease_applies_nothing() {
    let (fixture, first) = prepared().await;
    let second = received(&fixture, "work").await;
    let transaction = begin(&fixture);
    act(&*transaction).await;
    fixture.backends().queue.release("work", second.receipt, Duration::ZERO, Vec::new()).await.unwrap();
    let both = vec![("work".into(), first.receipt), ("work".into(), second.receipt)];
    assert_eq!(transaction.commit(both).await, Err(NotCommitted::LeaseLost));
    drop(transaction);
    assert_eq!(seen(&fixture).await, BEFORE);
    assert_eq!(files(&fixture), 1);
    assert_eq!(acknowledges(&fixture, "work", &first).await, Ok(()), "the other one is still leased");
}

#[tokio::test]
async fn a_lease_that_ran_out_applies_nothing() {
    let (fixture, delivered) = prepared().await;
    let transaction = begin(&fixture);
    act(&*transaction).await;
    fixture.advance(secs(31));
    let committed = transaction.commit(vec![("work".into(), delivered.receipt)]).await;
    assert_eq!(committed, Err(NotCommitted::LeaseLost));
    assert_eq!(seen(&fixture).await, BEFORE);
}

/// What somebody else does between a transaction's look and its commit, and what the look was.
async fn conflict(look: impl AsyncFn(&dyn Transaction), meanwhile: impl AsyncFn(&Fixture)) -> String {
    let (fixture, delivered) = prepared().await;
    let transaction = begin(&fixture);
    look(&*transaction).await;
    transaction.kv().set("other", write("effect", "1")).await.unwrap();
    meanwhile(&fixture).await;
    let committed = transaction.commit(vec![("work".into(), delivered.receipt)]).await;
    let effect = fixture.backends().kv.get("other", "effect").await.unwrap();
    assert_eq!(effect.is_some(), committed.is_ok());
    assert_eq!(acknowledges(&fixture, "work", &delivered).await.is_ok(), committed.is_err());
    committed.map_or_else(|error| error.to_string(), |()| "committed".into())
}

async fn set_outside(fixture: &Fixture) {
    fixture.backends().kv.set("visits", write("old", "1")).await.unwrap();
}

async fn put_outside(fixture: &Fixture) {
    fixture.backends().blob.put("inbox", "old", bytes(1), blob::PutOptions::default()).await.unwrap();
}

fn once(body: &str) -> Message {
    Message { deduplication_id: Some("once".into()), ..message(body) }
}

#[tokio::test]
async fn what_was_seen_must_still_be_there() {
    let put = |when| blob::PutOptions { when, ..blob::PutOptions::default() };
    let outcomes = [
        conflict(async |t| drop(t.kv().get("visits", "old").await), set_outside).await,
        conflict(async |t| drop(t.kv().get_many("visits", &["new".into(), "old".into()]).await), set_outside).await,
        conflict(async |t| drop(t.kv().increment("visits", "old", 1, None).await), set_outside).await,
        conflict(async |t| drop(kv_delete(t, "old").await), set_outside).await,
        conflict(
            async |t| drop(t.kv().set("visits", Write { when: Condition::IfAbsent, ..write("old", "") }).await),
            set_outside,
        )
        .await,
        conflict(
            async |t| drop(t.kv().get("visits", "new").await),
            async |f| drop(f.backends().kv.set("visits", write("new", "1")).await),
        )
        .await,
        conflict(
            async |t| drop(t.kv().get("visits", "old").await),
            async |f| drop(f.backends().kv.delete("visits", "old", Condition::Always).await),
        )
        .await,
        conflict(async |t| drop(t.blob().head("inbox", "old").await), put_outside).await,
        conflict(async |t| drop(t.blob().reader("inbox", "old", None).await), put_outside).await,
        conflict(async |t| drop(t.blob().copy("inbox", "old", "new", blob::Condition::Always).await), put_outside)
            .await,
        conflict(
            async |t| drop(t.blob().put("inbox", "new", vec![], put(blob::Condition::IfAbsent)).await),
            async |f| drop(f.backends().blob.put("inbox", "new", vec![], blob::PutOptions::default()).await),
        )
        .await,
        conflict(
            async |t| drop(t.send("out", vec![once("late")]).await),
            async |f| drop(f.backends().queue.send("out", vec![once("early")]).await),
        )
        .await,
    ];
    insta::assert_snapshot!(outcomes.join("\n"), @r"
    key `old` of bucket `visits` was changed by somebody else in the meantime, so that nothing was applied
    key `old` of bucket `visits` was changed by somebody else in the meantime, so that nothing was applied
    key `old` of bucket `visits` was changed by somebody else in the meantime, so that nothing was applied
    key `old` of bucket `visits` was changed by somebody else in the meantime, so that nothing was applied
    key `old` of bucket `visits` was changed by somebody else in the meantime, so that nothing was applied
    key `new` of bucket `visits` was changed by somebody else in the meantime, so that nothing was applied
    key `old` of bucket `visits` was changed by somebody else in the meantime, so that nothing was applied
    object `old` of container `inbox` was changed by somebody else in the meantime, so that nothing was applied
    object `old` of container `inbox` was changed by somebody else in the meantime, so that nothing was applied
    object `old` of container `inbox` was changed by somebody else in the meantime, so that nothing was applied
    object `new` of container `inbox` was changed by somebody else in the meantime, so that nothing was applied
    a message with deduplication id `once` was sent by somebody else in the meantime, so that nothing was applied
    ");
}

async fn kv_delete(transaction: &dyn Transaction, key: &str) -> Result<bool> {
    transaction.kv().delete("visits", key, Condition::Always).await
}

#[tokio::test]
async fn what_was_not_looked_at_is_written_over() {
    let outcomes = [
        conflict(async |t| drop(t.kv().set("visits", write("old", "2")).await), set_outside).await,
        conflict(async |t| drop(t.kv().get("visits", "another").await), set_outside).await,
        conflict(async |t| drop(t.kv().get("visits", "old").await), put_outside).await,
        conflict(
            async |t| drop(t.blob().put("inbox", "old", bytes(LARGE), blob::PutOptions::default()).await),
            put_outside,
        )
        .await,
        conflict(async |t| drop(t.kv().list_keys("visits", "", None, 10).await), set_outside).await,
    ];
    assert_eq!(outcomes, ["committed"; 5].map(String::from));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_transactions_on_one_key_each_counts_once() {
    let fixture = fixture();
    let transactions = fixture.backends().transactions.clone().unwrap();
    let count = || {
        let transactions = Arc::clone(&transactions);
        async move {
            for attempts in 1.. {
                let transaction = transactions.begin();
                let sum = transaction.kv().increment("visits", "counter", 1, None).await.unwrap();
                transaction.send("out", vec![message(sum.to_string())]).await.unwrap().remove(0).unwrap();
                match transaction.commit(Vec::new()).await {
                    Ok(()) => return attempts,
                    Err(NotCommitted::Conflict { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            0
        }
    };
    all_at_once((0..20).map(|_| count())).await;
    assert_eq!(value(&fixture, "counter").await.unwrap(), "20");
    let mut sent: Vec<u32> = bodies(&fixture, "out").await.iter().map(|body| body.parse().unwrap()).collect();
    sent.sort_unstable();
    assert_eq!(sent, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_transaction_sends_no_duplicates() {
    let fixture = fixture();
    let send =
        async |t: &dyn Transaction, queue: &str| t.send(queue, vec![once("a")]).await.unwrap().remove(0).unwrap();
    let first = begin(&fixture);
    let (sent, again, elsewhere) = (send(&*first, "out").await, send(&*first, "out").await, send(&*first, "all").await);
    assert_eq!((sent.duplicate, again.duplicate, elsewhere.duplicate), (false, true, false));
    assert_eq!(again.id, sent.id);
    first.commit(Vec::new()).await.unwrap();
    let second = begin(&fixture);
    let later = send(&*second, "out").await;
    assert_eq!((later.duplicate, &later.id), (true, &sent.id));
    second.commit(Vec::new()).await.unwrap();
    let outside = fixture.backends().queue.send("out", vec![once("b")]).await.unwrap().remove(0).unwrap();
    assert_eq!((outside.duplicate, &outside.id), (true, &sent.id));
    let delivered = fixture.backends().queue.receive("out", 10, Duration::ZERO, secs(30)).await.unwrap();
    assert_eq!(delivered.iter().map(|message| &message.id).collect::<Vec<_>>(), [&sent.id]);
    fixture.advance(secs(301));
    let late = begin(&fixture);
    assert!(!send(&*late, "out").await.duplicate, "it is remembered for five minutes");
    late.commit(Vec::new()).await.unwrap();
}

#[tokio::test]
async fn a_duplicate_publish_is_not_published() {
    let fixture = fixture();
    let once = || topic::Message { deduplication_id: Some("once".into()), ..topic::Message::default() };
    for duplicate in [false, true] {
        let transaction = begin(&fixture);
        let published = transaction.publish("stored", vec![once()]).await.unwrap().remove(0).unwrap();
        assert_eq!(published.duplicate, duplicate);
        transaction.commit(Vec::new()).await.unwrap();
    }
    assert_eq!(bodies(&fixture, "all").await.len(), 1);
}

#[tokio::test]
async fn a_group_goes_on_behind_the_acknowledged_message() {
    let fixture = fixture();
    let grouped = |body: &str| Message { group: Some("g".into()), ..message(body) };
    let queue = &fixture.backends().queue;
    queue.send("ordered", vec![grouped("first"), grouped("second")]).await.unwrap();
    let mut order = Vec::new();
    for _ in 0..4 {
        let delivered = queue.receive("ordered", 10, Duration::ZERO, secs(30)).await.unwrap();
        assert_eq!(delivered.len(), 1, "one of a group at a time");
        order.push(String::from_utf8(delivered[0].body.clone()).unwrap());
        let transaction = begin(&fixture);
        if order.len() <= 2 {
            let follow_up = grouped(&format!("after {}", order[order.len() - 1]));
            transaction.send("ordered", vec![follow_up]).await.unwrap().remove(0).unwrap();
        }
        transaction.commit(vec![("ordered".into(), delivered[0].receipt)]).await.unwrap();
    }
    assert_eq!(order, ["first", "second", "after first", "after second"]);
}

#[tokio::test]
async fn the_commit_is_a_change_for_those_who_watch() {
    let fixture = fixture();
    let transaction = begin(&fixture);
    for body in ["1", "2"] {
        transaction.kv().set("visits", write("watched", body)).await.unwrap();
    }
    transaction.kv().set("visits", write("watched/gone", "1")).await.unwrap();
    kv_delete(&*transaction, "watched/gone").await.unwrap();
    put(&*transaction, "watched", 3).await;
    let info = put(&*transaction, "watched", 4).await;
    assert!(bodies(&fixture, "changes").await.is_empty());
    transaction.commit(Vec::new()).await.unwrap();
    let changes = bodies(&fixture, "changes").await.join("\n").replace(&info.etag, "[etag]");
    insta::assert_snapshot!(changes, @r#"
    {"bucket":"visits","key":"watched","kind":"set","version":1}
    {"container":"inbox","key":"watched","kind":"created","etag":"[etag]","size":4}
    "#);
}

#[tokio::test]
async fn ids_and_etags_are_those_that_are_stored() {
    let fixture = fixture();
    let transaction = begin(&fixture);
    let info = put(&*transaction, "object", 10).await;
    let sent = transaction.send("out", vec![message("a")]).await.unwrap().remove(0).unwrap();
    fixture.advance(secs(1));
    transaction.commit(Vec::new()).await.unwrap();
    assert_eq!(fixture.backends().blob.head("inbox", "object").await.unwrap().unwrap(), info);
    let delivered = fixture.backends().queue.receive("out", 1, Duration::ZERO, secs(30)).await.unwrap();
    assert_eq!((&delivered[0].id, delivered[0].sent_at_ms), (&sent.id, fixture.now_ms()));
}

#[tokio::test]
async fn versions_are_good_for_conditions_until_the_commit() {
    let fixture = fixture();
    let first = begin(&fixture);
    let if_version = |version| Write { when: Condition::IfVersion(version), ..write("key", "2") };
    let version = first.kv().set("visits", write("key", "1")).await.unwrap();
    let next = first.kv().set("visits", if_version(version)).await.unwrap();
    assert!(version < next && next < 1 << 53);
    assert_eq!(first.kv().set("visits", if_version(version)).await, Err(Error::Conflict(Some(next))));
    first.commit(Vec::new()).await.unwrap();
    let second = begin(&fixture);
    let stored = second.kv().get("visits", "key").await.unwrap().unwrap();
    assert_eq!((stored.version, stored.value), (1, b"2".into()));
    assert_eq!(second.kv().set("visits", if_version(next)).await, Err(Error::Conflict(Some(1))));
}

#[tokio::test]
async fn what_is_held_is_bounded() {
    let fixture = fixture();
    let transaction = begin(&fixture);
    for index in 0..EFFECTS {
        transaction.kv().set("visits", write(&index.to_string(), "1")).await.unwrap();
    }
    let full = Err(Error::TooLarge(EFFECTS as u64));
    assert_eq!(transaction.send("out", vec![message("a")]).await.unwrap().remove(0).map(drop), full);
    assert_eq!(transaction.kv().set("visits", write("new", "1")).await.map(drop), full);
    transaction.kv().set("visits", write("0", "2")).await.unwrap();
    transaction.commit(Vec::new()).await.unwrap();
    assert_eq!(value(&fixture, "0").await.unwrap(), "2");

    let transaction = begin(&fixture);
    for _ in 0..2 {
        for index in 0..BYTES / (512 << 10) - 1 {
            transaction.kv().set("visits", write(&index.to_string(), vec![0; 512 << 10])).await.unwrap();
        }
    }
    let large = transaction.kv().set("visits", write("new", vec![0; 512 << 10])).await;
    assert_eq!(large, Err(Error::TooLarge(BYTES as u64)));
    put(&*transaction, "files do not count", 8 << 20).await;
    drop(transaction);

    let transaction = begin(&fixture);
    for index in 0..KEYS {
        transaction.kv().get("other", &index.to_string()).await.unwrap();
    }
    assert_eq!(transaction.kv().get("other", "one more").await, Err(Error::TooLarge(KEYS as u64)));
    assert_eq!(transaction.kv().get("other", "0").await, Ok(None));
}

#[tokio::test]
async fn a_transaction_that_is_over_takes_nothing() {
    let fixture = fixture();
    let transaction = begin(&fixture);
    let writer = transaction.blob().writer("inbox", "late", blob::PutOptions::default()).await.unwrap();
    transaction.commit(Vec::new()).await.unwrap();
    let refusals = [
        transaction.kv().set("visits", write("late", "1")).await.unwrap_err(),
        writer.finish().await.unwrap_err(),
        transaction.kv().get("visits", "late").await.unwrap_err(),
        transaction.send("out", vec![message("late")]).await.unwrap_err(),
    ];
    assert_eq!(
        refusals.map(|error| error.to_string()),
        ["unavailable: the transaction that this belongs to is over"; 4]
    );
    assert!(matches!(transaction.commit(Vec::new()).await, Err(NotCommitted::Failed(Error::Unavailable(_)))));
    assert_eq!(value(&fixture, "late").await, None);
}

#[tokio::test]
async fn unknown_resources_are_not_found() {
    let fixture = fixture();
    let transaction = begin(&fixture);
    assert_eq!(transaction.kv().get("missing", "key").await, Err(Error::NotFound));
    assert_eq!(transaction.blob().head("missing", "key").await, Err(Error::NotFound));
    assert_eq!(transaction.send("missing", vec![message("a")]).await, Err(Error::NotFound));
    assert_eq!(transaction.publish("missing", vec![]).await, Err(Error::NotFound));
}

#[tokio::test]
async fn a_transaction_has_no_receiving() {
    let fixture = fixture();
    let delivered = received(&fixture, "work").await;
    let grant: Grant = "queue:work:send+receive".parse().unwrap();
    assert_eq!(grant.service, Service::Queue);
    let queue = Queue::open(fixture.backends().queue.clone(), grant).await.unwrap().within(&begin(&fixture));
    let receipt = delivered.receipt.to_string();
    let refusals = [
        queue.receive(1, Duration::ZERO, None).await.unwrap_err(),
        queue.acknowledge(std::slice::from_ref(&receipt)).await.unwrap_err(),
        queue.release(&receipt, Duration::ZERO).await.unwrap_err(),
        queue.extend(&receipt, secs(30)).await.unwrap_err(),
    ];
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]));
    insta::assert_snapshot!(
        refusals[0],
        @"unsupported: queue `work` has no receiving inside a transactional delivery: give its messages a trigger of their own"
    );
    assert_eq!(queue.stats().await.unwrap().leased, 1);
}
