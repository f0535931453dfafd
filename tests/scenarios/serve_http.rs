//! `serve`: which function gets a request, what it sees of it, and what the client gets back.

use libtest_mimic::Trial;
use serde_json::Value;

use super::served::Server;
use super::stage::{Stage, assert_snapshot};
use super::wire::{Log, Wire};
use super::{Scenario, Verdict, support};

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 6] = [
        ("routes", routes),
        ("methods", methods),
        ("event", event),
        ("answers", answers),
        ("outcomes", outcomes),
        ("own_paths", own_paths),
    ];
    let trial = |(name, run)| support::trial(format!("serve/http/{name}"), support::missing("rust"), run);
    cases.into_iter().map(trial).collect()
}

const ROUTES: &str = r#"
version = 1
[functions.here]
component = "probe.wasm"
[functions.there]
component = "probe.wasm"

[[triggers.http]]
path = "/{*rest}"
function = "here"
[[triggers.http]]
path = "/users/{id}"
function = "here"
[[triggers.http]]
path = "/users/me"
function = "here"
[[triggers.http]]
path = "/users/{id}/posts/{post}"
function = "here"
[[triggers.http]]
path = "/users/{id}/files/{*file}"
function = "here"
[[triggers.http]]
host = "api.example.com"
path = "/users/{id}"
function = "there"
[[triggers.http]]
host = "*.example.com"
path = "/{*all}"
function = "there"
"#;

/// Hosts and paths, and where they lead.
const ASKED: [(&str, &str); 19] = [
    ("localhost", "/users/me"),
    ("localhost", "/users/7"),
    ("localhost", "/users/me%20"),
    ("localhost", "/users/a%2Fb+c%C3%A9"),
    ("localhost", "/users/7?id=8"),
    ("localhost", "/users/7/posts/9"),
    ("localhost", "/users/7/files/1%2F2/3"),
    ("localhost", "/users/7/photos/1%2F2/3"),
    ("localhost", "/users/7/"),
    ("localhost", "/users/"),
    ("localhost", "/users"),
    ("localhost", "/user"),
    ("localhost", "/"),
    ("api.example.com", "/users/7"),
    ("API.Example.com:8080", "/users/7"),
    ("api.example.com", "/users/me"),
    ("deep.api.example.com", "/users/me"),
    ("example.com", "/users/me"),
    ("notexample.com", "/elsewhere"),
];

fn routes() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "probe")?;
    let server = Server::of(&stage, ROUTES)?;
    let mut wire = Wire::connect(server.address)?;
    let mut shown = String::new();
    for (host, path) in ASKED {
        let answer = wire.exchange(&format!("GET {path}"), &[("host", host)], EVENT)?;
        let led = match answer.status {
            200 => led(&serde_json::from_slice(&answer.body)?),
            status => format!("{status} {}", answer.text().trim_end()),
        };
        shown += &format!("{host}{path}\n    {led}\n");
    }
    assert_snapshot("serve_routes", &shown);
    Ok(())
}

/// Has `probe` answer with its event.
const EVENT: &[u8] = br#"[{"op": "event"}]"#;

/// The function, its route and the parameters that it saw.
fn led(answer: &Value) -> String {
    let event = &answer[0]["ok"];
    let trigger = &event["trigger"];
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    format!("{} {} {}", text(&event["source"]), text(&trigger["route"]), trigger["parameters"])
}

const METHODS: &str = r#"
version = 1
[functions.hello]
component = "hello.wasm"
[functions.echo]
component = "echo.wasm"

[[triggers.http]]
path = "/readable"
methods = ["GET"]
function = "hello"
[[triggers.http]]
path = "/both"
methods = ["GET", "PUT"]
function = "hello"
[[triggers.http]]
path = "/both"
methods = ["POST"]
function = "echo"
[[triggers.http]]
path = "/all"
function = "echo"
[[triggers.http]]
path = "/all"
methods = ["GET"]
function = "hello"
"#;

fn methods() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "hello")?;
    stage.guest("rust", "echo")?;
    let server = Server::of(&stage, METHODS)?;
    let mut wire = Wire::connect(server.address)?;
    let mut log = Log::default();
    let requests = [
        "GET /readable",
        "HEAD /readable",
        "POST /readable",
        "PUT /both",
        "POST /both",
        "DELETE /both",
        "GET /all",
        "PATCH /all",
        "MADEUP /all",
    ];
    for request in requests {
        let body: &[u8] = if request.starts_with("HEAD") { b"" } else { b"you" };
        log.exchange(&mut wire, request, &[], body)?;
    }
    log.matches("serve_methods")
}

fn event() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "probe")?;
    let routes = "version = 1\n[functions.probe]\ncomponent = \"probe.wasm\"\n[[triggers.http]]\npath = \"/users/{id}/{*rest}\"\nfunction = \"probe\"\n";
    let server = Server::of(&stage, routes)?;
    let headers = [
        ("host", "api.example.com:8080"),
        ("Content-Type", "application/json; charset=utf-8"),
        ("X-Colour", "red"),
        ("x-colour", "röd"),
        ("cookie", "a=1; b=2"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    let steps = br#"[{"op": "event"}, {"op": "context.current"}]"#;
    let request = "PUT /users/a%20b/c%2Fd/e?full=yes&name=a+b%21&name=&x";
    let answer = Wire::connect(server.address)?.exchange(request, &headers, steps)?.is(200)?;
    let mut answer: Value = serde_json::from_slice(&answer.body)?;
    for (step, names) in [(0, &["id", "time_ms"][..]), (1, &["id", "deadline_ms", "version", "traceparent"])] {
        for name in names {
            let value = &mut answer[step]["ok"][name];
            *value = if value.is_null() { "[nothing]" } else { "[value]" }.into();
        }
    }
    assert_snapshot("serve_event", &format!("{answer:#}"));
    Ok(())
}

fn answers() -> Verdict {
    let stage = Stage::new()?;
    let component = stage.guest("rust", "answer")?;
    let server = Server::start(&stage, &[&component.to_string_lossy()])?;
    let mut wire = Wire::connect(server.address)?;
    let mut log = Log::default();
    let requests = [
        "POST /?status=201&content-type=text%2Fhtml&x-colour=r%C3%B6d&set-cookie=a&set-cookie=b",
        "POST /",
        "POST /?status=599",
        "POST /?status=204",
        "POST /?status=304",
        "HEAD /?content-type=text%2Fplain",
        "POST /?connection=close&content-length=1&transfer-encoding=chunked&upgrade=h2c",
        "POST /?status=101",
        "POST /?status=600",
        "POST /?content-type=a%0Ab",
        "POST /?no+name=x",
        "POST /?x-split=a%0D%0Ax-injected:+b",
    ];
    for request in requests {
        let body: &[u8] = if request.starts_with("HEAD") { b"" } else { b"some data" };
        log.exchange(&mut wire, request, &[], body)?;
    }
    log.matches("serve_answers")
}

const OUTCOMES: &str = r#"
version = 1
[functions.misbehave]
component = "misbehave.wasm"
limits = { memory = "32MiB", fuel = 10_000_000_000, timeout = "60s" }
[functions.frugal]
component = "misbehave.wasm"
limits = { fuel = 20_000_000, timeout = "60s" }
[functions.roomy]
component = "misbehave.wasm"
limits = { memory = "512MiB", timeout = "60s" }
[functions.brief]
component = "misbehave.wasm"
limits = { fuel = "none", timeout = "300ms" }

[[triggers.http]]
path = "/"
function = "misbehave"
[[triggers.http]]
path = "/frugal"
function = "frugal"
[[triggers.http]]
path = "/roomy"
function = "roomy"
[[triggers.http]]
path = "/brief"
function = "brief"
"#;

/// Each is told to the client in a line that says nothing of the inside, and the connection goes on.
fn outcomes() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "misbehave")?;
    let server = Server::of(&stage, OUTCOMES)?;
    let mut wire = Wire::connect(server.address)?;
    let mut log = Log::default();
    let requests = [
        ("/", "trap"),
        ("/", "exit"),
        ("/", "recurse"),
        ("/", "grow"),
        ("/", "throw"),
        ("/", "reject"),
        ("/", "retry"),
        ("/frugal", "spin"),
        ("/brief", "spin"),
        ("/brief", "sleep"),
        ("/roomy", "big"),
    ];
    for (path, data) in requests {
        log.exchange(&mut wire, &format!("POST {path}"), &[], data.as_bytes())?;
        let after = wire.exchange("POST /", &[], b"sleep 0")?.is(200)?;
        assert_eq!(after.text(), "slept");
    }
    log.matches("serve_outcomes")
}

fn own_paths() -> Verdict {
    let stage = Stage::new()?;
    let component = stage.guest("rust", "hello")?;
    let mut log = Log::default();
    let server = Server::start(&stage, &[&component.to_string_lossy()])?;
    let mut wire = Wire::connect(server.address)?;
    for request in ["GET /-/health", "GET /-/ready", "HEAD /-/health", "GET /-/elsewhere"] {
        log.exchange(&mut wire, request, &[], b"")?;
    }
    let manifest = "version = 1\n[server]\nhealth = \"\"\nready = \"/up\"\n";
    log.note(&manifest.replace('\n', " "));
    let server = Server::of(&stage, &format!("{manifest}[functions.hello]\ncomponent = \"hello.wasm\"\n"))?;
    let mut wire = Wire::connect(server.address)?;
    for request in ["GET /up", "GET /-/health", "GET /-/ready"] {
        log.exchange(&mut wire, request, &[], b"")?;
    }
    log.matches("serve_own_paths")
}
