use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::{Bench, Case, Verdict, cases, expect_eq};
use crate::probe::{Probe, b64, failed};
use crate::support;

pub const CASES: &[Case] = cases![
    what_is_set_is_got,
    many_at_once,
    increments,
    lists_page_after_page,
    a_cursor_that_nobody_gave_is_an_error,
    swap_sees_a_write_in_between,
    the_only_bucket_is_the_default,
    among_several_buckets_there_is_no_default,
    denials_name_the_grant_in_the_log,
    limits_are_told,
];

const DRAFTS: [&str; 2] = ["draft", "draft2"];

fn ok(guest: &Probe, draft: &str, function: &str, mut arguments: Value) -> Result<Value, Failed> {
    arguments["bucket"] = "visits".into();
    guest.ok(&format!("{draft}.{function}"), arguments)
}

fn error(guest: &Probe, draft: &str, function: &str, arguments: Value) -> Result<Value, Failed> {
    let mut answer = guest.step(&format!("{draft}.{function}"), arguments)?;
    Ok(answer["error"].take())
}

/// What our own side of the store has.
fn stored(bench: &Bench, key: &str) -> Result<Value, Failed> {
    let entry = support::runtime().block_on(bench.world.backends.kv.get("visits", key)).map_err(failed)?;
    Ok(json!(entry.map(|entry| b64(entry.value))))
}

fn what_is_set_is_got(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    for draft in DRAFTS {
        ok(&guest, draft, "set", json!({"key": "a/ü", "value": b64([0, 255])}))?;
        expect_eq!(ok(&guest, draft, "get", json!({"key": "a/ü"}))?, json!(b64([0, 255])));
        expect_eq!(stored(bench, "a/ü")?, json!(b64([0, 255])));
        expect_eq!(ok(&guest, draft, "exists", json!({"key": "a/ü"}))?, json!(true));
        ok(&guest, draft, "delete", json!({"key": "a/ü"}))?;
        ok(&guest, draft, "delete", json!({"key": "a/ü"}))?;
        expect_eq!(ok(&guest, draft, "get", json!({"key": "a/ü"}))?, json!(null));
        expect_eq!(ok(&guest, draft, "exists", json!({"key": "a/ü"}))?, json!(false));
    }
    Ok(())
}

fn many_at_once(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    // Without a value the first draft has no key either.
    for (draft, missing) in [("draft", json!(null)), ("draft2", json!("none"))] {
        let pair = |key: &str, value: &str| json!({"key": key, "value": b64(value)});
        ok(&guest, draft, "set_many", json!({"pairs": [pair("a", "1"), pair("b", "2"), pair("a", "3")]}))?;
        let got = ok(&guest, draft, "get_many", json!({"keys": ["b", "none", "a", "b"]}))?;
        expect_eq!(got, json!([["b", b64("2")], [missing, null], ["a", b64("3")], ["b", b64("2")]]));
        ok(&guest, draft, "delete_many", json!({"keys": ["a", "none", "a"]}))?;
        expect_eq!(ok(&guest, draft, "get_many", json!({"keys": ["a", "b"]}))?[1], json!(["b", b64("2")]));
        expect_eq!(ok(&guest, draft, "exists", json!({"key": "a"}))?, json!(false));
        ok(&guest, draft, "set_numbered", json!({"count": 150}))?;
        let keys: Vec<String> = (0..150).map(|number| format!("key-{number:05}")).collect();
        let got = ok(&guest, draft, "get_many", json!({"keys": keys}))?;
        expect_eq!(got[149], json!(["key-00149", b64(149_u32.to_le_bytes())]));
        ok(&guest, draft, "delete_many", json!({"keys": keys}))?;
        expect_eq!(ok(&guest, draft, "list_all", json!({}))?["keys"], json!(["b"]));
        for empty in ["get_many", "delete_many"] {
            ok(&guest, draft, empty, json!({"keys": []}))?;
        }
    }
    Ok(())
}

fn increments(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    for (draft, sum) in DRAFTS.into_iter().zip([5, 10]) {
        expect_eq!(ok(&guest, draft, "increment", json!({"key": "n", "delta": 5}))?, json!(sum));
    }
    expect_eq!(stored(bench, "n")?, json!(b64("10")));
    expect_eq!(ok(&guest, "draft2", "increment", json!({"key": "n", "delta": -12}))?, json!(-2));
    let below = error(&guest, "draft", "increment", json!({"bucket": "visits", "key": "n", "delta": 1}))?;
    expect_eq!(below, json!({"code": "other", "detail": "invalid: counter `n` is now -1, below 0"}));
    let huge = error(&guest, "draft", "increment", json!({"bucket": "visits", "key": "n", "delta": -1}))?;
    let text = "invalid: `delta` is 18446744073709551615, the most is 9223372036854775807";
    expect_eq!(huge, json!({"code": "other", "detail": text}));
    Ok(())
}

fn lists_page_after_page(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    for draft in DRAFTS {
        ok(&guest, draft, "set_numbered", json!({"count": 2100}))?;
        let listed = ok(&guest, draft, "list_all", json!({}))?;
        expect_eq!(listed["pages"], json!([1000, 1000, 100]));
        let expected: Vec<String> = (0..2100).map(|number| format!("key-{number:05}")).collect();
        expect_eq!(listed["keys"], json!(expected));
    }
    Ok(())
}

fn a_cursor_that_nobody_gave_is_an_error(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    let told = error(&guest, "draft", "list_from", json!({"bucket": "visits", "cursor": 7}))?;
    let text = "invalid: cursor `7` is not among the last 16 that this bucket handle gave";
    expect_eq!(told, json!({"code": "other", "detail": text}));
    // The second draft's cursors are texts and go on after the key they name.
    ok(&guest, "draft2", "set", json!({"key": "8", "value": ""}))?;
    expect_eq!(ok(&guest, "draft2", "list_from", json!({"cursor": 7}))?["keys"], json!(["8"]));
    Ok(())
}

fn swap_sees_a_write_in_between(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    let swap = |value: &str, meanwhile: Option<&str>| {
        ok(&guest, "draft2", "swap", json!({"key": "k", "value": value, "meanwhile": meanwhile}))
    };
    expect_eq!(swap("1", None)?, json!({"seen": null, "tries": 1}));
    expect_eq!(swap("2", None)?, json!({"seen": b64("1"), "tries": 1}));
    expect_eq!(swap("4", Some("3"))?, json!({"seen": b64("2"), "tries": 2, "seen_again": b64("3")}));
    // The same bytes again are a write, too.
    expect_eq!(swap("5", Some("4"))?["tries"], json!(2));
    ok(&guest, "draft2", "delete", json!({"key": "k"}))?;
    expect_eq!(swap("7", Some("6"))?, json!({"seen": null, "tries": 2, "seen_again": b64("6")}));
    expect_eq!(stored(bench, "k")?, json!(b64("7")));
    Ok(())
}

fn the_only_bucket_is_the_default(bench: &Bench) -> Verdict {
    let guest = bench.guest_with(&["kv:visits:rw", "blob:inbox:rw"])?;
    for draft in DRAFTS {
        for name in ["", "default", "visits"] {
            guest.ok(&format!("{draft}.set"), json!({"bucket": name, "key": "k", "value": b64(name)}))?;
            expect_eq!(stored(bench, "k")?, json!(b64(name)));
        }
    }
    expect_eq!(bench.lines(), json!([]));
    Ok(())
}

fn among_several_buckets_there_is_no_default(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    for draft in DRAFTS {
        for name in ["", "default"] {
            let told = error(&guest, draft, "open", json!({"bucket": name}))?;
            expect_eq!(told, json!({"code": "access-denied", "detail": ""}));
            let line = "WARN bucket `default` is not granted for this, add `--grant kv:default:rw`";
            expect_eq!(bench.lines(), json!([line]));
        }
    }
    Ok(())
}

fn denials_name_the_grant_in_the_log(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    let denied = |text: &str| json!([format!("WARN bucket {text}")]);
    for draft in DRAFTS {
        expect_eq!(error(&guest, draft, "open", json!({"bucket": "payroll"}))?["code"], json!("access-denied"));
        expect_eq!(bench.lines(), denied("`payroll` is not granted for this, add `--grant kv:payroll:rw`"));
        let writes = [
            ("set", json!({"bucket": "other", "key": "k", "value": ""})),
            ("delete", json!({"bucket": "other", "key": "k"})),
            ("increment", json!({"bucket": "other", "key": "k", "delta": 1})),
            ("set_many", json!({"bucket": "other", "pairs": [{"key": "k", "value": ""}]})),
            ("delete_many", json!({"bucket": "other", "keys": ["k"]})),
        ];
        for (function, arguments) in writes {
            expect_eq!(error(&guest, draft, function, arguments)?["code"], json!("access-denied"));
            expect_eq!(bench.lines(), denied("`other` is not granted for this, add `--grant kv:other:rw`"));
        }
        expect_eq!(error(&guest, draft, "open", json!({"bucket": "missing"}))?["code"], json!("no-such-store"));
        expect_eq!(bench.lines(), denied("`missing` is granted and does not exist"));
    }
    let swap = json!({"bucket": "other", "key": "k", "value": ""});
    expect_eq!(error(&guest, "draft2", "swap", swap)?["code"], json!("access-denied"));
    Ok(())
}

fn limits_are_told(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    for draft in DRAFTS {
        let empty = error(&guest, draft, "get", json!({"bucket": "visits", "key": ""}))?;
        expect_eq!(empty, json!({"code": "other", "detail": "invalid: the key is empty"}));
        let large = json!({"bucket": "visits", "key": "k", "value": b64(vec![0; (512 << 10) + 1])});
        let told = error(&guest, draft, "set", large)?;
        expect_eq!(told, json!({"code": "other", "detail": "too large: the limit is 524288"}));
        let named = error(&guest, draft, "open", json!({"bucket": "a b"}))?;
        let text = "invalid: \"a b\" cannot name a bucket: only the letters a-z and A-Z, digits, `-`, `_` and `.` may stand in it";
        expect_eq!(named, json!({"code": "other", "detail": text}));
        // More than one transaction holds, in one call.
        let pairs: Vec<Value> =
            (0..4).map(|n| json!({"key": format!("large-{n}"), "value": b64(vec![n; 400 << 10])})).collect();
        ok(&guest, draft, "set_many", json!({"pairs": pairs}))?;
        expect_eq!(stored(bench, "large-3")?, json!(b64(vec![3; 400 << 10])));
    }
    Ok(())
}
