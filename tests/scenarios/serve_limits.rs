//! `serve`: requests that are too large, clients that are slow, leave or only sit there.

use std::fs::File;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::served::Server;
use super::stage::{Stage, until};
use super::wire::{Log, Wire, written};
use super::{Scenario, Verdict, support};

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 9] = [
        ("large_body", large_body),
        ("large_head", large_head),
        ("dribbling_head", dribbling_head),
        ("idle_connection", idle_connection),
        ("stalled_body", stalled_body),
        ("slow_reader", slow_reader),
        ("half_closed_client", half_closed_client),
        ("client_leaves_while_sending", client_leaves_while_sending),
        ("client_leaves_while_waiting", client_leaves_while_waiting),
    ];
    let trial = |(name, run)| support::trial(format!("serve/limits/{name}"), support::missing("rust"), run);
    let mut trials: Vec<Trial> = cases.into_iter().map(trial).collect();
    trials.push(many_connections_trial());
    trials
}

/// `hello`, `echo` and `misbehave` on paths of their names; `server` and `pool` say what is particular.
fn manifest(server: &str, pool: &str) -> String {
    let mut manifest = format!("version = 1\n[server]\n{server}\n");
    for name in ["echo", "hello", "misbehave"] {
        manifest += &format!("[functions.{name}]\ncomponent = \"{name}.wasm\"\n{pool}\n");
        manifest += &format!("[[triggers.http]]\npath = \"/{name}\"\nfunction = \"{name}\"\n");
    }
    manifest
}

fn serve(stage: &Stage, server: &str, pool: &str) -> Result<Server, Failed> {
    for name in ["echo", "hello", "misbehave"] {
        stage.guest("rust", name)?;
    }
    Server::of(stage, &manifest(server, pool))
}

fn large_body() -> Verdict {
    let stage = Stage::new()?;
    let server = serve(&stage, "max-body = \"1KiB\"", "")?;
    let mut log = Log::default();
    let mut wire = Wire::connect(server.address)?;
    let largest = "x".repeat(1024);
    assert_eq!(wire.exchange("POST /echo", &[], largest.as_bytes())?.is(200)?.text(), largest);
    wire.send(chunked(&[largest.as_bytes()]))?;
    assert_eq!(wire.answer()?.is(200)?.text(), largest);
    log.note("its length is told beforehand: refused before any of it came");
    wire.send("POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1025\r\n\r\n")?;
    log.add_answer(&wire.answer()?);
    log.note("the client asks whether to send it");
    let mut wire = Wire::connect(server.address)?;
    wire.send("POST /echo HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 1025\r\n\r\n")?;
    log.add_answer(&wire.answer()?);
    log.note("it comes in chunks");
    let mut wire = Wire::connect(server.address)?;
    wire.send(chunked(&[largest.as_bytes(), b"x"]))?;
    log.add_answer(&wire.answer()?);
    let mut wire = Wire::connect(server.address)?;
    wire.send("POST /echo HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")?;
    wire.head()?.is(100)?;
    wire.send("yes")?;
    assert_eq!(wire.answer()?.is(200)?.text(), "yes");
    log.matches("serve_large_body")
}

/// A request to `/echo` with these chunks.
fn chunked(chunks: &[&[u8]]) -> Vec<u8> {
    let mut request = b"POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for chunk in chunks {
        request.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    request.extend(b"0\r\n\r\n");
    request
}

fn large_head() -> Verdict {
    let stage = Stage::new()?;
    let server = serve(&stage, "max-header = \"16KiB\"", "")?;
    let fits = "x".repeat(12 << 10);
    Wire::connect(server.address)?.exchange("GET /hello", &[("x-large", &fits)], b"")?.is(200)?;
    let large = "x".repeat(20 << 10);
    let many = "x: y\r\n".repeat(2_000);
    let heads = [
        format!("GET /hello HTTP/1.1\r\nhost: localhost\r\nx-large: {large}\r\n\r\n"),
        format!("GET /{large} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        format!("GET /hello HTTP/1.1\r\nhost: localhost\r\n{many}\r\n"),
    ];
    for (head, status) in heads.into_iter().zip([431, 431, 431]) {
        let mut wire = Wire::connect(server.address)?;
        wire.send(head)?;
        wire.answer()?.is(status)?;
        wire.rest()?;
    }
    Ok(())
}

/// A byte now and then keeps no connection open, also after a request that was answered; and holds up nobody else.
fn dribbling_head() -> Verdict {
    let stage = Stage::new()?;
    let server = serve(&stage, "header-timeout = \"500ms\"", "")?;
    let mut second = Wire::connect(server.address)?;
    second.exchange("GET /hello", &[], b"")?.is(200)?;
    for mut wire in [Wire::connect(server.address)?, second] {
        wire.send("GET /hello HTTP/1.1\r\nhost: localhost\r\nx-slow: ")?;
        // Fails when the server has closed.
        until("the server to close", || wire.send("x").err().or_else(|| pause(Duration::from_millis(20))))?;
        Wire::connect(server.address)?.exchange("GET /hello", &[], b"")?.is(200)?;
    }
    Ok(())
}

fn pause<T>(duration: Duration) -> Option<T> {
    std::thread::sleep(duration);
    None
}

fn idle_connection() -> Verdict {
    let stage = Stage::new()?;
    let server = serve(&stage, "idle-timeout = \"500ms\"", "")?;
    let mut used = Wire::connect(server.address)?;
    used.exchange("GET /hello", &[], b"")?.is(200)?;
    for mut wire in [used, Wire::connect(server.address)?] {
        assert_eq!(wire.rest()?, b"");
    }
    // What the function takes is not the client's time.
    let mut wire = Wire::connect(server.address)?;
    assert_eq!(wire.exchange("POST /misbehave", &[], b"sleep 1500")?.is(200)?.text(), "slept");
    Ok(())
}

fn stalled_body() -> Verdict {
    let stage = Stage::new()?;
    let server = serve(&stage, "idle-timeout = \"500ms\"", "")?;
    let mut log = Log::default();
    let mut wire = Wire::connect(server.address)?;
    wire.send("POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf")?;
    log.note("a body that stops coming");
    log.add_answer(&wire.answer()?);
    assert_eq!(wire.rest()?, b"");
    let mut wire = Wire::connect(server.address)?;
    wire.send("POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf")?;
    wire.half_close()?;
    log.note("a body that ends early");
    log.add_answer(&wire.answer()?);
    log.matches("serve_stalled_body")
}

/// Who reads slowly gets all of it; who stops is let go, within the idle time.
fn slow_reader() -> Verdict {
    const SIZE: usize = 64 << 20;
    let stage = Stage::new()?;
    File::create(stage.write("files/large", "")?)?.set_len(SIZE as u64)?;
    let routes = "[[triggers.http]]\npath = \"/files/{*file}\"\nfiles = \"files\"\n";
    let server = Server::of(&stage, &format!("version = 1\n[server]\nidle-timeout = \"1s\"\n{routes}"))?;
    let request = written("GET /files/large", &[], b"");
    let (mut slow, mut stopped) = (Wire::connect(server.address)?, Wire::connect(server.address)?);
    stopped.send(&request)?;
    slow.send(&request)?;
    slow.head()?.is(200)?;
    let started = Instant::now();
    for _ in 0..64 {
        slow.take(SIZE / 64)?;
        std::thread::sleep(Duration::from_millis(30));
    }
    assert!(started.elapsed() > Duration::from_secs(1), "it was read within the idle time");
    slow.exchange("HEAD /files/large", &[], b"")?.is(200)?;
    std::thread::sleep(Duration::from_secs(2));
    let received = stopped.rest()?.len();
    assert!(received < SIZE, "all {received} bytes were sent to a client that did not read");
    Ok(())
}

/// Has sent all it will, and still gets the answer that takes a while.
fn half_closed_client() -> Verdict {
    let stage = Stage::new()?;
    let server = serve(&stage, "", "")?;
    let mut wire = Wire::connect(server.address)?;
    wire.send(written("POST /misbehave", &[], b"sleep 300"))?;
    wire.half_close()?;
    assert_eq!(wire.answer()?.is(200)?.text(), "slept");
    assert_eq!(wire.rest()?, b"");
    Ok(())
}

/// Instances that readers wait in are free again: with one that is lost, the only one, no request would be answered.
fn client_leaves_while_sending() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "http")?;
    stage.guest("rust", "echo")?;
    let mut manifest = "version = 1\n".to_owned();
    for name in ["echo", "http"] {
        manifest += &format!("[functions.{name}]\ncomponent = \"{name}.wasm\"\npool = {{ max = 1, wait = \"60s\" }}\n");
        manifest += &format!(
            "limits = {{ timeout = \"60s\" }}\n[[triggers.http]]\npath = \"/{name}\"\nfunction = \"{name}\"\n"
        );
    }
    let server = Server::of(&stage, &manifest)?;
    for name in ["echo", "http"] {
        for _ in 0..10 {
            let mut leaver = Wire::connect(server.address)?;
            let head = format!("POST /{name} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n");
            leaver.send([head.as_bytes(), &[b'x'; 10_000]].concat())?;
            drop(leaver);
            let answer = Wire::connect(server.address)?.exchange(&format!("POST /{name}"), &[], b"stays")?.is(200)?;
            assert!(answer.text().ends_with("stays"), "{answer:?}");
        }
    }
    Ok(())
}

/// An invocation whose client left ends at the latest with its time, and then the instance is free.
fn client_leaves_while_waiting() -> Verdict {
    let stage = Stage::new()?;
    let pool = "pool = { max = 1, wait = \"60s\" }\nlimits = { timeout = \"1s\" }";
    let server = serve(&stage, "", pool)?;
    for _ in 0..3 {
        let mut leaver = Wire::connect(server.address)?;
        leaver.send(written("POST /misbehave", &[], b"sleep"))?;
        drop(leaver);
    }
    let answer = Wire::connect(server.address)?.exchange("POST /misbehave", &[], b"sleep 0")?.is(200)?;
    assert_eq!(answer.text(), "slept");
    Ok(())
}

const MANY: usize = 10_000;

/// Of this process and of the server: connections, and what else they have open.
const FILES: u64 = MANY as u64 + 500;

/// Shown as ignored where the system does not allow so many files.
fn many_connections_trial() -> Trial {
    let most = getrlimit(Resource::Nofile).maximum;
    let trial = support::trial("serve/limits/many_connections", support::missing("rust"), many_connections);
    match most.is_none_or(|most| most >= FILES) {
        true => trial,
        false => trial.with_ignored_flag(true).with_kind("the system allows too few open files"),
    }
}

/// Connections that nobody uses keep nobody from being answered, and are themselves answered when they ask.
fn many_connections() -> Verdict {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum.or(Some(FILES)), maximum })?;
    let stage = Stage::new()?;
    let server = serve(&stage, "idle-timeout = \"10m\"", "")?;
    let mut idle = Vec::with_capacity(MANY);
    for number in 0..MANY {
        idle.push(
            Wire::connect(server.address).map_err(|error| format!("connection {number}: {:?}", error.message()))?,
        );
    }
    Wire::connect(server.address)?.exchange("GET /hello", &[], b"")?.is(200)?;
    for wire in idle.iter_mut().step_by(100) {
        wire.exchange("GET /hello", &[], b"")?.is(200)?;
    }
    assert!(server.log().is_empty(), "{}", server.log());
    Ok(())
}
