//! A `wasi:http` 0.3 server on the bindings that wit-bindgen made and `wasip3` publishes: no framework, no SDK.

use std::sync::atomic::{AtomicU32, Ordering};

use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response};
use wasip3::wit_bindgen::{StreamReader, StreamResult};
use wasip3::{spawn_local, wit_future, wit_stream};

/// Read, and written back, at a time; in bytes.
const CHUNK: usize = 64 * 1024;

/// Requests that this instance has met.
static COUNT: AtomicU32 = AtomicU32::new(0);

struct Server;

wasip3::http::service::export!(Server);

impl Guest for Server {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        let target = request.get_path_with_query().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        match path {
            "/hello" => text(200, "hello from wit-bindgen with async"),
            "/count" => text(200, &count.to_string()),
            "/headers" => text(200, &described(&request, &target)),
            "/echo" => echo(request),
            "/trap" => panic!("a trap was asked for"),
            _ => text(status(path).unwrap_or(404), ""),
        }
    }
}

/// The status that `/status/<code>` asks for.
fn status(path: &str) -> Option<u16> {
    path.strip_prefix("/status/")?.parse().ok()
}

fn described(request: &Request, target: &str) -> String {
    let method = match request.get_method() {
        Method::Get => "GET".to_owned(),
        other => format!("{other:?}"),
    };
    let values = request.get_headers().get("x-colour").into_iter();
    let colour = values.map(|value| String::from_utf8_lossy(&value).into_owned()).collect::<Vec<_>>().join(",");
    format!("{method} {target} {colour}")
}

fn text(status: u16, text: &str) -> Result<Response, ErrorCode> {
    let (mut sink, body) = wit_stream::new();
    let bytes = text.as_bytes().to_vec();
    spawn_local(async move {
        // What is left over is for a client that has left.
        let _ = sink.write_all(bytes).await;
    });
    respond(status, &[("content-type".to_owned(), b"text/plain; charset=utf-8".to_vec())], body)
}

/// Sends each chunk back before it reads the next, and goes on doing so after the head was returned.
fn echo(request: Request) -> Result<Response, ErrorCode> {
    let (_, all_is_well) = wit_future::new(|| Ok(()));
    let (mut source, _trailers) = Request::consume_body(request, all_is_well);
    let (mut sink, body) = wit_stream::new();
    spawn_local(async move {
        loop {
            let (result, chunk) = source.read(Vec::with_capacity(CHUNK)).await;
            let unsent = sink.write_all(chunk).await;
            if result == StreamResult::Dropped || !unsent.is_empty() {
                break;
            }
        }
    });
    respond(200, &[], body)
}

fn respond(status: u16, headers: &[(String, Vec<u8>)], body: StreamReader<u8>) -> Result<Response, ErrorCode> {
    let refused = |what: &str| ErrorCode::InternalError(Some(format!("the host refused {what}")));
    let headers = Fields::from_list(headers).map_err(|_| refused("the headers"))?;
    let (_, no_trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(headers, Some(body), no_trailers);
    response.set_status_code(status).map_err(|()| refused("the status"))?;
    Ok(response)
}
