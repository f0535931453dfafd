//! Bills an order. While nobody knows its card it fails, is tried again, and in the end is a dead letter.

use serde::Deserialize;
use wasm_faas::kv::{Condition, SetOptions};
use wasm_faas::{Bucket, Event, Rejected, Result, Retry, ServiceError};

#[derive(Deserialize)]
struct Order {
    card: String,
    amount: u32,
}

#[wasm_faas::function]
fn handle(event: Event) -> Result<()> {
    let Order { card, amount } = event.json().map_err(|error| Rejected::new(format!("no order: {error}")))?;
    if !Bucket::open("cards")?.exists(&card)? {
        return Err(Retry::new(format!("nobody knows the card `{card}`")).into());
    }
    // The event's id stays the same at each attempt: an order that comes twice is billed once.
    let options = SetOptions { when: Condition::IfAbsent, ..SetOptions::default() };
    match Bucket::open("bills")?.set_with(&event.id, amount.to_string(), options) {
        Ok(_) | Err(ServiceError::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
