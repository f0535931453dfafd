//! Functions that work, run as people run them.

use std::fs;

use libtest_mimic::Trial;
use serde_json::json;

use super::stage::{Ran, Stage, Transcript, assert_snapshot};
use super::{Scenario, Verdict, support};

const COUNTER_GRANTS: [&str; 4] = ["--grant", "kv:visits:rw", "--grant", "queue:counts:send+receive"];

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    let cases: [Scenario; 15] = [
        ("hello", hello),
        ("output_is_the_response_alone", output_is_the_response_alone),
        ("log_goes_to_standard_error", log_goes_to_standard_error),
        ("outcome_as_json", outcome_as_json),
        ("failures_as_json", failures_as_json),
        ("exit_statuses", exit_statuses),
        ("ephemeral_leaves_nothing", ephemeral_leaves_nothing),
        ("default_data_folder", default_data_folder),
        ("no_grants_no_data_folder", no_grants_no_data_folder),
        ("denial_names_the_grant", denial_names_the_grant),
        ("event_from_standard_input", event_from_standard_input),
        ("settings_and_secrets", settings_and_secrets),
        ("guest_errors_are_values", guest_errors_are_values),
        ("command", command),
        ("broken_pipe_is_quiet", broken_pipe_is_quiet),
    ];
    for (name, run) in cases {
        trials.push(support::trial(format!("functions/{name}"), support::missing("rust"), run));
    }
    for language in support::LANGUAGES {
        let name = format!("functions/counter_persists/{language}");
        trials.push(support::trial(name, support::missing(language), move || counter_persists(language)));
    }
    trials
}

fn hello() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "hello")?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["run", "hello.wasm"])?;
    transcript.run(&["run", "hello.wasm", "--data", "Zürich"])?;
    transcript.run(&["run", "hello.wasm", "--fuel", "none"])?;
    transcript.matches("hello")
}

/// Every byte value, of which many are no text; and the line that reports is the only one beside them.
fn output_is_the_response_alone() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "echo")?;
    // 0 to 255 in base64.
    let event = json!({"data_base64": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w=="});
    stage.write("event.json", event.to_string())?;
    let ran = stage.run(&["run", "echo.wasm", "--event", "event.json"])?.ended(0)?;
    assert_eq!(ran.stdout, (0..=255).collect::<Vec<u8>>());
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    ran.told("REPORT echo ")?;
    Ok(())
}

fn probe(stage: &Stage, steps: &serde_json::Value, more: &[&str]) -> Result<Ran, libtest_mimic::Failed> {
    stage.run(&[&["run", "probe.wasm", "--data", &steps.to_string()], more].concat())
}

fn log_goes_to_standard_error() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "probe")?;
    let log = |level: &str| {
        json!({"op": "context.log", "level": level, "message": "it happened",
            "fields": {"colour": "red\u{1b}[31m"}})
    };
    let steps = json!([
        log("trace"), log("debug"), log("info"), log("warn"), log("error"),
        {"op": "lang.print", "text": "a line\nand another"},
    ]);
    let ran = probe(&stage, &steps, &[])?.ended(0)?;
    assert_eq!(
        ran.json()?,
        json!([{"ok": null}, {"ok": null}, {"ok": null}, {"ok": null}, {"ok": null}, {"ok": null}])
    );
    assert_snapshot("log", &ran.stderr);
    Ok(())
}

/// The outcome with what is measured replaced by its kind.
fn steady(mut outcome: serde_json::Value) -> String {
    for name in ["id", "durationMs", "fuel", "memoryBytes"] {
        let kind = match &outcome[name] {
            serde_json::Value::String(_) => "[text]",
            serde_json::Value::Number(_) => "[number]",
            _ => "[neither text nor number]",
        };
        outcome[name] = kind.into();
    }
    if let Some(frames) = outcome["backtrace"].as_array() {
        outcome["backtrace"] = if frames.is_empty() { "[no frames]" } else { "[frames]" }.into();
    }
    format!("{outcome:#}\n")
}

fn outcome_as_json() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "echo")?;
    stage.write("event.json", r#"{"data": {"n": 1}, "colour": "red", "size": 7, "new": true}"#)?;
    stage.write("bytes.json", r#"{"data_base64": "AP8="}"#)?;
    let mut shown = String::new();
    for event in ["event.json", "bytes.json"] {
        shown += &steady(stage.run(&["run", "echo.wasm", "--event", event, "--json"])?.ended(0)?.json()?);
    }
    assert_snapshot("outcome_as_json", &shown);
    Ok(())
}

fn failures_as_json() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "misbehave")?;
    let mut shown = String::new();
    for (data, status) in [("reject", 1), ("retry", 1), ("throw", 1), ("trap", 4), ("exit", 4), ("recurse", 4)] {
        let ran = stage.run(&["run", "misbehave.wasm", "--data", data, "--json"])?.ended(status)?;
        shown += &steady(ran.json()?);
    }
    assert_snapshot("failures_as_json", &shown);
    Ok(())
}

fn exit_statuses() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "misbehave")?;
    stage.write("text.wasm", "no component")?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["run", "misbehave.wasm", "--data", "sleep 1"])?;
    transcript.run(&["run", "misbehave.wasm", "--data", "reject"])?;
    transcript.run(&["run", "misbehave.wasm", "--data", "retry"])?;
    transcript.run(&["run", "misbehave.wasm", "--memory", "much"])?;
    transcript.run(&["run", "text.wasm"])?;
    transcript.run(&["run", "misbehave.wasm", "--data", "exit"])?;
    transcript.run(&["run", "misbehave.wasm", "--data", "recurse"])?;
    transcript.run(&["run", "misbehave.wasm", "--data", "spin", "--fuel", "1_000_000"])?;
    transcript.run(&["run", "misbehave.wasm", "--data", "spin", "--fuel", "none", "--timeout", "50ms"])?;
    transcript.run(&["run", "misbehave.wasm", "--data", "sleep", "--timeout", "50ms"])?;
    transcript.run(&["run", "misbehave.wasm", "--data", "grow", "--memory", "16MiB", "--timeout", "60s"])?;
    transcript.matches("exit_statuses")
}

fn count(stage: &Stage, more: &[&str]) -> Result<serde_json::Value, libtest_mimic::Failed> {
    let arguments = ["run", "counter.wasm", "--timeout", "60s"];
    stage.run(&[&arguments[..], &COUNTER_GRANTS, more].concat())?.ended(0)?.json()
}

fn counter_persists(language: &str) -> Verdict {
    let stage = Stage::new()?;
    stage.guest(language, "counter")?;
    for expected in 1..=3 {
        assert_eq!(count(&stage, &["--data-dir", "data"])?, json!({"count": expected}));
    }
    assert_eq!(count(&stage, &["--data-dir", "elsewhere"])?, json!({"count": 1}));
    Ok(())
}

fn ephemeral_leaves_nothing() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "counter")?;
    for _ in 0..2 {
        assert_eq!(count(&stage, &["--ephemeral"])?, json!({"count": 1}));
    }
    assert_eq!(names(&stage)?, ["counter.wasm"]);
    Ok(())
}

fn default_data_folder() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "counter")?;
    assert_eq!(count(&stage, &[])?, json!({"count": 1}));
    assert_eq!(names(&stage)?, [".wasm-faas", "counter.wasm"]);
    assert_eq!(count(&stage, &["--data-dir", ".wasm-faas"])?, json!({"count": 2}));
    Ok(())
}

fn no_grants_no_data_folder() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "hello")?;
    stage.run(&["run", "hello.wasm", "--data-dir", "data"])?.ended(0)?;
    assert_eq!(names(&stage)?, ["hello.wasm"]);
    // A function that cannot run makes none either.
    stage.write("text.wasm", "no component")?;
    stage.run(&["run", "text.wasm", "--grant", "kv:visits:rw"])?.ended(3)?;
    assert_eq!(names(&stage)?, ["hello.wasm", "text.wasm"]);
    Ok(())
}

fn names(stage: &Stage) -> Result<Vec<String>, libtest_mimic::Failed> {
    let entries = fs::read_dir(stage.path(""))?.collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<String> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

fn denial_names_the_grant() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "counter")?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["run", "counter.wasm", "--ephemeral"])?;
    transcript.run(&["run", "counter.wasm", "--ephemeral", "--grant", "kv:visits:ro"])?;
    transcript.run(&["run", "counter.wasm", "--ephemeral", "--grant", "kv:visits:rw"])?;
    transcript.matches("denials")
}

fn event_from_standard_input() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "echo")?;
    let event = stage.write("event.json", r#"{"specversion": "1.0", "data": "from a pipe"}"#)?;
    let mut command = stage.command(&["run", "echo.wasm", "--event", "-"]);
    command.stdin(fs::File::open(event)?);
    assert_eq!(stage.end(command)?.ended(0)?.text(), "from a pipe");
    Ok(())
}

fn settings_and_secrets() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "probe")?;
    stage.write("token", "from a file\n")?;
    let steps = json!([
        {"op": "config.get", "key": "greeting"},
        {"op": "config.get", "key": "missing"},
        {"op": "config.secret", "name": "file"},
        {"op": "config.secret", "name": "variable"},
        {"op": "config.secret", "name": "unset"},
        {"op": "config.secret", "name": "ungranted"},
        {"op": "lang.environment"},
    ])
    .to_string();
    let mut command = stage.command(&[
        "run",
        "probe.wasm",
        "--data",
        &steps,
        "--config",
        "greeting=a=b",
        "--secret",
        "file=file:token",
        "--secret",
        "variable=env:SCENARIO_TOKEN",
        "--secret",
        "unset=env:SCENARIO_UNSET",
    ]);
    command.env("SCENARIO_TOKEN", "from the environment");
    let ran = stage.end(command)?.ended(0)?;
    assert_snapshot("settings_and_secrets", &format!("{:#}", ran.json()?));
    assert!(!ran.stderr.contains("from a"), "{}", ran.stderr);
    Ok(())
}

/// Names, keys and values over their limits come back to the guest; nothing traps.
fn guest_errors_are_values() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "probe")?;
    let (key, name) = ("k".repeat(513), "n".repeat(65));
    let value = "A".repeat(4 << 10);
    let steps = json!([
        {"op": "kv.get", "bucket": name, "key": "k"},
        {"op": "kv.get", "bucket": "../etc", "key": "k"},
        {"op": "kv.get", "bucket": "", "key": "k"},
        {"op": "kv.get", "bucket": "größe", "key": "k"},
        {"op": "kv.get", "bucket": "nul\0", "key": "k"},
        {"op": "kv.get", "bucket": "visits", "key": ""},
        {"op": "kv.get", "bucket": "visits", "key": "nul\0"},
        {"op": "kv.set", "bucket": "visits", "key": key, "value": value},
        {"op": "kv.set", "bucket": "visits", "key": "k", "value": value, "ttl_ms": 0},
        {"op": "kv.list", "bucket": "visits", "prefix": "", "limit": 1_001},
        {"op": "queue.send", "queue": "jobs", "message": {"body": value, "group": "g".repeat(129)}},
        {"op": "queue.receive", "queue": "jobs", "max": 0, "wait_ms": 0},
        {"op": "queue.release", "queue": "jobs", "receipt": "forged", "delay_ms": 0},
        {"op": "blob.put", "container": "inbox", "key": "b".repeat(1_025), "data": value},
        {"op": "blob.get", "container": "inbox", "key": "../../etc/passwd"},
        {"op": "lang.read_file", "path": "/etc/passwd"},
        {"op": "no.such.operation"},
        {"op": "kv.set", "bucket": "visits", "key": "after all that", "value": value},
    ]);
    let grants = ["--grant", "kv:visits:rw", "--grant", "queue:jobs:send+receive", "--grant", "blob:inbox:rw"];
    let ran = probe(&stage, &steps, &grants)?.ended(0)?;
    assert_snapshot("guest_errors", &format!("{:#}", ran.json()?));
    Ok(())
}

/// An ordinary program: data is its standard input, its output is its log, its exit code the ending.
fn command() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "command")?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["run", "command.wasm", "--data", "make me loud"])?;
    transcript.run(&["run", "command.wasm"])?;
    transcript.run(&["run", "command.wasm", "--data", "fail"])?;
    transcript.matches("command")
}

/// More than a pipe holds, for a reader that is gone.
fn broken_pipe_is_quiet() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "echo")?;
    stage.write("event.json", json!({"data": "x".repeat(1 << 20)}).to_string())?;
    let mut child = stage.command(&["run", "echo.wasm", "--event", "event.json"]).spawn()?;
    drop(child.stdout.take());
    let ran = Ran::new(child.wait_with_output()?, &stage).ended(0)?;
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    ran.told("REPORT echo ")?;
    Ok(())
}
