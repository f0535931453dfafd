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
        stopped(CallError::CallerDeadline { left: Duration::from_secs(1) }),
        stopped(CallError::StackOverflow),
        stopped(CallError::TooLarge { limit: ByteSize(1) }),
        stopped(CallError::NoReply),
        stopped(CallError::NoSuchExport { message: "secret".into() }),
        stopped(CallError::Cancelled),
        stopped(CallError::Unloadable { message: "secret".into() }),
        stopped(CallError::NoRoom),
    ];
    let mut lines = Vec::new();
    for ending in endings {
        lines.push(shown(of(outcome(ending))).await);
    }
    for rejection in
        [Rejected::Overloaded { waited: Duration::from_secs(5) }, Rejected::OverRate { after: Duration::from_secs(7) }]
    {
        lines.push(shown(rejected(rejection)).await);
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    201 Created: made
    502 Bad Gateway: the function did not answer
    502 Bad Gateway: the function did not answer
    400 Bad Request: no such�user
    503 Service Unavailable, retry after 2: the function asks to try again later
    500 Internal Server Error: the function failed
    500 Internal Server Error: the function failed
    500 Internal Server Error: the function failed
    500 Internal Server Error: the function used up its fuel
    500 Internal Server Error: the function reached its memory limit
    504 Gateway Timeout: the function took too long
    504 Gateway Timeout: the function took too long
    500 Internal Server Error: the function failed
    502 Bad Gateway: the function's answer is too large
    502 Bad Gateway: the function did not answer
    502 Bad Gateway: the function does not fit this host
    502 Bad Gateway: the caller left
    502 Bad Gateway: the function does not fit this host
    503 Service Unavailable, retry after 1: the host is busy; try again later
    503 Service Unavailable, retry after 1: the function is busy: no turn came within 5s; try again later
    429 Too Many Requests, retry after 7: the function was called too often; try again in 7 s
    ");
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
    insta::assert_snapshot!(lines.join("\n"), @r"
    502 Bad Gateway: the function answered with the status 99, which HTTP does not allow
    502 Bad Gateway: the function answered with the status 101, which HTTP does not allow
    502 Bad Gateway: the function answered with the content type, which HTTP does not allow
    502 Bad Gateway: the function answered with the header `a b`, which HTTP does not allow
    502 Bad Gateway: the function answered with the header `x-a`, which HTTP does not allow
    ");
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
