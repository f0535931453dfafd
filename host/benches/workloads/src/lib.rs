//! Runs the workload that the event's data names and answers with its checksum; `kv-get N` reads a bucket N times.

mod work;

use wasm_faas::{Bucket, Event, Rejected, Result};
use work::Workload;

#[wasm_faas::function]
fn handle(event: Event) -> Result<String> {
    let text = event.text()?;
    if let Some(count) = text.strip_prefix("kv-get ") {
        return Ok(kv_get(count.parse()?)?.to_string());
    }
    let workload = Workload::ALL.into_iter().find(|workload| workload.name() == text);
    let workload = workload.ok_or_else(|| Rejected::new(format!("no such workload: {text}")))?;
    Ok(workload.run().to_string())
}

/// Bytes read by `count` gets, the keys in turn.
fn kv_get(count: usize) -> Result<usize> {
    let bucket = Bucket::open("bench")?;
    let keys = work::keys();
    let mut bytes = 0;
    for key in keys.iter().cycle().take(count) {
        bytes += bucket.get(key)?.map_or(0, |entry| entry.value.len());
    }
    Ok(bytes)
}
