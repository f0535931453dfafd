//! `serve --watch`: what changes while it serves.

use std::fs;

use libtest_mimic::{Failed, Trial};

use super::served::{Client, Held, Server};
use super::stage::{Stage, until};
use super::support::{self, foreign};
use super::{Scenario, Verdict};

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 7] = [
        ("component", component),
        ("component_without_manifest", component_without_manifest),
        ("route", route),
        ("variable", variable),
        ("broken_manifest", broken_manifest),
        ("broken_component", broken_component),
        ("what_takes_a_restart", what_takes_a_restart),
    ];
    let trial = |(name, run)| support::trial(format!("serve/watch/{name}"), support::missing("rust"), run);
    let mut trials: Vec<Trial> = cases.into_iter().map(trial).collect();
    let cases: [Scenario; 2] = [
        ("old_version_ends_its_requests", old_version_ends_its_requests),
        ("what_did_not_change_stays", what_did_not_change_stays),
    ];
    let foreign = |(name, run)| support::trial(format!("serve/watch/{name}"), foreign::missing("rust-http"), run);
    trials.extend(cases.into_iter().map(foreign));
    trials
}

const MANIFEST: &str =
    "version = 1\n[functions.fn]\ncomponent = \"fn.wasm\"\n[[triggers.http]]\npath = \"/{*rest}\"\nfunction = \"fn\"\n";

/// Puts another component in the place of the function's, as a compiler does: the file is written anew.
fn put(stage: &Stage, guest: &str) -> Verdict {
    fs::copy(support::guest("rust", guest)?, stage.path("fn.wasm"))?;
    Ok(())
}

fn start(stage: &Stage) -> Result<Server, Failed> {
    put(stage, "hello")?;
    stage.write("wasm-faas.toml", MANIFEST)?;
    Server::start(stage, &["--watch"])
}

/// What `/fn` answers to `me`.
fn answer(server: &Server) -> Result<String, Failed> {
    Ok(Client::connect(server.address)?.post("/fn", "me")?.into_body())
}

/// Waits until the function is another one.
fn answers(server: &Server, wanted: &str) -> Verdict {
    let seen = until(wanted, || (answer(server).ok()? == wanted).then_some(()));
    seen.map_err(|error| format!("{}; the server told:\n{}", error.message().unwrap_or_default(), server.log()).into())
}

fn component() -> Verdict {
    let stage = Stage::new()?;
    let server = start(&stage)?;
    assert_eq!(answer(&server)?, "Hello, me!");
    put(&stage, "echo")?;
    answers(&server, "me")?;
    server.logged("reloaded in ")?;
    put(&stage, "hello")?;
    answers(&server, "Hello, me!")
}

/// The new file takes the place of the old one, as other compilers do it.
fn component_without_manifest() -> Verdict {
    let stage = Stage::new()?;
    put(&stage, "hello")?;
    let server = Server::start(&stage, &["fn.wasm", "--watch"])?;
    assert_eq!(answer(&server)?, "Hello, me!");
    let echo = stage.guest("rust", "echo")?;
    fs::rename(echo, stage.path("fn.wasm"))?;
    answers(&server, "me")
}

fn route() -> Verdict {
    let stage = Stage::new()?;
    let server = start(&stage)?;
    let get = || Ok::<_, Failed>(Client::connect(server.address)?.get("/site/a.txt")?.1);
    assert_eq!(get()?, "Hello, world!");
    stage.write("site/a.txt", "a file")?;
    stage.write(
        "wasm-faas.toml",
        MANIFEST.to_owned() + "[[triggers.http]]\npath = \"/site/{*file}\"\nfiles = \"site\"\n",
    )?;
    until("the new route", || (get().ok()? == "a file").then_some(()))
}

fn variable() -> Verdict {
    let stage = Stage::new()?;
    for guest in ["hello", "echo"] {
        stage.guest("rust", guest)?;
    }
    stage.write(".env", "GUEST=hello\n")?;
    stage.write("wasm-faas.toml", MANIFEST.replace("fn.wasm", "${GUEST}.wasm"))?;
    let server = Server::start(&stage, &["--watch"])?;
    assert_eq!(answer(&server)?, "Hello, me!");
    stage.write(".env", "GUEST=echo\n")?;
    answers(&server, "me")
}

const SERVES_ON: &str = "the version that was there before serves on";

fn broken_manifest() -> Verdict {
    let stage = Stage::new()?;
    let server = start(&stage)?;
    stage.write("wasm-faas.toml", MANIFEST.replace("component", "componet"))?;
    server.logged(SERVES_ON)?;
    let log = stage.redact(&server.log());
    assert!(log.starts_with("error: ") && log.contains("`componet`") && log.contains("wasm-faas.toml:3:1"), "{log}");
    assert_eq!(answer(&server)?, "Hello, me!");
    put(&stage, "echo")?;
    stage.write("wasm-faas.toml", MANIFEST)?;
    answers(&server, "me")
}

fn broken_component() -> Verdict {
    let stage = Stage::new()?;
    let server = start(&stage)?;
    stage.write("fn.wasm", "no component")?;
    server.logged(SERVES_ON)?;
    assert!(server.log().contains("fn.wasm` is"), "{}", server.log());
    assert_eq!(answer(&server)?, "Hello, me!");
    fs::remove_file(stage.path("fn.wasm"))?;
    server.logged("there is no `")?;
    assert_eq!(answer(&server)?, "Hello, me!");
    put(&stage, "echo")?;
    answers(&server, "me")
}

fn what_takes_a_restart() -> Verdict {
    let stage = Stage::new()?;
    let server = start(&stage)?;
    stage.write("wasm-faas.toml", MANIFEST.to_owned() + "[server]\nmax-body = \"1MiB\"\n")?;
    server.logged("error: [server] changed, which takes a restart\nthe version that was there before serves on\n")?;
    stage.write("wasm-faas.toml", MANIFEST.to_owned() + "[buckets.visits]\n")?;
    server.logged("error: where data is kept, or which buckets, queues, topics and containers there are changed")?;
    assert_eq!(answer(&server)?, "Hello, me!");
    stage.write("wasm-faas.toml", MANIFEST)?;
    server.logged("reloaded in ")
}

fn old_version_ends_its_requests() -> Verdict {
    let stage = Stage::new()?;
    fs::copy(foreign::component("rust-http")?, stage.path("fn.wasm"))?;
    stage.write("wasm-faas.toml", MANIFEST.replace("[[", "limits.timeout = \"5m\"\n[["))?;
    let server = Server::start(&stage, &["--watch"])?;
    let held = Held::start(server.address)?;
    put(&stage, "hello")?;
    answers(&server, "Hello, me!")?;
    held.end()
}

/// The instance goes on counting its requests.
fn what_did_not_change_stays() -> Verdict {
    let stage = Stage::new()?;
    fs::copy(foreign::component("rust-http")?, stage.path("fn.wasm"))?;
    stage.write("wasm-faas.toml", MANIFEST.replace("[[", "pool.max = 1\n[["))?;
    let server = Server::start(&stage, &["--watch"])?;
    let count = || Ok::<_, Failed>(Client::connect(server.address)?.get("/count")?.1);
    assert_eq!((count()?, count()?), ("1".into(), "2".into()));
    let more = "[[triggers.http]]\npath = \"/site/{*file}\"\nfiles = \".\"\n";
    stage.write("wasm-faas.toml", MANIFEST.replace("[[", "pool.max = 1\n[[") + more)?;
    server.logged("reloaded in ")?;
    assert_eq!(count()?, "3");
    stage.write("wasm-faas.toml", MANIFEST.replace("[[", "pool = { max = 1, idle = \"1m\" }\n[["))?;
    until("a new instance", || (count().ok()? == "1").then_some(()))
}
