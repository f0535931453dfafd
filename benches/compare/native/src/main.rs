//! What the functions answer, without WebAssembly: `GET` greets as `../hello` does, anything else gets its body back as the echo
//! guests do. One thread, because the comparison pins every server to one core.
//!
//! `native ADDRESS` serves until it is killed.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

const GREETING: &[u8] = b"Hello, world!\n";

fn main() -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = std::env::args().nth(1).ok_or("usage: native ADDRESS")?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(serve(address))
}

async fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(converse(stream));
    }
}

async fn converse(stream: TcpStream) {
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(
        TokioIo::new(stream),
        service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) }),
    );
    // A client that leaves is no fault of the server's.
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() == Method::GET {
        return with_type(Bytes::from_static(GREETING), HeaderValue::from_static("text/plain"));
    }
    let (parts, body) = request.into_parts();
    match body.collect().await {
        Ok(body) => {
            let given = parts.headers.get(CONTENT_TYPE).cloned();
            with_type(body.to_bytes(), given.unwrap_or(HeaderValue::from_static("application/octet-stream")))
        }
        Err(_) => refusal(),
    }
}

fn with_type(body: Bytes, content_type: HeaderValue) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn refusal() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}
