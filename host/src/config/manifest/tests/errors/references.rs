//! What refers to nothing, to itself, or to the same.

use super::*;

#[test]
fn a_function_that_may_be_invoked_is_there() {
    insta::assert_snapshot!(told_of_hello(
        r#"
        [functions.other]
        component = "other.wasm"
        grants = ["function:other:invoke", "function:helo:invoke", "function:bill:invoke-async"]
        "#
    ), @r#"
    error: no function `helo` is in this manifest
     --> wasm-faas.toml:5:36
      |
    5 | grants = ["function:other:invoke", "function:helo:invoke", "function:bill:invoke-async"]
      |                                    ^^^^^^^^^^^^^^^^^^^^^^
      = did you mean `hello`?
      = to have it, add the table `[functions.helo]`

    error: no function `bill` is in this manifest
     --> wasm-faas.toml:5:60
      |
    5 | grants = ["function:other:invoke", "function:helo:invoke", "function:bill:invoke-async"]
      |                                                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = to have it, add the table `[functions.bill]`
    "#);
}

#[test]
fn references() {
    insta::assert_snapshot!(told_of_hello(
        r#"
        [functions.other]
        component = "other.wasm"
        grants = ["kv:visit:ro", "queue:mails:send", "topic:stored:publish", "blob:a.b:rw"]
        [buckets.visits]
        [queues.orders]
        dead-letter = "order"
        [topics.events]
        subscriptions = [{ queue = "ordres" }]
        [[triggers.http]]
        path = "/"
        function = "helo"
        [[triggers.http]]
        path = "/files/{*file}"
        container = "inbox"
        "#
    ), @r#"
    error: no bucket `visit` is in this manifest
     --> wasm-faas.toml:5:11
      |
    5 | grants = ["kv:visit:ro", "queue:mails:send", "topic:stored:publish", "blob:a.b:rw"]
      |           ^^^^^^^^^^^^^
      = did you mean `visits`?
      = to have it, add the table `[buckets.visit]`

    error: no queue `mails` is in this manifest
     --> wasm-faas.toml:5:26
      |
    5 | grants = ["kv:visit:ro", "queue:mails:send", "topic:stored:publish", "blob:a.b:rw"]
      |                          ^^^^^^^^^^^^^^^^^^
      = to have it, add the table `[queues.mails]`

    error: no topic `stored` is in this manifest
     --> wasm-faas.toml:5:46
      |
    5 | grants = ["kv:visit:ro", "queue:mails:send", "topic:stored:publish", "blob:a.b:rw"]
      |                                              ^^^^^^^^^^^^^^^^^^^^^^
      = to have it, add the table `[topics.stored]`

    error: no container `a.b` is in this manifest
     --> wasm-faas.toml:5:70
      |
    5 | grants = ["kv:visit:ro", "queue:mails:send", "topic:stored:publish", "blob:a.b:rw"]
      |                                                                      ^^^^^^^^^^^^^
      = to have it, add the table `[containers."a.b"]`

    error: no queue `order` is in this manifest
     --> wasm-faas.toml:8:15
      |
    8 | dead-letter = "order"
      |               ^^^^^^^
      = did you mean `orders`?
      = to have it, add the table `[queues.order]`

    error: no queue `ordres` is in this manifest
      --> wasm-faas.toml:10:28
       |
    10 | subscriptions = [{ queue = "ordres" }]
       |                            ^^^^^^^^
       = did you mean `orders`?
       = to have it, add the table `[queues.ordres]`

    error: no function `helo` is in this manifest
      --> wasm-faas.toml:13:12
       |
    13 | function = "helo"
       |            ^^^^^^
       = did you mean `hello`?
       = to have it, add the table `[functions.helo]`

    error: no container `inbox` is in this manifest
      --> wasm-faas.toml:16:13
       |
    16 | container = "inbox"
       |             ^^^^^^^
       = to have it, add the table `[containers.inbox]`
    "#);
}

#[test]
fn dead_letters() {
    insta::assert_snapshot!(told(
        r#"
        [queues]
        own = { dead-letter = "own" }
        first = { dead-letter = "second" }
        second = { dead-letter = "third" }
        third = { dead-letter = "first" }
        before = { dead-letter = "first" }
        fifo = { fifo = true, dead-letter = "plain" }
        plain = { dead-letter = "kept" }
        kept = { backend = "memory" }
        "#
    ), @r#"
    error: the dead messages of queue `own` come back to it, they would never rest
     --> wasm-faas.toml:3:23
      |
    3 | own = { dead-letter = "own" }
      |                       ^^^^^
      = name another queue, or none

    error: the dead messages of queue `first` come back to it, they would never rest
     --> wasm-faas.toml:4:25
      |
    4 | first = { dead-letter = "second" }
      |                         ^^^^^^^^
      = name another queue, or none

    error: queue `fifo` is fifo and `plain` is not, so that dead messages cannot move
     --> wasm-faas.toml:8:37
      |
    8 | fifo = { fifo = true, dead-letter = "plain" }
      |                                     ^^^^^^^
      = set `fifo` of both to the same

    error: queue `plain` and queue `kept` are kept by different backends, messages cannot move
     --> wasm-faas.toml:9:25
      |
    9 | plain = { dead-letter = "kept" }
      |                         ^^^^^^
      = set `backend` of both to the same
    "#);
}

#[test]
fn subscriptions() {
    insta::assert_snapshot!(told(
        r#"
        [queues.orders]
        backend = "memory"
        [topics.stored]
        subscriptions = [{ queue = "orders" }, { queue = "mails", filter = '["paid"]' }, { queue = "mails", filter = "{" }]
        [queues.mails]
        "#
    ), @r#"
    error: topic `stored` and queue `orders` are kept by different backends, messages cannot move
     --> wasm-faas.toml:5:28
      |
    5 | subscriptions = [{ queue = "orders" }, { queue = "mails", filter = '["paid"]' }, { queue = "mails", filter = "{" }]
      |                            ^^^^^^^^
      = set `backend` of both to the same

    error: `["paid"]` is no object
     --> wasm-faas.toml:5:69
      |
    5 | subscriptions = [{ queue = "orders" }, { queue = "mails", filter = '["paid"]' }, { queue = "mails", filter = "{" }]
      |                                                                     ^^^^^^^^

    error: the pattern is no JSON: EOF while parsing an object
     --> wasm-faas.toml:5:112
      |
    5 | subscriptions = [{ queue = "orders" }, { queue = "mails", filter = '["paid"]' }, { queue = "mails", filter = "{" }]
      |                                                                                                                ^
    "#);
}

#[test]
fn targets() {
    insta::assert_snapshot!(told_of_hello(
        r#"
        [[triggers.http]]
        path = "/"
        [[triggers.http]]
        path = "/two"
        function = "hello"
        files = "site"
        [[triggers.http]]
        path = "/site"
        files = "site"
        "#
    ), @r#"
    error: this trigger has no target
     --> wasm-faas.toml:3:1
      |
    3 | [[triggers.http]]
      | ^^^^^^^^^^^^^^^^^
      = add one of `function`, `files` and `container`

    error: this trigger has two targets
     --> wasm-faas.toml:8:9
      |
    8 | files = "site"
      |         ^^^^^^ expected one of `function`, `files` and `container`

    error: `/site` does not say which file is asked for
      --> wasm-faas.toml:10:8
       |
    10 | path = "/site"
       |        ^^^^^^^ expected a wildcard at its end: `/site/{*file}`
    "#);
}

#[test]
fn routes() {
    insta::assert_snapshot!(told_of_hello(
        r#"
        [triggers]
        http = [
            { path = "/users/{id}", function = "hello" },
            { path = "/users/{name}", function = "hello" },
            { path = "/users/{id}/{*rest}", function = "hello" },
            { path = "/users/{*rest}", function = "hello" },
            { path = "/users/{id}", function = "hello" },
            { path = "/", function = "hello", host = "example.com", methods = ["GET", "PUT"] },
            { path = "/", function = "hello", host = "example.com", methods = ["POST"] },
            { path = "/", function = "hello", host = "example.com", methods = ["PUT", "PATCH"] },
        ]
        "#
    ), @r#"
    error: `/users/{name}` and `/users/{id}` cannot be told apart: expected one name for one parameter, and no wildcard in the place of another's parameter
     --> wasm-faas.toml:6:10
      |
    6 | { path = "/users/{name}", function = "hello" },
      |          ^^^^^^^^^^^^^^^

    error: `/users/{*rest}` and `/users/{id}/{*rest}` cannot be told apart: expected one name for one parameter, and no wildcard in the place of another's parameter
     --> wasm-faas.toml:8:10
      |
    8 | { path = "/users/{*rest}", function = "hello" },
      |          ^^^^^^^^^^^^^^^^

    error: every method on `/users/{id}` goes somewhere already
     --> wasm-faas.toml:9:10
      |
    9 | { path = "/users/{id}", function = "hello" },
      |          ^^^^^^^^^^^^^
      = give one of the triggers another path, method or host

    error: PUT on `/` of host `example.com` goes somewhere already
      --> wasm-faas.toml:12:10
       |
    12 | { path = "/", function = "hello", host = "example.com", methods = ["PUT", "PATCH"] },
       |          ^^^
       = give one of the triggers another path, method or host
    "#);
}
