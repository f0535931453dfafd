//! The example guests, each with what it promises.

use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use wasm_faas::config::Limits;
use wasm_faas::engine::{Request, SWEEP};
use wasm_faas::event::{Event, Failure, Response};
use wasm_faas::invoke::{Caller, Ending, Outcome, invoke};

use super::probe::{Backend, World, event, failed, function, function_in, run};
use super::{Verdict, expect_eq, support};

/// What each guest is tested by. `probe`, `caller`, `misbehave` and `adapters` have their own files; scenarios drive `answer`, `command`,
/// `http`, `record` and `trace`.
const TESTED: [&str; 15] = [
    "adapters",
    "answer",
    "hello",
    "echo",
    "counter",
    "relay",
    "wait",
    "batch",
    "caller",
    "probe",
    "record",
    "trace",
    "misbehave",
    "command",
    "http",
];

type Example = (&'static str, &'static str, fn(&str, &World) -> Verdict);

const EXAMPLES: [Example; 8] = [
    ("hello", "greets", hello_greets),
    ("echo", "answers_with_the_event", echo_answers),
    ("counter", "counts_and_sends", counter_counts),
    ("counter", "is_reused_warm", counter_is_reused),
    ("relay", "stores_and_publishes", relay_stores),
    ("wait", "awaits", wait_awaits),
    ("batch", "answers_for_each_event", batch_answers),
    ("batch", "is_stopped_as_a_whole", batch_is_stopped),
];

pub fn trials() -> Vec<Trial> {
    let missing = support::missing("rust");
    let mut trials = vec![support::trial("guests/rust/waiting_instances_share_their_room", missing, room_is_shared)];
    for (guest, case, run) in EXAMPLES {
        for backend in Backend::ALL {
            for language in support::LANGUAGES {
                let name = format!("guests/{}/{language}/{guest}_{case}", backend.name());
                trials.push(support::trial(name, support::missing(language), move || run(language, &backend.open()?)));
            }
        }
    }
    trials
}

/// One place to wait for two functions: who has it stays warm, and gives it up when it idles.
fn room_is_shared() -> Verdict {
    let (world, room) = (Backend::Memory.open()?, Arc::new(Semaphore::new(1)));
    let functions = [(); 2].map(|()| support::component("rust", "hello", true));
    let [first, second] = functions.map(|component| component.map(|component| function_in(component, &world, &room)));
    let (first, second) = (first?, second?);
    let start = |function| run(function, event(b"")).start.word();
    let before = [start(&first), start(&second), start(&second), start(&first)];
    expect_eq!(before.join(" "), "cold cold cold warm");
    first.pool().sweep(Instant::now() + 2 * SWEEP);
    let after = [start(&second), start(&second), start(&first)];
    expect_eq!(after.join(" "), "cold warm cold");
    Ok(())
}

pub fn every_guest_has_a_case() -> Verdict {
    for language in support::LANGUAGES {
        for entry in std::fs::read_dir(support::root().join("guests").join(language)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_guest = entry.path().is_dir() && !name.starts_with('.') && name != "target";
            if is_guest && !TESTED.contains(&name.as_str()) {
                return Err(format!("guests/{language}/{name} has no case").into());
            }
        }
    }
    Ok(())
}

fn call(language: &str, guest: &str, world: &World, event: Event) -> Result<Outcome, Failed> {
    let component = support::component(language, guest, true)?;
    let limits = Limits { timeout: Duration::from_secs(30), ..Limits::default() };
    Ok(run(&function(component, world, limits), event))
}

fn answer(outcome: Outcome) -> Result<Response, Failed> {
    match outcome.ending {
        Ending::Ok(response) => Ok(response),
        other => Err(format!("it ended with {other:?}; its log: {}", outcome.log_tail).into()),
    }
}

fn hello_greets(language: &str, world: &World) -> Verdict {
    for (data, greeting) in [("", "Hello, world!"), ("Zürich", "Hello, Zürich!")] {
        let response = answer(call(language, "hello", world, event(data.as_bytes()))?)?;
        expect_eq!(String::from_utf8_lossy(&response.data), greeting);
        expect_eq!(response.content_type.as_deref().unwrap_or_default(), "text/plain; charset=utf-8");
    }
    Ok(())
}

fn echo_answers(language: &str, world: &World) -> Verdict {
    let bytes: Vec<u8> = (0..=255).collect();
    let mut event = event(&bytes);
    event.content_type = Some("image/png".into());
    event.attributes = vec![("colour".into(), "röd".into())];
    let response = answer(call(language, "echo", world, event)?)?;
    expect_eq!(json!(response.data), json!(bytes));
    expect_eq!(json!(response.content_type), json!("image/png"));
    expect_eq!(json!(response.attributes), json!([["colour", "röd"]]));
    Ok(())
}

fn counter_counts(language: &str, world: &World) -> Verdict {
    for count in 1..=3 {
        let mut event = event(b"");
        event.subject = Some("page".into());
        let response = answer(call(language, "counter", world, event)?)?;
        let body: Value = serde_json::from_slice(&response.data).map_err(failed)?;
        expect_eq!(body, json!({ "count": count }));
    }
    let receive = world.backends.queue.receive("counts", 10, Duration::ZERO, Duration::from_secs(30));
    let received = support::runtime().block_on(receive).map_err(failed)?;
    let mut bodies: Vec<_> = received.iter().map(|sent| String::from_utf8_lossy(&sent.body).into_owned()).collect();
    bodies.sort();
    expect_eq!(json!(bodies), json!(["1", "2", "3"]));
    let total = support::runtime().block_on(world.backends.kv.get("visits", "page")).map_err(failed)?;
    expect_eq!(json!(total.map(|entry| entry.value)), json!(b"3"));
    Ok(())
}

/// The second invocation meets the instance of the first, with fuel and context of its own.
fn counter_is_reused(language: &str, world: &World) -> Verdict {
    let function = function(
        support::component(language, "counter", true)?,
        world,
        Limits { timeout: Duration::from_secs(30), ..Limits::default() },
    );
    let (first, second) = (run(&function, event(b"")), run(&function, event(b"")));
    expect_eq!(json!([first.start.word(), second.start.word()]), json!(["cold", "warm"]));
    expect_eq!((second.fuel <= first.fuel && second.fuel > Some(0)).to_string(), "true");
    let response = answer(second)?;
    expect_eq!(String::from_utf8_lossy(&response.data).replace(' ', ""), r#"{"count":2}"#);
    Ok(())
}

fn relay_stores(language: &str, world: &World) -> Verdict {
    let response = answer(call(language, "relay", world, event(b"a picture"))?)?;
    let body: Value = serde_json::from_slice(&response.data).map_err(failed)?;
    expect_eq!(body, json!({"key": "event-1"}));
    let runtime = support::runtime();
    let info = runtime.block_on(world.backends.blob.head("inbox", "event-1")).map_err(failed)?;
    let info = info.ok_or("the blob is missing")?;
    expect_eq!(json!([info.size, info.content_type]), json!([9, "application/json"]));
    let receive = world.backends.queue.receive("all", 10, Duration::ZERO, Duration::from_secs(30));
    let received = runtime.block_on(receive).map_err(failed)?;
    expect_eq!(json!(received.iter().map(|sent| &sent.body).collect::<Vec<_>>()), json!([b"event-1"]));
    Ok(())
}

fn wait_awaits(language: &str, world: &World) -> Verdict {
    let started = std::time::Instant::now();
    let response = answer(call(language, "wait", world, event(b"60"))?)?;
    let body: Value = serde_json::from_slice(&response.data).map_err(failed)?;
    expect_eq!(body, json!({"waited": 60}));
    expect_eq!((started.elapsed() >= Duration::from_millis(60)).to_string(), "true");
    Ok(())
}

fn batch(language: &str, world: &World, data: &[&str]) -> Result<Outcome, Failed> {
    let limits = Limits { timeout: Duration::from_secs(30), ..Limits::default() };
    let function = function(support::component(language, "batch", true)?, world, limits);
    let request = Request::Batch(data.iter().map(|data| event(data.as_bytes())).collect());
    support::runtime().block_on(invoke(&function, request, Caller::default())).map_err(failed)
}

fn batch_answers(language: &str, world: &World) -> Verdict {
    let outcome = batch(language, world, &["ok", "reject", "retry", "odd", "ok"])?;
    let Ending::Batch(answers) = outcome.ending else {
        return Err(format!("it ended with {:?}", outcome.ending).into());
    };
    let word = |answer: &Result<(), Failure>| match answer {
        Ok(()) => "ok".to_owned(),
        Err(Failure::Rejected(reason)) => format!("rejected: {reason}"),
        Err(Failure::Retry { reason, .. }) => format!("retry: {reason}"),
    };
    let answers: Vec<String> = answers.iter().map(word).collect();
    expect_eq!(answers.join(", "), "ok, rejected: rejected on request, retry: not now, retry: no such answer: odd, ok");
    let count = |key| -> Result<String, Failed> {
        let entry = support::runtime().block_on(world.backends.kv.get("seen", key)).map_err(failed)?;
        Ok(entry.map(|entry| String::from_utf8_lossy(&entry.value).into_owned()).unwrap_or_default())
    };
    expect_eq!(format!("{} {}", count("batches")?, count("events")?), "1 5");
    Ok(())
}

fn batch_is_stopped(language: &str, world: &World) -> Verdict {
    expect_eq!(batch(language, world, &["ok", "trap"])?.ending.word(), "trap");
    Ok(())
}
