//! The invocation, settings and secrets, and what a guest must not see.

use std::time::Duration;

use serde_json::{Value, json};

use super::probe::Probe;
use super::{Case, Verdict, cases, expect_eq};

pub const CASES: &[Case] = cases![
    event_arrives_whole,
    invocation_is_told,
    deadline_and_fuel_run_down,
    random_differs_between_instances,
    clock_is_the_hosts,
    sleep_takes_its_time,
    log_lines_are_kept,
    settings_are_read,
    secrets_are_read_and_denied,
    no_environment,
    no_files,
];

fn event_arrives_whole(probe: &mut Probe) -> Verdict {
    let mut event = super::probe::event(br#"[{"op": "event"}]"#);
    event.subject = Some("orders/ü".into());
    event.attributes = vec![("colour".into(), "röd".into())];
    let ending = probe.invoke(event).ending;
    let wasm_faas::invoke::Ending::Ok(response) = ending else { return Err(format!("{ending:?}").into()) };
    let answers: Value = serde_json::from_slice(&response.data).map_err(super::probe::failed)?;
    let seen = &answers[0]["ok"];
    let expected = json!({"id": "event-1", "source": "/tests", "type": "faas.test", "subject": "orders/ü",
        "time_ms": 1_800_000_000_000_u64, "content_type": "application/json", "attributes": {"colour": "röd"},
        "trigger": {"kind": "invoke"}, "data": super::probe::b64(br#"[{"op": "event"}]"#)});
    expect_eq!(*seen, expected);
    Ok(())
}

fn invocation_is_told(probe: &mut Probe) -> Verdict {
    let seen = probe.ok("context.current", json!({}))?;
    let expected = json!(["probe", "conformance", 1, 128 << 20, 10_000_000_000_u64, null]);
    let told = json!([
        seen["function"],
        seen["version"],
        seen["attempt"],
        seen["memory_limit"],
        seen["fuel_limit"],
        seen["traceparent"]
    ]);
    expect_eq!(told, expected);
    let other = probe.ok("context.current", json!({}))?;
    expect_eq!((seen["id"] == other["id"]).to_string(), "false");
    Ok(())
}

fn deadline_and_fuel_run_down(probe: &mut Probe) -> Verdict {
    let steps = json!([
        {"op": "context.remaining_time_ms"}, {"op": "context.remaining_fuel"}, {"op": "context.sleep", "duration_ms": 30},
        {"op": "context.remaining_time_ms"}, {"op": "context.remaining_fuel"}
    ]);
    let answers = probe.steps(&steps)?;
    let number = |index: usize| answers[index]["ok"].as_u64().unwrap_or_default();
    expect_eq!((number(0) >= number(3) + 30 && number(3) > 0).to_string(), "true");
    expect_eq!((number(1) > number(4) && number(4) > 0).to_string(), "true");
    Ok(())
}

/// An interpreter's own seed is frozen into its snapshot: every instance would draw the same.
fn random_differs_between_instances(probe: &mut Probe) -> Verdict {
    let steps = json!([{"op": "lang.random"}, {"op": "lang.uuid"}, {"op": "context.random", "count": 16}]);
    let (first, second) = (probe.sibling().steps(&steps)?, probe.sibling().steps(&steps)?);
    for (first, second) in first.iter().zip(&second) {
        if first["ok"].is_null() || first == second {
            return Err(format!("two instances drew {first} and {second}").into());
        }
    }
    Ok(())
}

fn clock_is_the_hosts(probe: &mut Probe) -> Verdict {
    probe.advance(Duration::from_secs(5));
    expect_eq!(probe.ok("context.now_ms", json!({}))?, json!(probe.world.clock.now_ms()));
    let before = wasm_faas::services::Clock::System.now_ms();
    let seen = probe.ok("lang.now_ms", json!({}))?.as_f64().unwrap_or_default();
    let late = seen - before as f64;
    expect_eq!((-1000.0..60_000.0).contains(&late).to_string(), "true");
    Ok(())
}

fn sleep_takes_its_time(probe: &mut Probe) -> Verdict {
    let started = std::time::Instant::now();
    probe.ok("context.sleep", json!({"duration_ms": 50}))?;
    expect_eq!((started.elapsed() >= Duration::from_millis(50)).to_string(), "true");
    Ok(())
}

fn log_lines_are_kept(probe: &mut Probe) -> Verdict {
    let steps = json!([
        {"op": "context.log", "level": "warn", "message": "careful", "fields": {"n": "1"}},
        {"op": "lang.print", "text": "printed"},
    ]);
    let outcome = probe.invoke(super::probe::event(steps.to_string().as_bytes()));
    let lines: Vec<&str> = outcome.log_tail.lines().collect();
    expect_eq!(lines.contains(&"careful n=\"1\"").to_string(), "true");
    expect_eq!(lines.iter().filter(|line| **line == "printed").count(), 2);
    Ok(())
}

fn settings_are_read(probe: &mut Probe) -> Verdict {
    expect_eq!(probe.ok("config.get", json!({"key": "greeting"}))?, json!("grüezi"));
    expect_eq!(probe.ok("config.get", json!({"key": "none"}))?, json!(null));
    Ok(())
}

fn secrets_are_read_and_denied(probe: &mut Probe) -> Verdict {
    let path = std::env::var("PATH").unwrap_or_default();
    expect_eq!(probe.ok("config.secret", json!({"name": "home"}))?, json!(path));
    expect_eq!(probe.error("config.secret", json!({"name": "gone"}))?, "unavailable");
    expect_eq!(probe.error("config.secret", json!({"name": "payroll"}))?, "access-denied");
    Ok(())
}

fn no_environment(probe: &mut Probe) -> Verdict {
    expect_eq!(probe.ok("lang.environment", json!({}))?, json!([]));
    Ok(())
}

fn no_files(probe: &mut Probe) -> Verdict {
    let expected = if probe.language == "javascript" { "unsupported" } else { "io" };
    expect_eq!(probe.error("lang.read_file", json!({"path": "/etc/hostname"}))?, expected);
    Ok(())
}
