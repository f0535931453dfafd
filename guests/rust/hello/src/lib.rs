//! Greets whom the event names.

use wasm_faas::{Event, Result};

#[wasm_faas::function]
fn handle(event: Event) -> Result<String> {
    let name = event.text()?;
    Ok(format!("Hello, {}!", if name.is_empty() { "world" } else { name }))
}
