//! `serve`: what is refused before it is a request, and connections that serve many.

use bytes::Bytes;
use http::Request;
use libtest_mimic::{Failed, Trial};
use tokio::sync::mpsc::UnboundedSender;

use super::served::{Chunks, Coming, Http2, Server, arrived, next, whole};
use super::stage::{Stage, assert_snapshot};
use super::support::foreign;
use super::wire::{Log, Wire, written};
use super::{Scenario, Verdict, support};

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 4] = [
        ("refused_at_the_door", refused_at_the_door),
        ("websocket_is_refused", websocket_is_refused),
        ("keep_alive", keep_alive),
        ("hundred_streams_at_once", hundred_streams_at_once),
    ];
    let trial = |(name, run)| support::trial(format!("serve/protocol/{name}"), support::missing("rust"), run);
    cases.into_iter().map(trial).collect()
}

/// What is no request, or names no host. Other connections do not notice.
fn refused_at_the_door() -> Verdict {
    let stage = Stage::new()?;
    let component = stage.guest("rust", "hello")?;
    let server = Server::start(&stage, &[&component.to_string_lossy()])?;
    let mut shown = String::new();
    let requests: [&[u8]; 8] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost:\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: gzip\r\n\r\nab",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nno colon\r\n\r\n",
        b"GET / HTTP/4.2\r\nhost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client\r\n\r\n",
    ];
    for request in requests {
        let mut wire = Wire::connect(server.address)?;
        wire.send(request)?;
        let answer = wire.answer()?;
        shown +=
            &format!("{:?}\n    {} {}\n", String::from_utf8_lossy(request), answer.status, answer.text().trim_end());
        Wire::connect(server.address)?.exchange("GET /", &[], b"")?.is(200)?;
    }
    assert_snapshot("serve_refused", &shown);
    Ok(())
}

fn websocket_is_refused() -> Verdict {
    let stage = Stage::new()?;
    let component = stage.guest("rust", "hello")?;
    let server = Server::start(&stage, &[&component.to_string_lossy()])?;
    let mut wire = Wire::connect(server.address)?;
    let mut log = Log::default();
    let headers = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    log.exchange(&mut wire, "GET /chat", &headers, b"")?;
    log.exchange(&mut wire, "GET /", &[], b"")?;
    log.matches("serve_websocket")
}

/// One connection for many requests, also when they are sent before the answers are read; until the client wants no more.
fn keep_alive() -> Verdict {
    let stage = Stage::new()?;
    let component = stage.guest("rust", "echo")?;
    let server = Server::start(&stage, &[&component.to_string_lossy()])?;
    let mut wire = Wire::connect(server.address)?;
    for round in 0..5 {
        let text = |number: i32| format!("request {number} of round {round}");
        let requests: Vec<u8> = (0..20).flat_map(|number| written("POST /", &[], text(number).as_bytes())).collect();
        wire.send(requests)?;
        for number in 0..20 {
            assert_eq!(wire.answer()?.is(200)?.text(), text(number));
        }
    }
    // What is there of the next request keeps no answer back.
    let (first, half) = (written("POST /", &[], b"whole"), written("POST /", &[], b"in halves"));
    let (before, after) = half.split_at(half.len() / 2);
    wire.send([&first, before].concat())?;
    assert_eq!(wire.answer()?.is(200)?.text(), "whole");
    wire.send(after)?;
    assert_eq!(wire.answer()?.is(200)?.text(), "in halves");
    let last = wire.exchange("POST /", &[("connection", "close")], b"the last")?.is(200)?;
    assert_eq!((last.text(), last.header("connection")), ("the last".into(), Some("close")));
    assert_eq!(wire.rest()?, b"");
    let mut old = Wire::connect(server.address)?;
    old.send("POST / HTTP/1.0\r\nhost: localhost\r\ncontent-length: 3\r\n\r\nold")?;
    assert_eq!(old.answer()?.is(200)?.text(), "old");
    assert_eq!(old.rest()?, b"");
    Ok(())
}

/// Each stream has a part of its answer before any of them ends.
fn hundred_streams_at_once() -> Verdict {
    let stage = Stage::new()?;
    let component = foreign::component("rust-http")?;
    let server = Server::start(&stage, &[&component.to_string_lossy(), "--timeout", "120s"])?;
    let client = Http2::connect(server.address)?;
    let started: Vec<_> = (0..100).map(|number| start(&client, number)).collect::<Result<_, Failed>>()?;
    let mut open = Vec::new();
    for (number, (sender, coming)) in started.into_iter().enumerate() {
        let mut body = arrived(coming)?.into_body();
        assert_eq!(next(&mut body)?, Some(Bytes::from(format!("part of {number}"))));
        open.push((sender, body));
    }
    for (number, (sender, body)) in open.into_iter().enumerate().rev() {
        sender.send(Bytes::from(format!("end of {number}")))?;
        drop(sender);
        assert_eq!(whole(body)?, format!("end of {number}"));
    }
    assert_eq!(client.get("/hello")?, (200, "hello from wit-bindgen".to_owned()));
    Ok(())
}

type Started = (UnboundedSender<Bytes>, Coming);

fn start(client: &Http2, number: usize) -> Result<Started, Failed> {
    let (sender, body) = Chunks::channel();
    sender.send(Bytes::from(format!("part of {number}")))?;
    let request = Request::post("http://localhost/echo").body(body)?;
    Ok((sender, client.send(request)))
}
