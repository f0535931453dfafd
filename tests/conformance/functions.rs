//! Functions that invoke functions: `functions/python/rejections_come_back`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use wasm_faas::config::{Limits, PoolSettings};
use wasm_faas::engine::{FunctionSpec, Request};
use wasm_faas::event::Trigger;
use wasm_faas::invoke::{Caller, Ending, Function, Outcome, Terms, invoke};
use wasm_faas::services::context::Identity;
use wasm_faas::services::functions::from_message;
use wasm_faas::triggers::functions::Functions;

use super::probe::{Backend, World, b64, event, failed, spec};
use super::{Verdict, expect_eq, support};

/// A name and what to do with the guest of a language.
type LanguageCase = (&'static str, fn(&str) -> Verdict);

const CASES: [LanguageCase; 11] = [
    ("an_answer_comes_back", answer_comes_back),
    ("the_event_tells_who_called", event_tells_who_called),
    ("rejections_come_back", rejections_come_back),
    ("a_stopped_function_is_told_apart", stopped_is_told_apart),
    ("what_is_not_granted_is_denied", ungranted_is_denied),
    ("an_unknown_function_is_not_found", unknown_is_not_found),
    ("limits_are_errors", limits_are_errors),
    ("a_chain_has_an_end", chain_has_an_end),
    ("the_deadline_is_the_callers", deadline_is_the_callers),
    ("the_trace_goes_on", trace_goes_on),
    ("what_takes_no_asynchronous_invocations_says_so", not_asynchronous),
];

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for language in support::LANGUAGES {
        let missing = support::missing(language);
        for (case, run) in CASES {
            trials.push(support::trial(format!("functions/{language}/{case}"), missing, move || run(language)));
        }
        for backend in Backend::ALL {
            let name = format!("functions/{language}/{}/an_event_waits_for_its_function", backend.name());
            trials.push(support::trial(name, missing, move || event_waits(language, backend)));
        }
    }
    let missing = support::missing("rust");
    trials.push(support::trial("functions/rust/http_takes_no_events", missing, http_takes_no_events));
    trials
}

/// What the function of the cases, `probe`, may do.
const GRANTS: [&str; 7] = [
    "function:probe:invoke",
    "function:echo:invoke+invoke-async",
    "function:misbehave:invoke",
    "function:hello:invoke-async",
    "function:http:invoke",
    "function:missing:invoke+invoke-async",
    "function:caller:invoke",
];

/// Functions that know each other, and the outcomes of all.
struct Host {
    language: &'static str,
    world: World,
    functions: Arc<Functions>,
    deployed: Vec<Arc<Function>>,
    outcomes: Arc<Mutex<Vec<String>>>,
}

impl Host {
    /// With a `probe` that has this timeout, and functions of 30 s beside it.
    fn new(language: &str, timeout: Duration, others: &[&str]) -> Result<Self, Failed> {
        Self::on(Backend::Memory, language, timeout, others)
    }

    fn on(backend: Backend, language: &str, timeout: Duration, others: &[&str]) -> Result<Self, Failed> {
        let language = support::LANGUAGES.into_iter().find(|known| *known == language).unwrap_or("rust");
        let world = backend.open()?;
        let functions = Arc::new(Functions::new(world.backends.clone()));
        let (deployed, outcomes) = (Vec::new(), Arc::default());
        let mut host = Self { language, world, functions, deployed, outcomes };
        host.deploy("probe", timeout)?;
        others.iter().try_for_each(|name| host.deploy(name, Duration::from_secs(30)))?;
        host.functions.replace(host.deployed.clone());
        Ok(host)
    }

    fn deploy(&mut self, name: &str, timeout: Duration) -> Verdict {
        let component = support::component(self.language, name, true)?;
        let limits = Limits { timeout, ..Limits::default() };
        let spec = spec(&self.world, limits.clone(), &GRANTS, Arc::new(|_| {}));
        let clock = self.world.clock.clone();
        let identity = Identity { function: name.into(), version: "conformance".into(), limits, clock };
        let access = spec.access.with_functions(&self.functions);
        let spec = FunctionSpec { identity: Arc::new(identity), access, ..spec };
        let outcomes = Arc::clone(&self.outcomes);
        let record = move |outcome: &Outcome| {
            outcomes.lock().expect("no test panics here").push(format!(
                "{} {}",
                outcome.function,
                outcome.ending.word()
            ));
        };
        let terms = Terms { record: Arc::new(record), ..Terms::default() };
        let settings = PoolSettings { max: 32, ..PoolSettings::default() };
        self.deployed.push(Arc::new(Function::new(component, spec, settings, terms)));
        Ok(())
    }

    fn run(&self, name: &str, data: &Value, caller: Caller) -> Result<Outcome, Failed> {
        let function = self.functions.get(name).ok_or("it was not deployed")?;
        let request = Request::Event(Box::new(event(data.to_string().as_bytes())));
        support::runtime().block_on(invoke(&function, request, caller)).map_err(failed)
    }

    /// What `probe` answers to one step.
    fn step(&self, step: Value) -> Result<Value, Failed> {
        self.step_of(step, Caller::default())
    }

    fn step_of(&self, step: Value, caller: Caller) -> Result<Value, Failed> {
        let outcome = self.run("probe", &json!([step]), caller)?;
        let Ending::Ok(response) = &outcome.ending else {
            return Err(format!("the probe ended with {:?}: {}", outcome.ending, outcome.log_tail).into());
        };
        let mut answers: Vec<Value> = serde_json::from_slice(&response.data).map_err(failed)?;
        answers.pop().ok_or_else(|| "the probe gave no answer".into())
    }

    /// The error of one invocation.
    fn refused(&self, function: &str, data: &str) -> Result<Value, Failed> {
        Ok(self.step(invocation(function, data))?["error"].take())
    }

    /// What another `probe` answers to one step, invoked by the first.
    fn nested(&self, step: Value, caller: Caller) -> Result<Value, Failed> {
        let answer = self.step_of(invocation("probe", &json!([step]).to_string()), caller)?;
        let Some(data) = answer["ok"]["data"].as_str() else { return Err(format!("it answered {answer}").into()) };
        let mut answers: Value = serde_json::from_slice(&decoded(data)?).map_err(failed)?;
        Ok(answers[0]["ok"].take())
    }
}

fn invocation(function: &str, data: &str) -> Value {
    json!({ "op": "functions.invoke", "function": function, "data": b64(data) })
}

fn decoded(base64: &str) -> Result<Vec<u8>, Failed> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(base64).map_err(failed)
}

const LONG: Duration = Duration::from_secs(30);

fn answer_comes_back(language: &str) -> Verdict {
    let host = Host::new(language, LONG, &["echo"])?;
    let answer = host.step(invocation("echo", "grüezi"))?;
    expect_eq!(answer["ok"]["data"], json!(b64("grüezi")));
    expect_eq!(host.outcomes.lock().expect("no test panics here").join(", "), "echo ok, probe ok");
    Ok(())
}

fn event_tells_who_called(language: &str) -> Verdict {
    let host = Host::new(language, LONG, &[])?;
    let steps = json!([{ "op": "event" }]).to_string();
    let mut invocation = invocation("probe", &steps);
    invocation["attributes"] = json!({ "colour": "red" });
    invocation["content_type"] = "application/json".into();
    invocation["type"] = "shop.paid".into();
    invocation["subject"] = "order-7".into();
    let answer = host.step(invocation)?;
    let data = answer["ok"]["data"].as_str().unwrap_or_default();
    let event: Value = serde_json::from_slice(&decoded(data)?).map_err(failed)?;
    let event = &event[0]["ok"];
    for (field, expected) in [
        ("source", json!("/functions/probe")),
        ("type", json!("shop.paid")),
        ("subject", json!("order-7")),
        ("content_type", json!("application/json")),
        ("attributes", json!({ "colour": "red" })),
        ("data", json!(b64(&steps))),
    ] {
        expect_eq!(event[field], expected);
    }
    expect_eq!(event["trigger"]["kind"], json!("invoke"));
    Ok(())
}

fn rejections_come_back(language: &str) -> Verdict {
    let host = Host::new(language, LONG, &["misbehave"])?;
    let rejected = json!({ "code": "rejected", "detail": "rejected on request" });
    expect_eq!(host.refused("misbehave", "reject")?, rejected);
    let retry = json!({ "code": "retry", "detail": { "reason": "try again later", "after_ms": 1500 } });
    expect_eq!(host.refused("misbehave", "retry")?, retry);
    Ok(())
}

fn stopped_is_told_apart(language: &str) -> Verdict {
    let host = Host::new(language, LONG, &["misbehave"])?;
    expect_eq!(host.refused("misbehave", "trap")?, json!({ "code": "stopped", "detail": "the function failed" }));
    let reached = "the function reached its memory limit";
    expect_eq!(host.refused("misbehave", "grow")?, json!({ "code": "stopped", "detail": reached }));
    let outcomes = host.outcomes.lock().expect("no test panics here").join(", ");
    expect_eq!(outcomes, "misbehave trap, probe ok, misbehave out-of-memory, probe ok");
    Ok(())
}

fn ungranted_is_denied(language: &str) -> Verdict {
    let host = Host::new(language, LONG, &["hello"])?;
    let denied = |name: &str, grant: &str| {
        let detail = format!("function `{name}` is not granted for this, add `--grant {grant}`");
        json!({ "code": "access-denied", "detail": detail })
    };
    expect_eq!(host.refused("payroll", "")?, denied("payroll", "function:payroll:invoke"));
    expect_eq!(host.refused("hello", "")?, denied("hello", "function:hello:invoke+invoke-async"));
    let later = json!({ "op": "functions.invoke_async", "function": "probe", "data": "" });
    expect_eq!(host.step(later)?["error"], denied("probe", "function:probe:invoke+invoke-async"));
    Ok(())
}

fn unknown_is_not_found(language: &str) -> Verdict {
    let host = Host::new(language, LONG, &[])?;
    expect_eq!(host.refused("missing", "")?, json!({ "code": "not-found", "detail": null }));
    let later = json!({ "op": "functions.invoke_async", "function": "missing", "data": "" });
    expect_eq!(host.step(later)?["error"]["code"], json!("not-found"));
    Ok(())
}

fn limits_are_errors(language: &str) -> Verdict {
    let host = Host::new(language, LONG, &["echo"])?;
    let with = |op: &str, field: &str, value: Value| {
        let mut step = json!({ "op": op, "function": "echo", "data": "" });
        step[field] = value;
        Ok::<_, Failed>(host.step(step)?["error"].take())
    };
    let (now, later) = ("functions.invoke", "functions.invoke_async");
    expect_eq!(with(now, "type", "k".repeat(257).into())?, json!({ "code": "too-large", "detail": 256 }));
    expect_eq!(with(now, "subject", "s".repeat(1025).into())?, json!({ "code": "too-large", "detail": 1024 }));
    expect_eq!(with(now, "attributes", json!({ "faas-event": "x" }))?["code"], json!("invalid"));
    expect_eq!(with(now, "function", "a b".into())?["code"], json!("invalid"));
    expect_eq!(with(later, "delay_ms", json!(8 * 24 * 3_600_000))?["code"], json!("invalid"));
    expect_eq!(
        with(later, "data", b64(vec![0; (256 << 10) + 1]).into())?,
        json!({ "code": "too-large", "detail": 262_144 })
    );
    Ok(())
}

fn chain_has_an_end(language: &str) -> Verdict {
    let host = Host::new(language, LONG, &["caller"])?;
    let chain = |length: usize| host.run("caller", &json!(vec!["caller"; length - 1]), Caller::default());
    match chain(16)?.ending {
        Ending::Ok(response) => expect_eq!(String::from_utf8_lossy(&response.data), "the end of the chain"),
        other => return Err(format!("it ended with {other:?}").into()),
    }
    match chain(17)?.ending {
        Ending::Retry { reason, .. } => expect_eq!(reason.contains("`caller` would be the 17th").to_string(), "true"),
        other => return Err(format!("it ended with {other:?}").into()),
    }
    Ok(())
}

fn deadline_is_the_callers(language: &str) -> Verdict {
    let host = Host::new(language, Duration::from_secs(3), &["misbehave"])?;
    let outcome = host.run("probe", &json!([invocation("misbehave", "sleep 20000")]), Caller::default())?;
    expect_eq!((outcome.duration < Duration::from_secs(15)).to_string(), "true");
    // Both end at the same instant: the caller is stopped as well, or still learns that the other one was.
    match &outcome.ending {
        Ending::Ok(response) => {
            let answer = String::from_utf8_lossy(&response.data);
            expect_eq!(answer.contains("the function took too long").to_string(), "true");
        }
        ending => expect_eq!(ending.word(), "deadline"),
    }
    let misbehaved = || {
        let outcomes = host.outcomes.lock().expect("no test panics here");
        outcomes.iter().any(|outcome| ["misbehave deadline", "misbehave cancelled"].contains(&outcome.as_str()))
    };
    for _ in 0..100 {
        if misbehaved() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    expect_eq!(misbehaved().to_string(), "true");
    Ok(())
}

fn trace_goes_on(language: &str) -> Verdict {
    let host = Host::new(language, LONG, &[])?;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let caller = Caller { traceparent: Some(parent.into()), ..Caller::default() };
    let nested = host.nested(json!({ "op": "context.current" }), caller)?;
    let traceparent = nested["traceparent"].as_str().unwrap_or_default();
    expect_eq!(traceparent.split('-').nth(1).unwrap_or_default(), "4bf92f3577b34da6a3ce929d0e0e4736");
    expect_eq!((traceparent.len() == parent.len() && traceparent != parent).to_string(), "true");
    expect_eq!(nested["function"], json!("probe"));
    Ok(())
}

fn not_asynchronous(language: &str) -> Verdict {
    let host = Host::new(language, LONG, &["hello"])?;
    let refused = host.step(json!({ "op": "functions.invoke_async", "function": "hello", "data": "" }))?;
    let what = "function `hello` takes no asynchronous invocations";
    let detail = format!("{what}, serve it with a manifest that has `async = {{}}` in its table");
    expect_eq!(refused["error"], json!({ "code": "unsupported", "detail": detail }));
    Ok(())
}

fn event_waits(language: &str, backend: Backend) -> Verdict {
    let host = Host::on(backend, language, LONG, &["echo"])?;
    let later = json!({
        "op": "functions.invoke_async", "function": "echo", "data": b64("later"), "subject": "order-7",
        "attributes": { "colour": "red" }, "delay_ms": 5000, "deduplication_id": "d",
    });
    let accepted = host.step(later.clone())?;
    expect_eq!(accepted["ok"]["duplicate"], json!(false));
    expect_eq!(host.step(later)?["ok"], json!({ "id": accepted["ok"]["id"], "duplicate": true }));
    let receive = || {
        let received = host.world.backends.queue.receive("invoke/echo", 10, Duration::ZERO, LONG);
        support::runtime().block_on(received).map_err(failed)
    };
    expect_eq!(receive()?.len(), 0);
    host.world.clock.advance(Duration::from_secs(6));
    let messages = receive()?;
    expect_eq!(messages.len(), 1);
    let queued = from_message(&messages[0]);
    expect_eq!(json!(queued.event.id), accepted["ok"]["id"]);
    expect_eq!(queued.event.source.as_str(), "/functions/probe");
    expect_eq!(queued.event.kind.as_str(), "faas.invoke");
    expect_eq!(queued.event.subject.unwrap_or_default(), "order-7");
    expect_eq!(json!(queued.event.attributes), json!([["colour", "red"]]));
    expect_eq!(String::from_utf8_lossy(&queued.event.data), "later");
    expect_eq!((queued.event.trigger == Trigger::Invoke).to_string(), "true");
    expect_eq!(queued.depth, 1);
    Ok(())
}

fn http_takes_no_events() -> Verdict {
    let host = Host::new("rust", LONG, &["http"])?;
    let detail = "function `http` takes HTTP requests and no events";
    expect_eq!(host.refused("http", "")?, json!({ "code": "unsupported", "detail": detail }));
    Ok(())
}
