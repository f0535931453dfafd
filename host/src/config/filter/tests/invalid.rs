//! What is no pattern, and what is told of it.

use super::*;

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
