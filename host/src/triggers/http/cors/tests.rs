use std::time::Duration;

use http::header::VARY;
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use insta::assert_snapshot;

use super::{Body, Cors, Response};
use crate::config;

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn settings() -> config::Cors {
    config::Cors {
        origins: texts(&["https://example.com", "http://localhost:5173"]),
        methods: texts(&["put", "DELETE"]),
        headers: texts(&["Content-Type", "x-token"]),
        expose: texts(&["x-total"]),
        credentials: true,
        max_age: Some(Duration::from_secs(600)),
    }
}

fn any() -> config::Cors {
    config::Cors { origins: texts(&["*"]), ..config::Cors::default() }
}

fn head(method: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri("/orders");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn preflight_of(origin: &str, method: &str) -> Parts {
    let headers =
        [("origin", origin), ("access-control-request-method", method), ("access-control-request-headers", "x-token")];
    head("OPTIONS", &headers)
}

/// Status and headers, one a line.
fn shown(response: &Response) -> String {
    let lines = response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
    std::iter::once(response.status().as_u16().to_string()).chain(lines).collect::<Vec<_>>().join("\n")
}

fn applied(cors: &Cors, origin: &str) -> Response {
    let mut response = Response::new(Body::empty());
    let own = [("access-control-allow-origin", "*"), ("access-control-allow-credentials", "true"), ("vary", "accept")];
    for (name, value) in own {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    cors.apply(&head("GET", &[("origin", origin)]), &mut response);
    response
}

#[test]
fn a_preflight_of_an_allowed_origin_lists_what_it_may() {
    let cors = Cors::new(&settings(), &[]).unwrap();
    let response = cors.preflight(&preflight_of("http://localhost:5173", "PUT")).unwrap();
    assert_snapshot!(shown(&response), @r"
    204
    vary: origin
    access-control-allow-origin: http://localhost:5173
    access-control-allow-credentials: true
    access-control-allow-methods: PUT, DELETE
    access-control-allow-headers: content-type, x-token
    access-control-max-age: 600
    ");
}

#[tokio::test]
async fn a_preflight_of_another_origin_is_refused() {
    let cors = Cors::new(&settings(), &[]).unwrap();
    let refused = |origin: &str| cors.preflight(&preflight_of(origin, "PUT")).unwrap();
    assert_snapshot!(shown(&refused("https://example.org")), @r"
    403
    content-type: text/plain; charset=utf-8
    vary: origin
    ");
    let body = refused("https://example.org").into_body().collect().await.unwrap().to_bytes();
    assert_snapshot!(String::from_utf8_lossy(&body), @"pages of this origin may not use this route");
    for origin in ["http://example.com", "https://example.com.evil.org", "https://EXAMPLE.com", "null"] {
        assert_eq!(shown(&refused(origin)), shown(&refused("https://example.org")), "{origin}");
    }
}

#[test]
fn only_a_preflight_is_answered() {
    let cors = Cors::new(&any(), &[]).unwrap();
    assert!(cors.preflight(&head("OPTIONS", &[])).is_none());
    assert!(cors.preflight(&head("OPTIONS", &[("origin", "https://example.com")])).is_none());
    assert!(cors.preflight(&head("OPTIONS", &[("access-control-request-method", "PUT")])).is_none());
    let asks = [("origin", "https://example.com"), ("access-control-request-method", "PUT")];
    assert!(cors.preflight(&head("PUT", &asks)).is_none());
    assert!(cors.preflight(&head("OPTIONS", &asks)).is_some());
}

#[test]
fn methods_are_those_of_the_route_unless_named() {
    let allowed = |settings: &config::Cors, route: &[&str]| {
        let cors = Cors::new(settings, &texts(route)).unwrap();
        let response = cors.preflight(&preflight_of("https://example.com", "PATCH")).unwrap();
        response.headers()["access-control-allow-methods"].to_str().unwrap().to_owned()
    };
    assert_eq!(allowed(&any(), &["GET", "POST"]), "GET, POST");
    assert_eq!(allowed(&any(), &[]), "PATCH", "a route of every method allows the one asked for");
    assert_eq!(allowed(&settings(), &["GET"]), "PUT, DELETE");
    assert_eq!(allowed(&config::Cors { methods: texts(&["*"]), ..any() }, &["GET"]), "*");
}

#[test]
fn an_answer_says_who_may_read_it() {
    let cors = Cors::new(&settings(), &[]).unwrap();
    assert_snapshot!(shown(&applied(&cors, "https://example.com")), @r"
    200
    vary: accept
    vary: origin
    access-control-allow-origin: https://example.com
    access-control-allow-credentials: true
    access-control-expose-headers: x-total
    ");
}

#[test]
fn an_answer_to_another_origin_loses_what_the_function_allowed() {
    let cors = Cors::new(&settings(), &[]).unwrap();
    assert_snapshot!(shown(&applied(&cors, "https://example.org")), @r"
    200
    vary: accept
    vary: origin
    ");
}

#[test]
fn an_answer_for_all_origins_does_not_vary() {
    let cors = Cors::new(&any(), &[]).unwrap();
    assert_snapshot!(shown(&applied(&cors, "https://example.org")), @r"
    200
    vary: accept
    access-control-allow-origin: *
    ");
    let mut response = Response::new(Body::empty());
    cors.apply(&head("GET", &[]), &mut response);
    assert_eq!(response.headers()["access-control-allow-origin"], "*", "also without an origin, for caches");
}

#[test]
fn an_answer_without_an_origin_varies_by_it() {
    let cors = Cors::new(&settings(), &[]).unwrap();
    let mut response = Response::new(Body::empty());
    cors.apply(&head("GET", &[]), &mut response);
    assert_eq!(*response.headers(), HeaderMap::from_iter([(VARY, "origin".parse().unwrap())]));
    assert_eq!(response.status(), StatusCode::OK);
}

#[test]
fn origins_are_kept_as_browsers_write_them() {
    let names = ["HTTPS://Example.com", "https://example.com:443", "http://example.com:80", "tauri://localhost"];
    let cors = Cors::new(&config::Cors { origins: texts(&names), ..any() }, &[]).unwrap();
    let kept = ["https://example.com", "https://example.com", "http://example.com", "tauri://localhost"];
    assert_eq!(cors.origins.unwrap(), kept);
}

#[test]
fn settings_that_cannot_be_kept_are_refused() {
    let refusal = |settings: config::Cors| Cors::new(&settings, &[]).unwrap_err().to_string();
    let of_origin = |origin: &str| refusal(config::Cors { origins: texts(&[origin]), ..any() });
    assert_snapshot!(refusal(config::Cors::default()), @"`origins` is empty: name the origins whose pages may use the route, or `*` for all");
    assert_snapshot!(of_origin("example.com"), @"`example.com` is not an origin: expected a scheme and a host without a path, such as `https://example.com`");
    for text in ["https://example.com/", "https://me@example.com", "https://example.com?x", "null", "/", "", "a b"] {
        assert!(of_origin(text).contains("is not an origin"), "{text}");
    }
    assert_snapshot!(refusal(config::Cors { origins: texts(&["*", "https://example.com"]), ..any() }), @"`*` does not go with other `origins`: remove it, or them");
    assert_snapshot!(refusal(config::Cors { methods: texts(&["PUT IT"]), ..any() }), @"`PUT IT` is not a method: expected one such as `PUT`, or `*`");
    assert_snapshot!(refusal(config::Cors { headers: texts(&["x token"]), ..any() }), @"`x token` is not a header's name: expected one such as `content-type`, or `*`");
    assert_snapshot!(refusal(config::Cors { credentials: true, ..any() }), @"`*` in `origins` does not go with `credentials`, browsers refuse the two together: name each");
    assert_snapshot!(refusal(config::Cors { expose: texts(&["*"]), ..settings() }), @"`*` in `expose` does not go with `credentials`, browsers refuse the two together: name each");
}
