//! Goal 9: a key-value read from a guest, with every check of the host, beside a look-up in a map of this process.

use std::collections::HashMap;
use std::hint::black_box;

use tokio::runtime::Runtime;
use wasm_faas::invoke::Function;
use wasm_faas::services::Backends;
use wasm_faas::services::kv::{Condition, Write};

use crate::compute::{WORKLOADS, keys};
use crate::host;
use crate::measure::{Effort, compare, per_operation, thread_cpu};
use crate::report::{Figure, Goal};

const VALUE: [u8; 100] = [7; 100];

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let runtime = host::runtime()?;
    let backends = host::backends()?;
    let keys = keys();
    runtime.block_on(fill(&backends, &keys))?;
    let loader = host::loader(host::INSTANCES)?;
    let component = loader.load(&host::build(WORKLOADS)?, true, || {})?;
    let function = host::function(component, host::spec(backends)?, u64::MAX);
    let operations = effort.operations(50_000);
    let map: HashMap<String, Vec<u8>> = keys.iter().map(|key| (key.clone(), VALUE.to_vec())).collect();
    let compared = compare(
        effort,
        || guest(&runtime, &function, operations),
        || Ok(per_operation(native(&map, &keys, operations), operations)),
    )?;
    let baseline = "look-up in a hash map and copy";
    Ok(vec![Figure::new("9", "kv get of 100 bytes by a guest", baseline, compared, Goal::AtMost(6.0))])
}

async fn fill(backends: &Backends, keys: &[String]) -> anyhow::Result<()> {
    for key in keys {
        let write = Write { key: key.clone(), value: VALUE.to_vec(), ttl: None, when: Condition::Always };
        backends.kv.set(host::BUCKET, write).await?;
    }
    Ok(())
}

/// One invocation that reads `operations` times; the invocation itself is a ten-thousandth of it.
fn guest(runtime: &Runtime, function: &Function, operations: usize) -> anyhow::Result<f64> {
    let event = Box::new(host::event(format!("kv-get {operations}").as_bytes()));
    let start = thread_cpu();
    let (_, data) = runtime.block_on(host::answer(function, event))?;
    let spent = thread_cpu() - start;
    let (read, expected) = (host::number(&data)?, (VALUE.len() * operations) as u64);
    anyhow::ensure!(read == expected, "the guest read {read} bytes, not {expected}");
    Ok(per_operation(spent, operations))
}

fn native(map: &HashMap<String, Vec<u8>>, keys: &[String], operations: usize) -> std::time::Duration {
    let start = thread_cpu();
    for key in keys.iter().cycle().take(operations) {
        // A key of its own for each call, as the host gets one from the guest.
        let key = black_box(key.clone());
        black_box(map.get(&key).cloned());
    }
    thread_cpu() - start
}
