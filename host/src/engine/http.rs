//! Calls of `wasi:http` guests, 0.2 and 0.3.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::sync::oneshot;
use wasmtime::component::Accessor;
use wasmtime::{AsContextMut as _, Store};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{Prepared, Proxy};
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::{bindings::Proxy as Proxy2, body, types};

use super::instance::{HttpAnswer, HttpCall};
use super::state::State;

/// Calls the handler; done when the guest has nothing more to do for this request.
pub(super) async fn serve(proxy: &Proxy, store: &mut Store<State>, call: HttpCall) -> wasmtime::Result<()> {
    match proxy {
        Proxy::P2(guest) => serve_p2(guest, store, call).await,
        Proxy::P3(_) => serve_p3(proxy, store, call).await,
    }
}

async fn serve_p2(guest: &Proxy2, store: &mut Store<State>, call: HttpCall) -> wasmtime::Result<()> {
    let HttpCall { request, secure, respond } = call;
    let scheme = if secure { Scheme::Https } else { Scheme::Http };
    let request = store.data_mut().http().new_incoming_request(scheme, request)?;
    let answered = Arc::new(AtomicBool::new(false));
    let answer = {
        let answered = Arc::clone(&answered);
        move |answer: Result<_, _>| {
            answered.store(true, Relaxed);
            // The caller may be gone.
            drop(respond.send(answer.map_err(|code| format!("{code:?}"))));
        }
    };
    let outparam = store.data_mut().http().new_response_outparam_from_callback(answer)?;
    guest.wasi_http_incoming_handler().call_handle(store, request, outparam).await?;
    if answered.load(Relaxed) { Ok(()) } else { Err(NoReply.into()) }
}

/// The guest returned without setting a response.
#[derive(Debug, thiserror::Error)]
#[error("no response was set")]
pub(super) struct NoReply;

async fn serve_p3(proxy: &Proxy, store: &mut Store<State>, call: HttpCall) -> wasmtime::Result<()> {
    let HttpCall { request, secure, respond } = call;
    let request = with_authority(request, secure)?;
    let (sender, answered) = futures_channel::oneshot::channel();
    let pass_on = async move {
        // Nothing is sent when the guest traps first.
        if let Ok(answer) = answered.await {
            pass_on(answer, respond);
        }
    };
    store
        .run_concurrent(async |accessor: &Accessor<State>| {
            let prepared = accessor
                .with(|mut store| Prepared::new(store.as_context_mut(), proxy, request, State::http_view, sender))?;
            let (ran, ()) = tokio::join!(prepared.run(accessor, std::future::pending()), pass_on);
            ran?;
            // What the guest still does after its answer: most of all, writing the body.
            std::future::poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            Ok(())
        })
        .await?
}

type Answered = wasmtime::Result<http::Response<wasmtime_wasi_http::WasiBody>>;

fn pass_on(answer: Answered, respond: oneshot::Sender<HttpAnswer>) {
    let answer = answer.map_err(|error| error.root_cause().to_string());
    // The caller may be gone.
    drop(respond.send(answer));
}

/// 0.3 takes scheme and authority from the URI alone.
fn with_authority<B>(request: http::Request<B>, secure: bool) -> wasmtime::Result<http::Request<B>> {
    let (mut head, body) = request.into_parts();
    let mut uri = std::mem::take(&mut head.uri).into_parts();
    uri.scheme = Some(if secure { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP });
    if uri.authority.is_none() {
        let host = head.headers.get(http::header::HOST).map(http::HeaderValue::as_bytes).unwrap_or_default();
        uri.authority = Some(http::uri::Authority::try_from(host)?);
    }
    head.uri = http::Uri::from_parts(uri)?;
    Ok(http::Request::from_parts(head, body))
}

/// Whether a guest's handle belongs to one exchange of a request and its response.
pub(super) fn belongs_to_exchange(handle: &(dyn Any + Send)) -> bool {
    handle.is::<types::HostIncomingRequest>()
        || handle.is::<types::HostResponseOutparam>()
        || handle.is::<types::HostOutgoingResponse>()
        || handle.is::<types::HostOutgoingRequest>()
        || handle.is::<types::HostIncomingResponse>()
        || handle.is::<types::HostFutureIncomingResponse>()
        || handle.is::<body::HostIncomingBody>()
        || handle.is::<body::HostOutgoingBody>()
        || handle.is::<body::HostFutureTrailers>()
        || handle.is::<wasmtime_wasi_http::p3::Request>()
        || handle.is::<wasmtime_wasi_http::p3::Response>()
}
