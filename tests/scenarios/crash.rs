//! `kill -9` at any moment: what was acknowledged is there, what was removed stays away.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use wasm_faas::services::{Backends, Clock, sqlite};

use super::stage::PATIENCE;
use super::{Verdict, support, writer};

pub fn trials() -> Vec<Trial> {
    vec![support::trial("crash/nothing_acknowledged_is_lost", None, nothing_acknowledged_is_lost)]
}

/// The longest that a writer lives after its first word. One in five is killed earlier: while it starts or opens the store.
const LIFE_MS: u64 = 400;

/// A number from the environment.
pub fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// `CRASH_ROUNDS` and `CRASH_SEED` override the number of kills and what is random about them.
fn nothing_acknowledged_is_lost() -> Verdict {
    let rounds = setting("CRASH_ROUNDS").unwrap_or(50);
    let seed = setting("CRASH_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir()?;
    let mut model = Model::default();
    let mut effects = 0;
    for round in 0..rounds {
        let life = Duration::from_millis(random.u64(..LIFE_MS));
        let early = random.u8(..5) == 0;
        let survived = work_and_die(folder.path(), random.u64(..), life, early).and_then(|lines| {
            effects += model.follow(&lines)?;
            model.check(folder.path())
        });
        survived.map_err(|error| {
            let message = error.message().unwrap_or_default().to_owned();
            format!("round {round}, killed after {life:?}, early: {early}; try again with CRASH_SEED={seed}: {message}")
        })?;
    }
    // A writer that does nothing proves nothing.
    if effects < rounds {
        return Err(format!("only {effects} effects were acknowledged in {rounds} rounds").into());
    }
    Ok(())
}

/// Lets a process write, kills it after `life` from its first word or, `early`, from its start, and returns what it told.
fn work_and_die(folder: &Path, seed: u64, life: Duration, early: bool) -> Result<Vec<String>, Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(writer::ROLE, "writer").env(writer::FOLDER, folder).env(writer::SEED, (seed >> 32).to_string());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().ok_or("no pipe")?;
    let (told, first_word) = mpsc::sync_channel(1);
    let reader = std::thread::spawn(move || {
        // A line that ends in the middle was not told.
        let whole = |line: &Vec<u8>| line.ends_with(b"\n");
        let lines = Lines(std::io::BufReader::new(stdout)).filter(whole);
        // One is enough.
        let lines = lines.inspect(|_| told.try_send(()).unwrap_or_default());
        lines.map(|line| String::from_utf8_lossy(&line).trim_end().to_owned()).collect()
    });
    if !early {
        // Ends at once when the writer ended by itself, which is found out below.
        let _ = first_word.recv_timeout(PATIENCE);
    }
    std::thread::sleep(life);
    let ended_itself = child.try_wait()?;
    child.kill()?;
    child.wait()?;
    let lines = reader.join().map_err(|_| "reading what it told failed")?;
    match ended_itself {
        None => Ok(lines),
        Some(status) => Err(format!("the writer ended by itself: {status}").into()),
    }
}

/// Lines with their line feeds.
struct Lines<R>(R);

impl<R: std::io::BufRead> Iterator for Lines<R> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        let read = self.0.read_until(b'\n', &mut line).unwrap_or(0);
        (read > 0).then_some(line)
    }
}

/// What a place holds: a number, or nothing.
type Value = Option<u64>;

/// What must be in one place, and what may be there instead because nobody answered.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    now: Value,
    pending: Option<Value>,
}

impl Place {
    fn may_hold(&self, found: Value) -> bool {
        found == self.now || self.pending == Some(found)
    }
}

/// Every place that was ever written, by kind (`key`, `pair`, `blob`, `message`) and name. A message holds 1 while it lives;
/// once it is gone it never comes back, as its name is never used again.
#[derive(Default)]
struct Model(HashMap<(&'static str, String), Place>);

impl Model {
    /// Takes in what a writer told; how many effects it had acknowledged.
    fn follow(&mut self, lines: &[String]) -> Result<u64, Failed> {
        let mut effects = 0;
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let [step, verb, name, value] = words[..] else { return Err(format!("what is {line:?}?").into()) };
            let kind = match verb {
                "key" => "key",
                "pair" => "pair",
                "blob" => "blob",
                _ => "message",
            };
            let value: Value = value.parse().ok();
            let place = self.0.entry((kind, name.to_owned())).or_default();
            if step == "try" {
                // A message can be received before its sender has told that it was sent.
                place.now = place.pending.take().filter(|_| verb == "acknowledge").unwrap_or(place.now);
                place.pending = Some(value);
            } else if place.pending == Some(value) {
                *place = Place { now: value, pending: None };
                effects += 1;
            }
        }
        Ok(effects)
    }

    /// Compares with what is in the store, which is the truth from now on.
    fn check(&mut self, folder: &Path) -> Verdict {
        let found = support::runtime().block_on(read_all(folder))?;
        for (key, value) in &found {
            if !self.0.contains_key(key) {
                return Err(format!("{key:?} is {value}, which nobody wrote").into());
            }
        }
        for (key, place) in &mut self.0 {
            let value = found.get(key).copied();
            if !place.may_hold(value) {
                return Err(format!("{key:?} is {value:?}, expected {place:?}").into());
            }
            *place = Place { now: value, pending: None };
        }
        Ok(())
    }
}

type Found = HashMap<(&'static str, String), u64>;

/// Everything in the store, opened as a process does that starts after a crash.
async fn read_all(folder: &Path) -> Result<Found, Failed> {
    let store = sqlite::open(folder, &writer::resources(), Clock::System)?;
    let backends = store.backends();
    let mut found = Found::new();
    read_keys(&backends, &mut found).await?;
    read_messages(&backends, &mut found).await?;
    let large = read_blobs(&backends, &mut found).await?;
    let files = files_in(&folder.join("blobs"))?;
    if files != large {
        return Err(format!("{large} blobs have a file of their own, and there are {files} files").into());
    }
    Ok(found)
}

async fn read_keys(backends: &Backends, found: &mut Found) -> Verdict {
    let page = backends.kv.list_keys(writer::BUCKET, "", None, 1_000).await?;
    let mut pair = [None; 2];
    for key in page.keys {
        let entry = backends.kv.get(writer::BUCKET, &key).await?.ok_or("a listed key is gone")?;
        let value: u64 = String::from_utf8(entry.value)?.parse()?;
        match writer::PAIR.iter().position(|one| *one == key) {
            Some(side) => pair[side] = Some(value),
            None => drop(found.insert(("key", key), value)),
        }
    }
    match pair {
        [left, right] if left != right => Err(format!("half a transaction: {left:?} and {right:?}").into()),
        [Some(both), _] => {
            found.insert(("pair", "both".into()), both);
            Ok(())
        }
        [None, _] => Ok(()),
    }
}

/// All of them come at once, also those that the killed process had leased for hours.
async fn read_messages(backends: &Backends, found: &mut Found) -> Verdict {
    loop {
        let lease = Duration::from_secs(3600);
        let received = backends.queue.receive(writer::QUEUE, 100, Duration::ZERO, lease).await?;
        if received.is_empty() {
            break;
        }
        for message in received {
            let body = String::from_utf8(message.body)?;
            if found.insert(("message", body.clone()), 1).is_some() {
                return Err(format!("message `{body}` is there twice").into());
            }
        }
    }
    let stats = backends.queue.stats(writer::QUEUE).await?;
    if (stats.ready, stats.delayed) != (0, 0) {
        return Err(format!("messages were kept back: {stats:?}").into());
    }
    Ok(())
}

/// How many of them have a file of their own.
async fn read_blobs(backends: &Backends, found: &mut Found) -> Result<usize, Failed> {
    let listing = backends.blob.list(writer::CONTAINER, "", None, None, 1_000).await?;
    let mut large = 0;
    for info in listing.objects {
        let reader = backends.blob.reader(writer::CONTAINER, &info.key, None).await?;
        let mut reader = reader.ok_or("a listed blob is gone")?;
        let mut data = Vec::new();
        loop {
            let chunk = reader.read(1 << 20).await?;
            if chunk.is_empty() {
                break;
            }
            data.extend_from_slice(&chunk);
        }
        let number = number_of(&data).ok_or_else(|| format!("blob `{}` is not as it was written", info.key))?;
        large += usize::from(data.len() > 32 << 10);
        found.insert(("blob", info.key), number);
    }
    Ok(large)
}

/// The number whose blob this is: its digits are repeated to the end.
fn number_of(data: &[u8]) -> Option<u64> {
    let fits = |digits: usize| {
        let number: u64 = std::str::from_utf8(data.get(..digits)?).ok()?.parse().ok()?;
        (writer::blob(number) == data).then_some(number)
    };
    (1..=20).find_map(fits)
}

fn files_in(folder: &Path) -> Result<usize, Failed> {
    let mut files = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        files += if entry.file_type()?.is_dir() { files_in(&entry.path())? } else { 1 };
    }
    Ok(files)
}
