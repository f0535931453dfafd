mod invalid;

use serde_json::{Value, json};

use super::Filter;

/// Whether `body`, sent as JSON, matches a pattern over the body.
fn body_matches(pattern: &Value, body: &Value) -> bool {
    let filter = Filter::parse(&json!({ "body": pattern }).to_string()).unwrap();
    filter.matches([], None, body.to_string().as_bytes())
}

/// One field `a`: a test, values it accepts, values it refuses. `null` in the lists is a JSON null.
fn check(test: &Value, accepted: &[Value], refused: &[Value]) {
    for (values, expected) in [(accepted, true), (refused, false)] {
        for value in values {
            let pattern = json!({ "a": [test] });
            assert_eq!(body_matches(&pattern, &json!({ "a": value })), expected, "{pattern} on {value}");
        }
    }
}

#[test]
fn values_match_themselves() {
    check(&json!("x"), &[json!("x")], &[json!("X"), json!("xx"), json!(null), json!(1), json!({ "x": 1 })]);
    check(&json!(""), &[json!("")], &[json!(" "), json!(null), json!([])]);
    check(&json!(null), &[json!(null)], &[json!(""), json!(false), json!(0), json!([])]);
    check(&json!(true), &[json!(true)], &[json!(false), json!("true"), json!(1)]);
    check(&json!(1), &[json!(1), json!(1.0), json!([3, 1])], &[json!("1"), json!(1.5), json!(true)]);
    check(&json!(u64::MAX), &[json!(u64::MAX)], &[json!(u64::MAX - 1)]);
    check(&json!("Grüße 🦀"), &[json!("Grüße 🦀")], &[json!("Grusse")]);
}

#[test]
fn text_operators_match_text() {
    let others = [json!(1), json!(null), json!(true), json!({ "eu-1": 1 }), json!([])];
    check(&json!({ "prefix": "eu-" }), &[json!("eu-"), json!("eu-1")], &[json!("EU-1"), json!("an eu-")]);
    check(&json!({ "prefix": "" }), &[json!(""), json!("a")], &others);
    check(&json!({ "suffix": ".png" }), &[json!(".png"), json!("a.png")], &[json!("a.PNG"), json!("a.png.b")]);
    check(&json!({ "suffix": "" }), &[json!(""), json!("a")], &others);
    check(&json!({ "equals-ignore-case": "Ünd" }), &[json!("üND"), json!("ünd")], &[json!("und"), json!("ündd")]);
    check(&json!({ "equals-ignore-case": "1" }), &[json!("1")], &others);
    check(
        &json!({ "prefix": { "equals-ignore-case": "Eu" } }),
        &[json!("eu1"), json!("EU")],
        &[json!("aeu"), json!(1)],
    );
    check(&json!({ "suffix": { "equals-ignore-case": "Png" } }), &[json!("a.PNG")], &[json!("pngs"), json!(1)]);
}

#[test]
fn wildcards_stand_for_any_text() {
    check(&json!({ "wildcard": "*" }), &[json!(""), json!("a"), json!("🦀")], &[json!(1), json!(null)]);
    check(&json!({ "wildcard": "a*" }), &[json!("a"), json!("ab")], &[json!("ba"), json!("")]);
    check(&json!({ "wildcard": "*a" }), &[json!("a"), json!("ba")], &[json!("ab")]);
    check(&json!({ "wildcard": "a*a" }), &[json!("aa"), json!("aba"), json!("aaa")], &[json!("a"), json!("ab")]);
    check(
        &json!({ "wildcard": "a*bc*bd*e" }),
        &[json!("abcbde"), json!("a.bcbc.bd.e")],
        &[json!("abcbe"), json!("abdbce")],
    );
    check(&json!({ "wildcard": "*ab*ab*" }), &[json!("abab"), json!("xabxabx")], &[json!("ab"), json!("aba")]);
    check(&json!({ "wildcard": "abc" }), &[json!("abc")], &[json!("abcd"), json!("ab")]);
    check(&json!({ "wildcard": "" }), &[json!("")], &[json!("a")]);
    check(&json!({ "wildcard": r"a\*b\\*" }), &[json!(r"a*b\"), json!(r"a*b\c")], &[json!(r"axb\"), json!("a*b")]);
}

#[test]
fn numbers_compare_by_value() {
    let test = |operand: Value| json!({ "numeric": operand });
    check(&test(json!(["=", 3])), &[json!(3), json!(3.0)], &[json!(4), json!("3"), json!(null)]);
    check(&test(json!(["!=", 3])), &[json!(4)], &[json!(3), json!("4"), json!(null)]);
    check(&test(json!(["<", 0])), &[json!(-1), json!(-0.5)], &[json!(0), json!(-0.0), json!(1)]);
    check(&test(json!(["<=", 0])), &[json!(0), json!(-0.0)], &[json!(0.1)]);
    check(&test(json!([">", 1.5])), &[json!(2), json!(1e9)], &[json!(1.5), json!(1)]);
    check(&test(json!([">=", 1.5])), &[json!(1.5)], &[json!(1.4)]);
    check(&test(json!([">", 0, "<=", 5])), &[json!(1), json!(5)], &[json!(0), json!(6)]);
    check(&test(json!([">", 9_007_199_254_740_992_u64])), &[json!(9_007_199_254_740_993_u64)], &[json!(1)]);
}

#[test]
fn networks_contain_addresses() {
    check(
        &json!({ "cidr": "10.1.2.3/24" }),
        &[json!("10.1.2.0"), json!("10.1.2.255")],
        &[json!("10.1.3.0"), json!("10.1.2"), json!("::10.1.2.0"), json!("x"), json!(1)],
    );
    check(&json!({ "cidr": "10.1.2.3/32" }), &[json!("10.1.2.3")], &[json!("10.1.2.2")]);
    check(&json!({ "cidr": "0.0.0.0/0" }), &[json!("255.255.255.255")], &[json!("::1")]);
    check(
        &json!({ "cidr": "2001:db8::/33" }),
        &[json!("2001:db8:7fff::1")],
        &[json!("2001:db8:8000::"), json!("1.2.3.4")],
    );
    check(&json!({ "cidr": "::1/128" }), &[json!("0:0:0:0:0:0:0:1")], &[json!("::2")]);
    check(&json!({ "cidr": "::/0" }), &[json!("ffff::")], &[json!("1.2.3.4")]);
}

#[test]
fn exists_asks_for_a_value_that_is_no_object() {
    let there = [json!(0), json!(""), json!(null), json!(false), json!([1])];
    let not_there = [json!({ "b": 1 }), json!([]), json!([[], {}])];
    check(&json!({ "exists": true }), &there, &not_there);
    check(&json!({ "exists": false }), &not_there, &there);
    assert!(body_matches(&json!({ "a": [{ "exists": false }] }), &json!({})));
    assert!(!body_matches(&json!({ "a": [{ "exists": true }] }), &json!({})));
}

#[test]
fn anything_but_needs_a_value() {
    let test = |operand: Value| json!({ "anything-but": operand });
    check(
        &test(json!("x")),
        &[json!("y"), json!(null), json!(1), json!(["x", "y"])],
        &[json!("x"), json!([]), json!({})],
    );
    check(&test(json!(1)), &[json!(2), json!("1")], &[json!(1), json!(1.0)]);
    check(&test(json!(["x", "y"])), &[json!("z"), json!(null)], &[json!("x"), json!("y")]);
    check(&test(json!([1, 2])), &[json!(3)], &[json!(1), json!(2)]);
    check(&test(json!({ "prefix": "x" })), &[json!("ax"), json!(null), json!(5)], &[json!("x"), json!("xa")]);
    check(&test(json!({ "prefix": ["x", "y"] })), &[json!("a")], &[json!("xa"), json!("ya")]);
    check(&test(json!({ "suffix": "x" })), &[json!("xa")], &[json!("x"), json!("ax")]);
    check(&test(json!({ "suffix": [".a", ".b"] })), &[json!("f.c")], &[json!("f.a"), json!("f.b")]);
    check(&test(json!({ "equals-ignore-case": "x" })), &[json!("y")], &[json!("x"), json!("X")]);
    check(&test(json!({ "equals-ignore-case": ["x", "Y"] })), &[json!("z")], &[json!("X"), json!("y")]);
    check(&test(json!({ "wildcard": "a*b" })), &[json!("a")], &[json!("ab"), json!("acb")]);
    check(&test(json!({ "wildcard": ["a*", "*b"] })), &[json!("ca")], &[json!("a"), json!("b")]);
    assert!(
        !body_matches(&json!({ "a": [test(json!("x"))] }), &json!({ "b": "y" })),
        "a missing field is not `anything`"
    );
}

#[test]
fn fields_are_all_needed_and_values_are_alternatives() {
    let pattern = json!({ "a": { "b": ["x", { "prefix": "y" }] }, "c": [1] });
    assert!(body_matches(&pattern, &json!({ "a": { "b": "x", "z": 0 }, "c": 1 })));
    assert!(body_matches(&pattern, &json!({ "a": { "b": "yy" }, "c": 1 })));
    assert!(!body_matches(&pattern, &json!({ "a": { "b": "z" }, "c": 1 })));
    assert!(!body_matches(&pattern, &json!({ "a": { "b": "x" }, "c": 2 })));
    assert!(!body_matches(&pattern, &json!({ "a": { "b": "x" } })));
    assert!(!body_matches(&pattern, &json!({ "a": "x", "c": 1 })));
    assert!(!body_matches(&pattern, &json!(null)));
}

#[test]
fn an_array_in_the_message_matches_by_one_element() {
    assert!(body_matches(&json!({ "a": ["x", "y"] }), &json!({ "a": ["z", ["y"]] })));
    assert!(!body_matches(&json!({ "a": ["x"] }), &json!({ "a": ["y", { "a": "x" }] })));
    let pattern = json!({ "a": { "b": [1], "c": [2] } });
    assert!(body_matches(&pattern, &json!({ "a": [{ "b": 0 }, { "b": 1, "c": 2 }] })));
    assert!(!body_matches(&pattern, &json!({ "a": [{ "b": 1 }, { "c": 2 }] })), "one element must match whole");
    assert!(body_matches(&json!(["x"]), &json!(["x"])), "the body itself may be the array");
}

#[test]
fn or_joins_whole_patterns() {
    let pattern = json!({ "a": [1], "$or": [{ "b": [2] }, { "c": [3], "d": [4] }] });
    assert!(body_matches(&pattern, &json!({ "a": 1, "b": 2 })));
    assert!(body_matches(&pattern, &json!({ "a": 1, "c": 3, "d": 4 })));
    assert!(!body_matches(&pattern, &json!({ "a": 1, "c": 3 })));
    assert!(!body_matches(&pattern, &json!({ "a": 0, "b": 2 })));
    let top = r#"{"$or": [{"attributes": {"kind": ["a"]}}, {"body": {"kind": ["a"]}}]}"#;
    let filter = Filter::parse(top).unwrap();
    assert!(filter.matches([("kind", "a")], None, b""));
    assert!(filter.matches([], None, br#"{"kind":"a"}"#));
    assert!(!filter.matches([("kind", "b")], None, b"{}"));
}

#[test]
fn attributes_are_text() {
    let filter = Filter::parse(r#"{"attributes": {"kind": ["a"], "size": [{"exists": false}]}}"#).unwrap();
    assert!(filter.matches([("kind", "a")], None, &[0xff]));
    assert!(filter.matches([("kind", "b"), ("kind", "a")], None, b""), "a name that comes twice");
    assert!(!filter.matches([("kind", "a"), ("size", "")], None, b""));
    assert!(!filter.matches([], None, b""));
    let number = Filter::parse(r#"{"attributes": {"size": [1]}}"#).unwrap();
    assert!(!number.matches([("size", "1")], None, b""));
}

#[test]
fn the_body_counts_when_it_is_json() {
    let filter = Filter::parse(r#"{"body": {"a": [1]}}"#).unwrap();
    let body = br#" {"a": 1} "#;
    for content_type in
        [None, Some("application/json"), Some("Application/CloudEvents+JSON; charset=utf-8"), Some("text/json")]
    {
        assert!(filter.matches([], content_type, body), "{content_type:?}");
    }
    for content_type in [Some("text/plain"), Some(""), Some("application/jsonl")] {
        assert!(!filter.matches([], content_type, body), "{content_type:?}");
    }
    for body in [&b"{\"a\": 1"[..], b"", &[0xff], b"{\"a\": 1} x"] {
        assert!(!filter.matches([], None, body), "{body:?}");
    }
    let absent = Filter::parse(r#"{"body": [{"exists": false}]}"#).unwrap();
    assert!(absent.matches([], None, b"no json"));
    assert!(!absent.matches([], None, b"1"));
}
