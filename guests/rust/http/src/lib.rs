//! An ordinary `wasi:http` server, without the SDK. Answers `<method> <path>`, a line feed and the request's body;
//! `/fetch?url=...` relays the status and body of what the URL answers, or answers 502 with the reason why it could not.

use wstd::http::{Body, Client, Error, Request, Response};

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    match fetch_target(&request) {
        Some(url) => fetch(&url).await.or_else(|error| refuse(&error)),
        None => echo(request).await,
    }
}

fn fetch_target(request: &Request<Body>) -> Option<String> {
    let uri = request.uri();
    let query = uri.query().filter(|_| uri.path() == "/fetch")?;
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "url").map(|(_, url)| url.into_owned())
}

async fn fetch(url: &str) -> Result<Response<Body>, Error> {
    let request = Request::get(url).body(())?;
    let (parts, body) = Client::new().send(request).await?.into_parts();
    Ok(Response::builder().status(parts.status).body(body)?)
}

fn refuse(error: &Error) -> Result<Response<Body>, Error> {
    Ok(Response::builder().status(502).body(format!("{error:#}\n").into())?)
}

async fn echo(request: Request<Body>) -> Result<Response<Body>, Error> {
    let (parts, mut body) = request.into_parts();
    let mut answer = format!("{} {}\n", parts.method, parts.uri.path()).into_bytes();
    answer.extend_from_slice(body.contents().await?);
    Ok(Response::builder().header("content-type", "text/plain; charset=utf-8").body(answer.into())?)
}
