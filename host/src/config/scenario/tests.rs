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
    insta::assert_snapshot!(wrong(text), @"");
}
