//! Bad input: each message as people see it, and its exit status.

use libtest_mimic::Trial;

use super::stage::{Stage, Transcript};
use super::{Verdict, support};

pub fn trials() -> Vec<Trial> {
    vec![
        support::trial("input/limits", None, bad_limits),
        support::trial("input/flags", None, bad_flags),
        support::trial("input/grants", None, bad_grants),
        support::trial("input/events", None, bad_events),
        support::trial("input/event_too_large", None, event_too_large),
        support::trial("input/components", None, bad_components),
        support::trial("input/wrong_flag_for_the_component", support::missing("rust"), wrong_flags),
    ]
}

/// Each line is the rest of a `run fn.wasm` that must fail before the component is even looked for.
fn refused(name: &str, lines: &[&[&str]]) -> Verdict {
    let stage = Stage::new()?;
    let mut transcript = Transcript::new(&stage);
    for line in lines {
        transcript.run(&[&["run", "fn.wasm"], *line].concat())?;
    }
    transcript.matches(name)
}

fn bad_limits() -> Verdict {
    refused(
        "bad_limits",
        &[
            &["--memory", "lots"],
            &["--memory", "1KiB"],
            &["--memory", "5GiB"],
            &["--memory", "-1MiB"],
            &["--timeout", "soon"],
            &["--timeout", "3"],
            &["--timeout", "0s"],
            &["--timeout", "2h"],
            &["--fuel", "lots"],
            &["--fuel", "0"],
            &["--fuel=-1"],
            &["--fuel", "99999999999999999999"],
        ],
    )
}

fn bad_flags() -> Verdict {
    refused(
        "bad_flags",
        &[
            &["--loud"],
            &["--memroy", "64MiB"],
            &["surplus"],
            &["--config", "greeting"],
            &["--config", "=hello"],
            &["--secret", "token"],
            &["--secret", "=env:TOKEN"],
            &["--secret", "token=TOKEN"],
            &["--secret", "token=vault:TOKEN"],
            &["--secret", "token=env:"],
            &["--allow-host", ""],
            &["--allow-host", "*"],
            &["--allow-host", "api.*.com"],
            &["--allow-host", "https://example.com/path"],
            &["--allow-host", "user@example.com"],
            &["--allow-host", "example.com:99999"],
            &["--allow-host", "two words"],
            &["--request", ""],
            &["--request", "GET"],
            &["--request", "GET users"],
            &["--request", "G:T /users"],
            &["--request", "GET /two words"],
            &["--data", "x", "--event", "event.json"],
            &["--request", "GET /", "--event", "event.json"],
            &["--ephemeral", "--data-dir", "data"],
        ],
    )
}

fn bad_grants() -> Verdict {
    let long = format!("kv:{}:rw", "a".repeat(65));
    refused(
        "bad_grants",
        &[
            &["--grant", ""],
            &["--grant", "visits"],
            &["--grant", "kv:visits"],
            &["--grant", "kv:visits:rw:more"],
            &["--grant", "database:visits:rw"],
            &["--grant", "KV:visits:rw"],
            &["--grant", "kv:visits:write"],
            &["--grant", "queue:jobs:rw"],
            &["--grant", "topic:news:send"],
            &["--grant", "blob:inbox:"],
            &["--grant", "kv::rw"],
            &["--grant", "kv:..:rw"],
            &["--grant", "kv:a..b:rw"],
            &["--grant", "kv:.hidden:rw"],
            &["--grant", "kv:a/b:rw"],
            &["--grant", "kv:two words:rw"],
            &["--grant", "kv:größe:rw"],
            &["--grant", "kv:訪問:rw"],
            &["--grant", "kv:line\u{a}feed\u{1b}[31m:rw"],
            &["--grant", &long],
        ],
    )
}

fn bad_events() -> Verdict {
    let stage = Stage::new()?;
    let mut transcript = Transcript::new(&stage);
    let events = [
        "",
        "hello",
        r#"["an", "array"]"#,
        r#"{"id": "1", "#,
        r#"{"id": 7}"#,
        r#"{"specversion": "0.3"}"#,
        r#"{"data_base64": "*not base64*"}"#,
        r#"{"data": "x", "data_base64": "eA=="}"#,
        r#"{"time": "yesterday"}"#,
        r#"{"time": "1969-12-31T23:59:59Z"}"#,
        r#"{"colour": {"red": 255}}"#,
        r#"{"colours": ["red"]}"#,
    ];
    for event in events {
        stage.write("event.json", event)?;
        transcript.note(event);
        transcript.run(&["run", "fn.wasm", "--event", "event.json"])?;
    }
    transcript.note("in Latin-1");
    stage.write("latin1.json", b"{\"data\": \"gr\xfc\xdfe\"}")?;
    transcript.run(&["run", "fn.wasm", "--event", "latin1.json"])?;
    transcript.run(&["run", "fn.wasm", "--event", "missing.json"])?;
    transcript.run(&["run", "fn.wasm", "--event", "."])?;
    transcript.run(&["run", "fn.wasm", "--event", "-"])?;
    transcript.matches("bad_events")
}

fn event_too_large() -> Verdict {
    let stage = Stage::new()?;
    stage.write("event.json", format!(r#"{{"data": "{}"}}"#, "x".repeat((8 << 20) + 1)))?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["run", "fn.wasm", "--event", "event.json"])?;
    transcript.matches("event_too_large")
}

/// Components in text, none of which this host can run.
const COMPONENTS: [(&str, &str); 5] = [
    ("exports-nothing.wasm", "(component)"),
    (
        "other-world.wasm",
        r#"(component (instance $greeter) (export "acme:greetings/greeter@1.0.0" (instance $greeter)))"#,
    ),
    (
        "unknown-import.wasm",
        r#"(component (import "acme:billing/ledger@1.0.0" (instance))
            (instance $run) (export "wasi:cli/run@0.2.0" (instance $run)))"#,
    ),
    (
        "newer-import.wasm",
        r#"(component (import "wasm-faas:function/kv@9.0.0" (instance))
            (instance $handler) (export "wasm-faas:function/handler@0.1.0" (instance $handler)))"#,
    ),
    (
        "hollow-handler.wasm",
        r#"(component (instance $handler) (export "wasm-faas:function/handler@0.1.0" (instance $handler)))"#,
    ),
];

fn bad_components() -> Verdict {
    let stage = Stage::new()?;
    let whole = wat::parse_str(COMPONENTS[1].1)?;
    let mut files: Vec<(&str, Vec<u8>)> = vec![
        ("text.wasm", b"#!/bin/sh\necho hello\n".into()),
        ("empty.wasm", Vec::new()),
        ("core-module.wasm", wat::parse_str("(module)")?),
        ("truncated.wasm", whole[..whole.len() - 3].into()),
        ("header-alone.wasm", whole[..6].into()),
    ];
    for (name, text) in COMPONENTS {
        files.push((name, wat::parse_str(text)?));
    }
    let mut transcript = Transcript::new(&stage);
    for (name, bytes) in &files {
        stage.write(name, bytes)?;
        transcript.run(&["run", name])?;
    }
    for verb in ["run", "build", "inspect"] {
        transcript.run(&[verb, "missing.wasm"])?;
    }
    for name in ["text.wasm", "core-module.wasm", "truncated.wasm", "other-world.wasm"] {
        transcript.run(&["inspect", name])?;
    }
    transcript.run(&["inspect", "."])?;
    transcript.run(&["build", "text.wasm"])?;
    transcript.matches("bad_components")
}

fn wrong_flags() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "command")?;
    stage.guest("rust", "http")?;
    stage.write("event.json", "{}")?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["run", "command.wasm", "--request", "GET /"])?;
    transcript.run(&["run", "command.wasm", "--event", "event.json"])?;
    transcript.run(&["run", "http.wasm", "--event", "event.json"])?;
    transcript.matches("wrong_flags")
}
