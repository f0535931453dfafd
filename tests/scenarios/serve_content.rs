//! `serve`: what a route adds to answers, and what it answers without a function.

use std::fs;

use libtest_mimic::Trial;
use serde_json::json;

use super::served::Server;
use super::stage::Stage;
use super::wire::{Log, Wire};
use super::{Scenario, Verdict, support};

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 4] =
        [("cors", cors), ("compression", compression), ("files", files), ("container", container)];
    let trial = |(name, run)| support::trial(format!("serve/content/{name}"), support::missing("rust"), run);
    cases.into_iter().map(trial).collect()
}

const CORS: &str = r#"
version = 1
[functions.answer]
component = "answer.wasm"

[[triggers.http]]
path = "/named"
methods = ["GET", "PUT"]
function = "answer"
cors = { origins = ["https://example.com"], headers = ["x-token"], expose = ["x-total"], credentials = true, max-age = "10m" }
[[triggers.http]]
path = "/all"
function = "answer"
cors = { origins = ["*"] }
[[triggers.http]]
path = "/none"
function = "answer"
"#;

fn cors() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "answer")?;
    let server = Server::of(&stage, CORS)?;
    let mut wire = Wire::connect(server.address)?;
    let mut log = Log::default();
    let (ours, theirs) = (("origin", "https://example.com"), ("origin", "https://example.org"));
    let asks = ("access-control-request-method", "PUT");
    log.exchange(&mut wire, "OPTIONS /named", &[ours, asks], b"")?;
    log.exchange(&mut wire, "OPTIONS /named", &[theirs, asks], b"")?;
    log.exchange(&mut wire, "PUT /named?x-total=1", &[ours], b"data")?;
    log.exchange(&mut wire, "PUT /named?access-control-allow-origin=*", &[theirs], b"data")?;
    log.exchange(&mut wire, "PUT /named", &[], b"data")?;
    log.exchange(&mut wire, "OPTIONS /named", &[ours], b"no preflight")?;
    log.exchange(&mut wire, "DELETE /named", &[ours], b"")?;
    log.exchange(&mut wire, "OPTIONS /all", &[theirs, asks], b"")?;
    log.exchange(&mut wire, "GET /all", &[theirs], b"data")?;
    log.exchange(&mut wire, "OPTIONS /none?status=404", &[ours, asks], b"the function's own")?;
    log.matches("serve_cors")
}

const COMPRESSION: &str = r#"
version = 1
[functions.echo]
component = "echo.wasm"

[[triggers.http]]
path = "/compressed"
function = "echo"
compress = true
[[triggers.http]]
path = "/plain"
function = "echo"
"#;

fn compression() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "echo")?;
    let server = Server::of(&stage, COMPRESSION)?;
    let mut wire = Wire::connect(server.address)?;
    let body = "the same again and again\n".repeat(1000);
    let (gzip, text) = (("accept-encoding", "br;q=0.5, gzip"), ("content-type", "text/plain"));
    let answer = wire.exchange("POST /compressed", &[gzip, text], body.as_bytes())?.is(200)?;
    let encoding = ["content-encoding", "vary", "content-type"].map(|name| answer.header(name));
    assert_eq!(encoding, [Some("gzip"), Some("accept-encoding"), Some("text/plain")]);
    assert!(answer.body.len() < body.len() / 10, "{} bytes", answer.body.len());
    // A member of gzip begins with its magic number and ends with the size of what is in it (RFC 1952).
    assert_eq!(answer.body.get(..2), Some(&[0x1f, 0x8b][..]));
    assert_eq!(answer.body.last_chunk().copied().map(u32::from_le_bytes), u32::try_from(body.len()).ok());
    let as_it_is = [
        ("POST /compressed", &[text][..], body.as_str()),
        ("POST /compressed", &[("accept-encoding", "identity"), text], &body),
        ("POST /compressed", &[gzip, ("content-type", "image/png")], &body),
        ("POST /compressed", &[gzip, text], "short"),
        ("POST /plain", &[gzip, text], &body),
    ];
    for (request, headers, body) in as_it_is {
        let answer = wire.exchange(request, headers, body.as_bytes())?.is(200)?;
        assert_eq!(
            (answer.header("content-encoding"), answer.text()),
            (None, body.to_owned()),
            "{request} {headers:?}"
        );
    }
    Ok(())
}

fn files() -> Verdict {
    let stage = Stage::new()?;
    stage.write("site/index.html", "<h1>home</h1>\n")?;
    stage.write("site/docs/index.html", "<h1>docs</h1>\n")?;
    stage.write("site/a file.txt", "0123456789\n")?;
    stage.write("site/.env", "SECRET=1\n")?;
    stage.write("secret.txt", "a secret\n")?;
    let manifest = "version = 1\n[[triggers.http]]\npath = \"/{*file}\"\nfiles = \"site\"\n";
    let server = Server::of(&stage, manifest)?;
    let mut wire = Wire::connect(server.address)?;
    let mut log = Log::default();
    let plain = ["GET /", "GET /docs/", "GET /docs", "GET /a%20file.txt", "HEAD /a%20file.txt", "GET /missing"];
    let hidden =
        ["GET /.env", "GET /../secret.txt", "GET /%2e%2e/secret.txt", "GET /..%2fsecret.txt", "GET //etc/passwd"];
    for request in plain.into_iter().chain(hidden).chain(["POST /"]) {
        steady(&mut log, &mut wire, request, &[])?;
    }
    steady(&mut log, &mut wire, "GET /a%20file.txt", &[("range", "bytes=2-4")])?;
    steady(&mut log, &mut wire, "GET /a%20file.txt", &[("range", "bytes=99-")])?;
    let modified = wire.exchange("GET /", &[], b"")?.is(200)?;
    let modified = modified.header("last-modified").ok_or("it does not say when it was modified")?.to_owned();
    wire.exchange("GET /", &[("if-modified-since", &modified)], b"")?.is(304)?;
    fs::write(stage.path("site/index.html"), "<h1>changed</h1>\n")?;
    assert_eq!(wire.exchange("GET /", &[], b"")?.is(200)?.text(), "<h1>changed</h1>\n");
    log.matches("serve_files")
}

/// Exchanges one and writes it down without what differs from run to run.
fn steady(log: &mut Log, wire: &mut Wire, request: &str, headers: &[(&str, &str)]) -> Verdict {
    let mut answer = wire.exchange(request, headers, b"")?;
    for (_, value) in answer.headers.iter_mut().filter(|(name, _)| name == "etag" || name == "last-modified") {
        "[value]".clone_into(value);
    }
    log.add(request, headers, b"", &answer);
    Ok(())
}

const CONTAINER: &str = r#"
version = 1
[functions.probe]
component = "probe.wasm"
grants = ["blob:inbox:rw"]
[containers.inbox]

[[triggers.http]]
path = "/probe"
function = "probe"
[[triggers.http]]
path = "/inbox/{*key}"
container = "inbox"
"#;

/// What a function puts there is served, under the type that it gave.
fn container() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "probe")?;
    let server = Server::of(&stage, CONTAINER)?;
    let mut wire = Wire::connect(server.address)?;
    let put = |key: &str, data: &str, content_type: Option<&str>| json!({"op": "blob.put", "container": "inbox", "key": key, "data": data, "content_type": content_type});
    let steps = json!([
        put("a/greeting .txt", "SGVsbG8gdGhlcmUh", Some("text/plain; charset=utf-8")),
        put("index.html", "aG9tZQ==", Some("text/html")),
        put("untyped", "Ynl0ZXM=", None),
    ]);
    wire.exchange("POST /probe", &[], steps.to_string().as_bytes())?.is(200)?;
    let mut log = Log::default();
    let requests = [
        "GET /inbox/a/greeting%20.txt",
        "HEAD /inbox/a/greeting%20.txt",
        "GET /inbox/",
        "GET /inbox",
        "GET /inbox/untyped",
    ];
    for request in requests.into_iter().chain(["GET /inbox/missing", "GET /inbox/a", "DELETE /inbox/untyped"]) {
        steady(&mut log, &mut wire, request, &[])?;
    }
    steady(&mut log, &mut wire, "GET /inbox/a/greeting%20.txt", &[("range", "bytes=-6")])?;
    let tag = wire.exchange("GET /inbox/untyped", &[], b"")?.is(200)?;
    let tag = tag.header("etag").ok_or("it has no tag")?.to_owned();
    wire.exchange("GET /inbox/untyped", &[("if-none-match", &tag)], b"")?.is(304)?;
    let steps = json!([put("untyped", "b3RoZXI=", None)]);
    wire.exchange("POST /probe", &[], steps.to_string().as_bytes())?.is(200)?;
    assert_eq!(wire.exchange("GET /inbox/untyped", &[("if-none-match", &tag)], b"")?.is(200)?.text(), "other");
    log.matches("serve_container")
}
