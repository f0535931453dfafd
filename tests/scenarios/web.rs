//! `wasi:http`: requests in from the command line, requests out to allowed hosts.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::{Failed, Trial};

use super::stage::{Ran, Stage, Transcript};
use super::{Scenario, Verdict, support};

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 7] = [
        ("requests", requests),
        ("event_from_a_request", event_from_a_request),
        ("fetch_is_denied_without_a_rule", fetch_is_denied_without_a_rule),
        ("fetch_from_an_allowed_address", fetch_from_an_allowed_address),
        ("fetch_within_an_allowed_network", fetch_within_an_allowed_network),
        ("name_of_a_private_address_is_denied", name_of_a_private_address_is_denied),
        ("nobody_listens", nobody_listens),
    ];
    let trial = |(name, run)| support::trial(format!("web/{name}"), support::missing("rust"), run);
    cases.into_iter().map(trial).collect()
}

fn requests() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "http")?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["run", "http.wasm", "--request", "GET /users?page=2"])?;
    transcript.run(&["run", "http.wasm", "--request", "/users"])?;
    transcript.run(&["run", "http.wasm", "--request", "POST /x", "--data", "a body"])?;
    transcript.run(&["run", "http.wasm", "--data", "without a request"])?;
    transcript.matches("http_requests")
}

/// A handler of events meets the same request as an event.
fn event_from_a_request() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "probe")?;
    let request = "PUT /users/7?full=yes&name=a+b%21";
    let steps = r#"[{"op": "event"}]"#;
    let ran = stage.run(&["run", "probe.wasm", "--request", request, "--data", steps])?.ended(0)?;
    let event = &ran.json()?[0]["ok"];
    let shown = [&event["source"], &event["type"], &event["trigger"]].map(|value| format!("{value:#}"));
    super::stage::assert_snapshot("event_from_a_request", &shown.join("\n"));
    Ok(())
}

/// Answers every request alike and counts them.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Result<Self, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, connections) = (listener.local_addr()?, Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                // A client that went away is for the client to tell.
                let _ = stream.and_then(|mut stream| {
                    let mut head = [0; 4096];
                    let _ = stream.read(&mut head)?;
                    stream.write_all(
                        b"HTTP/1.1 418 I'm a teapot\r\ncontent-length: 5\r\nconnection: close\r\n\r\nshort",
                    )?;
                    // A request may come in several pieces. Closing on one that was not read resets the connection,
                    // which can overtake the answer.
                    stream.shutdown(Shutdown::Write)?;
                    std::io::copy(&mut stream, &mut std::io::sink())
                });
            }
        });
        Ok(Self { address, connections })
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn fetch(stage: &Stage, url: &str, more: &[&str]) -> Result<Ran, Failed> {
    let request = format!("GET /fetch?url={url}");
    stage.run(&[&["run", "http.wasm", "--timeout", "30s", "--request", &request], more].concat())
}

fn fetch_is_denied_without_a_rule() -> Verdict {
    let (stage, server) = (Stage::new()?, Server::start()?);
    stage.guest("rust", "http")?;
    let (host, port) = (server.address.to_string(), server.address.port());
    let url = format!("http://{host}/");
    let other_port = format!("127.0.0.1:{}", port.wrapping_add(1));
    for rules in [&[][..], &["--allow-host", "example.com"], &["--allow-host", &other_port]] {
        let ran = fetch(&stage, &url, rules)?.ended(0)?.told("HTTP 502 Bad Gateway")?;
        ran.told(&format!("WARN   outgoing request refused: `{host}` is not allowed, add `--allow-host {host}`"))?;
    }
    assert_eq!(server.connections(), 0);
    Ok(())
}

fn fetch_from_an_allowed_address() -> Verdict {
    let (stage, server) = (Stage::new()?, Server::start()?);
    stage.guest("rust", "http")?;
    let host = server.address.to_string();
    let ran = fetch(&stage, &format!("http://{host}/"), &["--allow-host", &host])?.ended(0)?;
    assert_eq!(ran.text(), "short");
    assert_eq!(server.connections(), 1);
    ran.told("HTTP 418 I'm a teapot")?;
    Ok(())
}

/// Under a name that no rule has.
fn fetch_within_an_allowed_network() -> Verdict {
    let (stage, server) = (Stage::new()?, Server::start()?);
    stage.guest("rust", "http")?;
    let host = format!("localhost:{}", server.address.port());
    for (network, connections) in [("10.0.0.0/8", 0), ("127.0.0.0/8", 1)] {
        let ran = fetch(&stage, &format!("http://{host}/"), &["--allow-host", network])?.ended(0)?;
        assert_eq!(ran.stderr.contains(&format!("`{host}` is not allowed")), connections == 0, "{}", ran.stderr);
        assert_eq!(server.connections(), connections);
    }
    Ok(())
}

/// `127.1` is a name to the rules and a way to write 127.0.0.1 to the resolver. Whoever owns a name can do the same.
fn name_of_a_private_address_is_denied() -> Verdict {
    let (stage, server) = (Stage::new()?, Server::start()?);
    stage.guest("rust", "http")?;
    let port = server.address.port();
    let host = format!("127.1:{port}");
    let ran = fetch(&stage, &format!("http://{host}/"), &["--allow-host", &host])?.ended(0)?;
    ran.told("HTTP 502")?
        .told(&format!("`127.1` points to the private address `127.0.0.1`, add `--allow-host 127.0.0.1:{port}`"))?;
    assert_eq!(server.connections(), 0);
    Ok(())
}

fn nobody_listens() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "http")?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let ran = fetch(&stage, &format!("http://{address}/"), &["--allow-host", &address])?.ended(0)?;
    ran.told("HTTP 502")?;
    Ok(())
}
