use std::collections::BTreeMap;

use super::*;
use crate::config::{Advice, Resources};
use crate::services::queue::Receipt;
use crate::services::{Clock, memory};

fn calling(traceparent: Option<&str>, depth: u8) -> Calling<'_> {
    Calling { function: "shop", deadline: Instant::now(), traceparent, depth, transaction: None }
}

fn access(grants: &[&str]) -> Access {
    let backends = memory::open(&Resources::default(), Clock::System).unwrap();
    let grants: Vec<Grant> = grants.iter().map(|grant| grant.parse().unwrap()).collect();
    let advice = Advice::Manifest { function: "shop".into() };
    Access::new(backends, &grants, BTreeMap::new(), BTreeMap::new()).advised(advice)
}

fn refused(grants: &[&str], name: &str, right: Right, call: &Call, depth: u8) -> String {
    check(&access(grants), name, right, call, calling(None, depth)).unwrap_err().to_string()
}

#[test]
fn refusals_say_what_to_add_or_change() {
    let call = Call::default();
    let reserved = Attribute { name: "faas-event".into(), value: String::new() };
    let refusals = [
        refused(&[], "bill", Right::Invoke, &call, 0),
        refused(&["function:bill:invoke"], "bill", Right::InvokeAsync, &call, 0),
        refused(&["function:bill:invoke"], "invoke/bill", Right::Invoke, &call, 0),
        refused(&["function:bill:invoke"], "bill", Right::Invoke, &call, CHAIN - 1),
        refused(
            &["function:bill:invoke"],
            "bill",
            Right::Invoke,
            &Call { kind: Some(String::new()), ..call.clone() },
            0,
        ),
        refused(&["function:bill:invoke"], "bill", Right::Invoke, &Call { attributes: vec![reserved], ..call }, 0),
    ];
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    access denied: function `bill` is not granted for this, add "function:bill:invoke" to `grants` of [functions.shop]
    access denied: function `bill` is not granted for this, add "function:bill:invoke+invoke-async" to `grants` of [functions.shop]
    invalid: "invoke/bill" cannot name a function: only the letters a-z and A-Z, digits, `-`, `_` and `.` may stand in it
    invalid: `bill` would be the 17th of functions that invoke each other, one after the other; 16 may
    invalid: the type is empty
    invalid: attribute name `faas-event`: names starting with `faas-` are the host's
    "#);
}

#[test]
fn limits_are_those_of_the_contract() {
    let fits = Call {
        data: vec![0; CALL_BYTES - KIND_BYTES - SUBJECT_BYTES],
        kind: Some("k".repeat(KIND_BYTES)),
        subject: Some("s".repeat(SUBJECT_BYTES)),
        ..Call::default()
    };
    assert_eq!(fits.check(), Ok(()));
    let larger = [
        (Call { kind: Some("k".repeat(KIND_BYTES + 1)), ..Call::default() }, KIND_BYTES),
        (Call { subject: Some("s".repeat(SUBJECT_BYTES + 1)), ..Call::default() }, SUBJECT_BYTES),
        (Call { content_type: Some("t".into()), ..fits }, CALL_BYTES),
    ];
    for (call, limit) in larger {
        assert_eq!(call.check(), Err(Error::TooLarge(limit as u64)));
    }
}

#[test]
fn a_chain_of_the_longest_length_is_granted() {
    let access = access(&["function:bill:invoke"]);
    assert_eq!(check(&access, "bill", Right::Invoke, &Call::default(), calling(None, CHAIN - 2)), Ok(()));
}

#[test]
fn a_trace_goes_on_with_another_span() {
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let parent = format!("00-{trace}-{span}-01");
    let onward = calling(Some(&parent), 0).onward_trace().unwrap();
    let parts: Vec<&str> = onward.split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3]), ("00", trace, "01"));
    assert!(parts[2].len() == 16 && parts[2] != span, "{onward}");
    for broken in ["", "00", &parent[1..], &format!("{parent}-00"), &parent.to_uppercase(), "00-zz-00-01"] {
        assert_eq!(calling(Some(broken), 0).onward_trace(), None, "{broken:?}");
    }
}

fn delivered(message: queue::Message) -> queue::Delivered {
    queue::Delivered {
        id: "message-1".into(),
        receipt: Receipt { row: 1, lease: 1 },
        body: message.body,
        content_type: message.content_type,
        attributes: message.attributes,
        group: message.group,
        receive_count: 1,
        sent_at_ms: 7,
        first_received_at_ms: 8,
        expires_at_ms: 9,
    }
}

#[test]
fn an_event_comes_out_of_its_queue_as_it_went_in() {
    let call = Call {
        data: b"data".to_vec(),
        content_type: Some("text/plain".into()),
        attributes: vec![Attribute { name: "colour".into(), value: "red".into() }],
        kind: Some("shop.paid".into()),
        subject: Some("order \"7\"".into()),
    };
    let queued = Queued { event: call.into_event("shop", 7), traceparent: Some("00-1".into()), depth: 3 };
    assert_eq!(from_message(&delivered(to_message(queued.clone(), Later::default()))), queued);
    let nameless = Queued { event: Event { id: String::new(), ..queued.event.clone() }, ..queued };
    assert_eq!(from_message(&delivered(to_message(nameless, Later::default()))).event.id, "message-1");
}

#[test]
fn a_message_of_somebody_else_is_an_event_too() {
    for value in ["", "{}", "{\"source\": 1}"] {
        let attributes = vec![Attribute { name: "faas-event".into(), value: value.into() }];
        let message = queue::Message { body: b"data".to_vec(), attributes, ..queue::Message::default() };
        let Queued { event, traceparent, depth } = from_message(&delivered(message));
        assert_eq!((event.id.as_str(), event.source.as_str(), event.kind.as_str()), ("message-1", "/functions", KIND));
        assert_eq!((event.attributes, traceparent, depth), (Vec::new(), None, 0), "{value:?}");
    }
}
