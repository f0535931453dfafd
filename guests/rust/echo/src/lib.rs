//! Answers with the event's data, content type and attributes unchanged.

use wasm_faas::{Event, Response};

#[wasm_faas::function]
fn handle(event: Event) -> Response {
    let response = Response::new(event.data).attributes(event.attributes);
    match event.content_type {
        Some(content_type) => response.content_type(content_type),
        None => response,
    }
}
