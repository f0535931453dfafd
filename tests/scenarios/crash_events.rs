//! `kill -9` of a host at any moment while events flow: what was acknowledged to a sender is handled, what is transactional
//! is done once, order holds, and schedules keep their times.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::application::{Application, body, encoded};
use super::crash::setting;
use super::stage::{Stage, until};
use super::{Verdict, support};

/// Kills unless `CRASH_ROUNDS` says how many.
const ROUNDS: u64 = 4;
/// The longest that a host lives after it listens, in milliseconds.
const LIFE_MS: u64 = 1_500;
/// The longest that one lives which is killed while it starts.
const EARLY_MS: u64 = 200;
/// Ticks up to that many milliseconds late are made up for whatever the schedule's policy.
const LATE_MS: u64 = 10_000;
const QUEUES: [&str; 3] = ["plain", "exact", "ordered"];
const GROUPS: [&str; 3] = ["a", "b", "c"];
const GRANTS: [&str; 4] = ["queue:plain:send", "queue:exact:send", "queue:ordered:send", "kv:handled:ro"];

// Each kill counts as a receive of what ran; nothing may die of it.
const MANIFEST: &str = r#"
[functions.trace]
component = "trace.wasm"
grants = ["kv:handled:rw", "queue:seen:send"]
limits.timeout = "60s"
[buckets.handled]
[queues.plain]
max-receives = 1000
[queues.exact]
max-receives = 1000
[queues.ordered]
fifo = true
max-receives = 1000
[[triggers.queue]]
queue = "plain"
function = "trace"
[[triggers.queue]]
queue = "exact"
function = "trace"
delivery = "transactional"
[[triggers.queue]]
queue = "ordered"
function = "trace"
ordered = true
[[triggers.schedule]]
name = "often"
schedule = "rate(1s)"
function = "trace"
max-receives = 1000
delivery = "transactional"
"#;

pub fn trials() -> Vec<Trial> {
    let name = "crash_events/what_is_acknowledged_is_handled";
    vec![support::trial(name, support::missing("rust"), what_is_acknowledged_is_handled)]
}

/// `CRASH_ROUNDS` and `CRASH_SEED` override the number of kills and what is random about them.
fn what_is_acknowledged_is_handled() -> Verdict {
    let rounds = setting("CRASH_ROUNDS").unwrap_or(ROUNDS);
    let seed = setting("CRASH_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    crash(rounds, fastrand::Rng::with_seed(seed)).map_err(|error| {
        let message = error.message().unwrap_or_default();
        format!("try again with CRASH_ROUNDS={rounds} CRASH_SEED={seed}: {message}").into()
    })
}

fn crash(rounds: u64, mut random: fastrand::Rng) -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "record")?;
    stage.guest("rust", "trace")?;
    let mut application = Application::on(stage, &GRANTS, MANIFEST)?;
    let mut sent = Sent::default();
    let mut outages = Vec::new();
    for _ in 0..rounds {
        sent.send_until_killed(&application, Duration::from_millis(random.u64(..LIFE_MS)))?;
        let killed = now_ms();
        if random.u8(..5) == 0 {
            kill_early(&application.stage, Duration::from_millis(random.u64(..EARLY_MS)))?;
        }
        application = application.restart()?;
        outages.push((killed, now_ms()));
    }
    let seen = drain(&application)?;
    sent.check(&seen)?;
    check_order(&seen)?;
    check_attempts(&seen)?;
    check_again(&seen, rounds)?;
    check_ticks(&seen, &outages)?;
    check_once(&application, &seen)
}

fn now_ms() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
}

/// A host that is killed while it starts.
fn kill_early(stage: &Stage, life: Duration) -> Verdict {
    let mut host = stage.command(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).spawn()?;
    thread::sleep(life);
    host.kill()?;
    host.wait()?;
    Ok(())
}

/// The messages that were acknowledged to their senders, by queue. Their bodies are numbers, in the order they were sent.
#[derive(Default)]
struct Sent {
    last: AtomicU64,
    acknowledged: [Vec<u64>; QUEUES.len()],
}

impl Sent {
    /// A sender for each queue, and a host that is killed after `life`.
    fn send_until_killed(&mut self, application: &Application, life: Duration) -> Verdict {
        let last = &self.last;
        let host = i32::try_from(application.server.id()).ok().and_then(Pid::from_raw).ok_or("no such process")?;
        thread::scope(|scope| {
            let senders = QUEUES.map(|queue| scope.spawn(|| send_on(application, queue, last)));
            thread::sleep(life);
            let alive = senders.iter().all(|sender| !sender.is_finished());
            kill_process(host, Signal::KILL)?;
            for (sender, acknowledged) in senders.into_iter().zip(&mut self.acknowledged) {
                acknowledged.extend(sender.join().map_err(|_| "a sender panicked")?);
            }
            if alive { Ok(()) } else { Err("a message was refused before the host was killed".into()) }
        })
    }

    /// Every one of them was handled.
    fn check(&self, seen: &[Trace]) -> Verdict {
        for (queue, acknowledged) in QUEUES.iter().zip(&self.acknowledged) {
            let handled: BTreeSet<u64> = of(seen, queue).map(|trace| trace.number).collect();
            let lost: Vec<&u64> = acknowledged.iter().filter(|number| !handled.contains(number)).collect();
            if acknowledged.is_empty() || !lost.is_empty() {
                let count = acknowledged.len();
                return Err(format!("{count} messages of `{queue}` were acknowledged, lost are {lost:?}").into());
            }
        }
        Ok(())
    }
}

/// Sends one message after the other until there is no answer; those that were acknowledged.
fn send_on(application: &Application, queue: &str, last: &AtomicU64) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    loop {
        let number = last.fetch_add(1, Relaxed);
        let group = GROUPS.iter().cycle().nth(usize::from(number.to_le_bytes()[0])).filter(|_| queue == "ordered");
        let message = json!({ "body": encoded(&number.to_string()), "group": group });
        match application.steps(&json!([{ "op": "queue.send", "queue": queue, "message": message }])) {
            Ok(_) => acknowledged.push(number),
            Err(_) => return acknowledged,
        }
    }
}

/// What `trace` told of an event.
struct Trace {
    id: String,
    source: String,
    group: Option<String>,
    /// The planned time of a tick.
    time_ms: u64,
    attempt: u64,
    /// Of the message; 0 for a tick.
    number: u64,
    told_ms: u64,
}

impl Trace {
    fn of(message: &Value) -> Result<Self, Failed> {
        let told: Value = serde_json::from_str(&body(message))?;
        let text = |name: &str| told[name].as_str().map(String::from);
        let number = |value: &Value| value.as_u64().ok_or_else(|| format!("what is {told}?"));
        Ok(Self {
            id: text("id").unwrap_or_default(),
            source: text("source").unwrap_or_default(),
            group: text("group"),
            time_ms: number(&told["time_ms"])?,
            attempt: number(&told["attempt"])?,
            number: text("data").and_then(|data| data.parse().ok()).unwrap_or_default(),
            told_ms: number(&message["sent_at_ms"])?,
        })
    }
}

fn of<'a>(seen: &'a [Trace], queue: &str) -> impl Iterator<Item = &'a Trace> {
    let source = format!("/queues/{queue}");
    seen.iter().filter(move |trace| trace.source == source)
}

/// Waits until there is nothing left to handle; all that was handled, in the order it was told.
fn drain(application: &Application) -> Result<Vec<Trace>, Failed> {
    for queue in QUEUES {
        empty(application, queue)?;
    }
    let mut seen = Vec::new();
    loop {
        // Ticks go on for ever: fewer than a second brings are the end.
        let messages = application.take("seen")?;
        seen.extend(messages.iter().map(Trace::of).collect::<Result<Vec<_>, _>>()?);
        if messages.len() < 2 {
            seen.sort_by_key(|trace| trace.told_ms);
            return Ok(seen);
        }
    }
}

/// Waits until the queue is empty, for as long as it gets shorter: a hundred rounds leave a backlog of minutes.
fn empty(application: &Application, queue: &str) -> Verdict {
    let mut left = u64::MAX;
    while left > 0 {
        left = until(&format!("`{queue}` to have fewer than {left} messages"), || {
            let counts = ["ready", "delayed", "leased"].map(|name| application.count(queue, name).ok());
            let now = counts.into_iter().sum::<Option<u64>>()?;
            (now < left).then_some(now)
        })?;
    }
    Ok(())
}

/// Messages of a group come in the order they were sent, those that come again aside.
fn check_order(seen: &[Trace]) -> Verdict {
    for group in GROUPS {
        let mut last = None;
        let mut known = BTreeSet::new();
        for trace in of(seen, "ordered").filter(|trace| trace.group.as_deref() == Some(group)) {
            if known.insert(trace.number) && last.replace(trace.number) > Some(trace.number) {
                return Err(format!("message {} of group `{group}` came too late", trace.number).into());
            }
        }
    }
    Ok(())
}

/// A host that dies forgets no attempt.
fn check_attempts(seen: &[Trace]) -> Verdict {
    let mut attempts: HashMap<&str, u64> = HashMap::new();
    for trace in seen {
        let before = attempts.insert(&trace.id, trace.attempt).unwrap_or_default();
        if trace.attempt <= before {
            return Err(format!("message {} had attempt {before} and then {}", trace.id, trace.attempt).into());
        }
    }
    Ok(())
}

/// The kills hit deliveries; a few may hit none.
fn check_again(seen: &[Trace], rounds: u64) -> Verdict {
    let again = seen.iter().filter(|trace| trace.attempt > 1).count();
    if again == 0 && rounds > 3 * ROUNDS {
        return Err(format!("of {} deliveries none came again, after {rounds} kills", seen.len()).into());
    }
    Ok(())
}

/// Each planned second has one tick; none is missing but where no host ran for longer than is made up for.
fn check_ticks(seen: &[Trace], outages: &[(u64, u64)]) -> Verdict {
    let mut ticks: BTreeMap<u64, u32> = BTreeMap::new();
    for trace in seen.iter().filter(|trace| trace.source == "/schedules/often") {
        *ticks.entry(trace.time_ms).or_default() += 1;
    }
    if let Some((planned, count)) = ticks.iter().find(|(_, count)| **count > 1) {
        return Err(format!("the tick planned at {planned} was handled {count} times").into());
    }
    let first = *ticks.keys().next().ok_or("there were no ticks")?;
    let last = *ticks.keys().next_back().ok_or("there were no ticks")?;
    let excused =
        |planned: u64| outages.iter().any(|(from, to)| (*from..*to).contains(&planned) && planned + LATE_MS < *to);
    match (first..last).step_by(1_000).find(|planned| !ticks.contains_key(planned) && !excused(*planned)) {
        Some(lost) => Err(format!("the tick planned at {lost} is lost; outages: {outages:?}").into()),
        None => Ok(()),
    }
}

/// What is transactional was told once, and counted once.
fn check_once(application: &Application, seen: &[Trace]) -> Verdict {
    let mut numbers = BTreeSet::new();
    if let Some(again) = of(seen, "exact").find(|trace| !numbers.insert(trace.number)) {
        return Err(format!("the transactional message {} was told twice", again.number).into());
    }
    let ids: Vec<&str> = of(seen, "exact").map(|trace| trace.id.as_str()).collect();
    for ids in ids.chunks(100) {
        let get = |id: &&str| json!({ "op": "kv.get", "bucket": "handled", "key": id });
        let counts = application.steps(&ids.iter().map(get).collect())?;
        for (id, count) in ids.iter().zip(counts) {
            if count["value"] != encoded("1") {
                return Err(format!("the transactional message {id} was counted wrongly: {count}").into());
            }
        }
    }
    Ok(())
}
