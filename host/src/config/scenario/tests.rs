use super::*;

fn manifest() -> Manifest {
    let text = r#"
        version = 1
        [functions.bill]
        component = "bill.wasm"
        [queues.orders]
        [buckets.visits]
        [containers.inbox]
        [topics.stored]
    "#;
    Manifest::parse(Path::new("wasm-faas.toml"), text, &|_| None).unwrap()
}

fn wrong(text: &str) -> String {
    Scenario::parse(Path::new("orders.test.toml"), text, &manifest()).unwrap_err().to_string()
}

#[test]
fn a_scenario_says_what_is_what_happens_and_what_is_expected() {
    let text = r#"
        [[scenario]]
        name = "all there is"
        seed = 7
        starts = "2026-03-01T12:00:00Z"
        faults = { drop-ack = 10, duplicate = 5 }
        given.kv.visits = { "user/1" = "3" }
        [[scenario.step]]
        send = { queue = "orders", body = "x", group = "g", attributes = { kind = "paid" } }
        [[scenario.step]]
        http = { request = "POST /orders", body = "y" }
        expect = { status = 201, body = "fine" }
        [[scenario.step]]
        advance = "2days"
        [scenario.expect]
        kv.visits = { "user/1" = "4" }
        invocations.bill = 3
    "#;
    let [scenario] = &Scenario::parse(Path::new("a.test.toml"), text, &manifest()).unwrap()[..] else { panic!() };
    assert_eq!(
        (scenario.name.as_str(), scenario.seed, scenario.starts_ms),
        ("all there is", Some(7), 1_772_366_400_000)
    );
    assert_eq!((scenario.faults.drop_ack, scenario.faults.duplicate, scenario.faults.crash), (10, 5, 0));
    assert_eq!(scenario.given.kv["visits"]["user/1"], "3");
    assert_eq!(scenario.steps.len(), 3);
    assert_eq!(scenario.steps[1].expect.status, Some(201));
    assert!(matches!(scenario.steps[2].action, Action::Advance(by) if by == Duration::from_secs(172_800)));
    assert_eq!(scenario.expect.invocations["bill"], 3);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let text = r#"[[scenario]]
starts = "noon"
given.kv.visit = {}
step = [{}, { send = { queue = "orders" }, advance = "soon" }, { http = { request = "orders" } }]
expect = { status = 200, bodies = "x" }
[[scenario]]
name = "another"
step = [{ advance = "1s", expect = { status = 200 } }]
faults = { crash = 101 }
"#;
    insta::assert_snapshot!(wrong(text), @r#"
    error: `scenario[0]` has no `name`
     --> orders.test.toml:1:1
      |
    1 | [[scenario]]
      | ^^^^^^^^^^^^
      = add it, such as `name = "an order that fails is tried again"`

    error: `noon` is no time since 1970 in UTC
     --> orders.test.toml:2:10
      |
    2 | starts = "noon"
      |          ^^^^^^ expected a time such as `2026-01-31T12:00:00Z`

    error: the manifest has no bucket `visit`
     --> orders.test.toml:3:10
      |
    3 | given.kv.visit = {}
      |          ^^^^^ expected `visits`
      = did you mean `visits`?

    error: this step does nothing
     --> orders.test.toml:4:9
      |
    4 | step = [{}, { send = { queue = "orders" }, advance = "soon" }, { http = { request = "orders" } }]
      |         ^^ expected one of `send`, `publish`, `invoke`, `invoke-async`, `http`, `set`, `remove`, `put`, `delete` or `advance`

    error: this step does more than one thing
     --> orders.test.toml:4:13
      |
    4 | step = [{}, { send = { queue = "orders" }, advance = "soon" }, { http = { request = "orders" } }]
      |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected one of `send`, `publish`, `invoke`, `invoke-async`, `http`, `set`, `remove`, `put`, `delete` or `advance`

    error: `soon` is no duration: expected a number and a unit, such as `250ms` or `3s`
     --> orders.test.toml:4:54
      |
    4 | step = [{}, { send = { queue = "orders" }, advance = "soon" }, { http = { request = "orders" } }]
      |                                                      ^^^^^^

    error: `orders` is no request
     --> orders.test.toml:4:85
      |
    4 | step = [{}, { send = { queue = "orders" }, advance = "soon" }, { http = { request = "orders" } }]
      |                                                                                     ^^^^^^^^ expected a method and a path, such as `GET /users?page=2`

    error: only a step has an answer to expect something of
     --> orders.test.toml:5:21
      |
    5 | expect = { status = 200, bodies = "x" }
      |                     ^^^
      = say it in the `expect` of the step

    error: unknown key `bodies` in `scenario[0].expect`
     --> orders.test.toml:5:26
      |
    5 | expect = { status = 200, bodies = "x" }
      |                          ^^^^^^ expected `blob`, `body`, `fuel-at-most`, `invocations`, `kv`, `logs`, `outcome`, `queue` or `status`
      = did you mean `body`?

    error: this step has no answer to expect something of
     --> orders.test.toml:8:47
      |
    8 | step = [{ advance = "1s", expect = { status = 200 } }]
      |                                               ^^^
      = only `http` and `invoke` have one

    error: `scenario[1].faults.crash` cannot be `101`
     --> orders.test.toml:9:20
      |
    9 | faults = { crash = 101 }
      |                    ^^^ expected a whole number from 0 to 100
    "#);
}
