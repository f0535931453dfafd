//! What `serve` tells when it starts and for each request, what it can be given, and why it does not start.

use std::net::TcpListener;
use std::path::PathBuf;

use http::Request;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::served::{Chunks, Client, Server};
use super::stage::{Stage, Transcript, assert_snapshot};
use super::support::{self, foreign};
use super::{Scenario, Verdict};

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 12] = [
        ("screen", screen),
        ("screen_as_json", screen_as_json),
        ("requests_are_logged", requests_are_logged),
        ("requests_are_logged_as_json", requests_are_logged_as_json),
        ("quiet", quiet),
        ("targets", targets),
        ("engines_of_every_kind", engines_of_every_kind),
        ("manifest_and_flags", manifest_and_flags),
        ("address_in_use", address_in_use),
        ("broken_manifests", broken_manifests),
        ("variables", variables),
        ("unfit_components", unfit_components),
    ];
    let trial = |(name, run)| support::trial(format!("serve/start/{name}"), support::missing("rust"), run);
    cases.into_iter().map(trial).collect()
}

const MANIFEST: &str = r#"
version = 1
[functions.hello]
component = "hello.wasm"
limits = { memory = "16MiB", timeout = "500ms" }
[functions.visits]
component = "counter.wasm"
grants = ["kv:visits:rw", "queue:counts:send"]
limits.fuel = "none"
[buckets.visits]
[queues.counts]
[[triggers.http]]
path = "/hello/{name}"
function = "hello"
[[triggers.http]]
path = "/visits"
methods = ["GET", "POST"]
host = "api.example.com"
function = "visits"
[[triggers.http]]
path = "/site/{*file}"
files = "site"
"#;

fn stage_of_two() -> Result<Stage, Failed> {
    let stage = Stage::new()?;
    for guest in ["hello", "counter"] {
        stage.guest("rust", guest)?;
    }
    stage.write("site/index.html", "<p>a site</p>")?;
    stage.write("wasm-faas.toml", MANIFEST)?;
    Ok(stage)
}

/// The same as [`Server::start`], telling people.
fn start_for_people(stage: &Stage, arguments: &[&str]) -> Result<Server, Failed> {
    Server::spawn(stage, stage.command(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat()))
}

/// Compares with what differs from run to run taken out.
fn assert_told(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:[port]");
    settings.add_filter(r"in \d+ ms", "in [number] ms");
    settings.add_filter(r"[\d.]+ [KM]iB +(compiled|cached) +", "[size]  [code]  ");
    settings.add_filter(r"\d{4}-\d\d-\d\dT[\d:]+Z", "[time]");
    settings.add_filter(r"[\d.]+ ms (warm|cold|-)", "[number] ms $1");
    settings.bind(|| assert_snapshot(name, text));
}

fn screen() -> Verdict {
    let stage = stage_of_two()?;
    let server = start_for_people(&stage, &[])?;
    assert_told("serve_screen", &stage.redact(&server.out()));
    assert_eq!(server.log(), "");
    Ok(())
}

fn screen_as_json() -> Verdict {
    let stage = stage_of_two()?;
    let server = Server::start(&stage, &[])?;
    let mut told: Value = serde_json::from_str(server.out().lines().next().unwrap_or_default())?;
    assert_eq!(told["listening"], format!("http://{}", server.address));
    assert!(told["startMs"].take().as_f64() > Some(0.0), "{told}");
    for function in told["functions"].as_array_mut().ok_or("no functions")? {
        assert_eq!(function["digest"].take().as_str().map(str::len), Some(64), "{function}");
        assert!(function["sizeBytes"].take().as_u64() > Some(10_000), "{function}");
        assert!(function["compiled"].take().is_boolean(), "{function}");
    }
    assert_told("serve_screen_as_json", &stage.redact(&format!("{told:#}")));
    Ok(())
}

/// Requests of every kind, one after the other: of a function, of nothing, of a file, of the host's own.
fn ask(server: &Server) -> Verdict {
    let mut client = Client::connect(server.address)?;
    for path in ["/hello/me?token=secret", "/hello/me", "/nowhere", "/site/index.html", "/-/health"] {
        client.get(path)?;
    }
    Ok(())
}

fn requests_are_logged() -> Verdict {
    let stage = stage_of_two()?;
    let server = start_for_people(&stage, &[])?;
    ask(&server)?;
    server.logged("/-/health")?;
    assert_told("serve_requests", &server.log());
    Ok(())
}

fn requests_are_logged_as_json() -> Verdict {
    let stage = stage_of_two()?;
    let server = Server::start(&stage, &[])?;
    ask(&server)?;
    let mut lines = Vec::new();
    for mut access in server.accesses(5)? {
        assert!(access["durationMs"].take().as_f64() > Some(0.0), "{access}");
        access["time"] = json!("[time]");
        lines.push(access.to_string());
    }
    assert_told("serve_requests_as_json", &lines.join("\n"));
    Ok(())
}

/// No requests; what functions do wrong is told all the same.
fn quiet() -> Verdict {
    let stage = stage_of_two()?;
    stage.guest("rust", "misbehave")?;
    let server = start_for_people(&stage, &["misbehave.wasm", "--quiet"])?;
    let mut client = Client::connect(server.address)?;
    for (data, status) in [("sleep 1", 200), ("reject", 400), ("trap", 500)] {
        assert_eq!(client.post("/", data)?.status().as_u16(), status);
    }
    server.logged("misbehave ERROR")?;
    assert!(!server.log().contains(" 200 ") && !server.log().contains("warm"), "{}", server.log());
    Ok(())
}

/// All that can be served, and what answers then.
fn targets() -> Verdict {
    let stage = stage_of_two()?;
    stage.write(
        "other/wasm-faas.toml",
        MANIFEST
            .replace("\"hello.wasm", "\"../hello.wasm")
            .replace("\"counter.wasm", "\"../counter.wasm")
            .replace("\"site\"", "\"../site\""),
    )?;
    stage.write("named.toml", MANIFEST)?;
    let folder = support::root().join("guests/rust/hello");
    let folder = folder.to_str().ok_or("the project's path is no text")?;
    for target in [&[][..], &["wasm-faas.toml"], &["named.toml"], &["other"], &["hello.wasm"], &[folder]] {
        let server = Server::start(&stage, target)?;
        let answer = Client::connect(server.address)?.get("/hello/me")?;
        assert_eq!(answer, (200, "Hello, world!".into()), "{target:?}");
    }
    Ok(())
}

/// Functions that need an engine each: counted fuel or not, with tasks of the component model or without.
fn engines_of_every_kind() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "hello")?;
    std::fs::copy(foreign::component("rust-http3")?, stage.path("newest.wasm"))?;
    let mut manifest = String::from("version = 1\n");
    for (component, fuel) in
        [("hello", "1_000_000_000"), ("hello", "\"none\""), ("newest", "1_000_000_000"), ("newest", "\"none\"")]
    {
        let name = format!("{component}-{}", fuel.len());
        manifest += &format!(
            "[functions.{name}]\ncomponent = \"{component}.wasm\"\nlimits.fuel = {fuel}\n\
             [[triggers.http]]\nhost = \"{name}.localhost\"\npath = \"/hello\"\nfunction = \"{name}\"\n"
        );
    }
    stage.write("wasm-faas.toml", manifest)?;
    let server = Server::start(&stage, &[])?;
    for name in ["hello-13", "hello-6", "newest-13", "newest-6"] {
        let request = Request::get("/hello").header("host", format!("{name}.localhost")).body(Chunks::none())?;
        let response = Client::connect(server.address)?.send(request)?;
        assert_eq!(response.status().as_u16(), 200, "{name}: {}", server.log());
    }
    Ok(())
}

fn manifest_and_flags() -> Verdict {
    let stage = stage_of_two()?;
    let mut transcript = Transcript::new(&stage);
    for flags in [["--grant", "kv:visits:rw"], ["--memory", "1MiB"], ["--data-dir", "data"]] {
        transcript.run(&[&["serve"], &flags[..]].concat())?;
    }
    transcript.run(&["serve", ".", "--timeout", "1s"])?;
    transcript.matches("serve_manifest_and_flags")
}

fn address_in_use() -> Verdict {
    let stage = stage_of_two()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let ran = stage.run(&["serve", "--listen", &address])?.ended(2)?;
    assert_told("serve_address_in_use", &ran.stderr);
    stage.write("wasm-faas.toml", format!("{MANIFEST}[server]\nlisten = \"{address}\"\n"))?;
    assert_eq!(stage.run(&["serve"])?.ended(2)?.stderr, ran.stderr);
    assert!(!stage.path(".wasm-faas").exists(), "a store was made");
    Ok(())
}

fn broken_manifests() -> Verdict {
    let stage = Stage::new()?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["serve"])?;
    transcript.run(&["serve", "nowhere/wasm-faas.toml"])?;
    transcript.run(&["serve", "."])?;
    for text in [
        "version = 2\n",
        "version = 1\n[server]\nlistn = \"127.0.0.1:0\"\n",
        "version = 1\n[functions.hello]\ncomponent = \"hello.wasm\"\n[[triggers.http]]\npath = \"/\"\nfunction = \"helo\"\n",
        "version = 1\n[functions.hello]\ncomponent = \"hello.wasm\"\nlimits = { memory = \"much\" }\n",
        "version = 1\n[functions.hello\n",
    ] {
        stage.write("wasm-faas.toml", text)?;
        transcript.note(&text.replace('\n', "⏎"));
        transcript.run(&["serve"])?;
    }
    transcript.matches("serve_broken_manifests")
}

/// From the environment, from the file beside the manifest, and from nowhere.
fn variables() -> Verdict {
    let stage = stage_of_two()?;
    stage.write("wasm-faas.toml", "version = 1\n[functions.hello]\ncomponent = \"${GUEST}.wasm\"\n")?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["serve"])?;
    transcript.matches("serve_variable")?;
    let get = |server: &Server| Client::connect(server.address)?.get("/");
    stage.write(".env", "GUEST=hello\n")?;
    assert_eq!(get(&Server::start(&stage, &[])?)?.1, "Hello, world!");
    stage.write(".env", "GUEST=nothing\n")?;
    let mut command = stage.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("GUEST", "hello");
    assert_eq!(get(&Server::spawn(&stage, command)?)?.1, "Hello, world!");
    Ok(())
}

fn unfit_components() -> Verdict {
    let stage = Stage::new()?;
    stage.write("text.wasm", "no component")?;
    stage.write("module.wasm", b"\0asm\x01\0\0\0")?;
    stage.write("notes/readme.txt", "nothing to serve")?;
    stage.guest("rust", "command")?;
    let mut transcript = Transcript::new(&stage);
    for target in ["gone.wasm", "text.wasm", "module.wasm", "notes", "command.wasm"] {
        transcript.run(&["serve", target, "--listen", "127.0.0.1:0"])?;
    }
    let newest: PathBuf = foreign::component("rust-http3")?.canonicalize()?;
    std::fs::copy(newest, stage.path("newest.wasm"))?;
    let manifest = "version = 1\n[server]\nlisten = \"127.0.0.1:0\"\nwasi-0-3 = false\n[functions.newest]\ncomponent = \"newest.wasm\"\n";
    stage.write("wasm-faas.toml", manifest)?;
    transcript.run(&["serve"])?;
    transcript.matches("serve_unfit_components")
}
