use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use http::Request;
use http::header::HeaderMap;
use http_body_util::BodyExt as _;
use insta::assert_snapshot;
use percent_encoding::utf8_percent_encode;
use tempfile::TempDir;

use super::{Files, NOT_PLAIN};
use crate::triggers::http::body::Response;

/// A served folder and, beside it, a secret.
struct Site {
    folder: TempDir,
    files: Files,
}

impl Site {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("site");
        for (name, text) in [
            ("index.html", "<p>home"),
            ("hello world.txt", "hello, world"),
            ("docs/index.html", "<p>docs"),
            ("empty/note.txt", ""),
            (".env", "SECRET=1"),
            ("docs/.git/config", "secret"),
            (".well-known/security.txt", "Contact: us"),
            ("../secret.txt", "secret"),
        ] {
            fs::create_dir_all(path.join(name).parent().unwrap()).unwrap();
            fs::write(path.join(name), text).unwrap();
        }
        let files = Files::new(&path).unwrap();
        Self { folder, files }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("site").join(name)
    }

    async fn ask(&self, method: &str, rest: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::builder().method(method).uri(uri(rest));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.files.serve(&request.body(()).unwrap().into_parts().0, rest).await
    }

    async fn get(&self, rest: &str) -> String {
        shown(self.ask("GET", rest, &[]).await).await
    }
}

fn uri(rest: &str) -> String {
    format!("/files/{}", utf8_percent_encode(rest, NOT_PLAIN))
}

/// Status, headers without the times, and body.
async fn shown(response: Response) -> String {
    let (parts, body) = response.into_parts();
    let mut lines = vec![parts.status.as_u16().to_string()];
    let timeless = parts.headers.iter().filter(|(name, _)| !["last-modified", "etag"].contains(&name.as_str()));
    lines.extend(timeless.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())));
    lines.push(String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap());
    lines.join("\n")
}

fn tag(headers: &HeaderMap) -> String {
    headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_comes_with_its_type() {
    assert_snapshot!(Site::new().get("hello world.txt").await, @r"
    200
    content-type: text/plain; charset=utf-8
    accept-ranges: bytes
    content-length: 12
    hello, world
    ");
}

#[tokio::test]
async fn a_folder_is_its_index() {
    let site = Site::new();
    assert_snapshot!(site.get("").await, @r"
    200
    content-type: text/html; charset=utf-8
    accept-ranges: bytes
    content-length: 7
    <p>home
    ");
    assert!(site.get("docs/").await.ends_with("<p>docs"));
    assert_snapshot!(site.get("docs").await, @r"
    307
    content-type: text/plain; charset=utf-8
    location: ./docs/
    a folder's path ends with a slash
    ");
    let request = Request::get("/files?a=1").body(()).unwrap().into_parts().0;
    assert_eq!(site.files.serve(&request, "").await.headers()["location"], "./files/?a=1");
    assert_snapshot!(site.get("empty/").await, @r"
    404
    content-type: text/plain; charset=utf-8
    no such file
    ");
}

#[tokio::test]
async fn what_is_not_there_is_absent() {
    let site = Site::new();
    assert_snapshot!(site.get("nowhere.txt").await, @r"
    404
    content-type: text/plain; charset=utf-8
    no such file
    ");
    let long = "a".repeat(300);
    let deep = "a/".repeat(3000);
    for rest in ["index.html/", "index.html/x", "docs/nowhere/", "%69ndex.html", "\u{FFFD}", "a\0b", &long, &deep] {
        assert!(site.get(rest).await.starts_with("404"), "{rest}");
    }
}

#[tokio::test]
async fn names_with_a_dot_in_front_are_absent() {
    let site = Site::new();
    for rest in [".env", "/.env", "./.env", "docs/.git/config", "docs/.git/", "docs/.git", "docs//.git/config"] {
        assert!(site.get(rest).await.starts_with("404"), "{rest}");
    }
    assert!(site.get(".well-known/security.txt").await.ends_with("Contact: us"));
}

#[tokio::test]
async fn nothing_leads_out_of_the_folder() {
    let site = Site::new();
    symlink(site.folder.path().join("secret.txt"), site.path("absolute.txt")).unwrap();
    symlink("../secret.txt", site.path("relative.txt")).unwrap();
    symlink(site.folder.path(), site.path("up")).unwrap();
    symlink("turn", site.path("turn")).unwrap();
    let links = ["absolute.txt", "relative.txt", "up/secret.txt", "up/", "turn", "turn/"];
    let paths = ["../secret.txt", "./../secret.txt", "docs/../../secret.txt", "%2e%2e/secret.txt", "/etc/passwd"];
    for rest in links.into_iter().chain(paths).chain(["//etc/passwd", "..\\secret.txt"]) {
        assert!(site.get(rest).await.starts_with("404"), "{rest}");
    }
    symlink("hello world.txt", site.path("within.txt")).unwrap();
    assert!(site.get("within.txt").await.ends_with("hello, world"));
}

#[tokio::test]
async fn pipes_and_sockets_are_absent_and_keep_nobody_waiting() {
    let site = Site::new();
    assert!(Command::new("mkfifo").arg(site.path("pipe")).status().unwrap().success());
    assert!(site.get("pipe").await.starts_with("404"));
    let _socket = UnixListener::bind(site.path("socket")).unwrap();
    assert!(site.get("socket").await.starts_with("404"));
}

#[tokio::test]
async fn another_folder_may_take_its_place() {
    let site = Site::new();
    fs::rename(site.path(""), site.folder.path().join("old")).unwrap();
    assert!(site.get("index.html").await.starts_with("404"));
    fs::create_dir(site.path("")).unwrap();
    fs::write(site.path("index.html"), "<p>new").unwrap();
    assert!(site.get("index.html").await.ends_with("<p>new"));
}

#[tokio::test]
async fn head_answers_without_the_body() {
    assert_snapshot!(shown(Site::new().ask("HEAD", "hello world.txt", &[]).await).await, @r"
    200
    content-type: text/plain; charset=utf-8
    accept-ranges: bytes
    content-length: 12
    ");
}

#[tokio::test]
async fn other_methods_are_refused() {
    assert_snapshot!(shown(Site::new().ask("DELETE", "hello world.txt", &[]).await).await, @r"
    405
    content-type: text/plain; charset=utf-8
    allow: GET, HEAD
    this path takes GET, HEAD
    ");
}

#[tokio::test]
async fn a_range_is_answered_with_that_part() {
    let site = Site::new();
    let ranged = async |range: &str| shown(site.ask("GET", "hello world.txt", &[("range", range)]).await).await;
    assert_snapshot!(ranged("bytes=7-").await, @r"
    206
    content-type: text/plain; charset=utf-8
    accept-ranges: bytes
    content-range: bytes 7-11/12
    content-length: 5
    world
    ");
    assert!(ranged("bytes=0-4").await.ends_with("\nhello"));
    assert!(ranged("bytes=-5").await.ends_with("\nworld"));
    assert!(ranged("bytes=0-1, 4-5").await.starts_with("200"), "several ranges are ignored");
    assert_snapshot!(ranged("bytes=12-").await, @r"
    416
    content-type: text/plain; charset=utf-8
    content-range: bytes */12
    the range begins after the end
    ");
}

#[tokio::test]
async fn a_range_of_other_content_is_answered_with_the_whole() {
    let site = Site::new();
    let whole = site.ask("GET", "hello world.txt", &[]).await;
    let (tag, modified) = (tag(whole.headers()), whole.headers()["last-modified"].to_str().unwrap().to_owned());
    let status = async |range: &str, known: &str| {
        site.ask("GET", "hello world.txt", &[("range", range), ("if-range", known)]).await.status().as_u16()
    };
    assert_eq!(status("bytes=7-", &tag).await, 206);
    assert_eq!(status("bytes=7-", &modified).await, 206);
    assert_eq!(status("bytes=7-", "\"another\"").await, 200);
    assert_eq!(status("bytes=7-", &format!("W/{tag}")).await, 200);
    assert_eq!(status("bytes=90-", "\"another\"").await, 200);
    assert_eq!(status("bytes=90-", &tag).await, 416);
}

#[tokio::test]
async fn conditions_are_kept() {
    let site = Site::new();
    let whole = site.ask("GET", "index.html", &[]).await;
    let (tag, modified) = (tag(whole.headers()), whole.headers()["last-modified"].to_str().unwrap().to_owned());
    let known = site.ask("GET", "index.html", &[("if-none-match", &tag)]).await;
    assert_eq!(known.headers()["etag"], tag);
    assert_snapshot!(shown(known).await, @"304");
    let status =
        async |name: &str, value: &str| site.ask("GET", "index.html", &[(name, value)]).await.status().as_u16();
    assert_eq!(status("if-modified-since", &modified).await, 304);
    assert_eq!(status("if-none-match", "\"another\"").await, 200);
    assert_snapshot!(shown(site.ask("GET", "index.html", &[("if-match", "\"another\"")]).await).await, @r"
    412
    content-type: text/plain; charset=utf-8
    the file is another by now
    ");
    let file = fs::File::options().write(true).open(site.path("index.html")).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
    assert_eq!(status("if-none-match", &tag).await, 200, "a touched file is another");
}

#[tokio::test]
async fn a_large_file_comes_in_pieces() {
    let site = Site::new();
    let bytes: Vec<u8> = (0_u32..300_000).flat_map(u32::to_le_bytes).collect();
    fs::write(site.path("large.bin"), &bytes).unwrap();
    let mut body = site.ask("GET", "large.bin", &[]).await.into_body();
    let (mut got, mut pieces) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        got.extend_from_slice(&frame.unwrap().into_data().unwrap());
        pieces += 1;
    }
    assert_eq!(got, bytes);
    assert!(pieces > 10, "{pieces}");
}

#[test]
fn a_folder_must_be_there() {
    let refusal = |path: &str| Files::new(Path::new(path)).map(|_| ()).unwrap_err().to_string();
    assert_snapshot!(refusal("/nowhere/site"), @"cannot serve files from `/nowhere/site`: No such file or directory (os error 2)");
    assert_snapshot!(refusal("/etc/passwd"), @"cannot serve files from `/etc/passwd`: Not a directory (os error 20)");
}
