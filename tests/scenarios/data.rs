//! `wasm-faas data` and `invoke`: the same answers through a running host and without one.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::served::Server;
use super::stage::{Stage, Transcript, until};
use super::{Scenario, Verdict, support};

const MANIFEST: &str = r#"
version = 1
[functions.hello]
component = "hello.wasm"
async = {}
[functions.misbehave]
component = "misbehave.wasm"
[buckets.visits]
[buckets.scratch]
backend = "memory"
[queues.orders]
dead-letter = "dead-orders"
[queues.dead-orders]
[queues.turns]
fifo = true
[topics.placed]
subscriptions = [{ queue = "orders" }]
retention = "1h"
[topics.forgotten]
[containers.inbox]
"#;

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 12] = [
        ("by_itself", by_itself),
        ("through_a_host", through_a_host),
        ("blobs_by_itself", blobs_by_itself),
        ("blobs_through_a_host", blobs_through_a_host),
        ("a_broken_upload_leaves_nothing", a_broken_upload_leaves_nothing),
        ("what_needs_a_host", what_needs_a_host),
        ("without_a_manifest", without_a_manifest),
        ("wrong_arguments", wrong_arguments),
        ("in_use", in_use),
        ("the_socket_is_its_users_and_goes_with_the_host", the_socket_is_its_users_and_goes_with_the_host),
        ("a_long_path", a_long_path),
        ("invoke", invoke),
    ];
    cases.map(|(name, run)| support::trial(format!("data/{name}"), support::missing("rust"), run)).into()
}

pub fn stage() -> Result<Stage, Failed> {
    let stage = Stage::new()?;
    stage.guest("rust", "hello")?;
    stage.guest("rust", "misbehave")?;
    stage.write("wasm-faas.toml", MANIFEST)?;
    Ok(stage)
}

/// Compares with a snapshot, without what differs from run to run.
pub fn matches(transcript: Transcript<'_>, name: &str) -> Verdict {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"REPORT (\S+) [0-9A-Z]{26}: ([a-z-]+), .*", "REPORT $1 [id]: $2, [usage]");
    settings.add_filter(r"\b[0-9A-HJKMNP-TV-Z]{26}\b", "[id]");
    settings.add_filter(r"receipt\x22:\x22[0-9a-f.]+", r#"receipt":"[receipt]"#);
    settings.add_filter(r"oldestAgeMs\x22:\d+", r#"oldestAgeMs":[span]"#);
    // A column is as wide as what stands in it.
    settings.add_filter(r"AGE  +", "AGE  ");
    settings.add_filter(r"(?m)  +\d+m?s( \d+ms)?$", "  [span]");
    settings.add_filter(r"\b[0-9a-f]{32}\b", "[etag]");
    settings.add_filter(r"\b[0-9a-f]{12}\b", "[version]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[time]");
    settings.add_filter(r"AtMs(Ms)?\x22:\d+", r#"AtMs":[time]"#);
    settings.add_filter(r"modifiedMs\x22:\d+", r#"modifiedMs":[time]"#);
    settings.add_filter(r"\b\d+m?s ago", "[span] ago");
    settings.add_filter(r"(delayed|leased) \d+\w+( \d+\w+)?", "$1 [span]");
    settings.add_filter(r"  +\d+(ms|s) +", "  [span]  ");
    settings.bind(|| transcript.matches(name))
}

/// Messages are sent as far apart as their order needs.
const COMMANDS: [&[&str]; 33] = [
    &["kv", "set", "visits", "home", "7"],
    &["kv", "set", "visits", "away", "--file", "bytes", "--ttl", "1h", "--json"],
    &["kv", "set", "visits", "home", "8", "--if-absent"],
    &["kv", "set", "visits", "home", "8", "--if-version", "1"],
    &["kv", "get", "visits", "home"],
    &["kv", "get", "visits", "home", "--json"],
    &["kv", "get", "visits", "away", "--json"],
    &["kv", "get", "visits", "nowhere"],
    &["kv", "list", "visits"],
    &["kv", "list", "visits", "--prefix", "h", "--json"],
    &["kv", "delete", "visits", "home", "--if-version", "1"],
    &["kv", "delete", "visits", "home"],
    &["kv", "delete", "visits", "home"],
    &["queue", "send", "orders", "first", "--content-type", "text/plain", "--attribute", "kind=order"],
    &["queue", "send", "orders", "later", "--delay", "1h", "--json"],
    &["queue", "send", "turns", "one", "--group", "g", "--deduplication-id", "x"],
    &["queue", "send", "turns", "two", "--group", "g"],
    &["queue", "peek", "orders"],
    &["queue", "peek", "turns", "--limit", "1"],
    &["queue", "peek", "orders", "--json", "--limit", "1"],
    &["queue", "peek", "orders", "01KAHW4PVM0000000000000000"],
    &["queue", "receive", "orders", "--max", "5"],
    &["queue", "receive", "orders"],
    &["queue", "receive", "turns", "--json", "--max", "2"],
    &["topic", "publish", "placed", "{\"total\": 7}"],
    &["topic", "replay", "placed", "orders", "--since", "5m"],
    &["topic", "replay", "placed", "turns", "--since", "5m"],
    &["topic", "replay", "forgotten", "orders", "--since", "2026-01-31T12:00:00Z"],
    &["queue", "stats"],
    &["queue", "stats", "turns", "--json"],
    &["queue", "purge", "orders"],
    &["queue", "purge", "turns", "--json"],
    &["queue", "peek", "orders"],
];

fn commands(stage: &Stage, snapshot: &str) -> Verdict {
    stage.write("bytes", b"\xff\x00")?;
    let mut transcript = Transcript::new(stage);
    for command in COMMANDS {
        transcript.run(&[&["data"], command].concat())?;
    }
    matches(transcript, snapshot)
}

fn by_itself() -> Verdict {
    commands(&stage()?, "data_commands")
}

fn through_a_host() -> Verdict {
    let stage = stage()?;
    let server = Server::start(&stage, &[])?;
    commands(&stage, "data_commands")?;
    assert_eq!(server.log(), "");
    Ok(())
}

fn blobs_by_itself() -> Verdict {
    blobs(&stage()?)
}

fn blobs_through_a_host() -> Verdict {
    let stage = stage()?;
    let _server = Server::start(&stage, &[])?;
    blobs(&stage)
}

/// No piece is like another.
fn large() -> Vec<u8> {
    (0..5_000_000_u32).flat_map(u32::to_le_bytes).collect()
}

fn blobs(stage: &Stage) -> Verdict {
    let content = large();
    stage.write("large.bin", &content)?;
    let put = stage.run(&["data", "blob", "put", "inbox", "in/large", "large.bin", "--metadata", "a=b", "--json"])?;
    let put = put.ended(0)?.json()?;
    assert_eq!((put["size"].as_u64(), &put["metadata"]), (Some(20_000_000), &json!([{"name": "a", "value": "b"}])));
    let quiet = stage.run(&["data", "blob", "get", "inbox", "in/large", "copy.bin"])?.ended(0)?;
    assert_eq!((quiet.text(), quiet.stderr), (String::new(), String::new()));
    assert!(fs::read(stage.path("copy.bin"))? == content, "the copy differs");
    assert!(
        stage.run(&["data", "blob", "get", "inbox", "in/large"])?.ended(0)?.stdout == content,
        "the output differs"
    );
    let mut piped = stage.command(&["data", "blob", "put", "inbox", "in/piped", "-"]);
    piped.stdin(fs::File::open(stage.path("large.bin"))?);
    stage.end(piped)?.ended(0)?.told("stored 20000000 bytes")?;
    let mut transcript = Transcript::new(stage);
    stage.write("small", "small")?;
    for command in [
        &["put", "inbox", "small", "small", "--content-type", "text/plain"][..],
        &["put", "inbox", "small", "small", "--if-absent"],
        &["put", "inbox", "new", "nothing"],
        &["get", "inbox", "small"],
        &["get", "inbox", "new"],
        &["get", "inbox", "new", "new"],
        &["list", "inbox"],
        &["list", "inbox", "--delimiter", "/", "--json"],
        &["delete", "inbox", "small"],
        &["delete", "inbox", "small"],
    ] {
        transcript.run(&[&["data", "blob"], command].concat())?;
    }
    assert!(!stage.path("new").exists());
    matches(transcript, "data_blobs")
}

fn a_broken_upload_leaves_nothing() -> Verdict {
    let stage = stage()?;
    let _server = Server::start(&stage, &[])?;
    let mut upload = stage.command(&["data", "blob", "put", "inbox", "half", "-"]).stdin(Stdio::piped()).spawn()?;
    let mut input = upload.stdin.take().ok_or("no standard input")?;
    input.write_all(&large())?;
    upload.kill()?;
    upload.wait()?;
    drop(input);
    assert_eq!(stage.run(&["data", "blob", "list", "inbox"])?.ended(0)?.text(), "");
    until("the draft to go", || (!holds_files(&stage.path(".wasm-faas/blobs"))).then_some(()))
}

/// Whether a folder, or one inside of it, has a file.
fn holds_files(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.path().is_file() || holds_files(&entry.path()))
}

fn what_needs_a_host() -> Verdict {
    let stage = stage()?;
    let mut transcript = Transcript::new(&stage);
    let set = ["data", "kv", "set", "scratch", "a", "b"];
    transcript.run(&set)?;
    transcript.run(&["invoke", "hello"])?;
    transcript.run(&["data", "list"])?;
    let _server = Server::start(&stage, &[])?;
    transcript.note("a host runs");
    transcript.run(&set)?;
    transcript.run(&["data", "kv", "get", "scratch", "a"])?;
    transcript.run(&["data", "list"])?;
    matches(transcript, "data_needs_a_host")
}

fn without_a_manifest() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "counter")?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["data", "kv", "list", "visits"])?;
    let grants = ["--grant", "kv:visits:rw", "--grant", "queue:counts:send"];
    stage.run(&[&["run", "counter.wasm"], &grants[..]].concat())?.ended(0)?;
    for command in [
        &["kv", "get", "visits", "count"][..],
        &["kv", "get", "visit", "count"],
        &["queue", "peek", "counts"],
        &["kv", "list", "visits", "--data-dir", "elsewhere"],
    ] {
        transcript.run(&[&["data"], command].concat())?;
    }
    assert!(!stage.path("elsewhere").exists());
    let _server = Server::start(&stage, &[&["counter.wasm"], &grants[..]].concat())?;
    transcript.note("a host runs");
    transcript.run(&["data", "queue", "stats", "counts"])?;
    matches(transcript, "data_without_a_manifest")
}

fn wrong_arguments() -> Verdict {
    let stage = stage()?;
    let long = "x".repeat(600);
    let mut transcript = Transcript::new(&stage);
    for command in [
        &["kv", "get", "visit", "home"][..],
        &["blob", "list", "archive"],
        &["queue", "peek", "order"],
        &["kv", "set", "visits", "home"],
        &["kv", "set", "visits", "home", "1", "--file", "bytes"],
        &["kv", "set", "visits", "home", "1", "--ttl", "soon"],
        &["kv", "set", "visits", "home", "--file", "nothing"],
        &["kv", "get", "visits", &long],
        &["queue", "send", "orders", "x", "--attribute", "faas-dead-reason=x"],
        &["queue", "send", "orders", "x", "--attribute", "kind"],
        &["queue", "receive", "orders", "--wait", "1h"],
        &["topic", "replay", "placed", "orders", "--since", "yesterday"],
        &["blob", "put", "inbox", "../x", "bytes"],
        &["list", "--manifest", "nothing.toml"],
        &["list", "--manifest", "wasm-faas.toml", "--data-dir", "data"],
    ] {
        transcript.run(&[&["data"], command].concat())?;
    }
    matches(transcript, "data_wrong_arguments")
}

/// By a process that operators cannot reach.
fn in_use() -> Verdict {
    let stage = stage()?;
    let run = ["run", "misbehave.wasm", "--data", "sleep", "--timeout", "1h", "--grant", "kv:visits:rw"];
    let mut first = stage.command(&run).spawn()?;
    let id = format!("{}\n", first.id());
    let lock = stage.path(".wasm-faas/lock");
    let held = until("the first process", || (fs::read_to_string(&lock).ok()? == id).then_some(()));
    let told =
        held.and_then(|()| stage.run(&["data", "list"])?.ended(2)?.told(&format!("in use by process {}", id.trim())));
    first.kill()?;
    first.wait()?;
    told?;
    stage.run(&["data", "list"])?.ended(0)?;
    Ok(())
}

fn the_socket_is_its_users_and_goes_with_the_host() -> Verdict {
    let stage = stage()?;
    let socket = stage.path(".wasm-faas/control.sock");
    let killed = Server::start(&stage, &[])?;
    assert_eq!(fs::metadata(&socket)?.permissions().mode() & 0o777, 0o600);
    drop(killed);
    assert!(socket.exists(), "a killed host removes nothing");
    stage.run(&["data", "kv", "set", "visits", "a", "b"])?.ended(0)?;
    let server = Server::start(&stage, &[])?;
    assert_eq!(stage.run(&["data", "kv", "get", "visits", "a"])?.ended(0)?.text(), "b");
    let id = i32::try_from(server.id()).ok().and_then(Pid::from_raw).ok_or("no such process")?;
    kill_process(id, Signal::TERM)?;
    server.end(&stage)?.ended(0)?;
    assert!(!socket.exists());
    Ok(())
}

fn a_long_path() -> Verdict {
    let stage = stage()?;
    let folder = "deep/".repeat(30);
    stage.write(&format!("{folder}wasm-faas.toml"), MANIFEST)?;
    for guest in ["hello.wasm", "misbehave.wasm"] {
        fs::copy(stage.path(guest), stage.path(&folder).join(guest))?;
    }
    let _server = Server::start(&stage, &[&folder])?;
    stage.run(&["data", "kv", "set", "visits", "a", "b", "--manifest", &folder])?.ended(0)?;
    Ok(())
}

fn invoke() -> Verdict {
    let stage = stage()?;
    let _server = Server::start(&stage, &[])?;
    let mut transcript = Transcript::new(&stage);
    for command in [
        &["hello", "--data", "Zürich"][..],
        &["misbehave", "--data", "reject"],
        &["misbehave", "--data", "retry"],
        &["misbehave", "--data", "trap"],
        &["helo"],
        &["misbehave", "--data", "sleep 1", "--async"],
        &["hello", "--async", "--data", "later", "--deduplication-id", "x"],
    ] {
        transcript.run(&[&["invoke"], command].concat())?;
    }
    matches(transcript, "invoke")?;
    let outcome = stage.run(&["invoke", "hello", "--json"])?.ended(0)?.json()?;
    assert_eq!((&outcome["function"], &outcome["outcome"]), (&json!("hello"), &json!("ok")));
    assert!(outcome["response"]["data"].is_string(), "{outcome}");
    Ok(())
}
