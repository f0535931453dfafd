use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::{Value, json};
use wasm_faas::invoke::Ending;

use super::{Bench, Case, Verdict, cases, expect_eq};
use crate::probe::{Probe, b64, event, failed};
use crate::support;

pub const CASES: &[Case] = cases![
    a_topics_message_arrives_in_its_queues,
    a_queue_takes_what_no_topic_does,
    a_message_is_what_it_was_made,
    denials_name_the_grant,
    limits_are_told,
    unsent_messages_are_bounded,
    nobody_replies,
];

/// Body, content type and attributes of what a queue has.
fn received(bench: &Bench, queue: &str) -> Result<Value, Failed> {
    let receive = bench.world.backends.queue.receive(queue, 10, Duration::ZERO, Duration::from_secs(30));
    let messages = support::runtime().block_on(receive).map_err(failed)?;
    let described = messages.iter().map(|message| {
        let attributes: Vec<_> = message.attributes.iter().map(|pair| (&pair.name, &pair.value)).collect();
        json!([b64(&message.body), message.content_type, attributes])
    });
    Ok(described.collect())
}

fn error(guest: &Probe, function: &str, arguments: Value) -> Result<Value, Failed> {
    let mut answer = guest.step(&format!("messaging.{function}"), arguments)?;
    Ok(answer["error"].take())
}

fn a_topics_message_arrives_in_its_queues(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    let message = json!({"topic": "stored", "data": b64("x"), "content_type": "text/plain",
        "metadata": [["colour", "red"]]});
    guest.ok("messaging.send", message)?;
    let expected = json!([[b64("x"), "text/plain", [["colour", "red"]]]]);
    expect_eq!(received(bench, "all")?, expected);
    expect_eq!(received(bench, "red")?, expected);
    guest.ok("messaging.send", json!({"topic": "stored", "data": ""}))?;
    expect_eq!(received(bench, "all")?, json!([["", null, []]]));
    expect_eq!(received(bench, "red")?, json!([]));
    Ok(())
}

fn a_queue_takes_what_no_topic_does(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    let message = json!({"topic": "counts", "data": b64("1"), "content_type": "text/plain", "metadata": [["a", "b"]]});
    guest.ok("messaging.send", message)?;
    expect_eq!(received(bench, "counts")?, json!([[b64("1"), "text/plain", [["a", "b"]]]]));
    Ok(())
}

fn a_message_is_what_it_was_made(bench: &Bench) -> Verdict {
    let states = bench.guest()?.ok("messaging.message", json!({}))?;
    let two = b64("two");
    expect_eq!(
        states,
        json!([
            [null, null, b64("one"), null],
            [null, "text/plain", two, [["a", "3"], ["b", "2"]]],
            [null, "text/plain", two, [["b", "2"]]],
            [null, "text/plain", two, []],
        ])
    );
    Ok(())
}

fn denials_name_the_grant(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    // A queue that it may only receive from is no place to send to.
    for name in ["payroll", "all"] {
        let text = format!("topic `{name}` is not granted for this, add `--grant topic:{name}:publish`");
        let told = error(&guest, "send", json!({"topic": name, "data": ""}))?;
        expect_eq!(told, json!({"code": "permission-denied", "detail": text}));
    }
    Ok(())
}

fn limits_are_told(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    for topic in ["stored", "work"] {
        let large = error(&guest, "send", json!({"topic": topic, "data": b64(vec![0; (256 << 10) + 1])}))?;
        expect_eq!(large, json!({"code": "other", "detail": "too large: the limit is 262144"}));
        let named = error(&guest, "send", json!({"topic": topic, "data": "", "metadata": [["a b", ""]]}))?;
        let text = "invalid: attribute name \"a b\" does not match `[A-Za-z0-9_.-]{1,64}`";
        expect_eq!(named, json!({"code": "other", "detail": text}));
    }
    Ok(())
}

fn unsent_messages_are_bounded(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    for _ in 0..2 {
        // What the first invocation held is free for the second.
        expect_eq!(guest.ok("messaging.hoard", json!({"count": 15, "size": 1 << 20}))?, json!(15));
    }
    let hoard = json!([{"op": "messaging.hoard", "count": 17, "size": 1 << 20}]);
    match guest.invoke(event(hoard.to_string().as_bytes())).ending {
        Ending::Stopped(error) => {
            let text = format!("{error:?}");
            let expected =
                "the function holds too many messages that it did not send: too large: the limit is 16777216";
            expect_eq!(text.contains(expected).to_string(), "true");
            Ok(())
        }
        other => Err(format!("it ended with {other:?}").into()),
    }
}

fn nobody_replies(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    let text =
        "unsupported: request-reply: topics and queues answer nobody; give the receiver a queue to send its reply to";
    let unsupported = json!({"code": "other", "detail": text});
    expect_eq!(error(&guest, "request", json!({"topic": "stored"}))?, unsupported);
    expect_eq!(error(&guest, "reply", json!({}))?, unsupported);
    let told = error(&guest, "send_disconnected", json!({"topic": "stored"}))?;
    expect_eq!(told, json!({"code": "connection", "detail": "unavailable: the client is disconnected"}));
    expect_eq!(received(bench, "all")?, json!([]));
    Ok(())
}
