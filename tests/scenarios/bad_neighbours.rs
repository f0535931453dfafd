//! Functions that break every rule on queue triggers, beside one that works: it goes on working, and each message that nobody
//! can handle ends as a dead letter that says why.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::application::{Application, body, encoded};
use super::stage::{Stage, until};
use super::{Scenario, Verdict, support};

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 4] = [
        ("leave_a_healthy_one_alone", leave_a_healthy_one_alone),
        ("end_as_dead_letters_that_say_why", end_as_dead_letters_that_say_why),
        ("make_their_source_back_off", make_their_source_back_off),
        ("do_not_take_their_batch_along", do_not_take_their_batch_along),
    ];
    let mut trials: Vec<Trial> = cases.map(|(name, run)| trial(name, support::missing("rust"), run)).into();
    #[cfg(unix)]
    trials.push(trial("die_with_the_host_only_so_often", support::missing("rust"), die_with_the_host_only_so_often));
    trials
}

fn trial(name: &str, missing: Option<&'static str>, run: fn() -> Verdict) -> Trial {
    support::trial(format!("bad_neighbours/{name}"), missing, run)
}

/// Ways to fail, each the body of a message and the name of its queue.
const BAD: [&str; 8] = ["exit", "flood", "grow", "recurse", "reject", "spin", "throw", "trap"];

const FUNCTIONS: &str = r#"
[functions.misbehave]
component = "misbehave.wasm"
limits = { timeout = "60s", fuel = 1_000_000_000 }
[functions.slow]
component = "misbehave.wasm"
limits.timeout = "5m"
[functions.trace]
component = "trace.wasm"
grants = ["kv:handled:rw", "queue:seen:send"]
limits.timeout = "5m"
[functions.batch]
component = "batch.wasm"
[buckets.handled]
[queues.dead]
"#;

/// The name of a queue, the function that it triggers, and what else its trigger says.
type Source<'a> = (&'a str, &'a str, &'a str);

const HEALTHY: Source<'_> = ("healthy", "record", "");

fn start(sources: &[Source<'_>]) -> Result<Application, Failed> {
    let stage = Stage::new()?;
    for guest in ["record", "misbehave", "batch", "trace"] {
        stage.guest("rust", guest)?;
    }
    let sends: Vec<String> = sources.iter().map(|(queue, ..)| format!("queue:{queue}:send")).collect();
    let more = ["queue:dead:receive", "kv:handled:ro"];
    let grants: Vec<&str> = sends.iter().map(String::as_str).chain(more).collect();
    let queue = |(queue, function, more): &Source<'_>| {
        format!(
            "[queues.{queue}]\nmax-receives = 2\ndead-letter = \"dead\"\n[[triggers.queue]]\nqueue = \"{queue}\"\n\
             function = \"{function}\"\nbackoff = {{ min = \"20ms\" }}\n{more}\n"
        )
    };
    let queues: String = sources.iter().map(queue).collect();
    Application::on(stage, &grants, &format!("{FUNCTIONS}{queues}"))
}

fn bad() -> impl Iterator<Item = Source<'static>> {
    BAD.into_iter().map(|queue| (queue, "misbehave", ""))
}

/// A message's attribute of how it died.
fn death(message: &Value, name: &str) -> String {
    message["attributes"][format!("faas-dead-{name}")].as_str().unwrap_or("-").to_owned()
}

/// While it works, all that is wrong goes on, and who sleeps takes all places that their source has.
fn leave_a_healthy_one_alone() -> Verdict {
    let sources: Vec<Source<'_>> = bad().chain([HEALTHY, ("slow", "slow", "concurrency = 2")]).collect();
    let application = start(&sources)?;
    for bad in BAD {
        application.send(bad, &[bad; 3])?;
    }
    application.send("slow", &["sleep 200000"; 5])?;
    let bodies: Vec<String> = (100..200).map(|number| number.to_string()).collect();
    application.send("healthy", &bodies.iter().map(String::as_str).collect::<Vec<_>>())?;
    let seen = application.seen(bodies.len())?;
    let mut handled: Vec<String> = seen.iter().map(|told| format!("{} {}", told["data"], told["attempt"])).collect();
    handled.sort();
    assert_eq!(handled, bodies.iter().map(|body| format!("\"{body}\" 1")).collect::<Vec<_>>());
    assert_eq!(["leased", "ready"].map(|name| application.count("slow", name).ok()), [Some(2), Some(3)]);
    Ok(())
}

/// Source, reason, receives, error, and whether it tells a backtrace and the end of the log.
fn end_as_dead_letters_that_say_why() -> Verdict {
    let application = start(&bad().collect::<Vec<_>>())?;
    for bad in BAD {
        application.send(bad, &[bad])?;
    }
    let mut told: Vec<String> = application.received("dead", BAD.len())?.iter().map(letter).collect();
    told.sort();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"[\d.]+ [KM]iB|\d{4,}", "[number]");
    settings.bind(|| insta::assert_snapshot!(told.join("\n"), @r"
        exit: max-receives after 2, misbehave, no backtrace, no log: the function exited with code 1 before it answered
        flood: max-receives after 2, misbehave, no backtrace, a log: the function used up its fuel of [number]; raise `limits.fuel` of [functions.misbehave] or look for an endless loop
        grow: max-receives after 2, misbehave, no backtrace, no log: the function reached its memory limit of [number]; raise `limits.memory` of [functions.misbehave] or look for a leak
        recurse: max-receives after 2, misbehave, no backtrace, no log: the function's stack of [number] overflowed; look for endless recursion
        reject: rejected after 1, misbehave, no backtrace, no log: rejected on request
        spin: max-receives after 2, misbehave, no backtrace, no log: the function used up its fuel of [number]; raise `limits.fuel` of [functions.misbehave] or look for an endless loop
        throw: max-receives after 2, misbehave, no backtrace, a log: thrown on request
        trap: max-receives after 2, misbehave, a backtrace, a log: the function trapped: wasm `unreachable` instruction executed
    "));
    Ok(())
}

fn letter(message: &Value) -> String {
    let has = |name: &str| if death(message, name) == "-" { "no" } else { "a" };
    let [source, reason, receives, function, error] =
        ["source", "reason", "receives", "function", "error"].map(|name| death(message, name));
    let (backtrace, log) = (has("backtrace"), has("log"));
    format!("{source}: {reason} after {receives}, {function}, {backtrace} backtrace, {log} log: {error}")
}

fn make_their_source_back_off() -> Verdict {
    let application = start(&[("throw", "misbehave", "")])?;
    // Two attempts each: ten failures, one after the other.
    application.send("throw", &["throw"; 5])?;
    application.received("dead", 5)?;
    application.tells("every attempt at `throw` fails, one every 5 s from now on")?;
    application.send("throw", &["sleep 1"])?;
    application.tells("an attempt at `throw` went well, there will be more again")
}

/// The batch fails as a whole once; then each of its messages goes alone.
fn do_not_take_their_batch_along() -> Verdict {
    let application = start(&[("many", "batch", "batch = { size = 10, window = \"1s\" }")])?;
    application.send("many", &["ok", "ok", "trap", "ok"])?;
    let dead = application.received("dead", 1)?;
    let dead: Vec<_> = dead.iter().map(|message| [body(message), death(message, "receives")]).collect();
    assert_eq!(dead, [["trap", "2"]]);
    until("the others to be handled", || {
        let counts = ["ready", "delayed", "leased"].map(|name| application.count("many", name).ok());
        (counts == [Some(0); 3]).then_some(())
    })?;
    assert!(application.take("dead")?.is_empty(), "one that is fine died");
    Ok(())
}

/// Each death of the host counts as an attempt, or such a message would kill it for ever.
#[cfg(unix)]
fn die_with_the_host_only_so_often() -> Verdict {
    let mut application = start(&[("deadly", "trace", "")])?;
    let message = json!({ "body": encoded("boom"), "attributes": { "pause-ms": "300000" } });
    let sent = application.steps(&json!([{ "op": "queue.send", "queue": "deadly", "message": message }]))?;
    let id = &sent[0]["id"];
    let get = json!([{ "op": "kv.get", "bucket": "handled", "key": id }]);
    for attempt in ["1", "2"] {
        until(&format!("attempt {attempt}"), || {
            (application.steps(&get).ok()?[0]["value"] == encoded(attempt)).then_some(())
        })?;
        application = application.restart()?;
    }
    let dead = application.received("dead", 1)?;
    let told: Vec<_> = dead.iter().map(letter).collect();
    insta::assert_snapshot!(told.join("\n"), @"deadly: max-receives after 2, -, no backtrace, no log: -");
    // It would run again at once.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(application.steps(&get)?[0]["value"], encoded("2"));
    Ok(())
}
