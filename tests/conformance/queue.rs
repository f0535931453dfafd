use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::probe::{Probe, b64};
use super::{Case, Verdict, cases, expect_eq};

pub const CASES: &[Case] = cases![
    what_is_sent_is_received,
    everything_of_a_message_comes_back,
    acknowledged_is_gone,
    batch_fails_one_by_one,
    delay_holds_back,
    lease_ends_and_the_message_returns,
    extend_keeps_the_lease,
    release_gives_back_at_once,
    release_with_delay_waits,
    late_acknowledge_is_lease_lost,
    strange_receipt_is_invalid,
    duplicate_is_told,
    expired_is_never_delivered,
    fifo_holds_its_group,
    dead_letter_tells_why,
    stats_count,
    limits_are_errors,
    rights_are_apart,
];

fn send(probe: &Probe, queue: &str, message: Value) -> Result<Value, Failed> {
    probe.ok("queue.send", json!({"queue": queue, "message": message}))
}

fn receive(probe: &Probe, queue: &str) -> Result<Vec<Value>, Failed> {
    let received = probe.ok("queue.receive", json!({"queue": queue, "max": 10, "wait_ms": 0, "lease_ms": 10_000}))?;
    Ok(received.as_array().cloned().unwrap_or_default())
}

fn receive_one(probe: &Probe, queue: &str) -> Result<Value, Failed> {
    let mut messages = receive(probe, queue)?;
    match (messages.pop(), messages.len()) {
        (Some(only), 0) => Ok(only),
        (_, more) => Err(format!("expected one message, {more} more or none came").into()),
    }
}

fn what_is_sent_is_received(probe: &mut Probe) -> Verdict {
    let sent = send(probe, "work", json!({"body": b64("hello")}))?;
    expect_eq!(sent["duplicate"], json!(false));
    let message = receive_one(probe, "work")?;
    expect_eq!(message["body"], json!(b64("hello")));
    expect_eq!(message["id"], sent["id"]);
    expect_eq!(message["receive_count"], json!(1));
    Ok(())
}

fn everything_of_a_message_comes_back(probe: &mut Probe) -> Verdict {
    let bytes: Vec<u8> = (0..=255).collect();
    let message = json!({"body": b64(bytes), "content_type": "image/png", "attributes": {"colour": "rötlich", "n.1": ""},
        "group": "g 1"});
    send(probe, "work", message.clone())?;
    let received = receive_one(probe, "work")?;
    for field in ["body", "content_type", "attributes", "group"] {
        expect_eq!(received[field], message[field]);
    }
    let now = probe.world.clock.now_ms();
    expect_eq!(received["sent_at_ms"], json!(now));
    expect_eq!(received["first_received_at_ms"], json!(now));
    Ok(())
}

fn acknowledged_is_gone(probe: &mut Probe) -> Verdict {
    send(probe, "work", json!({"body": ""}))?;
    let receipt = receive_one(probe, "work")?["receipt"].clone();
    let answers = probe.ok("queue.acknowledge", json!({"queue": "work", "receipts": [receipt]}))?;
    expect_eq!(answers, json!([{"ok": null}]));
    probe.advance(Duration::from_secs(60));
    expect_eq!(receive(probe, "work")?.len(), 0);
    let answers = probe.ok("queue.acknowledge", json!({"queue": "work", "receipts": [receipt]}))?;
    expect_eq!(answers[0]["error"]["code"], json!("lease-lost"));
    Ok(())
}

fn batch_fails_one_by_one(probe: &mut Probe) -> Verdict {
    let messages = json!([{"body": b64("1")}, {"body": "", "attributes": {"no spaces": "1"}}, {"body": b64("3")}]);
    let answers = probe.ok("queue.send_batch", json!({"queue": "work", "messages": messages}))?;
    expect_eq!(answers[0]["ok"]["duplicate"], json!(false));
    expect_eq!(answers[1]["error"]["code"], json!("invalid"));
    expect_eq!(answers[2]["ok"]["duplicate"], json!(false));
    expect_eq!(receive(probe, "work")?.len(), 2);
    Ok(())
}

fn delay_holds_back(probe: &mut Probe) -> Verdict {
    send(probe, "work", json!({"body": "", "delay_ms": 5000}))?;
    probe.advance(Duration::from_millis(4999));
    expect_eq!(receive(probe, "work")?.len(), 0);
    probe.advance(Duration::from_millis(1));
    expect_eq!(receive(probe, "work")?.len(), 1);
    Ok(())
}

fn lease_ends_and_the_message_returns(probe: &mut Probe) -> Verdict {
    send(probe, "work", json!({"body": ""}))?;
    receive_one(probe, "work")?;
    expect_eq!(receive(probe, "work")?.len(), 0);
    probe.advance(Duration::from_secs(10));
    expect_eq!(receive_one(probe, "work")?["receive_count"], json!(2));
    Ok(())
}

fn extend_keeps_the_lease(probe: &mut Probe) -> Verdict {
    send(probe, "work", json!({"body": ""}))?;
    let receipt = receive_one(probe, "work")?["receipt"].clone();
    probe.ok("queue.extend", json!({"queue": "work", "receipt": receipt, "lease_ms": 60_000}))?;
    probe.advance(Duration::from_secs(30));
    expect_eq!(receive(probe, "work")?.len(), 0);
    expect_eq!(probe.ok("queue.acknowledge", json!({"queue": "work", "receipts": [receipt]}))?, json!([{"ok": null}]));
    Ok(())
}

fn release_gives_back_at_once(probe: &mut Probe) -> Verdict {
    send(probe, "work", json!({"body": ""}))?;
    let receipt = receive_one(probe, "work")?["receipt"].clone();
    probe.ok("queue.release", json!({"queue": "work", "receipt": receipt, "delay_ms": 0}))?;
    expect_eq!(receive_one(probe, "work")?["receive_count"], json!(2));
    Ok(())
}

fn release_with_delay_waits(probe: &mut Probe) -> Verdict {
    send(probe, "work", json!({"body": ""}))?;
    let receipt = receive_one(probe, "work")?["receipt"].clone();
    probe.ok("queue.release", json!({"queue": "work", "receipt": receipt, "delay_ms": 2000}))?;
    expect_eq!(receive(probe, "work")?.len(), 0);
    probe.advance(Duration::from_secs(2));
    expect_eq!(receive(probe, "work")?.len(), 1);
    Ok(())
}

fn late_acknowledge_is_lease_lost(probe: &mut Probe) -> Verdict {
    send(probe, "work", json!({"body": ""}))?;
    let receipt = receive_one(probe, "work")?["receipt"].clone();
    probe.advance(Duration::from_secs(11));
    let answers = probe.ok("queue.acknowledge", json!({"queue": "work", "receipts": [receipt]}))?;
    expect_eq!(answers[0]["error"]["code"], json!("lease-lost"));
    let release = json!({"queue": "work", "receipt": receipt, "delay_ms": 0});
    expect_eq!(probe.error("queue.release", release)?, "lease-lost");
    Ok(())
}

fn strange_receipt_is_invalid(probe: &mut Probe) -> Verdict {
    let answers = probe.ok("queue.acknowledge", json!({"queue": "work", "receipts": ["made up"]}))?;
    expect_eq!(answers[0]["error"]["code"], json!("invalid"));
    Ok(())
}

fn duplicate_is_told(probe: &mut Probe) -> Verdict {
    let message = json!({"body": "", "deduplication_id": "order-1"});
    let first = send(probe, "work", message.clone())?;
    let second = send(probe, "work", message.clone())?;
    expect_eq!(second, json!({"id": first["id"], "duplicate": true}));
    expect_eq!(receive(probe, "work")?.len(), 1);
    probe.advance(Duration::from_secs(301));
    expect_eq!(send(probe, "work", message)?["duplicate"], json!(false));
    Ok(())
}

fn expired_is_never_delivered(probe: &mut Probe) -> Verdict {
    send(probe, "work", json!({"body": "", "ttl_ms": 1000}))?;
    probe.advance(Duration::from_millis(1001));
    expect_eq!(receive(probe, "work")?.len(), 0);
    Ok(())
}

fn fifo_holds_its_group(probe: &mut Probe) -> Verdict {
    for body in ["a1", "b1", "a2"] {
        send(probe, "ordered", json!({"body": b64(body), "group": &body[..1]}))?;
    }
    let first = receive(probe, "ordered")?;
    let bodies: Vec<_> = first.iter().map(|message| message["body"].clone()).collect();
    expect_eq!(json!(bodies), json!([b64("a1"), b64("b1")]));
    expect_eq!(receive(probe, "ordered")?.len(), 0);
    probe.ok("queue.acknowledge", json!({"queue": "ordered", "receipts": [first[0]["receipt"]]}))?;
    expect_eq!(receive_one(probe, "ordered")?["body"], json!(b64("a2")));
    Ok(())
}

/// `work` gives a message two tries.
fn dead_letter_tells_why(probe: &mut Probe) -> Verdict {
    let sent = probe.world.clock.now_ms();
    send(probe, "work", json!({"body": b64("poison"), "attributes": {"own": "1"}}))?;
    for _ in 0..2 {
        receive_one(probe, "work")?;
        probe.advance(Duration::from_secs(11));
    }
    expect_eq!(receive(probe, "work")?.len(), 0);
    let dead = receive_one(probe, "dead")?;
    expect_eq!(dead["body"], json!(b64("poison")));
    expect_eq!(dead["receive_count"], json!(1));
    let attributes = json!({"own": "1", "faas-dead-reason": "max-receives", "faas-dead-source": "work",
        "faas-dead-receives": "2", "faas-dead-first-sent": sent.to_string()});
    expect_eq!(dead["attributes"], attributes);
    Ok(())
}

fn stats_count(probe: &mut Probe) -> Verdict {
    send(probe, "work", json!({"body": ""}))?;
    send(probe, "work", json!({"body": ""}))?;
    send(probe, "work", json!({"body": "", "delay_ms": 60_000}))?;
    probe.ok("queue.receive", json!({"queue": "work", "max": 1, "wait_ms": 0}))?;
    probe.advance(Duration::from_secs(1));
    let expected = json!({"ready": 1, "delayed": 1, "leased": 1, "oldest_age_ms": 1000, "exact": true});
    expect_eq!(probe.ok("queue.stats", json!({"queue": "work"}))?, expected);
    Ok(())
}

fn limits_are_errors(probe: &mut Probe) -> Verdict {
    let large = json!({"queue": "work", "message": {"body": b64(vec![0; (256 << 10) + 1])}});
    let answer = probe.step("queue.send", large)?;
    expect_eq!(answer["error"], json!({"code": "too-large", "detail": 256 << 10}));
    let reserved = json!({"queue": "work", "message": {"body": "", "attributes": {"faas-x": "1"}}});
    expect_eq!(probe.error("queue.send", reserved)?, "invalid");
    for max in [0, 101] {
        expect_eq!(probe.error("queue.receive", json!({"queue": "work", "max": max, "wait_ms": 0}))?, "invalid");
    }
    expect_eq!(probe.error("queue.send_batch", json!({"queue": "work", "messages": []}))?, "invalid");
    Ok(())
}

fn rights_are_apart(probe: &mut Probe) -> Verdict {
    let send = json!({"queue": "dead", "message": {"body": ""}});
    expect_eq!(probe.error("queue.send", send)?, "access-denied");
    expect_eq!(probe.error("queue.receive", json!({"queue": "payroll", "max": 1, "wait_ms": 0}))?, "access-denied");
    Ok(())
}
