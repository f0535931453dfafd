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

/// The pattern, below what is wrong the marks, and why it is wrong.
fn told(pattern: &str) -> String {
    match Filter::parse(pattern) {
        Ok(filter) => panic!("{pattern} is read as {filter:?}"),
        Err(error) => {
            let width = |text: &str| text.chars().count();
            let indent = width(&pattern[..error.place.start]);
            let marks = "^".repeat(width(&pattern[error.place.clone()]).max(1));
            format!("{pattern}\n{}{marks} {error}", " ".repeat(indent))
        }
    }
}

#[test]
fn invalid_patterns_say_where_and_why() {
    let patterns = [
        "detail",
        "",
        "{",
        "{}, 1",
        r#"{"body": {"ü": ["é" 1]}}"#,
        "[]",
        "\"body\"",
        "{}",
        r#"{"detail": ["a"]}"#,
        r#"{"attributes": ["a"]}"#,
        r#"{"$or": [{"body": [1]}, {"detail": [1]}]}"#,
        r#"{"body": "a"}"#,
        r#"{"body": {}}"#,
        r#"{"body": [1], "body": [2]}"#,
        r#"{"body": {"a": [{"prefix": "b", "prefix": "c"}]}}"#,
        r#"{"body": {"a": []}}"#,
        r#"{"body": {"a": null}}"#,
        r#"{"body": {"a": [["b"]]}}"#,
        r#"{"body": {"a": [{}]}}"#,
        r#"{"body": {"a": [1, {"prefix": "b", "suffix": "c"}]}}"#,
        r#"{"body": {"a b": [{"Prefix": "b"}]}}"#,
        r#"{"body": {"a": [{"prefix": 1}]}}"#,
        r#"{"body": {"a": [{"suffix": ["b"]}]}}"#,
        r#"{"body": {"a": [{"prefix": {"prefix": "b"}}]}}"#,
        r#"{"body": {"a": [{"prefix": {"equals-ignore-case": 1}}]}}"#,
        r#"{"body": {"a": [{"equals-ignore-case": ["b"]}]}}"#,
        r#"{"body": {"a": [{"wildcard": 1}]}}"#,
        r#"{"body": {"a": [{"wildcard": "b**c"}]}}"#,
        r#"{"body": {"a": [{"wildcard": "b\\c"}]}}"#,
        r#"{"body": {"a": [{"wildcard": "b\\"}]}}"#,
        r#"{"body": {"a": [{"numeric": 1}]}}"#,
        r#"{"body": {"a": [{"numeric": []}]}}"#,
        r#"{"body": {"a": [{"numeric": ["="]}]}}"#,
        r#"{"body": {"a": [{"numeric": [">", 1, "<"]}]}}"#,
        r#"{"body": {"a": [{"numeric": [">", 1, "<", 2, "<", 3]}]}}"#,
        r#"{"body": {"a": [{"numeric": ["==", 1]}]}}"#,
        r#"{"body": {"a": [{"numeric": [1, "="]}]}}"#,
        r#"{"body": {"a": [{"numeric": ["=", "1"]}]}}"#,
        r#"{"body": {"a": [{"numeric": ["<", 5, ">", 1]}]}}"#,
        r#"{"body": {"a": [{"numeric": [">", 5, "<", 5]}]}}"#,
        r#"{"body": {"a": [{"cidr": 10}]}}"#,
        r#"{"body": {"a": [{"cidr": "10.0.0.0"}]}}"#,
        r#"{"body": {"a": [{"cidr": "10.0.0.0/33"}]}}"#,
        r#"{"body": {"a": [{"cidr": "::/129"}]}}"#,
        r#"{"body": {"a": [{"cidr": "host/8"}]}}"#,
        r#"{"body": {"a": [{"exists": "true"}]}}"#,
        r#"{"body": {"a": [{"anything-but": []}]}}"#,
        r#"{"body": {"a": [{"anything-but": null}]}}"#,
        r#"{"body": {"a": [{"anything-but": ["b", true]}]}}"#,
        r#"{"body": {"a": [{"anything-but": ["b", 1]}]}}"#,
        r#"{"body": {"a": [{"anything-but": {}}]}}"#,
        r#"{"body": {"a": [{"anything-but": {"numeric": ["=", 1]}}]}}"#,
        r#"{"body": {"a": [{"anything-but": {"prefix": ""}}]}}"#,
        r#"{"body": {"a": [{"anything-but": {"suffix": []}}]}}"#,
        r#"{"body": {"a": [{"anything-but": {"wildcard": ["b", "**"]}}]}}"#,
        r#"{"body": {"a": [{"anything-but": {"prefix": "b", "suffix": "c"}}]}}"#,
        r#"{"body": {"a": [{"anything-but": {"equals-ignore-case": [1]}}]}}"#,
        r#"{"body": {"$or": {"a": [1]}}}"#,
        r#"{"body": {"$or": []}}"#,
        r#"{"body": {"$or": [{"a": [1]}]}}"#,
        r#"{"body": {"$or": [{"a": [1]}, 2]}}"#,
        r#"{"body": {"$or": [{"a": [1]}, {}]}}"#,
    ];
    insta::assert_snapshot!(patterns.map(told).join("\n"), @r#"
    detail
    ^ the pattern is no JSON: expected value

    ^ the pattern is no JSON: EOF while parsing a value
    {
     ^ the pattern is no JSON: EOF while parsing an object
    {}, 1
      ^ the pattern is no JSON: trailing characters
    {"body": {"ü": ["é" 1]}}
                        ^ the pattern is no JSON: expected `,` or `]`
    []
    ^^ `[]` is no object
    "body"
    ^^^^^^ `"body"` is no object
    {}
    ^^ the object is empty: name a field, or leave the pattern out to take everything
    {"detail": ["a"]}
     ^^^^^^^^ a message has only `attributes` and `body`
    {"attributes": ["a"]}
                   ^^^^^ attributes are an object: write `{"name": [..]}`
    {"$or": [{"body": [1]}, {"detail": [1]}]}
                             ^^^^^^^^ a message has only `attributes` and `body`
    {"body": "a"}
             ^^^ `"a"` must stand in an array: `["a"]`
    {"body": {}}
             ^^ the object is empty: name a field, or leave the pattern out to take everything
    {"body": [1], "body": [2]}
                  ^^^^^^ `body` stands here twice
    {"body": {"a": [{"prefix": "b", "prefix": "c"}]}}
                                    ^^^^^^^^ `prefix` stands here twice
    {"body": {"a": []}}
                   ^^ the array is empty, nothing could match
    {"body": {"a": null}}
                   ^^^^ `null` must stand in an array: `[null]`
    {"body": {"a": [["b"]]}}
                    ^^^^^ an array cannot stand in an array
    {"body": {"a": [{}]}}
                    ^^ the object is empty, expected an operator
    {"body": {"a": [1, {"prefix": "b", "suffix": "c"}]}}
                                       ^^^^^^^^ `prefix` and `suffix` in one object: each operator needs its own
    {"body": {"a b": [{"Prefix": "b"}]}}
                       ^^^^^^^^ `Prefix` is no operator: expected `prefix`, `suffix`, `equals-ignore-case`, `wildcard`, `numeric`, `cidr`, `exists` or `anything-but`
    {"body": {"a": [{"prefix": 1}]}}
                               ^ `1` is no text
    {"body": {"a": [{"suffix": ["b"]}]}}
                               ^^^^^ `["b"]` is no text
    {"body": {"a": [{"prefix": {"prefix": "b"}}]}}
                                ^^^^^^^^ `prefix` cannot stand here, only `equals-ignore-case`
    {"body": {"a": [{"prefix": {"equals-ignore-case": 1}}]}}
                                                      ^ `1` is no text
    {"body": {"a": [{"equals-ignore-case": ["b"]}]}}
                                           ^^^^^ `["b"]` is no text
    {"body": {"a": [{"wildcard": 1}]}}
                                 ^ `1` is no text
    {"body": {"a": [{"wildcard": "b**c"}]}}
                                 ^^^^^^ two stars in a row, one stands for any characters already
    {"body": {"a": [{"wildcard": "b\\c"}]}}
                                 ^^^^^^ `\c` is no escape, only `\*` and `\\` are
    {"body": {"a": [{"wildcard": "b\\"}]}}
                                 ^^^^^ it ends in a lone `\`
    {"body": {"a": [{"numeric": 1}]}}
                                ^ `1` is no array
    {"body": {"a": [{"numeric": []}]}}
                                ^^ the array is empty, nothing could match
    {"body": {"a": [{"numeric": ["="]}]}}
                                ^^^^^ this is no comparison: expected `[sign, number]` or `[sign, number, sign, number]`
    {"body": {"a": [{"numeric": [">", 1, "<"]}]}}
                                ^^^^^^^^^^^^^ this is no comparison: expected `[sign, number]` or `[sign, number, sign, number]`
    {"body": {"a": [{"numeric": [">", 1, "<", 2, "<", 3]}]}}
                                ^^^^^^^^^^^^^^^^^^^^^^^^ this is no comparison: expected `[sign, number]` or `[sign, number, sign, number]`
    {"body": {"a": [{"numeric": ["==", 1]}]}}
                                 ^^^^ `"=="` is none of `=`, `!=`, `<`, `<=`, `>`, `>=`
    {"body": {"a": [{"numeric": [1, "="]}]}}
                                 ^ `1` is none of `=`, `!=`, `<`, `<=`, `>`, `>=`
    {"body": {"a": [{"numeric": ["=", "1"]}]}}
                                      ^^^ `"1"` is no number
    {"body": {"a": [{"numeric": ["<", 5, ">", 1]}]}}
                                ^^^^^^^^^^^^^^^^ a range is written lower bound first: `[">", low, "<=", high]`
    {"body": {"a": [{"numeric": [">", 5, "<", 5]}]}}
                                ^^^^^^^^^^^^^^^^ the range is empty: 5 is not below 5
    {"body": {"a": [{"cidr": 10}]}}
                             ^^ `10` is no text
    {"body": {"a": [{"cidr": "10.0.0.0"}]}}
                             ^^^^^^^^^^ `10.0.0.0` is no network: expected one like `10.0.0.0/8` or `2001:db8::/32`
    {"body": {"a": [{"cidr": "10.0.0.0/33"}]}}
                             ^^^^^^^^^^^^^ `10.0.0.0/33` is no network: expected one like `10.0.0.0/8` or `2001:db8::/32`
    {"body": {"a": [{"cidr": "::/129"}]}}
                             ^^^^^^^^ `::/129` is no network: expected one like `10.0.0.0/8` or `2001:db8::/32`
    {"body": {"a": [{"cidr": "host/8"}]}}
                             ^^^^^^^^ `host/8` is no network: expected one like `10.0.0.0/8` or `2001:db8::/32`
    {"body": {"a": [{"exists": "true"}]}}
                               ^^^^^^ `"true"` is neither true nor false
    {"body": {"a": [{"anything-but": []}]}}
                                     ^^ the array is empty, nothing could match
    {"body": {"a": [{"anything-but": null}]}}
                                     ^^^^ `null` is neither a text nor a number
    {"body": {"a": [{"anything-but": ["b", true]}]}}
                                           ^^^^ `true` is neither a text nor a number
    {"body": {"a": [{"anything-but": ["b", 1]}]}}
                                     ^^^^^^^^ texts and numbers cannot stand in one list
    {"body": {"a": [{"anything-but": {}}]}}
                                     ^^ the object is empty, expected an operator
    {"body": {"a": [{"anything-but": {"numeric": ["=", 1]}}]}}
                                      ^^^^^^^^^ `numeric` cannot stand in `anything-but`: expected `prefix`, `suffix`, `equals-ignore-case` or `wildcard`
    {"body": {"a": [{"anything-but": {"prefix": ""}}]}}
                                                ^^ the text is empty, which excludes every text
    {"body": {"a": [{"anything-but": {"suffix": []}}]}}
                                                ^^ the array is empty, nothing could match
    {"body": {"a": [{"anything-but": {"wildcard": ["b", "**"]}}]}}
                                                        ^^^^ two stars in a row, one stands for any characters already
    {"body": {"a": [{"anything-but": {"prefix": "b", "suffix": "c"}}]}}
                                                     ^^^^^^^^ `prefix` and `suffix` in one object: each operator needs its own
    {"body": {"a": [{"anything-but": {"equals-ignore-case": [1]}}]}}
                                                             ^ `1` is no text
    {"body": {"$or": {"a": [1]}}}
                     ^^^^^^^^^^ `{"a": [1]}` is no array
    {"body": {"$or": []}}
                     ^^ the array is empty, nothing could match
    {"body": {"$or": [{"a": [1]}]}}
                     ^^^^^^^^^^^^ `$or` needs at least two patterns
    {"body": {"$or": [{"a": [1]}, 2]}}
                                  ^ `2` is no object
    {"body": {"$or": [{"a": [1]}, {}]}}
                                  ^^ the object is empty: name a field, or leave the pattern out to take everything
    "#);
}

/// Each operator over each kind of operand.
#[test]
fn operators_take_what_they_compare_with() {
    let operators =
        ["prefix", "suffix", "equals-ignore-case", "wildcard", "numeric", "cidr", "exists", "anything-but", "equals"];
    let operands = [
        "null",
        "true",
        "1",
        r#""""#,
        r#""b""#,
        r#""::1/128""#,
        "[]",
        r#"["b"]"#,
        "[1]",
        r#"["=", 1]"#,
        "[[]]",
        "{}",
        r#"{"equals-ignore-case": "b"}"#,
        r#"{"prefix": "b"}"#,
    ];
    let row = |operator: &str| {
        let fine = operands
            .iter()
            .filter(|operand| Filter::parse(&format!(r#"{{"body": {{"a": [{{"{operator}": {operand}}}]}}}}"#)).is_ok());
        [operator].into_iter().chain(fine.copied()).collect::<Vec<_>>().join("  ")
    };
    insta::assert_snapshot!(operators.map(row).join("\n"), @r#"
    prefix  ""  "b"  "::1/128"  {"equals-ignore-case": "b"}
    suffix  ""  "b"  "::1/128"  {"equals-ignore-case": "b"}
    equals-ignore-case  ""  "b"  "::1/128"
    wildcard  ""  "b"  "::1/128"
    numeric  ["=", 1]
    cidr  "::1/128"
    exists  true
    anything-but  1  ""  "b"  "::1/128"  ["b"]  [1]  {"equals-ignore-case": "b"}  {"prefix": "b"}
    equals
    "#);
}

#[test]
fn patterns_are_not_deeper_than_can_be_read() {
    let deep = |depth: usize| format!("{}1{}", r#"{"body":"#.repeat(depth), "}".repeat(depth));
    assert_eq!(Filter::parse(&deep(100_000)).unwrap_err().why, "the pattern is no JSON: recursion limit exceeded");
    let nested = format!("{}[1]{}", r#"{"body":"#.repeat(100), "}".repeat(100));
    assert!(Filter::parse(&nested).is_ok());
}
