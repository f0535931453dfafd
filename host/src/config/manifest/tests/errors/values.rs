//! Texts that do not say what they should.

use std::fs;

use super::*;

#[test]
fn sizes_and_durations() {
    let wrong = told(
        r#"
        [server]
        max-body = "9MiB"
        max-header = "4KiB"
        header-timeout = "0s"
        idle-timeout = "2h"
        grace = "soon"
        [functions.hello]
        component = "hello.wasm"
        limits = { memory = "much", timeout = "2h" }
        pool = { idle = "25h", max-age = "1ms", wait = "-1s" }
        rate = { invocations = 1, per = "0s" }
        [functions.other]
        component = "other.wasm"
        limits = { memory = "1KiB", timeout = "soon" }
        [queues.orders]
        retention = "5s"
        deduplication-window = "11m"
        message-size = "2MiB"
        [[triggers.http]]
        path = "/"
        function = "hello"
        cors = { origins = ["*"], max-age = "2days" }
        "#,
    );
    insta::assert_snapshot!(heads(&wrong), @r"
    error: `9MiB` is out of range: expected `0B` to `8MiB`
    error: `4KiB` is out of range: expected `8KiB` to `1MiB`
    error: `0s` is out of range: expected `1ms` to `1h`
    error: `2h` is out of range: expected `1ms` to `1h`
    error: `soon` is no duration: expected a number and a unit, such as `250ms` or `3s`
    error: `much` is no size: expected a number and a unit, such as `64MiB`
    error: `2h` is out of range: a timeout goes from `1ms` to `1h`
    error: `25h` is out of range: expected `0s` to `1day`
    error: `1ms` is out of range: expected `1s` to `30days`
    error: `-1s` is no duration: expected a number and a unit, such as `250ms` or `3s`
    error: `0s` is out of range: expected `1ms` to `1day`
    error: `1KiB` is out of range: a function's memory goes from `64KiB` to `4GiB`
    error: `soon` is no duration: expected a number and a unit, such as `250ms` or `3s`
    error: `5s` is out of range: expected `1m` to `14days`
    error: `11m` is out of range: expected `0s` to `10m`
    error: `2MiB` is out of range: expected `1KiB` to `1MiB`
    error: `2days` is out of range: expected `0s` to `1day`
    ");
    assert!(wrong.contains("\n3 | max-body = \"9MiB\"\n  |            ^^^^^^\n"), "{wrong}");
}

#[test]
fn server() {
    let wrong = told(
        "[server]\nlisten = \"localhost:3000\"\nhealth = \"health\"\nready = \"/re ady\"\ntls = { certificate = \"\", key = \"key.pem\" }",
    );
    insta::assert_snapshot!(heads(&wrong), @r"
    error: `localhost:3000` is no place to listen: expected an address and a port, such as `127.0.0.1:3000` or `[::]:3000`
    error: `health` is no path: expected it to begin with `/`
    error: `/re ady` is no path: ' ' cannot stand in it
    error: the path is empty
    ");
}

#[test]
fn functions() {
    insta::assert_snapshot!(told(
        r#"
        [functions."a/b"]
        component = ""
        pool = { min = 9, max = 4 }
        grants = ["kv:visits", "kvs:visits:rw", "kv:visits:send"]
        allow-hosts = ["https://example.com"]
        secrets = { token = "TOKEN", other = "file:" }
        environment = { "A=B" = "x", C = "\u0000" }
        "#
    ), @r#"
    error: "a/b" cannot name a function: only the letters a-z and A-Z, digits, `-`, `_` and `.` may stand in it
     --> wasm-faas.toml:2:12
      |
    2 | [functions."a/b"]
      |            ^^^^^

    error: the path is empty
     --> wasm-faas.toml:3:13
      |
    3 | component = ""
      |             ^^

    error: `min` is 9, above `max`, which is 4
     --> wasm-faas.toml:4:16
      |
    4 | pool = { min = 9, max = 4 }
      |                ^ expected at most 4

    error: `kv:visits` is no grant: expected `service:name:right`, for example `kv:visits:rw`
     --> wasm-faas.toml:5:11
      |
    5 | grants = ["kv:visits", "kvs:visits:rw", "kv:visits:send"]
      |           ^^^^^^^^^^^

    error: `kvs` is no service that can be granted: expected `kv`, `queue`, `topic`, `blob` or `function`
     --> wasm-faas.toml:5:24
      |
    5 | grants = ["kv:visits", "kvs:visits:rw", "kv:visits:send"]
      |                        ^^^^^^^^^^^^^^^

    error: `send` is no right to a bucket: expected `ro`, `rw`
     --> wasm-faas.toml:5:41
      |
    5 | grants = ["kv:visits", "kvs:visits:rw", "kv:visits:send"]
      |                                         ^^^^^^^^^^^^^^^^

    error: `https://example.com` is no host to allow: expected a name, an address or a network, with or without `:port`, such as `api.example.com`, `*.example.com:8443` or `10.0.0.0/8`
     --> wasm-faas.toml:6:16
      |
    6 | allow-hosts = ["https://example.com"]
      |                ^^^^^^^^^^^^^^^^^^^^^

    error: `TOKEN` is no source of a secret: expected `env:VARIABLE` or `file:PATH`
     --> wasm-faas.toml:7:21
      |
    7 | secrets = { token = "TOKEN", other = "file:" }
      |                     ^^^^^^^

    error: `file:` is no source of a secret: expected `env:VARIABLE` or `file:PATH`
     --> wasm-faas.toml:7:38
      |
    7 | secrets = { token = "TOKEN", other = "file:" }
      |                                      ^^^^^^^

    error: "A=B" cannot name a variable: expected a text without `=` and NUL
     --> wasm-faas.toml:8:17
      |
    8 | environment = { "A=B" = "x", C = "\u0000" }
      |                 ^^^^^

    error: a variable's value cannot hold NUL
     --> wasm-faas.toml:8:34
      |
    8 | environment = { "A=B" = "x", C = "\u0000" }
      |                                  ^^^^^^^^
    "#);
}

#[test]
fn names_of_resources() {
    let wrong = told("buckets.\"a b\" = {}\nqueues.\"\" = {}\ntopics.\".hidden\" = {}\ncontainers.\"a..b\" = {}");
    insta::assert_snapshot!(heads(&wrong), @r#"
    error: "a b" cannot name a bucket: only the letters a-z and A-Z, digits, `-`, `_` and `.` may stand in it
    error: "" cannot name a queue: it is empty
    error: ".hidden" cannot name a topic: it must start with a letter or a digit
    error: "a..b" cannot name a container: it contains `..`
    "#);
}

#[test]
fn paths_methods_and_hosts() {
    let wrong = told_of_hello(
        r#"
        [triggers]
        http = [
            { path = "users", function = "hello", methods = ["get"] },
            { path = "/a?b", function = "hello", methods = ["G T"] },
            { path = "/{a}-{b}", function = "hello", host = "example.com:80" },
            { path = "/{a", function = "hello", host = "https://example.com" },
            { path = "/{*rest}/more", function = "hello", host = "a.*.com" },
        ]
        "#,
    );
    insta::assert_snapshot!(heads(&wrong), @r"
    error: `users` is no path: expected it to begin with `/`
    error: `get` is no method: expected upper case, `GET`
    error: `/a?b` is no path: '?' cannot stand in it
    error: `G T` is no method: expected a word such as `GET`
    error: `/{a}-{b}` has two parameters in one segment: expected at most one between two `/`
    error: `example.com:80` is no host: expected a name without port, such as `api.example.com` or `*.example.com`
    error: `/{a` has a brace that belongs to no parameter: expected `{name}`, or `{{` for `{`
    error: `https://example.com` is no host: expected a name without port, such as `api.example.com` or `*.example.com`
    error: `/{*rest}/more` goes on after its wildcard: expected `{*name}` at its end
    error: `a.*.com` is no host: expected a name without port, such as `api.example.com` or `*.example.com`
    ");
}

#[test]
fn cors() {
    insta::assert_snapshot!(told_of_hello(
        r#"
        [[triggers.http]]
        path = "/"
        function = "hello"
        [triggers.http.cors]
        origins = ["example.com", "https://example.com/", "*"]
        methods = ["put"]
        headers = ["a b"]
        expose = ["*"]
        credentials = true
        "#
    ), @r#"
    error: `example.com` is no origin: expected a scheme and a host, such as `https://example.com`, or `*`
     --> wasm-faas.toml:7:12
      |
    7 | origins = ["example.com", "https://example.com/", "*"]
      |            ^^^^^^^^^^^^^

    error: `https://example.com/` is no origin: expected a scheme and a host, such as `https://example.com`, or `*`
     --> wasm-faas.toml:7:27
      |
    7 | origins = ["example.com", "https://example.com/", "*"]
      |                           ^^^^^^^^^^^^^^^^^^^^^^

    error: `*` stands for all, there is nothing to add to it
     --> wasm-faas.toml:7:51
      |
    7 | origins = ["example.com", "https://example.com/", "*"]
      |                                                   ^^^

    error: browsers take no `*` together with `credentials`
     --> wasm-faas.toml:7:51
      |
    7 | origins = ["example.com", "https://example.com/", "*"]
      |                                                   ^^^
      = name all that is allowed, or leave `credentials` out

    error: `put` is no method: expected upper case, `PUT`
     --> wasm-faas.toml:8:12
      |
    8 | methods = ["put"]
      |            ^^^^^

    error: `a b` is no name of a header
     --> wasm-faas.toml:9:12
      |
    9 | headers = ["a b"]
      |            ^^^^^

    error: browsers take no `*` together with `credentials`
      --> wasm-faas.toml:10:11
       |
    10 | expose = ["*"]
       |           ^^^
       = name all that is allowed, or leave `credentials` out
    "#);
}

#[test]
fn variables() {
    insta::assert_snapshot!(told_of_hello(
        r#"
        [functions.other]
        component = "${NAME}/${UNSET}.wasm"
        config = { a = "${NAME} ${", b = "${a b}", c = "${1}" }
        limits = { timeout = "${NAME}" }
        "#
    ), @r#"
    error: the variable `UNSET` is not set
     --> wasm-faas.toml:4:13
      |
    4 | component = "${NAME}/${UNSET}.wasm"
      |             ^^^^^^^^^^^^^^^^^^^^^^^
      = neither the environment nor a `.env` beside the manifest has it; set it in one of them

    error: `${` begins no variable here
     --> wasm-faas.toml:5:16
      |
    5 | config = { a = "${NAME} ${", b = "${a b}", c = "${1}" }
      |                ^^^^^^^^^^^^ expected letters, digits and `_`, then `}`: `${NAME}`
      = write `$${` for a `${` that stands for itself

    error: `${` begins no variable here
     --> wasm-faas.toml:5:34
      |
    5 | config = { a = "${NAME} ${", b = "${a b}", c = "${1}" }
      |                                  ^^^^^^^^ expected letters, digits and `_`, then `}`: `${NAME}`
      = write `$${` for a `${` that stands for itself

    error: `${` begins no variable here
     --> wasm-faas.toml:5:48
      |
    5 | config = { a = "${NAME} ${", b = "${a b}", c = "${1}" }
      |                                                ^^^^^^ expected letters, digits and `_`, then `}`: `${NAME}`
      = write `$${` for a `${` that stands for itself

    error: `Zürich` is no duration: expected a number and a unit, such as `250ms` or `3s`
     --> wasm-faas.toml:6:22
      |
    6 | limits = { timeout = "${NAME}" }
      |                      ^^^^^^^^^
    "#);
}

/// Their values may be secrets: no message shows them.
#[test]
fn lines_of_the_environment_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wasm-faas.toml");
    fs::write(&path, "version = 1").unwrap();
    let told = |lines: &str| {
        fs::write(folder.path().join(".env"), lines).unwrap();
        let error = Manifest::read(&path).unwrap_err().to_string();
        error.replace(folder.path().to_str().unwrap(), "[folder]")
    };
    insta::assert_snapshot!(told("A=1\nB = two words\n"), @r"
    error: this line is no variable: expected `NAME=value`
     --> [folder]/.env:2:5
      = put a value with spaces or other special characters in single quotes
    ");
    assert_eq!(told("A=1\r\n\r\nnothing\r\n").lines().nth(1), Some(" --> [folder]/.env:3:1"));
    assert_eq!(told("A='never closed\nB=1\n").lines().nth(1), Some(" --> [folder]/.env:1:1"));
    fs::write(folder.path().join(".env"), [b'A', b'=', 0xff]).unwrap();
    let error = Manifest::read(&path).unwrap_err().to_string();
    assert!(error.starts_with("error: cannot read `") && error.contains("UTF-8"), "{error}");
}
