//! Data folders that cannot be used: what people are told, and that nothing in them is touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use libtest_mimic::{Failed, Trial};
use rusqlite::Connection;
use serde_json::json;

use super::stage::{Stage, Transcript, assert_snapshot, until};
use super::{Scenario, Verdict, support};

/// Runs `counter` on the data folder `data`.
const RUN: [&str; 9] = [
    "run",
    "counter.wasm",
    "--timeout",
    "60s",
    "--grant",
    "kv:visits:rw",
    "--grant",
    "queue:counts:send",
    "--data-dir=data",
];
/// Whoever owns nothing.
const NOBODY: u32 = 65_534;

pub fn trials() -> Vec<Trial> {
    let rust = support::missing("rust");
    let cases: [Scenario; 6] = [
        ("in_use", in_use),
        ("newer", newer),
        ("foreign_database", foreign_database),
        ("damaged_database", damaged_database),
        ("a_file_instead", a_file_instead),
        ("read_only", read_only),
    ];
    let mut trials: Vec<Trial> =
        cases.map(|(name, run)| support::trial(format!("data_folder/{name}"), rust, run)).into();
    let rust = rust.or(*NO_DISKS);
    trials.push(support::trial("data_folder/full_at_the_start", rust, full_at_the_start));
    trials.push(support::trial("data_folder/full_in_the_middle", rust, full_in_the_middle));
    trials
}

fn stage() -> Result<Stage, Failed> {
    let stage = Stage::new()?;
    stage.guest("rust", "counter")?;
    Ok(stage)
}

/// Runs it and holds what it tells in a snapshot.
fn refused(stage: &Stage, snapshot: &str) -> Verdict {
    let mut transcript = Transcript::new(stage);
    transcript.run(&RUN)?;
    transcript.matches(snapshot)
}

fn in_use() -> Verdict {
    let stage = stage()?;
    stage.guest("rust", "misbehave")?;
    let grant = ["--grant", "kv:visits:rw", "--data-dir", "data"];
    let mut first = stage
        .command(&[&["run", "misbehave.wasm", "--data", "sleep", "--timeout", "1h"], &grant[..]].concat())
        .spawn()?;
    let id = format!("{}\n", first.id());
    let held = until("the first process", || (fs::read_to_string(stage.path("data/lock")).ok()? == id).then_some(()));
    let told = held.and_then(|()| {
        stage.run(&RUN)?.ended(2)?.told(&format!("in use by process {}", id.trim()))?;
        refused(&stage, "data_folder_in_use")
    });
    first.kill()?;
    first.wait()?;
    told?;
    // What a killed process held is free.
    assert_eq!(stage.run(&RUN)?.ended(0)?.json()?, json!({"count": 1}));
    Ok(())
}

fn newer() -> Verdict {
    let stage = stage()?;
    stage.run(&RUN)?.ended(0)?;
    let db = || Connection::open(stage.path("data/store.db"));
    let version: i64 = db()?.pragma_query_value(None, "user_version", |row| row.get(0))?;
    db()?.pragma_update(None, "user_version", 99)?;
    refused(&stage, "data_folder_newer")?;
    db()?.pragma_update(None, "user_version", version)?;
    assert_eq!(stage.run(&RUN)?.ended(0)?.json()?, json!({"count": 2}));
    Ok(())
}

fn foreign_database() -> Verdict {
    let stage = stage()?;
    fs::create_dir(stage.path("data"))?;
    let file = stage.path("data/store.db");
    Connection::open(&file)?.execute_batch("CREATE TABLE recipe(name TEXT); INSERT INTO recipe VALUES ('soup')")?;
    let before = fs::read(&file)?;
    refused(&stage, "data_folder_foreign")?;
    assert!(fs::read(&file)? == before, "somebody else's database was changed");
    Ok(())
}

fn damaged_database() -> Verdict {
    let stage = stage()?;
    stage.write("data/store.db", "this is no database, it only has the name of one\n".repeat(100))?;
    refused(&stage, "data_folder_damaged")
}

fn a_file_instead() -> Verdict {
    let stage = stage()?;
    stage.write("data", "a file")?;
    refused(&stage, "data_folder_is_a_file")?;
    assert_eq!(fs::read_to_string(stage.path("data"))?, "a file");
    Ok(())
}

/// Root may write everywhere, so that as root the binary runs as somebody else.
fn read_only() -> Verdict {
    let stage = stage()?;
    let program = stage.path("wasm-faas");
    fs::copy(env!("CARGO_BIN_EXE_wasm-faas"), &program)?;
    fs::create_dir(stage.path("cache"))?;
    let run = || {
        let mut command = stage.command_of(&program, &RUN);
        command.env("WASM_FAAS_CACHE", stage.path("cache"));
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        stage.end(command)
    };
    if rustix::process::geteuid().is_root() {
        for path in ["", "cache"] {
            chown(stage.path(path), Some(NOBODY), Some(NOBODY))?;
        }
    }
    run()?.ended(0)?;
    let mut transcript = Transcript::new(&stage);
    for (path, mode) in [("data/store.db", 0o444), ("data/lock", 0o444), ("data", 0o555)] {
        let before = fs::metadata(stage.path(path))?.permissions();
        fs::set_permissions(stage.path(path), fs::Permissions::from_mode(mode))?;
        transcript.note(&format!("{path} is read-only"));
        transcript.add(&RUN, &run()?);
        fs::set_permissions(stage.path(path), before)?;
    }
    fs::rename(stage.path("data"), stage.path("old"))?;
    fs::set_permissions(stage.path(""), fs::Permissions::from_mode(0o555))?;
    transcript.note("the folder above is read-only");
    transcript.add(&RUN, &run()?);
    fs::set_permissions(stage.path(""), fs::Permissions::from_mode(0o755))?;
    assert_eq!(run()?.ended(0)?.json()?, json!({"count": 1}));
    transcript.matches("data_folder_read_only")
}

/// Why no small disk can be made here.
pub static NO_DISKS: LazyLock<Option<&str>> = LazyLock::new(|| {
    let works = support::runs("unshare", &["--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs none /tmp"]);
    (!works).then_some("no file system can be mounted in a namespace here")
});

/// The binary with `data` on a disk of its own that nobody else sees, prepared by `prepare`.
pub fn on_a_disk(stage: &Stage, size: &str, prepare: &str, arguments: &[&str]) -> Command {
    let script = format!("mount -t tmpfs -o size={size} none data && {prepare} && exec \"$@\"");
    let binary = env!("CARGO_BIN_EXE_wasm-faas");
    let namespace = ["--map-root-user", "--mount", "sh", "-c", &script, "sh", binary];
    stage.command_of(Path::new("unshare"), &[&namespace, arguments].concat())
}

fn full_at_the_start() -> Verdict {
    let stage = stage()?;
    fs::create_dir(stage.path("data"))?;
    let mut transcript = Transcript::new(&stage);
    for space in ["0", "8k", "64k"] {
        let keep_free =
            format!("head -c {space} /dev/zero > data/free; cat /dev/zero > data/fill 2> /dev/null; rm data/free");
        let command = on_a_disk(&stage, "1m", &keep_free, &RUN);
        transcript.note(&format!("{space} bytes are free"));
        transcript.add(&RUN, &stage.end(command)?);
    }
    transcript.matches("data_folder_full")
}

/// The guest gets an error it can handle; what was written before stays readable.
fn full_in_the_middle() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "probe")?;
    fs::create_dir(stage.path("data"))?;
    let value = "A".repeat(300 << 10);
    let set = |key: u32| json!({"op": "kv.set", "bucket": "visits", "key": key.to_string(), "value": value});
    let mut steps: Vec<_> = (0..16).map(set).collect();
    steps.push(json!({"op": "blob.put", "container": "inbox", "key": "large", "data": value}));
    steps.push(json!({"op": "kv.exists", "bucket": "visits", "key": "0"}));
    steps.push(json!({"op": "kv.exists", "bucket": "visits", "key": "15"}));
    stage.write("event.json", json!({"data": steps}).to_string())?;
    let arguments = [
        "run",
        "probe.wasm",
        "--event",
        "event.json",
        "--grant",
        "kv:visits:rw",
        "--grant",
        "blob:inbox:rw",
        "--data-dir",
        "data",
        "--timeout",
        "60s",
    ];
    let ran = stage.end(on_a_disk(&stage, "2m", "true", &arguments))?.ended(0)?;
    let answers = ran.json()?;
    let answer = |index: usize| &answers[index];
    assert!(answer(0)["ok"].is_u64(), "{answers}");
    assert_snapshot("full_in_the_middle", &[15, 16, 17, 18].map(|index| answer(index).to_string()).join("\n"));
    Ok(())
}
