//! What a `wasi:http` function answers, on its way to the caller.

use http_body_util::BodyExt as _;
use tokio::sync::oneshot;

use super::error::CliError;
use super::{print, tell};
use crate::engine::HttpAnswer;
use crate::event::Response;
use crate::invoke::Ending;
use crate::services::context::printable;

/// The most of a body that is collected for `--json`.
const BODY_BYTES: usize = 8 << 20;

/// Shows the response while it comes: status and headers to standard error, the body to standard output, or with `collect`
/// into the ending. Returns how the invocation ended as the caller sees it, `None` when there was no response.
pub(super) async fn show(answer: oneshot::Receiver<HttpAnswer>, collect: bool) -> Result<Option<Ending>, CliError> {
    let failed = |reason: String| Ok(Some(Ending::Retry { reason, after: None }));
    let response = match answer.await {
        Ok(Ok(response)) => response,
        Ok(Err(code)) => return failed(format!("it answered with the error {code}")),
        Err(_) => return Ok(None),
    };
    let (head, mut body) = response.into_parts();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let attributes = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let mut response =
        Response { status: Some(head.status.as_u16()), content_type: None, attributes, data: Vec::new() };
    if !collect {
        show_head(head.status, &response);
    }
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(bytes)) if !collect => print(&bytes)?,
            Ok(Ok(bytes)) if response.data.len() + bytes.len() > BODY_BYTES => {
                return failed(format!("its body is larger than the {BODY_BYTES} bytes that `--json` takes"));
            }
            Ok(Ok(bytes)) => response.data.extend_from_slice(&bytes),
            // Trailers.
            Ok(Err(_)) => {}
            Err(error) => return failed(format!("its body broke off: {error}")),
        }
    }
    Ok(Some(if collect { Ending::Ok(response) } else { Ending::Http }))
}

fn show_head(status: http::StatusCode, response: &Response) {
    tell(format_args!("HTTP {status}"));
    for (name, value) in &response.attributes {
        tell(format_args!("{name}: {}", printable(value)));
    }
}
