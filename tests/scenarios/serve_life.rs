//! How a server ends, and what outlives it.

use std::net::{SocketAddr, TcpStream};
use std::thread;

use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};

use super::served::{Client, Held, Server};
use super::stage::{Stage, until};
use super::support::{self, foreign};
use super::{Scenario, Verdict};

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 10] = [
        ("sigterm_lets_requests_end", || requests_end(Signal::TERM)),
        ("sigint_lets_requests_end", || requests_end(Signal::INT)),
        ("last_request_is_logged", last_request_is_logged),
        ("grace_is_over", grace_is_over),
        ("second_sigterm", || second_signal(Signal::TERM)),
        ("second_sigint", || second_signal(Signal::INT)),
        ("state_outlives_a_server", state_outlives_a_server),
        ("functions_share_a_bucket", functions_share_a_bucket),
        ("memory_is_forgotten", memory_is_forgotten),
        ("refusal_names_the_line", refusal_names_the_line),
    ];
    let trial = |(name, run)| support::trial(format!("serve/life/{name}"), support::missing("rust"), run);
    cases.into_iter().map(trial).collect()
}

fn signal(server: &Server, signal: Signal) -> Verdict {
    let pid = i32::try_from(server.id()).ok().and_then(Pid::from_raw).ok_or("no process id")?;
    Ok(kill_process(pid, signal)?)
}

fn refuses(address: SocketAddr) -> Verdict {
    until("new connections to be refused", || TcpStream::connect(address).is_err().then_some(()))
}

/// Serves the foreign component whose requests can be held.
fn start_foreign(stage: &Stage) -> Result<Server, Failed> {
    Server::start(stage, &[&foreign::component("rust-http")?.to_string_lossy(), "--timeout", "5m"])
}

fn requests_end(first: Signal) -> Verdict {
    let stage = Stage::new()?;
    let server = start_foreign(&stage)?;
    let mut idle = Client::connect(server.address)?;
    assert_eq!(idle.get("/hello")?.0, 200);
    let held = Held::start(server.address)?;
    signal(&server, first)?;
    refuses(server.address)?;
    until("the idle connection to be closed", || idle.get("/hello").is_err().then_some(()))?;
    held.end()?;
    assert_eq!(server.end(&stage)?.ended(0)?.stderr, "");
    Ok(())
}

/// Posts steps to the probe that tell when they begin, and then take so long.
fn begin(server: &Server, ms: u64) -> Result<thread::JoinHandle<Result<u16, Failed>>, Failed> {
    let steps = format!(r#"[{{"op": "lang.print", "text": "begun"}}, {{"op": "context.sleep", "duration_ms": {ms}}}]"#);
    let mut client = Client::connect(server.address)?;
    let running = thread::spawn(move || Ok(client.post("/", &steps)?.status().as_u16()));
    until("the function to begin", || server.told().iter().any(|line| line["message"] == "begun").then_some(()))?;
    Ok(running)
}

fn start_probe(stage: &Stage, grace: &str) -> Result<Server, Failed> {
    stage.guest("rust", "probe")?;
    let manifest = format!(
        "version = 1\nserver.grace = \"{grace}\"\n[functions.probe]\ncomponent = \"probe.wasm\"\nlimits.timeout = \"5m\"\n"
    );
    stage.write("wasm-faas.toml", manifest)?;
    Server::start(stage, &[])
}

fn last_request_is_logged() -> Verdict {
    let stage = Stage::new()?;
    let server = start_probe(&stage, "2m")?;
    let running = begin(&server, 500)?;
    signal(&server, Signal::TERM)?;
    assert_eq!(running.join().map_err(|_| "the client panicked")??, 200);
    let ran = server.end(&stage)?.ended(0)?;
    assert!(ran.text().contains(r#""status":200"#), "{}", ran.text());
    Ok(())
}

fn grace_is_over() -> Verdict {
    let stage = Stage::new()?;
    let server = start_probe(&stage, "100ms")?;
    let running = begin(&server, 200_000)?;
    signal(&server, Signal::TERM)?;
    let ran = server.end(&stage)?.ended(0)?;
    assert_eq!(ran.stderr, "requests that still ran after the grace time of 100ms were cut off\n");
    assert!(running.join().map_err(|_| "the client panicked")?.is_err(), "the request was answered");
    Ok(())
}

fn second_signal(second: Signal) -> Verdict {
    let stage = Stage::new()?;
    let server = start_foreign(&stage)?;
    let _held = Held::start(server.address)?;
    signal(&server, Signal::TERM)?;
    refuses(server.address)?;
    signal(&server, second)?;
    let ran = server.end(&stage)?.ended(130)?;
    assert_eq!(ran.stderr, "stopped at once: requests that were running are cut off\n");
    Ok(())
}

/// Serves the counter twice, as `/one` and `/two`, with its bucket in a backend.
fn start_counters(stage: &Stage, backend: &str) -> Result<Server, Failed> {
    stage.guest("rust", "counter")?;
    let function = |name| {
        format!(
            "[functions.{name}]\ncomponent = \"counter.wasm\"\ngrants = [\"kv:visits:rw\", \"queue:counts:send\"]\n\
             [[triggers.http]]\npath = \"/{name}\"\nfunction = \"{name}\"\n"
        )
    };
    let resources = format!("[buckets.visits]\nbackend = \"{backend}\"\n[queues.counts]\n");
    stage.write("wasm-faas.toml", ["version = 1\n", &resources, &function("one"), &function("two")].concat())?;
    Server::start(stage, &[])
}

fn expect_count(server: &Server, path: &str, count: u64) -> Verdict {
    let answer = Client::connect(server.address)?.get(path)?;
    assert_eq!(answer, (200, format!(r#"{{"count":{count}}}"#)), "{}", server.log());
    Ok(())
}

fn restart(server: Server, stage: &Stage) -> Result<Server, Failed> {
    signal(&server, Signal::TERM)?;
    server.end(stage)?.ended(0)?;
    Server::start(stage, &[])
}

fn state_outlives_a_server() -> Verdict {
    let stage = Stage::new()?;
    let server = start_counters(&stage, "embedded")?;
    expect_count(&server, "/one", 1)?;
    expect_count(&server, "/one", 2)?;
    let server = restart(server, &stage)?;
    expect_count(&server, "/one", 3)
}

fn functions_share_a_bucket() -> Verdict {
    let stage = Stage::new()?;
    let server = start_counters(&stage, "embedded")?;
    expect_count(&server, "/one", 1)?;
    expect_count(&server, "/two", 2)
}

fn memory_is_forgotten() -> Verdict {
    let stage = Stage::new()?;
    let server = start_counters(&stage, "memory")?;
    expect_count(&server, "/one", 1)?;
    expect_count(&server, "/two", 2)?;
    let server = restart(server, &stage)?;
    expect_count(&server, "/one", 1)
}

fn refusal_names_the_line() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "counter")?;
    stage.write(
        "wasm-faas.toml",
        "version = 1\n[functions.counter]\ncomponent = \"counter.wasm\"\n[buckets.visits]\n",
    )?;
    let command = stage.command(&["serve", "--listen", "127.0.0.1:0", "--quiet"]);
    let server = Server::spawn(&stage, command)?;
    assert_eq!(Client::connect(server.address)?.get("/")?.0, 500);
    server.logged("add \"kv:visits:rw\" to `grants` of [functions.counter]")
}
