//! A store whose disk is full, or whose files may not grow any more: what its callers are told, that nothing that was
//! acknowledged is lost, and that it goes on once there is room.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Trial;
use rustix::process::{Resource, Rlimit, setrlimit};
use wasm_faas::services::queue::Message;
use wasm_faas::services::{Backends, Clock, Error, blob, sqlite};

use super::data_folder::NO_DISKS;
use super::support;
use super::writer::{self, Done, tell};

/// What a process of the role [`fill`] plays in its folder.
pub const ROLE: &str = "full_disk";
/// The file in the folder that can be removed to have room.
const BALLAST: &str = "ballast";
const BODY: usize = 8 << 10;
/// More than fits in any case.
const BLOB: usize = 5 << 20;

pub fn trials() -> Vec<Trial> {
    vec![
        support::trial("full_disk/a_store_goes_on_when_there_is_room_again", *NO_DISKS, || {
            let prepare = "mount -t tmpfs -o size=4m none \"$1\" && head -c 2m /dev/zero > \"$1\"/ballast";
            let namespace = ["--map-root-user", "--mount", "sh", "-c"];
            let told = run(Command::new("unshare").args(namespace), prepare)?;
            insta::assert_snapshot!(told, @"
            send: unavailable: the store's disk is full
            blob: unavailable: the store's disk is full
            ok
            ");
            Ok(())
        }),
        support::trial("full_disk/a_store_goes_on_when_its_files_may_grow_again", None, || {
            // Of 512 bytes each. The signal would kill the process.
            let told = run(Command::new("sh").arg("-c"), "trap '' XFSZ && ulimit -S -f 2048")?;
            insta::assert_snapshot!(told, @"
            send: unavailable: the store could not write: disk I/O error
            blob: unavailable: the store's blob files: File too large (os error 27)
            ok
            ");
            Ok(())
        }),
    ]
}

/// Lets a process play the role after the shell has done what `prepare` says, and returns what it tells.
fn run(shell: &mut Command, prepare: &str) -> Result<String, libtest_mimic::Failed> {
    let folder = tempfile::tempdir()?;
    let script = format!("{prepare} && cd \"$1\" && exec \"$2\"");
    shell.args([&script, "sh"]).arg(folder.path()).arg(std::env::current_exe()?);
    shell.env(writer::ROLE, ROLE).env(writer::FOLDER, ".").stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = shell.output()?;
    let told = String::from_utf8(output.stdout)?;
    if output.status.success() { Ok(told) } else { Err(format!("it ended with {}: {told}", output.status).into()) }
}

/// Sends until there is no room, looks at what is there, makes room, sends on, and counts what it has after all.
pub async fn fill(folder: &Path) -> Done {
    let store = sqlite::open(folder, &writer::resources(), Clock::System)?;
    let backends = store.backends();
    backends.kv.set(writer::BUCKET, writer::set("earlier", 1)).await?;
    let mut accepted = BTreeSet::new();
    let error = loop {
        if let Err(error) = send(&backends, &mut accepted).await {
            break error;
        }
    };
    tell(&format!("send: {error}"));
    for _ in 0..50 {
        if let Err(again) = send(&backends, &mut accepted).await {
            assert_eq!(again, error);
        }
    }
    let put = backends.blob.put(writer::CONTAINER, "large", vec![1; BLOB], blob::PutOptions::default()).await;
    tell(&format!("blob: {}", put.err().ok_or("a blob was stored where there is no room")?));
    look(&backends, accepted.len()).await?;
    make_room(folder)?;
    for _ in 0..20 {
        send(&backends, &mut accepted).await?;
    }
    drop((backends, store));
    let store = sqlite::open(folder, &writer::resources(), Clock::System)?;
    assert!(received(&store.backends()).await? == accepted, "other messages are there than were acknowledged");
    tell("ok");
    Ok(())
}

/// A message that tells how many were accepted before it.
async fn send(backends: &Backends, accepted: &mut BTreeSet<String>) -> Result<(), Error> {
    let body = format!("{:0BODY$}", accepted.len());
    let message = Message { body: body.clone().into(), ..Message::default() };
    for answer in backends.queue.send(writer::QUEUE, vec![message]).await? {
        answer?;
    }
    accepted.insert(body);
    Ok(())
}

async fn look(backends: &Backends, sent: usize) -> Done {
    let entry = backends.kv.get(writer::BUCKET, "earlier").await?.ok_or("what was set before is gone")?;
    assert_eq!(entry.value, b"1");
    assert_eq!(backends.queue.stats(writer::QUEUE).await?.ready, sent as u64);
    Ok(())
}

fn make_room(folder: &Path) -> Done {
    if folder.join(BALLAST).exists() {
        std::fs::remove_file(folder.join(BALLAST))?;
    }
    setrlimit(Resource::Fsize, Rlimit { current: None, maximum: None })?;
    Ok(())
}

async fn received(backends: &Backends) -> Result<BTreeSet<String>, Box<dyn std::error::Error + Send + Sync>> {
    let mut bodies = BTreeSet::new();
    loop {
        let messages = backends.queue.receive(writer::QUEUE, 100, Duration::ZERO, writer::LONG).await?;
        if messages.is_empty() {
            return Ok(bodies);
        }
        for message in messages {
            assert!(bodies.insert(String::from_utf8(message.body)?), "a message is there twice");
        }
    }
}
