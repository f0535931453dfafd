use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::probe::{Probe, b64};
use super::{Case, Verdict, cases, expect_eq};

pub const CASES: &[Case] = cases![
    what_is_put_is_got,
    small_and_large_bodies,
    missing_object_is_none,
    ranges_are_cut,
    if_absent_conflicts,
    if_match_conflicts,
    copy_takes_everything_along,
    delete_tells_whether_it_was_there,
    delete_many_answers_each,
    list_with_delimiter_and_pages,
    written_in_pieces,
    dropped_writer_stores_nothing,
    read_in_pieces,
    keys_are_checked,
    metadata_is_checked,
    ungranted_container_is_denied,
    read_only_grant_denies_writes,
    presign_is_unsupported,
];

fn put(probe: &Probe, key: &str, data: impl AsRef<[u8]>) -> Result<Value, Failed> {
    probe.ok("blob.put", json!({"container": "inbox", "key": key, "data": b64(data)}))
}

fn get(probe: &Probe, key: &str) -> Result<Value, Failed> {
    probe.ok("blob.get", json!({"container": "inbox", "key": key}))
}

fn what_is_put_is_got(probe: &mut Probe) -> Verdict {
    let put = json!({"container": "inbox", "key": "a/ü b", "data": b64("body"), "content_type": "text/plain",
        "metadata": {"author": "Zoë"}});
    let info = probe.ok("blob.put", put)?;
    expect_eq!(info["size"], json!(4));
    expect_eq!(info["content_type"], json!("text/plain"));
    expect_eq!(info["metadata"], json!({"author": "Zoë"}));
    expect_eq!(get(probe, "a/ü b")?, json!({"info": info, "data": b64("body")}));
    expect_eq!(probe.ok("blob.head", json!({"container": "inbox", "key": "a/ü b"}))?, info);
    Ok(())
}

fn small_and_large_bodies(probe: &mut Probe) -> Verdict {
    for size in [0, 1, (32 << 10) - 1, 32 << 10, (32 << 10) + 1, 300_000] {
        let body: Vec<u8> = (0..=250).cycle().take(size).collect();
        put(probe, "k", &body)?;
        expect_eq!(get(probe, "k")?["data"], json!(b64(&body)));
    }
    Ok(())
}

fn missing_object_is_none(probe: &mut Probe) -> Verdict {
    expect_eq!(get(probe, "none")?, json!(null));
    expect_eq!(probe.ok("blob.head", json!({"container": "inbox", "key": "none"}))?, json!(null));
    Ok(())
}

fn ranges_are_cut(probe: &mut Probe) -> Verdict {
    put(probe, "k", "0123456789")?;
    for (start, length, expected) in [(0, Some(3), "012"), (8, Some(5), "89"), (4, None, "456789")] {
        let range = json!({"start": start, "length": length});
        let got = probe.ok("blob.get", json!({"container": "inbox", "key": "k", "range": range}))?;
        expect_eq!(got["data"], json!(b64(expected)));
    }
    let beyond = json!({"container": "inbox", "key": "k", "range": {"start": 10}});
    expect_eq!(probe.error("blob.get", beyond)?, "invalid");
    Ok(())
}

fn if_absent_conflicts(probe: &mut Probe) -> Verdict {
    let put = json!({"container": "inbox", "key": "k", "data": b64("1"), "when": "if-absent"});
    probe.ok("blob.put", put.clone())?;
    expect_eq!(probe.error("blob.put", put)?, "conflict");
    Ok(())
}

fn if_match_conflicts(probe: &mut Probe) -> Verdict {
    let etag = put(probe, "k", "1")?["etag"].clone();
    let when = json!({"if-match": etag});
    probe.ok("blob.put", json!({"container": "inbox", "key": "k", "data": b64("2"), "when": when}))?;
    let again = json!({"container": "inbox", "key": "k", "data": b64("3"), "when": when});
    expect_eq!(probe.error("blob.put", again)?, "conflict");
    expect_eq!(probe.error("blob.delete", json!({"container": "inbox", "key": "k", "when": when}))?, "conflict");
    expect_eq!(get(probe, "k")?["data"], json!(b64("2")));
    Ok(())
}

fn copy_takes_everything_along(probe: &mut Probe) -> Verdict {
    let put =
        json!({"container": "inbox", "key": "a", "data": b64("x"), "content_type": "text/x", "metadata": {"m": "1"}});
    probe.ok("blob.put", put)?;
    let copy = json!({"container": "inbox", "source": "a", "destination": "b"});
    let info = probe.ok("blob.copy", copy)?;
    expect_eq!(json!([info["key"], info["content_type"], info["metadata"]]), json!(["b", "text/x", {"m": "1"}]));
    expect_eq!(get(probe, "b")?["data"], json!(b64("x")));
    let none = json!({"container": "inbox", "source": "none", "destination": "b"});
    expect_eq!(probe.error("blob.copy", none)?, "not-found");
    Ok(())
}

fn delete_tells_whether_it_was_there(probe: &mut Probe) -> Verdict {
    put(probe, "k", "")?;
    expect_eq!(probe.ok("blob.delete", json!({"container": "inbox", "key": "k"}))?, json!(true));
    expect_eq!(probe.ok("blob.delete", json!({"container": "inbox", "key": "k"}))?, json!(false));
    Ok(())
}

fn delete_many_answers_each(probe: &mut Probe) -> Verdict {
    put(probe, "a", "")?;
    let answers = probe.ok("blob.delete_many", json!({"container": "inbox", "keys": ["a", "none", "../b"]}))?;
    expect_eq!(answers[0], json!({"ok": true}));
    expect_eq!(answers[1], json!({"ok": false}));
    expect_eq!(answers[2]["error"]["code"], json!("invalid"));
    Ok(())
}

fn list_with_delimiter_and_pages(probe: &mut Probe) -> Verdict {
    for key in ["p/a", "p/b/1", "p/b/2", "p/c", "q"] {
        put(probe, key, key)?;
    }
    let names = |listing: &Value| {
        let keys = listing["objects"].as_array().cloned().unwrap_or_default();
        json!([keys.iter().map(|info| info["key"].clone()).collect::<Vec<_>>(), listing["prefixes"]])
    };
    let list = json!({"container": "inbox", "prefix": "p/", "delimiter": "/", "limit": 2});
    let first = probe.ok("blob.list", list)?;
    expect_eq!(names(&first), json!([["p/a"], ["p/b/"]]));
    let rest = json!({"container": "inbox", "prefix": "p/", "delimiter": "/", "cursor": first["cursor"], "limit": 2});
    let rest = probe.ok("blob.list", rest)?;
    expect_eq!(names(&rest), json!([["p/c"], []]));
    expect_eq!(rest["cursor"], json!(null));
    let all = probe.ok("blob.list", json!({"container": "inbox", "prefix": "", "limit": 1000}))?;
    expect_eq!(names(&all), json!([["p/a", "p/b/1", "p/b/2", "p/c", "q"], []]));
    Ok(())
}

fn written_in_pieces(probe: &mut Probe) -> Verdict {
    let chunks = [b64("one "), b64("two "), b64("three")];
    let write =
        json!({"container": "inbox", "key": "k", "chunks": chunks, "finish": true, "content_type": "text/plain"});
    expect_eq!(probe.ok("blob.write", write)?["size"], json!(13));
    expect_eq!(get(probe, "k")?["data"], json!(b64("one two three")));
    Ok(())
}

fn dropped_writer_stores_nothing(probe: &mut Probe) -> Verdict {
    put(probe, "k", "old")?;
    let write = json!({"container": "inbox", "key": "k", "chunks": [b64("new")], "finish": false});
    expect_eq!(probe.ok("blob.write", write)?, json!(null));
    expect_eq!(get(probe, "k")?["data"], json!(b64("old")));
    Ok(())
}

fn read_in_pieces(probe: &mut Probe) -> Verdict {
    put(probe, "k", "0123456789")?;
    let read = json!({"container": "inbox", "key": "k", "range": {"start": 2, "length": 7}, "max": 3});
    let read = probe.ok("blob.read", read)?;
    expect_eq!(read["info"]["size"], json!(10));
    expect_eq!(read["chunks"], json!([b64("234"), b64("567"), b64("8")]));
    let none = json!({"container": "inbox", "key": "none", "max": 3});
    expect_eq!(probe.error("blob.read", none)?, "not-found");
    Ok(())
}

fn keys_are_checked(probe: &mut Probe) -> Verdict {
    for (key, code) in [("", "invalid"), ("a/../b", "invalid"), ("./a", "invalid"), ("a\0b", "invalid")] {
        expect_eq!(probe.error("blob.head", json!({"container": "inbox", "key": key}))?, code);
    }
    let long = "k".repeat(1025);
    expect_eq!(probe.error("blob.head", json!({"container": "inbox", "key": long}))?, "too-large");
    expect_eq!(probe.ok("blob.head", json!({"container": "inbox", "key": "..a/日本語.txt"}))?, json!(null));
    Ok(())
}

fn metadata_is_checked(probe: &mut Probe) -> Verdict {
    let put = |metadata: Value| {
        probe.error("blob.put", json!({"container": "inbox", "key": "k", "data": "", "metadata": metadata}))
    };
    expect_eq!(put(json!({"Upper": "1"}))?, "invalid");
    expect_eq!(put(json!({"m": "v".repeat(2048)}))?, "too-large");
    Ok(())
}

fn ungranted_container_is_denied(probe: &mut Probe) -> Verdict {
    expect_eq!(probe.error("blob.head", json!({"container": "payroll", "key": "k"}))?, "access-denied");
    Ok(())
}

fn read_only_grant_denies_writes(probe: &mut Probe) -> Verdict {
    expect_eq!(probe.ok("blob.head", json!({"container": "other", "key": "k"}))?, json!(null));
    let put = json!({"container": "other", "key": "k", "data": ""});
    expect_eq!(probe.error("blob.put", put)?, "access-denied");
    expect_eq!(probe.error("blob.delete", json!({"container": "other", "key": "k"}))?, "access-denied");
    Ok(())
}

/// Nothing serves these stores over HTTP yet.
fn presign_is_unsupported(probe: &mut Probe) -> Verdict {
    let presign = json!({"container": "inbox", "key": "k", "method": "get", "ttl_ms": 60_000});
    expect_eq!(probe.error("blob.presign", presign)?, "unsupported");
    Ok(())
}
