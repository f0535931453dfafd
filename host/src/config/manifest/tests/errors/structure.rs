//! What the schema does not allow.

use super::*;

#[test]
fn no_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let told = |path: &Path| {
        Manifest::read(path).unwrap_err().to_string().replace(folder.path().to_str().unwrap(), "[folder]")
    };
    insta::assert_snapshot!(told(&folder.path().join("wasm-faas.toml")), @"error: there is no `[folder]/wasm-faas.toml`: expected a manifest; give its path or make one");
    let told = told(folder.path());
    assert!(told.starts_with("error: cannot read `[folder]`: "), "{told}");
}

#[test]
fn no_toml() {
    insta::assert_snapshot!(told("[server\nlisten = \"\""), @r"
    error: unclosed table, expected `]`
     --> wasm-faas.toml:2:8
      |
    2 | [server
      |        ^
    ");
    insta::assert_snapshot!(told("[server]\nlisten = 127.0.0.1"), @r"
    error: invalid float
     --> wasm-faas.toml:3:15
      |
    3 | listen = 127.0.0.1
      |               ^^^^
    ");
    insta::assert_snapshot!(told("[server]\ngrace = \"1s\"\ngrace = \"2s\""), @r#"
    error: duplicate key
     --> wasm-faas.toml:4:1
      |
    4 | grace = "2s"
      | ^^^^^
    "#);
    insta::assert_snapshot!(told("[server]\nlisten = \"127.0.0.1"), @r#"
    error: invalid basic string, expected `"`
     --> wasm-faas.toml:3:20
      |
    3 | listen = "127.0.0.1
      |                    ^
    "#);
}

#[test]
fn versions() {
    insta::assert_snapshot!(parse_here("").unwrap_err(), @r"
    error: the manifest has no `version`
     --> wasm-faas.toml:1:1
      |
    1 |
      | ^
      = add it, such as `version = 1`
    ");
    insta::assert_snapshot!(parse_here("versoin = 1").unwrap_err(), @r"
    error: unknown key `versoin` at the top level
     --> wasm-faas.toml:1:1
      |
    1 | versoin = 1
      | ^^^^^^^ expected `buckets`, `containers`, `functions`, `queues`, `server`, `store`, `topics`, `triggers` or `version`
      = did you mean `version`?
    ");
    insta::assert_snapshot!(parse_here("version = 2\nnew-key = 1").unwrap_err(), @r"
    error: version `2` of the manifest is not known
     --> wasm-faas.toml:1:11
      |
    1 | version = 2
      |           ^ expected `1`
      = write the manifest to that version, or use a wasm-faas that knows this one
    ");
    insta::assert_snapshot!(parse_here("version = \"1\"").unwrap_err(), @r#"
    error: `version` cannot be `"1"`
     --> wasm-faas.toml:1:11
      |
    1 | version = "1"
      |           ^^^ expected `1`
    "#);
}

#[test]
fn unknown_keys() {
    insta::assert_snapshot!(told(
        r#"
        [server]
        lisen = "127.0.0.1:0"
        tls = { cert = "cert.pem", key = "key.pem" }
        [functions.hello]
        component = "hello.wasm"
        timeout = "3s"
        limits = { timout = "3s", colour = "blue" }
        [function.other]
        component = "other.wasm"
        [buckets.visits]
        fifo = true
        [topics.stored]
        subscriptions = [{ queue = "orders", pattern = "{}" }]
        "#
    ), @r#"
    error: unknown key `lisen` in `server`
     --> wasm-faas.toml:3:1
      |
    3 | lisen = "127.0.0.1:0"
      | ^^^^^ expected `concurrency`, `connections`, `grace`, `header-timeout`, `health`, `idle-timeout`, `listen`, `max-body`, `max-header`, `ready`, `tls` or `wasi-0-3`
      = did you mean `listen`?

    error: unknown key `cert` in `server.tls`
     --> wasm-faas.toml:4:9
      |
    4 | tls = { cert = "cert.pem", key = "key.pem" }
      |         ^^^^ expected `certificate` or `key`
      = did you mean `certificate`?

    error: unknown key `timeout` in `functions.hello`
     --> wasm-faas.toml:7:1
      |
    7 | timeout = "3s"
      | ^^^^^^^ expected `allow-hosts`, `async`, `component`, `config`, `environment`, `grants`, `limits`, `pool`, `rate` or `secrets`
      = `timeout` belongs to `functions.hello.limits`

    error: unknown key `timout` in `functions.hello.limits`
     --> wasm-faas.toml:8:12
      |
    8 | limits = { timout = "3s", colour = "blue" }
      |            ^^^^^^ expected `fuel`, `memory` or `timeout`
      = did you mean `timeout`?

    error: unknown key `colour` in `functions.hello.limits`
     --> wasm-faas.toml:8:27
      |
    8 | limits = { timout = "3s", colour = "blue" }
      |                           ^^^^^^ expected `fuel`, `memory` or `timeout`

    error: unknown key `function` at the top level
     --> wasm-faas.toml:9:2
      |
    9 | [function.other]
      |  ^^^^^^^^ expected `buckets`, `containers`, `functions`, `queues`, `server`, `store`, `topics`, `triggers` or `version`
      = did you mean `functions`?

    error: unknown key `fifo` in `buckets.visits`
      --> wasm-faas.toml:12:1
       |
    12 | fifo = true
       | ^^^^ expected `backend`

    error: unknown key `pattern` in `topics.stored.subscriptions[0]`
      --> wasm-faas.toml:14:38
       |
    14 | subscriptions = [{ queue = "orders", pattern = "{}" }]
       |                                      ^^^^^^^ expected `filter` or `queue`
    "#);
}

#[test]
fn missing_keys() {
    insta::assert_snapshot!(told(
        r#"
        server.tls = { key = "key.pem" }
        [functions.hello]
        rate = { per = "1s" }
        [functions.other]
        componnent = "other.wasm"
        [topics.stored]
        subscriptions = [{}]
        [[triggers.http]]
        cors = {}
        "#
    ), @r#"
    error: `server.tls` has no `certificate`
     --> wasm-faas.toml:2:14
      |
    2 | server.tls = { key = "key.pem" }
      |              ^^^^^^^^^^^^^^^^^^^
      = add it, such as `certificate = "cert.pem"`

    error: `functions.hello` has no `component`
     --> wasm-faas.toml:3:1
      |
    3 | [functions.hello]
      | ^^^^^^^^^^^^^^^^^
      = add it, such as `component = "guests/rust/hello"`

    error: `functions.hello.rate` has no `invocations`
     --> wasm-faas.toml:4:8
      |
    4 | rate = { per = "1s" }
      |        ^^^^^^^^^^^^^^
      = add it, such as `invocations = 100`

    error: unknown key `componnent` in `functions.other`
     --> wasm-faas.toml:6:1
      |
    6 | componnent = "other.wasm"
      | ^^^^^^^^^^ expected `allow-hosts`, `async`, `component`, `config`, `environment`, `grants`, `limits`, `pool`, `rate` or `secrets`
      = did you mean `component`?

    error: `topics.stored.subscriptions[0]` has no `queue`
     --> wasm-faas.toml:8:18
      |
    8 | subscriptions = [{}]
      |                  ^^
      = add it, such as `queue = "orders"`

    error: `triggers.http[0]` has no `path`
     --> wasm-faas.toml:9:1
      |
    9 | [[triggers.http]]
      | ^^^^^^^^^^^^^^^^^
      = add it, such as `path = "/users/{id}"`

    error: `triggers.http[0].cors` has no `origins`
      --> wasm-faas.toml:10:8
       |
    10 | cors = {}
       |        ^^
       = add it, such as `origins = ["https://example.com"]`
    "#);
}

#[test]
fn wrong_types() {
    insta::assert_snapshot!(told(
        r#"
        functions.hello = "hello.wasm"
        buckets = ["visits"]
        [server]
        listen = 3000
        concurrency = "many"
        wasi-0-3 = "yes"
        tls = "cert.pem"
        [functions.other]
        component = ["other.wasm"]
        grants = "kv:visits:rw"
        allow-hosts = ["example.com", 80]
        config = { PORT = 8080, DEBUG = true, RATIO = 0.5, DAY = 2026-01-31 }
        limits = { memory = 128, fuel = 1.5 }
        [triggers.http]
        path = "/"
        "#
    ), @r#"
    error: `functions.hello` cannot be `"hello.wasm"`
     --> wasm-faas.toml:2:19
      |
    2 | functions.hello = "hello.wasm"
      |                   ^^^^^^^^^^^^ expected a table

    error: `buckets` cannot be an array
     --> wasm-faas.toml:3:11
      |
    3 | buckets = ["visits"]
      |           ^^^^^^^^^^ expected a table

    error: `server.listen` cannot be `3000`
     --> wasm-faas.toml:5:10
      |
    5 | listen = 3000
      |          ^^^^ expected a text, such as `"127.0.0.1:3000"`

    error: `server.concurrency` cannot be `"many"`
     --> wasm-faas.toml:6:15
      |
    6 | concurrency = "many"
      |               ^^^^^^ expected a whole number from 1 to 1000000

    error: `server.wasi-0-3` cannot be `"yes"`
     --> wasm-faas.toml:7:12
      |
    7 | wasi-0-3 = "yes"
      |            ^^^^^ expected `true` or `false`

    error: `server.tls` cannot be `"cert.pem"`
     --> wasm-faas.toml:8:7
      |
    8 | tls = "cert.pem"
      |       ^^^^^^^^^^ expected a table

    error: `functions.other.component` cannot be an array
      --> wasm-faas.toml:10:13
       |
    10 | component = ["other.wasm"]
       |             ^^^^^^^^^^^^^^ expected a text, such as `"guests/rust/hello"`

    error: `functions.other.grants` cannot be `"kv:visits:rw"`
      --> wasm-faas.toml:11:10
       |
    11 | grants = "kv:visits:rw"
       |          ^^^^^^^^^^^^^^ expected an array, such as `["kv:visits:rw"]`

    error: `functions.other.allow-hosts[1]` cannot be `80`
      --> wasm-faas.toml:12:31
       |
    12 | allow-hosts = ["example.com", 80]
       |                               ^^ expected a text
       = put it in quotes

    error: `functions.other.config.PORT` cannot be `8080`
      --> wasm-faas.toml:13:19
       |
    13 | config = { PORT = 8080, DEBUG = true, RATIO = 0.5, DAY = 2026-01-31 }
       |                   ^^^^ expected a text
       = put it in quotes

    error: `functions.other.config.DEBUG` cannot be `true`
      --> wasm-faas.toml:13:33
       |
    13 | config = { PORT = 8080, DEBUG = true, RATIO = 0.5, DAY = 2026-01-31 }
       |                                 ^^^^ expected a text
       = put it in quotes

    error: `functions.other.config.RATIO` cannot be `0.5`
      --> wasm-faas.toml:13:47
       |
    13 | config = { PORT = 8080, DEBUG = true, RATIO = 0.5, DAY = 2026-01-31 }
       |                                               ^^^ expected a text
       = put it in quotes

    error: `functions.other.config.DAY` cannot be `2026-01-31`
      --> wasm-faas.toml:13:58
       |
    13 | config = { PORT = 8080, DEBUG = true, RATIO = 0.5, DAY = 2026-01-31 }
       |                                                          ^^^^^^^^^^ expected a text
       = put it in quotes

    error: `functions.other.limits.memory` cannot be `128`
      --> wasm-faas.toml:14:21
       |
    14 | limits = { memory = 128, fuel = 1.5 }
       |                     ^^^ expected a text, such as `"128MiB"`

    error: `functions.other.limits.fuel` cannot be `1.5`
      --> wasm-faas.toml:14:33
       |
    14 | limits = { memory = 128, fuel = 1.5 }
       |                                 ^^^ expected a whole number of 1 or more or `"none"`

    error: `triggers.http` cannot be a table
      --> wasm-faas.toml:15:1
       |
    15 | [triggers.http]
       | ^^^^^^^^^^^^^^^ expected an array of tables
       = begin each with `[[triggers.http]]`
    "#);
}

#[test]
fn numbers_out_of_range_and_unknown_choices() {
    insta::assert_snapshot!(told(
        r#"
        server.concurrency = 0
        server.connections = 99_999_999_999_999_999_999
        store.backend = "sqlite"
        [functions.hello]
        component = "hello.wasm"
        limits = { fuel = 0 }
        pool = { max = -1, isolation = "per-invokation" }
        [functions.other]
        component = "other.wasm"
        limits = { fuel = "nome" }
        [queues.orders]
        max-receives = 0x7fff
        "#
    ), @r#"
    error: `server.concurrency` cannot be `0`
     --> wasm-faas.toml:2:22
      |
    2 | server.concurrency = 0
      |                      ^ expected a whole number from 1 to 1000000

    error: `server.connections` cannot be `99999999999999999999`
     --> wasm-faas.toml:3:22
      |
    3 | server.connections = 99_999_999_999_999_999_999
      |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^ expected a whole number from 1 to 1000000

    error: `store.backend` cannot be `"sqlite"`
     --> wasm-faas.toml:4:17
      |
    4 | store.backend = "sqlite"
      |                 ^^^^^^^^ expected `"embedded"` or `"memory"`

    error: `functions.hello.limits.fuel` cannot be `0`
     --> wasm-faas.toml:7:19
      |
    7 | limits = { fuel = 0 }
      |                   ^ expected a whole number of 1 or more or `"none"`

    error: `functions.hello.pool.max` cannot be `-1`
     --> wasm-faas.toml:8:16
      |
    8 | pool = { max = -1, isolation = "per-invokation" }
      |                ^^ expected a whole number from 1 to 100000

    error: `functions.hello.pool.isolation` cannot be `"per-invokation"`
     --> wasm-faas.toml:8:32
      |
    8 | pool = { max = -1, isolation = "per-invokation" }
      |                                ^^^^^^^^^^^^^^^^ expected `"reuse"` or `"per-invocation"`
      = did you mean `per-invocation`?

    error: `functions.other.limits.fuel` cannot be `"nome"`
      --> wasm-faas.toml:11:19
       |
    11 | limits = { fuel = "nome" }
       |                   ^^^^^^ expected a whole number of 1 or more or `"none"`
       = did you mean `none`?

    error: `queues.orders.max-receives` cannot be `0x7fff`
      --> wasm-faas.toml:13:16
       |
    13 | max-receives = 0x7fff
       |                ^^^^^^ expected a whole number from 1 to 1000
    "#);
}
