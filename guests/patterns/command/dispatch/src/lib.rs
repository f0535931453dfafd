//! Picks the function for a command. Whoever sends `price` waits for the answer; a `report` is made later.

use serde::Deserialize;
use serde_json::{Value, json};
use wasm_faas::{Call, Event, IntoResponse, Rejected, Response, Result, functions};

#[derive(Deserialize)]
struct Command {
    command: String,
    #[serde(default)]
    data: Value,
}

#[wasm_faas::function]
fn handle(event: Event) -> Result<Response> {
    let Command { command, data } = event.json().map_err(|error| Rejected::new(format!("no command: {error}")))?;
    match command.as_str() {
        "price" => functions::invoke("price", Call::json(&data))?.into_response(),
        "report" => {
            let accepted = functions::invoke_async("report", Call::json(&data))?;
            Ok(Response::json(&json!({ "accepted": accepted.id })).status(202))
        }
        other => Err(Rejected::new(format!("there is no command `{other}`")).into()),
    }
}
