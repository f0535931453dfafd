//! The subject: functions as the host runs them, with all limits on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::runtime::{Builder, Runtime};
use wasm_faas::config::{Grant, Limits, PoolSettings, Resources};
use wasm_faas::engine::{self, Cache, Compiler, Component, FunctionSpec, Loader, Request};
use wasm_faas::event::{Event, Trigger};
use wasm_faas::invoke::{Caller, Ending, Function, Outcome, Terms, invoke};
use wasm_faas::services::context::{Identity, Line};
use wasm_faas::services::{Access, Backends, Clock, memory};

/// Live instances of an engine.
pub(crate) const INSTANCES: u32 = 16;

/// What a bucket that is granted is called.
pub(crate) const BUCKET: &str = "bench";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Futures run on the calling thread, so that its CPU time is theirs.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// The component of a folder below the repository, built as `wasm-faas build` does.
pub(crate) fn build(folder: &str) -> anyhow::Result<PathBuf> {
    let folder = root().join(folder);
    Ok(runtime()?.block_on(wasm_faas::build::build(&folder))?)
}

/// An engine for so many live instances, with the code compiled before.
pub(crate) fn loader(instances: u32) -> anyhow::Result<Loader> {
    let cache = Cache::open(&root().join(".wasm-faas/cache"))?;
    Ok(Loader::new(cache, Compiler::InProcess, instances))
}

/// The echo guest, loaded.
pub(crate) fn echo(loader: &Loader) -> anyhow::Result<Component> {
    Ok(loader.load(&build("guests/rust/echo")?, true, || {})?)
}

/// The in-memory backends with one bucket.
pub(crate) fn backends() -> anyhow::Result<Backends> {
    let resources = Resources { buckets: [BUCKET.to_owned()].into(), ..Resources::default() };
    Ok(memory::open(&resources, Clock::System)?)
}

/// A function's specification with the default limits.
pub(crate) fn spec(backends: Backends) -> anyhow::Result<FunctionSpec> {
    let grant: Grant = format!("kv:{BUCKET}:ro").parse()?;
    let identity =
        Identity { function: "bench".into(), version: "bench".into(), limits: Limits::default(), clock: Clock::System };
    Ok(FunctionSpec {
        identity: Arc::new(identity),
        access: Access::new(backends, &[grant], [].into(), [].into()),
        allow: Vec::new(),
        sink: Arc::new(|_: &Line<'_>| {}),
        command_input: None,
        environment: Vec::new(),
        lane: engine::lane(),
    })
}

pub(crate) fn event(data: &[u8]) -> Event {
    Event {
        id: "01K9ZQ8B6Q3V5T7W9X1Y2Z3A4B".into(),
        source: "/bench".into(),
        kind: "faas.invoke".into(),
        subject: None,
        time_ms: 1_800_000_000_000,
        content_type: Some("text/plain".into()),
        attributes: Vec::new(),
        trigger: Trigger::Invoke,
        data: data.to_vec(),
    }
}

/// The whole path of one invocation; anything but an answer is an error.
pub(crate) async fn answer(function: &Function, event: Box<Event>) -> anyhow::Result<(Outcome, Vec<u8>)> {
    let mut outcome = invoke(function, Request::Event(event), Caller::default()).await?;
    let Ending::Ok(response) = &mut outcome.ending else {
        anyhow::bail!("the function ended with {:?}; its log: {}", outcome.ending, outcome.log_tail);
    };
    let data = std::mem::take(&mut response.data);
    Ok((outcome, data))
}

/// An answer that is a number, as the workloads give.
pub(crate) fn number(data: &[u8]) -> anyhow::Result<u64> {
    let text = String::from_utf8_lossy(data);
    text.parse().with_context(|| format!("the workload answered `{text}`, no number"))
}

/// One invocation at a time; an instance serves so many.
pub(crate) fn function(component: Component, spec: FunctionSpec, max_invocations: u64) -> Function {
    let settings = PoolSettings { max: 1, max_invocations, ..PoolSettings::default() };
    Function::new(component, spec, settings, Terms::default())
}
