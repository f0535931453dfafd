use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::probe::{Probe, b64};
use super::{Case, Verdict, cases, expect_eq};

pub const CASES: &[Case] = cases![
    every_subscription_gets_it,
    filters_choose,
    batch_answers_one_by_one,
    duplicate_is_told,
    each_subscription_acknowledges_for_itself,
    limits_are_errors,
    ungranted_topic_is_denied,
];

fn publish(probe: &Probe, message: Value) -> Result<Value, Failed> {
    probe.ok("topic.publish", json!({"topic": "stored", "message": message}))
}

fn received(probe: &Probe, queue: &str) -> Result<Vec<Value>, Failed> {
    let messages = probe.ok("queue.receive", json!({"queue": queue, "max": 10, "wait_ms": 0}))?;
    Ok(messages.as_array().cloned().unwrap_or_default())
}

fn every_subscription_gets_it(probe: &mut Probe) -> Verdict {
    let message =
        json!({"body": b64("x"), "content_type": "text/plain", "attributes": {"colour": "red"}, "group": "g"});
    publish(probe, message.clone())?;
    for queue in ["all", "red"] {
        let messages = received(probe, queue)?;
        expect_eq!(messages.len(), 1);
        for field in ["body", "content_type", "attributes", "group"] {
            expect_eq!(messages[0][field], message[field]);
        }
    }
    Ok(())
}

fn filters_choose(probe: &mut Probe) -> Verdict {
    publish(probe, json!({"body": "", "attributes": {"colour": "blue"}}))?;
    publish(probe, json!({"body": ""}))?;
    expect_eq!(received(probe, "all")?.len(), 2);
    expect_eq!(received(probe, "red")?.len(), 0);
    Ok(())
}

fn batch_answers_one_by_one(probe: &mut Probe) -> Verdict {
    let messages = json!([{"body": b64("1")}, {"body": "", "attributes": {"": "1"}}]);
    let answers = probe.ok("topic.publish_batch", json!({"topic": "stored", "messages": messages}))?;
    expect_eq!(answers[0]["ok"]["duplicate"], json!(false));
    expect_eq!(answers[1]["error"]["code"], json!("invalid"));
    expect_eq!(received(probe, "all")?.len(), 1);
    Ok(())
}

fn duplicate_is_told(probe: &mut Probe) -> Verdict {
    let message = json!({"body": "", "deduplication_id": "d"});
    let first = publish(probe, message.clone())?;
    expect_eq!(publish(probe, message.clone())?, json!({"id": first["id"], "duplicate": true}));
    expect_eq!(received(probe, "all")?.len(), 1);
    probe.advance(Duration::from_secs(301));
    expect_eq!(publish(probe, message)?["duplicate"], json!(false));
    Ok(())
}

fn each_subscription_acknowledges_for_itself(probe: &mut Probe) -> Verdict {
    publish(probe, json!({"body": "", "attributes": {"colour": "red"}}))?;
    let receipt = received(probe, "all")?[0]["receipt"].clone();
    probe.ok("queue.acknowledge", json!({"queue": "all", "receipts": [receipt]}))?;
    expect_eq!(received(probe, "red")?.len(), 1);
    Ok(())
}

fn limits_are_errors(probe: &mut Probe) -> Verdict {
    let large = json!({"topic": "stored", "message": {"body": b64(vec![0; (256 << 10) + 1])}});
    expect_eq!(probe.error("topic.publish", large)?, "too-large");
    let group = json!({"topic": "stored", "message": {"body": "", "group": "g".repeat(129)}});
    expect_eq!(probe.error("topic.publish", group)?, "too-large");
    Ok(())
}

fn ungranted_topic_is_denied(probe: &mut Probe) -> Verdict {
    let publish = json!({"topic": "payroll", "message": {"body": ""}});
    expect_eq!(probe.error("topic.publish", publish)?, "access-denied");
    Ok(())
}
