//! Answers a request as its query says: `?status=201&x-colour=red` sets the status, and each other pair a header. The data is
//! the event's.

use wasm_faas::{Event, Rejected, Response, Result, Trigger};

#[wasm_faas::function]
fn handle(event: Event) -> Result<Response> {
    let Trigger::Http(request) = event.trigger else { return Err(Rejected::new("this is no request").into()) };
    let mut response = Response::new(event.data);
    for (name, value) in request.query.iter() {
        response = match name.as_str() {
            "status" => response.status(value.parse()?),
            "content-type" => response.content_type(value),
            _ => response.attribute(name, value),
        };
    }
    Ok(response)
}
