//! Goal 10: from a deployed function that is not loaded to an instance that can be called, beside starting a process.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tokio::runtime::Runtime;
use wasm_faas::engine::{FunctionSpec, Instance, Loader, Registered};
use wasm_faas::services::context::Invocation;

use crate::host;
use crate::measure::{Effort, compare, per_operation, thread_cpu};
use crate::report::{Figure, Goal};

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let runtime = host::runtime()?;
    // Nothing stays mapped once it is dropped.
    let loader = host::loader(host::INSTANCES)?.keep_mapped(0);
    let deployed = loader.register(&host::build("guests/rust/echo")?, true, || {})?;
    let spec = Arc::new(host::spec(host::backends()?)?);
    let operations = effort.operations(200);
    let compared =
        compare(effort, || activate(&runtime, &loader, &deployed, &spec, operations), || start_processes(operations))?;
    let what = "activation of a Rust function: map, link, instantiate";
    Ok(vec![Figure::new("10", what, "fork + exec of `/bin/true`", compared, Goal::AtMost(0.25))])
}

/// What is made is dropped outside of the time.
fn activate(
    runtime: &Runtime,
    loader: &Loader,
    deployed: &Registered,
    spec: &Arc<FunctionSpec>,
    operations: usize,
) -> anyhow::Result<f64> {
    let mut spent = Duration::ZERO;
    for _ in 0..operations {
        let invocation = invocation(spec);
        let start = thread_cpu();
        let component = loader.activate(deployed)?;
        let instance = runtime.block_on(Instance::new(&component, spec, invocation))?;
        spent += thread_cpu() - start;
        drop((instance, component));
    }
    Ok(per_operation(spent, operations))
}

fn invocation(spec: &FunctionSpec) -> Invocation {
    let deadline = Instant::now() + spec.identity.limits.timeout;
    Invocation { id: "bench".into(), attempt: 1, deadline, traceparent: None, depth: 0, transaction: None }
}

/// CPU time of this thread and of the child until it has ended.
fn start_processes(operations: usize) -> anyhow::Result<f64> {
    let mut spent = Duration::ZERO;
    for _ in 0..operations {
        let start = thread_cpu();
        let mut child = Command::new("/bin/true").stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a child without a pid")?;
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
        spent += thread_cpu() - start;
        spent += cpu_of(pid)?;
        child.wait()?;
    }
    Ok(per_operation(spent, operations))
}

/// What an ended process that was not waited for has used, to the nanosecond; the kernel's other accounts count in
/// ticks of 10 ms.
fn cpu_of(pid: Pid) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/schedstat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))?;
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.map(Duration::from_nanos).with_context(|| format!("`{path}` holds `{text}`"))
}
