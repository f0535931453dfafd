//! Adds a sale to what its buyer spent. Delivered in a transaction, a sale is added once, whatever happens in between.

use serde::Deserialize;
use wasm_faas::{Bucket, Event, Rejected, Result};

#[derive(Deserialize)]
struct Sale {
    who: String,
    cost: i64,
}

#[wasm_faas::function]
fn handle(event: Event) -> Result<()> {
    let Sale { who, cost } = event.json().map_err(|error| Rejected::new(format!("no sale: {error}")))?;
    Bucket::open("totals")?.increment(&who, cost)?;
    Ok(())
}
