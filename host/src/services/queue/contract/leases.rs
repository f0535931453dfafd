use super::*;

pub(super) async fn an_acknowledged_message_is_gone(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, text("x")).await;
    let delivered = soon(queue.receive(1, Duration::ZERO, Some(secs(10)))).await.unwrap().remove(0);
    fixture.advance(millis(9_999));
    assert_eq!(acknowledge(&queue, &delivered).await, Ok(()));
    fixture.advance(secs(24 * 3600));
    assert_eq!(receive(&queue).await, []);
    assert_eq!(queue.stats().await, Ok(Stats { exact: true, ..Stats::default() }));
}

pub(super) async fn an_acknowledgement_works_once(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, text("x")).await;
    let delivered = receive_one(&queue).await;
    let receipt = delivered.receipt.to_string();
    let twice = queue.acknowledge(&[receipt.clone(), receipt.clone()]).await.unwrap();
    assert_eq!(twice, [Ok(()), Err(Error::LeaseLost)]);
    assert_eq!(acknowledge(&queue, &delivered).await, Err(Error::LeaseLost));
    assert_eq!(queue.release(&receipt, Duration::ZERO).await, Err(Error::LeaseLost));
    assert_eq!(queue.extend(&receipt, secs(1)).await, Err(Error::LeaseLost));
}

pub(super) async fn a_late_acknowledgement_has_lost_its_lease(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, text("x")).await;
    let first = receive_one(&queue).await;
    let receipt = first.receipt.to_string();
    fixture.advance(LEASE_DEFAULT);
    assert_eq!(acknowledge(&queue, &first).await, Err(Error::LeaseLost), "before anyone else has it");
    assert_eq!(queue.release(&receipt, Duration::ZERO).await, Err(Error::LeaseLost));
    assert_eq!(queue.extend(&receipt, secs(60)).await, Err(Error::LeaseLost));
    let second = receive_one(&queue).await;
    assert_eq!(acknowledge(&queue, &first).await, Err(Error::LeaseLost), "while another has it");
    assert_eq!(queue.release(&receipt, Duration::ZERO).await, Err(Error::LeaseLost));
    assert_eq!(acknowledge(&queue, &second).await, Ok(()));
}

pub(super) async fn foreign_receipts_are_refused(fixture: Fixture) {
    let (queue, other) = (fixture.queue("standard").await, fixture.queue("lossy").await);
    send(&queue, text("x")).await;
    let delivered = receive_one(&queue).await;
    let Receipt { row, lease } = delivered.receipt;
    let forged = [Receipt { row, lease: lease ^ 1 }, Receipt { row: row + 1, lease }, Receipt { row: -1, lease: -1 }];
    let receipts = [forged.map(|receipt| receipt.to_string()).to_vec(), vec!["nonsense".into()]].concat();
    let answers = queue.acknowledge(&receipts).await.unwrap();
    assert_eq!(answers[..2], [Err(Error::LeaseLost), Err(Error::LeaseLost)]);
    assert!(answers[2..].iter().all(|answer| matches!(answer, Err(Error::Invalid(_)))), "{answers:?}");
    assert_eq!(acknowledge(&other, &delivered).await, Err(Error::LeaseLost), "another queue's");
    let receipts = ["nonsense".into(), delivered.receipt.to_string()];
    assert_eq!(queue.acknowledge(&receipts).await.unwrap()[1], Ok(()), "the bad one does not hold the good one up");
}

pub(super) async fn a_lease_ends(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let id = send(&queue, text("x")).await;
    let first = soon(queue.receive(1, Duration::ZERO, Some(secs(2)))).await.unwrap().remove(0);
    fixture.advance(millis(1999));
    assert_eq!(receive(&queue).await, []);
    fixture.advance(millis(1));
    let second = receive_one(&queue).await;
    assert_ne!(first.receipt, second.receipt);
    assert_eq!((second.id, second.receive_count), (id, 2));
    assert_eq!((second.sent_at_ms, second.first_received_at_ms), (START_MS, START_MS));
}

pub(super) async fn a_lease_lasts_as_default(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, text("x")).await;
    receive_one(&queue).await;
    fixture.advance(millis(29_999));
    assert_eq!(receive(&queue).await, []);
    fixture.advance(millis(1));
    assert_eq!(receive(&queue).await.len(), 1);
}

pub(super) async fn a_lease_is_extended_from_now(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, text("x")).await;
    let first = receive_one(&queue).await;
    fixture.advance(secs(20));
    assert_eq!(queue.extend(&first.receipt.to_string(), secs(60)).await, Ok(()));
    fixture.advance(millis(59_999));
    assert_eq!(receive(&queue).await, []);
    assert_eq!(queue.extend(&first.receipt.to_string(), secs(1)).await, Ok(()), "shorter too");
    fixture.advance(secs(1));
    assert_eq!(queue.extend(&first.receipt.to_string(), secs(60)).await, Err(Error::LeaseLost));
    let second = receive_one(&queue).await;
    assert_eq!(second.receive_count, 2);
    queue.extend(&second.receipt.to_string(), secs(3600)).await.unwrap();
    fixture.advance(secs(3599));
    assert_eq!(acknowledge(&queue, &second).await, Ok(()));
}

pub(super) async fn a_released_message_is_ready_again(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let id = send(&queue, text("x")).await;
    let first = receive_one(&queue).await;
    assert_eq!(queue.release(&first.receipt.to_string(), Duration::ZERO).await, Ok(()));
    assert_eq!(acknowledge(&queue, &first).await, Err(Error::LeaseLost));
    let second = receive_one(&queue).await;
    assert_eq!((second.id, second.receive_count), (id, 2));
    assert_ne!(second.receipt, first.receipt);
}

pub(super) async fn a_released_message_waits_its_delay(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    send(&queue, text("x")).await;
    let first = receive_one(&queue).await;
    fixture.advance(secs(10));
    assert_eq!(queue.release(&first.receipt.to_string(), secs(60)).await, Ok(()));
    assert_eq!(queue.stats().await, Ok(Stats { delayed: 1, exact: true, ..Stats::default() }));
    fixture.advance(millis(59_999));
    assert_eq!(receive(&queue).await, []);
    fixture.advance(millis(1));
    assert_eq!(receive_one(&queue).await.receive_count, 2);
}

pub(super) async fn receives_are_counted_over_reopening(mut fixture: Fixture) {
    send(&fixture.queue("standard").await, text("x")).await;
    for count in 1..=3 {
        let delivered = receive_one(&fixture.queue("standard").await).await;
        assert_eq!((delivered.receive_count, delivered.first_received_at_ms), (count, START_MS));
        fixture.reopen();
        fixture.advance(LEASE_DEFAULT);
    }
    assert_eq!(receive(&fixture.queue("standard").await).await, []);
    assert_eq!(texts(&receive(&fixture.queue("dead").await).await), ["x"]);
}

/// Receives and acknowledges until the queue stays empty; answers with what it got.
async fn drain(queue: Queue) -> Vec<String> {
    let mut got = Vec::new();
    loop {
        let delivered = queue.receive(10, Duration::ZERO, None).await.unwrap();
        if delivered.is_empty() {
            return got;
        }
        let receipts: Vec<String> = delivered.iter().map(|message| message.receipt.to_string()).collect();
        assert!(queue.acknowledge(&receipts).await.unwrap().iter().all(Result::is_ok));
        got.extend(delivered.into_iter().map(|message| message.id));
    }
}

pub(super) async fn consumers_share_without_doubles(fixture: Fixture) {
    let queue = fixture.queue("standard").await;
    let mut sent = Vec::new();
    for _ in 0..40 {
        let answers = queue.send_batch(vec![text("x"); 100]).await.unwrap();
        sent.extend(answers.into_iter().map(|answer| answer.unwrap().id));
    }
    let mut got = all_at_once((0..4).map(|_| drain(queue.clone()))).await.concat();
    sent.sort();
    got.sort();
    assert!(got == sent, "{} messages sent, {} delivered", sent.len(), got.len());
}
