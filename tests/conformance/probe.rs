use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use wasm_faas::config::{
    Filter, Grant, Limits, PoolSettings, QueueSettings, Resources, SecretSource, Subscription, TopicSettings,
};
use wasm_faas::engine::{self, Component, FunctionSpec, Request};
use wasm_faas::event::{Event, Trigger};
use wasm_faas::invoke::{Caller, Ending, Function, Outcome, Terms, invoke};
use wasm_faas::services::context::{Identity, LogSink};
use wasm_faas::services::{Access, Backends, Clock, memory, sqlite};

use super::support;

/// What implements the services in a case.
#[derive(Debug, Clone, Copy)]
pub enum Backend {
    Memory,
    Sqlite,
}

/// A backend with every resource the cases use, on a clock that stands still until a case moves it.
pub struct World {
    pub backends: Backends,
    pub clock: Clock,
    /// Held for their drops: the store before its folder.
    _store: Option<sqlite::Store>,
    _folder: Option<tempfile::TempDir>,
}

const START_MS: u64 = 1_800_000_000_000;

impl Backend {
    pub const ALL: [Self; 2] = [Self::Memory, Self::Sqlite];

    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
        }
    }

    pub fn open(self) -> Result<World, Failed> {
        let clock = Clock::manual(START_MS);
        let resources = resources();
        Ok(match self {
            Self::Memory => {
                let backends = memory::open(&resources, clock.clone()).map_err(failed)?;
                World { backends, clock, _store: None, _folder: None }
            }
            Self::Sqlite => {
                let folder = tempfile::tempdir().map_err(failed)?;
                let _turn = support::runtime().enter();
                let store = sqlite::open(folder.path(), &resources, clock.clone()).map_err(failed)?;
                World { backends: store.backends(), clock, _store: Some(store), _folder: Some(folder) }
            }
        })
    }
}

pub fn failed(error: impl std::fmt::Display) -> Failed {
    error.to_string().into()
}

fn resources() -> Resources {
    let queue = QueueSettings::default;
    let red = Filter::parse(r#"{"attributes": {"colour": ["red"]}}"#).expect("a pattern");
    Resources {
        buckets: ["visits".into(), "other".into(), "seen".into()].into(),
        containers: ["inbox".into(), "other".into()].into(),
        queues: BTreeMap::from([
            ("counts".into(), queue()),
            ("work".into(), QueueSettings { dead_letter: Some("dead".into()), max_receives: 2, ..queue() }),
            ("dead".into(), queue()),
            ("ordered".into(), QueueSettings { fifo: true, ..queue() }),
            ("all".into(), queue()),
            ("red".into(), queue()),
            ("invoke/echo".into(), queue()),
        ]),
        topics: BTreeMap::from([(
            "stored".into(),
            TopicSettings {
                subscriptions: vec![
                    Subscription { queue: "all".into(), filter: None },
                    Subscription { queue: "red".into(), filter: Some(red) },
                ],
                retention: None,
            },
        )]),
        ..Resources::default()
    }
}

/// All rights to what the cases use; `other` is read only and `secret` is not granted at all.
const GRANTS: [&str; 13] = [
    "kv:visits:rw",
    "kv:other:ro",
    "kv:missing:rw",
    "kv:seen:rw",
    "queue:counts:send+receive",
    "queue:work:send+receive",
    "queue:dead:receive",
    "queue:ordered:send+receive",
    "queue:all:receive",
    "queue:red:receive",
    "topic:stored:publish",
    "blob:inbox:rw",
    "blob:other:ro",
];

/// Events for a guest, one invocation each, on a function of its own.
pub struct Probe {
    pub language: &'static str,
    pub world: Arc<World>,
    function: Function,
    component: Component,
}

impl Probe {
    pub fn new(language: &'static str, component: Component, world: &Arc<World>) -> Self {
        Self::with(language, component, world, &GRANTS, Arc::new(|_| {}))
    }

    /// With grants of its own, and somewhere for its log's lines.
    pub fn with(
        language: &'static str,
        component: Component,
        world: &Arc<World>,
        grants: &[&str],
        sink: LogSink,
    ) -> Self {
        let limits = Limits { timeout: Duration::from_secs(30), ..Limits::default() };
        let function = function_with(component.clone(), world, limits, grants, sink);
        Self { language, world: Arc::clone(world), function, component }
    }

    /// Another instance of the same function beside this one.
    pub fn sibling(&self) -> Self {
        Self::new(self.language, self.component.clone(), &self.world)
    }

    /// Runs operations in one invocation of `probe` and returns an answer for each.
    pub fn steps(&self, steps: &Value) -> Result<Vec<Value>, Failed> {
        let outcome = self.invoke(event(steps.to_string().as_bytes()));
        match outcome.ending {
            Ending::Ok(response) => match serde_json::from_slice(&response.data).map_err(failed)? {
                Value::Array(answers) => Ok(answers),
                other => Err(format!("the probe answered {other}, not a list").into()),
            },
            other => Err(format!("the probe ended with {other:?}; its log: {}", outcome.log_tail).into()),
        }
    }

    /// One operation that succeeds.
    pub fn ok(&self, op: &str, arguments: Value) -> Result<Value, Failed> {
        let mut answer = self.step(op, arguments)?;
        match answer.get_mut("ok") {
            Some(value) => Ok(value.take()),
            None => Err(format!("`{op}` answered {answer}").into()),
        }
    }

    /// One operation that fails; its error's code.
    pub fn error(&self, op: &str, arguments: Value) -> Result<String, Failed> {
        let answer = self.step(op, arguments)?;
        match answer["error"]["code"].as_str() {
            Some(code) => Ok(code.to_owned()),
            None => Err(format!("`{op}` answered {answer}, expected an error").into()),
        }
    }

    /// One operation, its whole answer.
    pub fn step(&self, op: &str, mut arguments: Value) -> Result<Value, Failed> {
        arguments["op"] = op.into();
        let mut answers = self.steps(&json!([arguments]))?;
        answers.pop().ok_or_else(|| format!("`{op}` got no answer").into())
    }

    pub fn invoke(&self, event: Event) -> Outcome {
        run(&self.function, event)
    }

    pub fn advance(&self, by: Duration) {
        self.world.clock.advance(by);
    }
}

/// Invokes to the end.
pub fn run(function: &Function, event: Event) -> Outcome {
    let invoked = invoke(function, Request::Event(Box::new(event)), Caller::default());
    support::runtime().block_on(invoked).expect("nobody else is in line")
}

/// A function over a world with the grants of all cases.
pub fn function(component: Component, world: &World, limits: Limits) -> Function {
    function_with(component, world, limits, &GRANTS, Arc::new(|_| {}))
}

/// The same, its instances waiting in `room` alone.
pub fn function_in(component: Component, world: &World, room: &Arc<Semaphore>) -> Function {
    let spec = spec(world, Limits::default(), &GRANTS, Arc::new(|_| {}));
    let terms = Terms { room: Arc::clone(room), ..Terms::default() };
    Function::new(component, spec, PoolSettings { max: 4, ..PoolSettings::default() }, terms)
}

fn function_with(component: Component, world: &World, limits: Limits, grants: &[&str], sink: LogSink) -> Function {
    let spec = spec(world, limits, grants, sink);
    Function::new(component, spec, PoolSettings { max: 4, ..PoolSettings::default() }, Terms::default())
}

pub fn spec(world: &World, limits: Limits, grants: &[&str], sink: LogSink) -> FunctionSpec {
    let grants: Vec<Grant> = grants.iter().map(|grant| grant.parse().expect("a grant")).collect();
    let settings = BTreeMap::from([("greeting".to_owned(), "grüezi".to_owned())]);
    let secrets = BTreeMap::from([
        ("home".to_owned(), SecretSource::Environment("PATH".into())),
        ("gone".to_owned(), SecretSource::Environment("NO_SUCH_VARIABLE_HERE".into())),
    ]);
    let identity =
        Identity { function: "probe".into(), version: "conformance".into(), limits, clock: world.clock.clone() };
    FunctionSpec {
        identity: Arc::new(identity),
        access: Access::new(world.backends.clone(), &grants, settings, secrets),
        allow: Vec::new(),
        sink,
        command_input: None,
        environment: Vec::new(),
        lane: engine::lane(),
    }
}

pub fn event(data: &[u8]) -> Event {
    Event {
        id: "event-1".into(),
        source: "/tests".into(),
        kind: "faas.test".into(),
        subject: None,
        time_ms: START_MS,
        content_type: Some("application/json".into()),
        attributes: Vec::new(),
        trigger: Trigger::Invoke,
        data: data.to_vec(),
    }
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}
