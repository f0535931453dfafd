use std::time::Duration;

use serde_json::json;

use super::probe::{Probe, b64};
use super::{Case, Verdict, cases, expect_eq};

pub const CASES: &[Case] = cases![
    what_is_set_is_read,
    bytes_come_back_unchanged,
    missing_key_is_none,
    exists_tells,
    many_keys_in_order,
    delete_tells_whether_it_was_there,
    versions_grow_and_are_never_reused,
    if_absent_conflicts,
    if_version_conflicts,
    increment_is_atomic,
    increment_of_text_is_invalid,
    ttl_expires,
    set_clears_ttl,
    list_pages_in_byte_order,
    transaction_is_all_or_nothing,
    limits_are_errors,
    ungranted_bucket_is_denied,
    read_only_grant_denies_writes,
    unknown_bucket_is_not_found,
];

fn what_is_set_is_read(probe: &mut Probe) -> Verdict {
    let version = probe.ok("kv.set", json!({"bucket": "visits", "key": "a", "value": b64("one")}))?;
    let entry = probe.ok("kv.get", json!({"bucket": "visits", "key": "a"}))?;
    expect_eq!(entry, json!({"value": b64("one"), "version": version, "expires_at_ms": null}));
    Ok(())
}

fn bytes_come_back_unchanged(probe: &mut Probe) -> Verdict {
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    for (key, value) in [("empty", b64("")), ("grüße/世界 %", b64(&bytes))] {
        probe.ok("kv.set", json!({"bucket": "visits", "key": key, "value": value}))?;
        expect_eq!(probe.ok("kv.get", json!({"bucket": "visits", "key": key}))?["value"], json!(value));
    }
    Ok(())
}

fn missing_key_is_none(probe: &mut Probe) -> Verdict {
    expect_eq!(probe.ok("kv.get", json!({"bucket": "visits", "key": "none"}))?, json!(null));
    Ok(())
}

fn exists_tells(probe: &mut Probe) -> Verdict {
    expect_eq!(probe.ok("kv.exists", json!({"bucket": "visits", "key": "a"}))?, json!(false));
    probe.ok("kv.set", json!({"bucket": "visits", "key": "a", "value": ""}))?;
    expect_eq!(probe.ok("kv.exists", json!({"bucket": "visits", "key": "a"}))?, json!(true));
    Ok(())
}

fn many_keys_in_order(probe: &mut Probe) -> Verdict {
    for key in ["a", "b"] {
        probe.ok("kv.set", json!({"bucket": "visits", "key": key, "value": b64(key)}))?;
    }
    let entries = probe.ok("kv.get_many", json!({"bucket": "visits", "keys": ["b", "none", "a"]}))?;
    expect_eq!(entries[0]["value"], json!(b64("b")));
    expect_eq!(entries[1], json!(null));
    expect_eq!(entries[2]["value"], json!(b64("a")));
    Ok(())
}

fn delete_tells_whether_it_was_there(probe: &mut Probe) -> Verdict {
    probe.ok("kv.set", json!({"bucket": "visits", "key": "a", "value": ""}))?;
    expect_eq!(probe.ok("kv.delete", json!({"bucket": "visits", "key": "a"}))?, json!(true));
    expect_eq!(probe.ok("kv.delete", json!({"bucket": "visits", "key": "a"}))?, json!(false));
    Ok(())
}

fn versions_grow_and_are_never_reused(probe: &mut Probe) -> Verdict {
    let set = || probe.ok("kv.set", json!({"bucket": "visits", "key": "a", "value": ""}));
    let first = set()?.as_u64();
    probe.ok("kv.delete", json!({"bucket": "visits", "key": "a"}))?;
    let second = set()?.as_u64();
    expect_eq!((first < second).to_string(), "true");
    let stale = json!({"bucket": "visits", "key": "a", "value": "", "when": {"if-version": first}});
    expect_eq!(probe.error("kv.set", stale)?, "conflict");
    Ok(())
}

fn if_absent_conflicts(probe: &mut Probe) -> Verdict {
    let set = json!({"bucket": "visits", "key": "a", "value": "", "when": "if-absent"});
    let version = probe.ok("kv.set", set.clone())?;
    let answer = probe.step("kv.set", set)?;
    expect_eq!(answer["error"], json!({"code": "conflict", "detail": version}));
    Ok(())
}

fn if_version_conflicts(probe: &mut Probe) -> Verdict {
    let version = probe.ok("kv.set", json!({"bucket": "visits", "key": "a", "value": ""}))?;
    let when = json!({"if-version": version});
    probe.ok("kv.set", json!({"bucket": "visits", "key": "a", "value": b64("2"), "when": when}))?;
    expect_eq!(probe.error("kv.set", json!({"bucket": "visits", "key": "a", "value": "", "when": when}))?, "conflict");
    expect_eq!(probe.error("kv.delete", json!({"bucket": "visits", "key": "a", "when": when}))?, "conflict");
    Ok(())
}

/// Four instances of the function count at the same time.
fn increment_is_atomic(probe: &mut Probe) -> Verdict {
    let step = json!({"op": "kv.increment", "bucket": "visits", "key": "n", "delta": 1});
    let steps = json!(vec![step; 25]);
    let probes: Vec<Probe> = (0..4).map(|_| probe.sibling()).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = probes.iter().map(|probe| scope.spawn(|| probe.steps(&steps).map(drop))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("the steps end"))
    })?;
    let sum = probe.ok("kv.increment", json!({"bucket": "visits", "key": "n", "delta": -50}))?;
    expect_eq!(sum, json!(50));
    expect_eq!(probe.ok("kv.get", json!({"bucket": "visits", "key": "n"}))?["value"], json!(b64("50")));
    Ok(())
}

fn increment_of_text_is_invalid(probe: &mut Probe) -> Verdict {
    probe.ok("kv.set", json!({"bucket": "visits", "key": "a", "value": b64("many")}))?;
    expect_eq!(probe.error("kv.increment", json!({"bucket": "visits", "key": "a", "delta": 1}))?, "invalid");
    Ok(())
}

fn ttl_expires(probe: &mut Probe) -> Verdict {
    probe.ok("kv.set", json!({"bucket": "visits", "key": "a", "value": "", "ttl_ms": 1000}))?;
    let now = probe.world.clock.now_ms();
    expect_eq!(probe.ok("kv.get", json!({"bucket": "visits", "key": "a"}))?["expires_at_ms"], json!(now + 1000));
    probe.advance(Duration::from_millis(1001));
    expect_eq!(probe.ok("kv.get", json!({"bucket": "visits", "key": "a"}))?, json!(null));
    Ok(())
}

fn set_clears_ttl(probe: &mut Probe) -> Verdict {
    probe.ok("kv.set", json!({"bucket": "visits", "key": "a", "value": "", "ttl_ms": 1000}))?;
    probe.ok("kv.set", json!({"bucket": "visits", "key": "a", "value": ""}))?;
    probe.advance(Duration::from_secs(5));
    expect_eq!(probe.ok("kv.exists", json!({"bucket": "visits", "key": "a"}))?, json!(true));
    Ok(())
}

fn list_pages_in_byte_order(probe: &mut Probe) -> Verdict {
    for key in ["p/b", "p/a", "p/é", "q", "p/B"] {
        probe.ok("kv.set", json!({"bucket": "visits", "key": key, "value": ""}))?;
    }
    let first = probe.ok("kv.list", json!({"bucket": "visits", "prefix": "p/", "limit": 3}))?;
    expect_eq!(first["keys"], json!(["p/B", "p/a", "p/b"]));
    let rest = json!({"bucket": "visits", "prefix": "p/", "cursor": first["cursor"], "limit": 3});
    expect_eq!(probe.ok("kv.list", rest)?, json!({"keys": ["p/é"], "cursor": null}));
    Ok(())
}

fn transaction_is_all_or_nothing(probe: &mut Probe) -> Verdict {
    let transact = |operations| probe.step("kv.transact", json!({"bucket": "visits", "operations": operations}));
    let answer = transact(json!([
        {"check": {"key": "a", "when": "if-absent"}},
        {"set": {"key": "b", "value": b64("1")}},
        {"delete": {"key": "c", "when": "always"}},
    ]))?;
    let numbers = answer["ok"].as_array().cloned().unwrap_or_default();
    expect_eq!(json!([numbers.len(), numbers[0], numbers[2]]), json!([3, 0, 0]));
    let answer = transact(json!([
        {"set": {"key": "a", "value": b64("2")}},
        {"check": {"key": "b", "when": "if-absent"}},
    ]))?;
    expect_eq!(answer["error"]["code"], json!("conflict"));
    expect_eq!(probe.ok("kv.exists", json!({"bucket": "visits", "key": "a"}))?, json!(false));
    Ok(())
}

fn limits_are_errors(probe: &mut Probe) -> Verdict {
    let key = "k".repeat(513);
    expect_eq!(probe.error("kv.get", json!({"bucket": "visits", "key": key}))?, "too-large");
    expect_eq!(probe.error("kv.get", json!({"bucket": "visits", "key": ""}))?, "invalid");
    let value = b64(vec![0; (512 << 10) + 1]);
    let answer = probe.step("kv.set", json!({"bucket": "visits", "key": "k", "value": value}))?;
    expect_eq!(answer["error"], json!({"code": "too-large", "detail": 512 << 10}));
    expect_eq!(probe.error("kv.list", json!({"bucket": "visits", "prefix": "", "limit": 0}))?, "invalid");
    Ok(())
}

fn ungranted_bucket_is_denied(probe: &mut Probe) -> Verdict {
    let answer = probe.step("kv.get", json!({"bucket": "payroll", "key": "a"}))?;
    expect_eq!(answer["error"]["code"], json!("access-denied"));
    let detail = answer["error"]["detail"].as_str().unwrap_or_default();
    expect_eq!(detail, "bucket `payroll` is not granted for this, add `--grant kv:payroll:rw`");
    Ok(())
}

fn read_only_grant_denies_writes(probe: &mut Probe) -> Verdict {
    expect_eq!(probe.ok("kv.get", json!({"bucket": "other", "key": "a"}))?, json!(null));
    for (op, arguments) in [
        ("kv.set", json!({"bucket": "other", "key": "a", "value": ""})),
        ("kv.delete", json!({"bucket": "other", "key": "a"})),
        ("kv.increment", json!({"bucket": "other", "key": "a", "delta": 1})),
    ] {
        expect_eq!(probe.error(op, arguments)?, "access-denied");
    }
    Ok(())
}

fn unknown_bucket_is_not_found(probe: &mut Probe) -> Verdict {
    expect_eq!(probe.error("kv.get", json!({"bucket": "missing", "key": "a"}))?, "not-found");
    Ok(())
}
