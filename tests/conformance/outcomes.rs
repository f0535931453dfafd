//! Each way an invocation can end, in every language: `outcomes/python/out_of_memory`.

use std::time::{Duration, Instant};

use bytesize::ByteSize;
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use wasm_faas::config::Limits;
use wasm_faas::engine::CallError;
use wasm_faas::invoke::{Ending, Outcome};

use super::probe::{Backend, event, function, run};
use super::{Verdict, expect_eq, support};

/// A misbehaviour and the word of the outcome it must lead to, for each of [`support::LANGUAGES`].
///
/// Python notices endless recursion itself and raises an error, which the SDK turns into a retry; QuickJS meets the end of
/// the stack before its own limit. It has no way to exit.
const EXPECTED: [(&str, &str, [&str; 3]); 9] = [
    ("reject", "rejected", ["rejected"; 3]),
    ("retry", "retry", ["retry"; 3]),
    ("throw", "retry", ["retry"; 3]),
    ("trap", "trap", ["trap"; 3]),
    ("exit", "exit", ["exit", "rejected", "exit"]),
    ("grow", "out_of_memory", ["out-of-memory"; 3]),
    ("recurse", "stack_overflow", ["stack-overflow", "stack-overflow", "retry"]),
    ("spin", "out_of_fuel", ["out-of-fuel"; 3]),
    ("sleep", "deadline_in_a_host_call", ["deadline"; 3]),
];

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (index, language) in support::LANGUAGES.into_iter().enumerate() {
        let mut add = |name: &str, run: Box<dyn FnOnce() -> Verdict + Send>| {
            trials.push(support::trial(format!("outcomes/{language}/{name}"), support::missing(language), run));
        };
        for (behaviour, name, words) in EXPECTED {
            add(name, Box::new(move || ends_with(language, behaviour, words[index])));
        }
        add("deadline_in_a_busy_loop", Box::new(move || busy_loop_meets_the_deadline(language)));
        add("deadline_in_a_busy_loop_unmetered", Box::new(move || unmetered_loop_meets_the_deadline(language)));
        add("too_large_an_answer", Box::new(move || answer_is_too_large(language)));
        add("flood_is_cut", Box::new(move || flood_is_cut(language)));
        add("a_trap_does_not_spoil_the_next", Box::new(move || a_trap_does_not_spoil_the_next(language)));
    }
    trials.push(support::trial("outcomes/no_such_export", None, no_such_export));
    trials.push(support::trial("outcomes/rust/backtrace_is_readable", support::missing("rust"), backtrace_is_readable));
    trials
}

fn limits() -> Limits {
    Limits { fuel: Some(300_000_000), timeout: Duration::from_secs(30), memory: ByteSize::mib(64) }
}

fn misbehave(language: &str, behaviour: &str, limits: Limits) -> Result<Outcome, Failed> {
    let component = support::component(language, "misbehave", limits.fuel.is_some())?;
    let world = Backend::Memory.open()?;
    Ok(run(&function(component, &world, limits), event(behaviour.as_bytes())))
}

fn ends_with(language: &str, behaviour: &str, word: &str) -> Verdict {
    let timeout = if behaviour == "sleep" { Duration::from_millis(300) } else { Duration::from_secs(30) };
    // Growing is bounded by memory here, and copying costs fuel.
    let fuel = if behaviour == "grow" { Some(100_000_000_000) } else { limits().fuel };
    let outcome = misbehave(language, behaviour, Limits { timeout, fuel, ..limits() })?;
    expect_eq!(outcome.ending.word(), word);
    match &outcome.ending {
        Ending::Retry { after, .. } if behaviour == "retry" => {
            expect_eq!(json!(after.map(|after| after.as_millis())), json!(1500));
        }
        Ending::Retry { reason, .. } if behaviour == "throw" => {
            expect_eq!(reason.contains("thrown on request").to_string(), "true");
        }
        Ending::Rejected(reason) if behaviour == "reject" => expect_eq!(reason.as_str(), "rejected on request"),
        Ending::Stopped(CallError::OutOfFuel { limit }) => expect_eq!(*limit, 300_000_000),
        Ending::Stopped(CallError::OutOfMemory { limit }) => {
            expect_eq!(*limit, ByteSize::mib(64));
            expect_eq!((outcome.memory <= limit.as_u64()).to_string(), "true");
        }
        _ => {}
    }
    Ok(())
}

/// Fuel for an hour: the deadline must stop it, and not late.
fn busy_loop_meets_the_deadline(language: &str) -> Verdict {
    stops_in_time(language, Some(u64::MAX / 2))
}

fn unmetered_loop_meets_the_deadline(language: &str) -> Verdict {
    stops_in_time(language, None)
}

fn stops_in_time(language: &str, fuel: Option<u64>) -> Verdict {
    // Loading is not what is measured.
    support::component(language, "misbehave", fuel.is_some())?;
    let started = Instant::now();
    let timeout = Duration::from_millis(300);
    let outcome = misbehave(language, "spin", Limits { timeout, fuel, ..limits() })?;
    expect_eq!(outcome.ending.word(), "deadline");
    // Other tests keep the processors busy; without a working deadline this would take for ever.
    expect_eq!((started.elapsed() < timeout + Duration::from_secs(5)).to_string(), "true");
    Ok(())
}

fn answer_is_too_large(language: &str) -> Verdict {
    let limits = Limits { memory: ByteSize::mib(1024), fuel: Some(100_000_000_000), ..limits() };
    let outcome = misbehave(language, "big", limits)?;
    expect_eq!(outcome.ending.word(), "too-large");
    Ok(())
}

fn flood_is_cut(language: &str) -> Verdict {
    let outcome = misbehave(language, "flood", limits())?;
    expect_eq!(outcome.ending.word(), "out-of-fuel");
    expect_eq!((outcome.log_tail.len() <= 8 << 10 && !outcome.log_tail.is_empty()).to_string(), "true");
    Ok(())
}

fn a_trap_does_not_spoil_the_next(language: &str) -> Verdict {
    let component = support::component(language, "misbehave", true)?;
    let world = Backend::Memory.open()?;
    let function = function(component, &world, limits());
    for _ in 0..2 {
        expect_eq!(run(&function, event(b"sleep 1")).ending.word(), "ok");
        expect_eq!(run(&function, event(b"trap")).ending.word(), "trap");
    }
    expect_eq!(run(&function, event(b"sleep 1")).start.word(), "cold");
    expect_eq!(run(&function, event(b"sleep 1")).start.word(), "warm");
    Ok(())
}

/// The right name with other types.
fn no_such_export() -> Verdict {
    let component = wat::parse_str(
        r#"(component
            (core module $code (func (export "f") (result i32) i32.const 1))
            (core instance $instance (instantiate $code))
            (func $f (result u32) (canon lift (core func $instance "f")))
            (instance $handler (export "handle" (func $f)))
            (export "wasm-faas:function/handler@0.1.0" (instance $handler)))"#,
    )?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("other.wasm");
    std::fs::write(&path, component)?;
    let component = support::loader().load(&path, true, || {})?;
    let outcome = run(&function(component, &Backend::Memory.open()?, limits()), event(b""));
    expect_eq!(outcome.ending.word(), "no-such-export");
    Ok(())
}

fn backtrace_is_readable() -> Verdict {
    let outcome = misbehave("rust", "trap", limits())?;
    let Ending::Stopped(error) = &outcome.ending else { return Err("it did not trap".into()) };
    let frames = error.backtrace().join("\n");
    for name in ["misbehave.wasm!abort", "core::panicking::panic_fmt", "wasm-faas:function/handler@0.1.0#handle"] {
        expect_eq!(frames.contains(name).to_string(), "true");
    }
    expect_eq!(outcome.log_tail.contains("trap on request").to_string(), "true");
    Ok(())
}
