//! A `wasi:http` 0.2 server on the bindings that wit-bindgen made and `wasip2` publishes: no framework, no SDK.

use std::io::{Read, Result, Write};
use std::sync::atomic::{AtomicU32, Ordering};

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{InputStream, OutputStream};

/// Read, and written back, at a time; in bytes.
const CHUNK: usize = 64 * 1024;

/// Requests that this instance has met.
static COUNT: AtomicU32 = AtomicU32::new(0);

struct Server;

wasip2::http::proxy::export!(Server);

impl Guest for Server {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        let target = request.path_with_query().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        match path {
            "/hello" => text(out, 200, "hello from wit-bindgen"),
            "/count" => text(out, 200, &count.to_string()),
            "/headers" => text(out, 200, &described(&request, &target)),
            "/echo" => echo(&request, out),
            "/trap" => panic!("a trap was asked for"),
            _ => text(out, status(path).unwrap_or(404), ""),
        }
    }
}

/// The status that `/status/<code>` asks for.
fn status(path: &str) -> Option<u16> {
    path.strip_prefix("/status/")?.parse().ok()
}

fn described(request: &IncomingRequest, target: &str) -> String {
    let method = match request.method() {
        Method::Get => "GET".to_owned(),
        other => format!("{other:?}"),
    };
    let values = request.headers().get("x-colour").into_iter();
    let colour = values.map(|value| String::from_utf8_lossy(&value).into_owned()).collect::<Vec<_>>().join(",");
    format!("{method} {target} {colour}")
}

fn text(out: ResponseOutparam, status: u16, text: &str) {
    let headers = [("content-type".to_owned(), b"text/plain; charset=utf-8".to_vec())];
    respond(out, status, &headers, |body| body.write_all(text.as_bytes()));
}

/// Sends each chunk back before it reads the next.
fn echo(request: &IncomingRequest, out: ResponseOutparam) {
    let Some((_body, mut source)) = body(request) else {
        return text(out, 500, "the request has no body to read");
    };
    respond(out, 200, &[], |sink| {
        let mut chunk = vec![0; CHUNK];
        loop {
            match Read::read(&mut source, &mut chunk)? {
                0 => return Ok(()),
                read => sink.write_all(&chunk[..read])?,
            }
            Write::flush(sink)?;
        }
    });
}

/// The stream has to go before its body does.
fn body(request: &IncomingRequest) -> Option<(IncomingBody, InputStream)> {
    let body = request.consume().ok()?;
    let stream = body.stream().ok()?;
    Some((body, stream))
}

/// Sends the head, then the body as `write` makes it. A body that breaks off is left unfinished, so that the client
/// learns of it.
fn respond(
    out: ResponseOutparam,
    status: u16,
    headers: &[(String, Vec<u8>)],
    write: impl FnOnce(&mut OutputStream) -> Result<()>,
) {
    let Some((response, body)) = response(status, headers) else {
        return;
    };
    ResponseOutparam::set(out, Ok(response));
    let Ok(mut sink) = body.write() else {
        return;
    };
    let written = write(&mut sink);
    drop(sink);
    if written.is_ok() {
        // The client may have left.
        let _ = OutgoingBody::finish(body, None);
    }
}

fn response(status: u16, headers: &[(String, Vec<u8>)]) -> Option<(OutgoingResponse, OutgoingBody)> {
    let response = OutgoingResponse::new(Fields::from_list(headers).ok()?);
    response.set_status_code(status).ok()?;
    let body = response.body().ok()?;
    Some((response, body))
}
