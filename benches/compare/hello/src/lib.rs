//! A `wasi:http` 0.2 component without anything of ours: greets, whatever is asked. It says its length, as the native server
//! does, or its body would go out in chunks and every answer be longer than the native one.

use std::io::Write as _;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{ErrorCode, Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

const GREETING: &[u8] = b"Hello, world!\n";

struct Hello;

wasip2::http::proxy::export!(Hello);

impl Guest for Hello {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        let head =
            [("content-type", b"text/plain".to_vec()), ("content-length", GREETING.len().to_string().into_bytes())];
        let fields = Fields::from_list(&head.map(|(name, value)| (name.to_owned(), value)));
        match fields {
            Ok(fields) => greet(OutgoingResponse::new(fields), out),
            Err(error) => ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some(error.to_string())))),
        }
    }
}

/// Once the head is handed over, the only way left to report an error is a trap.
#[expect(clippy::expect_used, reason = "a trap is what the host should see")]
fn greet(response: OutgoingResponse, out: ResponseOutparam) {
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let mut stream = body.write().expect("the stream is taken once");
    stream.write_all(GREETING).expect("the host takes a short body");
    stream.flush().expect("the client is still there");
    drop(stream);
    OutgoingBody::finish(body, None).expect("the body has the length that was announced");
}
