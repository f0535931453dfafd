//! Requests to events and back: the door of the host, and the only place that picks a status.

mod access_log;
mod answer;
mod body;
mod compress;
mod connection;
mod container;
mod cors;
mod files;
mod function;
mod request;
mod response;
mod route;
mod server;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use arc_swap::ArcSwap;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use tokio_util::task::TaskTracker;

pub use access_log::{Access, AccessLog};
pub use body::{Body, BodyError, Response};
pub use connection::Busy;
pub use container::Container;
pub(in crate::triggers) use container::Pieces;
pub use cors::CorsError;
pub use files::{Files, FilesError};
pub use route::{Route, RouteError, Routes};
pub use server::{BindError, Bound, Ended};
pub use tls::{LOOK_EVERY, Tls, TlsError, acceptor};

use crate::config::Server;
use crate::event::Pairs;
use crate::invoke::Function;
use answer::{answer, method_not_allowed};
use route::Found;

/// What answers the requests of a route.
pub enum Target {
    Function(Arc<Function>),
    Files(Files),
    Container(Container),
}

/// All that requests meet: the routes, which a reload replaces, and what stays.
pub struct Door {
    settings: Server,
    routes: ArcSwap<Routes>,
    ready: AtomicBool,
    log: Option<AccessLog>,
    /// Invocations that go on after the head of their response.
    tasks: TaskTracker,
}

impl Door {
    pub fn new(settings: Server, routes: Routes, log: Option<AccessLog>) -> Self {
        let (ready, tasks) = (AtomicBool::new(true), TaskTracker::new());
        Self { settings, routes: ArcSwap::from_pointee(routes), ready, log, tasks }
    }

    /// New requests meet the new routes; those that are running end with the old.
    pub fn replace(&self, routes: Routes) {
        self.routes.store(Arc::new(routes));
    }

    pub fn routes(&self) -> Arc<Routes> {
        self.routes.load_full()
    }

    /// Writes what is left of the access log; for the end of the process. Blocks for a second at most.
    pub fn flush_log(&self) {
        if let Some(log) = &self.log {
            log.flush();
        }
    }

    /// Health and readiness.
    fn own_answer(&self, path: &str) -> Option<Response> {
        if self.settings.health.as_deref() == Some(path) {
            return Some(answer(StatusCode::OK, "healthy"));
        }
        if self.settings.ready.as_deref() == Some(path) {
            return Some(match self.ready.load(Relaxed) {
                true => answer(StatusCode::OK, "ready"),
                false => answer(StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            });
        }
        None
    }
}

/// What a request found.
struct Match {
    route: Arc<Route>,
    /// Decoded.
    parameters: Pairs,
    secure: bool,
}

impl Match {
    /// What the wildcard matched; it is the last parameter.
    fn rest(&self) -> &str {
        self.parameters.last().map_or("", |(_, rest)| rest)
    }
}

async fn handle(door: &Door, request: Request<Incoming>, secure: bool, busy: Busy) -> Response {
    let seen = door.log.as_ref().map(|log| (log, log.begin(&request), Instant::now()));
    let (response, note) = respond(door, request, secure).await;
    if let Some((log, access, started)) = seen {
        log.end(&access, &response, &note, started.elapsed());
    }
    response.map(|body| body.keeping(busy))
}

/// For the access log.
#[derive(Default)]
struct Note {
    function: Option<Arc<Route>>,
    warm: Option<bool>,
}

async fn respond(door: &Door, request: Request<Incoming>, secure: bool) -> (Response, Note) {
    if let Some(answer) = door.own_answer(request.uri().path()) {
        return (answer, Note::default());
    }
    let mut matched = match find(&door.routes(), &request, secure) {
        Ok(matched) => matched,
        Err(response) => return (*response, Note::default()),
    };
    let mut note = Note { function: Some(Arc::clone(&matched.route)), warm: None };
    let response = match matched.route.is_plain() {
        true => reach(door, request, &mut matched, &mut note).await,
        false => Box::pin(dressed(door, request, &mut matched, &mut note)).await,
    };
    (response, note)
}

/// With what the route adds to the answer of its target.
async fn dressed(door: &Door, request: Request<Incoming>, matched: &mut Match, note: &mut Note) -> Response {
    let (head, route) = (request::head(&request), Arc::clone(&matched.route));
    if let Some(answer) = route.cors.as_ref().and_then(|cors| cors.preflight(&head)) {
        return answer;
    }
    let accepted = route.trigger.compress.then(|| compress::accepted(&head)).flatten();
    let mut response = reach(door, request, matched, note).await;
    if let Some(cors) = &route.cors {
        cors.apply(&head, &mut response);
    }
    match accepted {
        Some(accepted) => compress::apply(accepted, response).await,
        None => response,
    }
}

async fn reach(door: &Door, request: Request<Incoming>, matched: &mut Match, note: &mut Note) -> Response {
    let route = Arc::clone(&matched.route);
    match &route.target {
        Target::Function(function) => function::answer_request(door, function, request, matched, note).await,
        Target::Files(files) => Box::pin(files.serve(&request.into_parts().0, matched.rest())).await,
        Target::Container(container) => Box::pin(container.serve(&request.into_parts().0, matched.rest())).await,
    }
}

fn find(routes: &Routes, request: &Request<Incoming>, secure: bool) -> Result<Match, Box<Response>> {
    if request::wants_websocket(request) {
        let text = "websocket upgrades are not supported; use plain requests, or server-sent events for a stream";
        return Err(Box::new(answer(StatusCode::NOT_IMPLEMENTED, text)));
    }
    let Some(host) = request::host(request) else {
        return Err(Box::new(answer(StatusCode::BAD_REQUEST, "the request names no host")));
    };
    match routes.find(host, request.uri().path(), request.method()) {
        Found::Route { route, parameters } => {
            Ok(Match { route: Arc::clone(route), parameters: route::decoded(&parameters), secure })
        }
        Found::OtherMethods(methods) => {
            let methods: Vec<&str> = methods.into_iter().map(http::Method::as_str).collect();
            Err(Box::new(method_not_allowed(&methods.join(", "))))
        }
        Found::Nothing => Err(Box::new(answer(StatusCode::NOT_FOUND, "nothing is here"))),
    }
}
