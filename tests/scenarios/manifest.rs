//! `check` and `schema`: what they tell of a manifest, and that they leave nothing behind.

use std::fs;

use libtest_mimic::Trial;
use serde_json::json;

use super::stage::{Stage, Transcript, assert_snapshot};
use super::{Scenario, Verdict, support};

pub fn trials() -> Vec<Trial> {
    let free: [Scenario; 5] = [
        ("of_the_quick_start", of_the_quick_start),
        ("wrong_manifests", wrong_manifests),
        ("wrong_components", wrong_components),
        ("variables", variables),
        ("schema", schema),
    ];
    let built: [Scenario; 4] = [("check", check), ("sources", sources), ("folders", folders), ("commands", commands)];
    let trial = |missing| move |(name, run): Scenario| support::trial(format!("manifest/{name}"), missing, run);
    free.into_iter().map(trial(None)).chain(built.into_iter().map(trial(support::missing("rust")))).collect()
}

/// The README's first command serves it.
fn of_the_quick_start() -> Verdict {
    let stage = Stage::new()?;
    let manifest = support::root().join("wasm-faas.toml").canonicalize()?;
    let checked = stage.run(&["check", &manifest.to_string_lossy(), "--json"])?.ended(0)?.json()?;
    let names = checked["functions"].as_array().into_iter().flatten().map(|function| &function["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["javascript", "python", "rust"]);
    Ok(())
}

fn wrong_manifests() -> Verdict {
    let stage = Stage::new()?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["check"])?;
    transcript.run(&["check", "nowhere/faas.toml"])?;
    transcript.run(&["check", "."])?;
    let texts = [
        "version = 1\n[functions.hello]\ncomponent = \"hello.wasm\"\nlimits = { timout = \"3s\", memory = \"1KiB\" }\n",
        "version = 1\n[queues.orders]\n[topics.stored]\nsubscriptions = [{ queue = \"orders\", filter = '{\"body\": {\"a\": 1}}' }]\n",
        "version = 1\n[functions.clean]\ncomponent = \"clean.wasm\"\n[[triggers.schedule]]\nname = \"nightly\"\nschedule = \"cron(0 0 25 * * *)\"\nfunction = \"clean\"\n",
    ];
    for text in texts {
        stage.write("wasm-faas.toml", text)?;
        transcript.note(text);
        transcript.run(&["check"])?;
    }
    transcript.matches("wrong_manifests")
}

fn wrong_components() -> Verdict {
    let stage = Stage::new()?;
    stage.write("text.wasm", "no component")?;
    stage.write("module.wasm", b"\0asm\x01\0\0\0")?;
    stage.write("component.wasm", b"\0asm\x0d\0\x01\0")?;
    fs::create_dir(stage.path("empty"))?;
    let components = ["text.wasm", "module.wasm", "component.wasm", "empty", "gone.wasm"];
    let functions = components.map(|component| format!("functions.\"{component}\".component = \"{component}\"\n"));
    stage.write("wasm-faas.toml", format!("version = 1\n{}", functions.concat()))?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["check"])?;
    transcript.matches("wrong_components")
}

fn check() -> Verdict {
    let stage = Stage::new()?;
    for guest in ["hello", "counter", "http"] {
        stage.guest("rust", guest)?;
    }
    stage.write(
        "wasm-faas.toml",
        r#"
        version = 1
        [functions.hello]
        component = "hello.wasm"
        grants = ["topic:stored:publish"]
        allow-hosts = ["example.com"]
        [functions.counter]
        component = "counter.wasm"
        grants = ["kv:visits:rw", "kv:users:ro"]
        [functions.fetch]
        component = "http.wasm"
        [buckets]
        visits = {}
        users = { backend = "memory" }
        [topics.stored]
        [[triggers.http]]
        path = "/"
        function = "hello"
        "#,
    )?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["check"])?;
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"(?m)^size( +)\d\S*( [KM]iB)?", "size$1[number]");
    settings.bind(|| transcript.matches("check"))?;
    let ran = stage.run(&["check", "wasm-faas.toml", "--json"])?.ended(0)?;
    let counter = &ran.json()?["functions"][0];
    let kv = json!({ "what": "kv", "imported": true, "granted": ["kv:visits:rw", "kv:users:ro"] });
    assert_eq!((&counter["name"], &counter["uses"][0], &counter["errors"]), (&json!("counter"), &kv, &json!([])));
    assert_eq!(counter["warnings"].as_array().map(Vec::len), Some(1));
    assert_eq!(fs::read_dir(stage.path("."))?.count(), 4, "something was made");
    Ok(())
}

fn sources() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "hello")?;
    stage.guest("rust", "http")?;
    stage.write(
        "wasm-faas.toml",
        r#"
        version = 1
        [functions.hello]
        component = "hello.wasm"
        async = {}
        [functions.fetch]
        component = "http.wasm"
        allow-hosts = ["example.com"]
        async = {}
        [queues.orders]
        [topics.stored]
        [containers.inbox]
        [buckets.visits]
        [triggers]
        queue = [{ queue = "orders", function = "hello" }]
        topic = [{ topic = "stored", function = "hello" }]
        schedule = [{ name = "nightly", schedule = "cron(0 0 3 * * *)", function = "hello" }]
        blob = [{ container = "inbox", function = "hello" }]
        kv = [{ bucket = "visits", function = "fetch" }]
        "#,
    )?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["check"])?;
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"(?m)^size( +)\d\S*( [KM]iB)?", "size$1[number]");
    settings.bind(|| transcript.matches("check_sources"))?;
    let json = stage.run(&["check", "--json"])?.ended(3)?.json()?;
    let topic = json!({ "kind": "topic", "from": "stored", "queue": "topic/stored/hello", "function": "hello" });
    assert_eq!(json["sources"][1], topic);
    assert_eq!(json["functions"][0]["errors"].as_array().map(Vec::len), Some(2));
    Ok(())
}

fn folders() -> Verdict {
    let stage = Stage::new()?;
    stage.write("hello/index.js", "export function handle() {}")?;
    stage.write("wasm-faas.toml", "version = 1\n[functions.hello]\ncomponent = \"hello\"\n")?;
    let ran = stage.run(&["check"])?.ended(0)?;
    ran.told("warning: function `hello` is not built yet, its component was not looked at; build it: `wasm-faas build hello`")?;
    assert!(!stage.path(".wasm-faas").exists(), "something was made");
    let built = stage.path(".wasm-faas/build/hello.wasm");
    fs::create_dir_all(stage.path(".wasm-faas/build"))?;
    fs::copy(support::guest("rust", "hello")?, built)?;
    let ran = stage.run(&["check"])?.ended(0)?;
    assert_eq!(ran.stderr, "");
    assert!(ran.text().contains("handler: one event at a time"), "{}", ran.text());
    Ok(())
}

fn commands() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "command")?;
    stage.write("wasm-faas.toml", "version = 1\n[functions.once]\ncomponent = \"command.wasm\"\n")?;
    stage.run(&["check"])?.ended(3)?.told("error: function `once` cannot be served: `command.wasm` is a command")?;
    Ok(())
}

fn variables() -> Verdict {
    let stage = Stage::new()?;
    stage.write("wasm-faas.toml", "version = 1\n[server]\nlisten = \"${LISTEN_ON}\"\n")?;
    stage.run(&["check"])?.ended(2)?.told("error: the variable `LISTEN_ON` is not set\n --> wasm-faas.toml:3:10\n")?;
    stage.write(".env", "LISTEN_ON=127.0.0.1:0\n")?;
    assert_eq!(
        stage.run(&["check"])?.ended(0)?.text(),
        "wasm-faas.toml: 0 functions, 0 routes, 0 event sources, 0 resources\n"
    );
    let mut command = stage.command(&["check"]);
    command.env("LISTEN_ON", "nowhere");
    stage.end(command)?.ended(2)?.told("error: `nowhere` is no place to listen")?;
    Ok(())
}

fn schema() -> Verdict {
    let ran = Stage::new()?.run(&["schema"])?.ended(0)?;
    assert_eq!(ran.stderr, "");
    let schema = ran.json()?;
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let limits = &schema["properties"]["functions"]["additionalProperties"]["properties"]["limits"];
    assert_snapshot("schema_of_limits", &format!("{limits:#}"));
    Ok(())
}
