use libtest_mimic::Failed;
use serde_json::{Value, json};
use wasm_faas::services::blob::PutOptions;
use wasm_faas::services::message::Attribute;

use super::{Bench, Case, Verdict, cases, expect_eq};
use crate::probe::{Probe, b64, failed};
use crate::support;

pub const CASES: &[Case] = cases![
    bytes_come_before_or_after_their_place,
    unfinished_values_store_nothing,
    three_mebibytes_in_and_out,
    ranges_are_inclusive,
    bytes_without_a_place_are_bounded,
    a_value_goes_to_one_place,
    names_come_in_pages,
    copies_and_moves,
    objects_are_seen_and_deleted,
    containers_are_the_operators,
    denials_name_the_grant,
];

fn ok(guest: &Probe, function: &str, mut arguments: Value) -> Result<Value, Failed> {
    arguments["container"] = "inbox".into();
    guest.ok(&format!("blobstore.{function}"), arguments)
}

fn told(guest: &Probe, function: &str, arguments: Value) -> Result<String, Failed> {
    let answer = guest.step(&format!("blobstore.{function}"), arguments)?;
    let text = answer["error"]["detail"].as_str();
    text.map(str::to_owned).ok_or_else(|| format!("{function} answered {answer}, expected an error").into())
}

fn put(bench: &Bench, container: &str, key: &str, data: &[u8]) -> Verdict {
    let options = PutOptions {
        content_type: Some("text/plain".into()),
        metadata: vec![Attribute { name: "author".into(), value: "Zoë".into() }],
        ..PutOptions::default()
    };
    let put = bench.world.backends.blob.put(container, key, data.to_vec(), options);
    support::runtime().block_on(put).map_err(failed)?;
    Ok(())
}

fn get(guest: &Probe, name: &str) -> Result<Value, Failed> {
    let mut got = ok(guest, "read", json!({"name": name, "start": 0, "end": u64::MAX}))?;
    Ok(got["data"].take())
}

fn has(guest: &Probe, name: &str) -> Result<Value, Failed> {
    ok(guest, "has_object", json!({"name": name}))
}

fn bytes_come_before_or_after_their_place(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    for first in [true, false] {
        for size in [0, 1, 40_000, 200_000] {
            let data: Vec<u8> = (0..=250).cycle().take(size).collect();
            ok(&guest, "write", json!({"name": "a/ü", "data": b64(&data), "first": first, "finish": true}))?;
            expect_eq!(get(&guest, "a/ü")?, json!(b64(&data)));
        }
    }
    Ok(())
}

fn unfinished_values_store_nothing(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    put(bench, "inbox", "old", b"old")?;
    for first in [true, false] {
        for name in ["new", "old"] {
            ok(&guest, "write", json!({"name": name, "data": b64("x"), "first": first, "finish": false}))?;
        }
        expect_eq!(has(&guest, "new")?, json!(false));
        expect_eq!(get(&guest, "old")?, json!(b64("old")));
    }
    Ok(())
}

fn three_mebibytes_in_and_out(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    let size = (3 << 20) + 1;
    ok(&guest, "write_pattern", json!({"name": "large", "size": size}))?;
    expect_eq!(ok(&guest, "read_pattern", json!({"name": "large"}))?, json!({"length": size, "wrong": 0}));
    let info = support::runtime().block_on(bench.world.backends.blob.head("inbox", "large")).map_err(failed)?;
    expect_eq!(json!(info.map(|info| info.size)), json!(size));
    ok(&guest, "write_pattern", json!({"name": "larger", "size": 9 << 20}))?;
    let whole = json!({"container": "inbox", "name": "larger", "start": 0, "end": u64::MAX});
    expect_eq!(
        told(&guest, "read", whole)?,
        "too large: 9437184 bytes, at most 8388608 come at once; read it with `incoming-value-consume-async`"
    );
    Ok(())
}

fn ranges_are_inclusive(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    put(bench, "inbox", "k", b"0123456789")?;
    put(bench, "inbox", "empty", b"")?;
    let whole = (0, u64::MAX, "0123456789");
    for (start, end, expected) in [whole, (0, 0, "0"), (2, 4, "234"), (9, 9, "9"), (8, 100, "89"), (0, 9, whole.2)] {
        let got = ok(&guest, "read", json!({"name": "k", "start": start, "end": end}))?;
        expect_eq!(got, json!({"size": expected.len(), "data": b64(expected)}));
    }
    expect_eq!(get(&guest, "empty")?, json!(""));
    let read = |start: u64, end: u64| {
        told(&guest, "read", json!({"container": "inbox", "name": "k", "start": start, "end": end}))
    };
    expect_eq!(read(10, 12)?, "invalid: the range starts at 10, the object has 10 bytes");
    expect_eq!(read(4, 3)?, "invalid: the range starts at 4 and ends at 3");
    let none = json!({"container": "inbox", "name": "none", "start": 0, "end": 1});
    expect_eq!(told(&guest, "read", none)?, "object `none` is not in container `inbox`");
    Ok(())
}

fn bytes_without_a_place_are_bounded(bench: &Bench) -> Verdict {
    let told = told(&bench.guest()?, "overfill", json!({"container": "inbox"}))?;
    let text = "invalid: more than 16777216 bytes wait for `write-data` to say where they go";
    expect_eq!(told.contains(text).to_string(), "true");
    Ok(())
}

fn a_value_goes_to_one_place(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    let answer = ok(&guest, "write_twice", json!({"name": "k"}))?;
    expect_eq!(
        answer,
        json!({
            "again": "invalid: the value for `k` is already on its way to an object",
            "second_stream_refused": true,
            "nowhere": "invalid: the value is finished and `write-data` never said where it goes",
        })
    );
    expect_eq!(get(&guest, "k")?, json!(""));
    Ok(())
}

fn names_come_in_pages(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    let names: Vec<String> = (0..1100).map(|number| format!("object-{number:05}")).collect();
    for name in &names {
        put(bench, "inbox", name, b"")?;
    }
    let list = |page: u64, skip: u64| ok(&guest, "list", json!({"page": page, "skip": skip}));
    expect_eq!(list(400, 100)?, json!({"skipped": 100, "names": names[100..], "pages": [400, 400, 200]}));
    expect_eq!(list(5000, 0)?, json!({"skipped": 0, "names": names, "pages": [1100]}));
    expect_eq!(list(1, 2000)?, json!({"skipped": 1100, "names": [], "pages": []}));
    ok(&guest, "clear", json!({}))?;
    expect_eq!(list(10, 0)?, json!({"skipped": 0, "names": [], "pages": [0]}));
    Ok(())
}

fn copies_and_moves(bench: &Bench) -> Verdict {
    let guest = bench.guest_with(&["blob:inbox:rw", "blob:other:rw"])?;
    put(bench, "inbox", "a", b"body")?;
    let step = |function: &str, source: [&str; 2], destination: [&str; 2]| {
        let step = json!({"source": source, "destination": destination});
        guest.step(&format!("blobstore.{function}"), step)
    };
    let fine = json!({"ok": null});
    expect_eq!(step("copy_object", ["inbox", "a"], ["inbox", "b"])?, fine);
    expect_eq!(step("copy_object", ["inbox", "a"], ["other", "c"])?, fine);
    expect_eq!(step("move_object", ["inbox", "a"], ["inbox", "a"])?, fine);
    expect_eq!(step("move_object", ["inbox", "a"], ["other", "a"])?, fine);
    for (container, name, is_there) in [("inbox", "a", false), ("inbox", "b", true), ("other", "a", true)] {
        let has = guest.ok("blobstore.has_object", json!({"container": container, "name": name}))?;
        expect_eq!(has, json!(is_there));
    }
    for (container, key) in [("inbox", "b"), ("other", "c"), ("other", "a")] {
        let info = support::runtime().block_on(bench.world.backends.blob.head(container, key)).map_err(failed)?;
        let info = info.ok_or("the copy is missing")?;
        let metadata: Vec<_> = info.metadata.iter().map(|pair| (&pair.name, &pair.value)).collect();
        expect_eq!(json!([info.size, info.content_type, metadata]), json!([4, "text/plain", [["author", "Zoë"]]]));
    }
    for function in ["copy_object", "move_object"] {
        let missing = step(function, ["inbox", "none"], ["inbox", "b"])?;
        expect_eq!(missing["error"]["detail"], json!("object `none` is not in container `inbox`"));
    }
    Ok(())
}

fn objects_are_seen_and_deleted(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    for name in ["a", "b", "c"] {
        put(bench, "inbox", name, b"body")?;
    }
    let info = ok(&guest, "object_info", json!({"name": "a"}))?;
    expect_eq!(info, json!({"name": "a", "container": "inbox", "created_at": 1_800_000_000, "size": 4}));
    let none = json!({"container": "inbox", "name": "none"});
    expect_eq!(told(&guest, "object_info", none)?, "object `none` is not in container `inbox`");
    ok(&guest, "delete_object", json!({"name": "a"}))?;
    ok(&guest, "delete_object", json!({"name": "a"}))?;
    expect_eq!(has(&guest, "a")?, json!(false));
    ok(&guest, "delete_objects", json!({"names": ["b", "none", "b"]}))?;
    ok(&guest, "delete_objects", json!({"names": []}))?;
    expect_eq!(json!([has(&guest, "b")?, has(&guest, "c")?]), json!([false, true]));
    let odd = json!({"container": "inbox", "name": "a/../b"});
    expect_eq!(told(&guest, "delete_object", odd)?, "invalid: key \"a/../b\" has a segment `.` or `..`");
    Ok(())
}

fn containers_are_the_operators(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    expect_eq!(ok(&guest, "create_container", json!({}))?, json!("inbox"));
    expect_eq!(ok(&guest, "container_info", json!({}))?, json!({"name": "inbox", "created_at": 0}));
    expect_eq!(ok(&guest, "container_exists", json!({}))?, json!(true));
    let missing = json!({"container": "missing"});
    expect_eq!(guest.ok("blobstore.container_exists", missing.clone())?, json!(false));
    let text = "container `missing` does not exist; the operator provides containers";
    expect_eq!(told(&guest, "create_container", missing)?, text);
    let text = "unsupported: container `inbox` cannot be deleted here; the operator provides containers";
    expect_eq!(told(&guest, "delete_container", json!({"container": "inbox"}))?, text);
    Ok(())
}

fn denials_name_the_grant(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    let payroll = "access denied: container `payroll` is not granted for this, add `--grant blob:payroll:rw`";
    for function in ["create_container", "container_exists", "container_info"] {
        expect_eq!(told(&guest, function, json!({"container": "payroll"}))?, payroll);
    }
    let other = "access denied: container `other` is not granted for this, add `--grant blob:other:rw`";
    let writes = [
        ("write", json!({"name": "k", "data": "", "first": true, "finish": true})),
        ("delete_object", json!({"name": "k"})),
        ("delete_objects", json!({"names": ["k"]})),
    ];
    for (function, mut arguments) in writes {
        arguments["container"] = "other".into();
        expect_eq!(told(&guest, function, arguments)?, other);
    }
    Ok(())
}
