use std::time::Duration;

use bytesize::ByteSize;
use http_body_util::BodyExt as _;

use super::*;
use crate::engine::CallError;
use crate::invoke::Start;

fn outcome(ending: Ending) -> Outcome {
    Outcome {
        id: "1".into(),
        function: "f".into(),
        ending,
        duration: Duration::ZERO,
        fuel: None,
        memory: 0,
        start: Start::Warm,
        log_tail: String::new(),
    }
}

async fn shown(response: Response) -> String {
    let (head, body) = response.into_parts();
    let later = head.headers.get("retry-after").map(|value| format!(", retry after {}", value.to_str().unwrap()));
    let body = body.collect().await.unwrap().to_bytes();
    format!("{}{}: {}", head.status, later.unwrap_or_default(), String::from_utf8_lossy(&body).trim_end())
}

#[tokio::test]
async fn every_ending_has_a_status_and_a_public_line() {
    let stopped = Ending::Stopped;
    let endings = [
        Ending::Ok(event::Response { status: Some(201), data: b"made".to_vec(), ..event::Response::default() }),
        Ending::Http,
        Ending::Exited(1),
        Ending::Rejected("no such\nuser".into()),
        Ending::Retry { reason: "secret".into(), after: Some(Duration::from_millis(1500)) },
        Ending::Retry { reason: "secret".into(), after: None },
        stopped(CallError::Trap { message: "secret".into(), backtrace: vec!["secret".into()] }),
        stopped(CallError::Exit(3)),
        stopped(CallError::OutOfFuel { limit: 1 }),
        stopped(CallError::OutOfMemory { limit: ByteSize(1) }),
        stopped(CallError::Deadline { timeout: Duration::from_secs(1) }),
        stopped(CallError::StackOverflow),
        stopped(CallError::TooLarge { limit: ByteSize(1) }),
        stopped(CallError::NoReply),
        stopped(CallError::NoSuchExport { message: "secret".into() }),
        stopped(CallError::Cancelled),
        stopped(CallError::Unloadable { message: "secret".into() }),
    ];
    let mut lines = Vec::new();
    for ending in endings {
        lines.push(shown(of(outcome(ending))).await);
    }
    for rejection in [
        Rejected::Overloaded { waited: Duration::from_secs(5) },
        Rejected::OverRate { after: Duration::from_secs(7) },
    ] {
        lines.push(shown(rejected(rejection)).await);
    }
    insta::assert_snapshot!(lines.join("\n"), @"");
}

#[tokio::test]
async fn what_http_does_not_allow_is_said_and_not_passed_on() {
    let plain = event::Response::default;
    let attribute = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let responses = [
        event::Response { status: Some(99), ..plain() },
        event::Response { status: Some(101), ..plain() },
        event::Response { content_type: Some("a\nb".into()), ..plain() },
        event::Response { attributes: attribute("a b", "c"), ..plain() },
        event::Response { attributes: attribute("x-a", "b\r\nx-c: d"), ..plain() },
    ];
    let mut lines = Vec::new();
    for response in responses {
        lines.push(shown(of(outcome(Ending::Ok(response)))).await);
    }
    insta::assert_snapshot!(lines.join("\n"), @"");
}

#[test]
fn headers_of_the_connection_are_the_hosts() {
    let names = ["content-length", "transfer-encoding", "connection", "set-cookie", "set-cookie"];
    let attributes = names.map(|name| (name.to_owned(), "1".to_owned())).into();
    let response = of(outcome(Ending::Ok(event::Response { attributes, ..event::Response::default() })));
    let names: Vec<&str> = response.headers().keys().map(HeaderName::as_str).collect();
    assert_eq!(names, ["set-cookie"]);
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
}
