//! Waits as many milliseconds as the event says.

use std::time::Duration;

use serde_json::json;
use wasm_faas::{Event, Response, Result};

#[wasm_faas::function]
async fn handle(event: Event) -> Result<Response> {
    let ms = event.text()?.trim().parse()?;
    wasm_faas::sleep(Duration::from_millis(ms)).await;
    Ok(Response::json(&json!({ "waited": ms })))
}
