//! Invokes the first of the functions that the event's data lists, with the others; at the end of the list it is done.

use wasm_faas::{Call, Event, IntoResponse, Response, Result, functions};

#[wasm_faas::function]
fn handle(event: Event) -> Result<Response> {
    let names: Vec<String> = event.json()?;
    match names.split_first() {
        Some((first, others)) => functions::invoke(first, Call::json(others))?.into_response(),
        None => Ok(Response::text("the end of the chain")),
    }
}
