//! What is read of a manifest, and every message about one that is wrong.

mod errors;
mod events;

use std::time::Duration;

use bytesize::ByteSize;
use serde_json::{Map, Value};

use super::*;
use crate::config::{Filter, Isolation, Origin, QueueSettings, Target};

const EXAMPLE: &str = include_str!("../../../../docs/wasm-faas.example.toml");

fn variable(name: &str) -> Option<String> {
    (name == "NAME").then(|| "Zürich".to_owned())
}

fn parse_here(text: &str) -> Result<Manifest, ConfigError> {
    Manifest::parse(Path::new("wasm-faas.toml"), text, &variable)
}

/// A manifest of version 1 with more.
fn manifest(more: &str) -> Manifest {
    parse_here(&format!("version = 1\n{more}")).unwrap_or_else(|error| panic!("{error}"))
}

fn hello(more: &str) -> FunctionSettings {
    manifest(&format!("[functions.hello]\ncomponent = \"hello.wasm\"\n{more}")).functions.remove("hello").unwrap()
}

#[test]
fn the_least_manifest_has_the_defaults() {
    let read = manifest("");
    let expected = Manifest {
        server: Server::default(),
        data_dir: ".wasm-faas".into(),
        functions: BTreeMap::new(),
        resources: Resources::default(),
        memory: Resources::default(),
        http: Vec::new(),
        events: Vec::new(),
    };
    assert_eq!(read, expected);
    let expected = FunctionSettings {
        component: "hello.wasm".into(),
        limits: Limits::default(),
        pool: PoolSettings::default(),
        rate: None,
        grants: Vec::new(),
        allow_hosts: Vec::new(),
        config: BTreeMap::new(),
        secrets: BTreeMap::new(),
        environment: BTreeMap::new(),
        advice: Advice::Manifest { function: "hello".into() },
    };
    assert_eq!(hello(""), expected);
}

/// The part of the schema at a path of keys; `*` stands for any name.
fn part<'a>(schema: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(schema, |schema, key| match *key {
        "*" => &schema["additionalProperties"],
        key => &schema["properties"][key],
    })
}

/// A table with all defaults that the schema tells, as TOML.
fn defaults(schema: &Value) -> String {
    let properties = schema["properties"].as_object().unwrap();
    let defaults = properties.iter().filter_map(|(key, inner)| Some((key.clone(), inner.get("default")?.clone())));
    let table: Map<String, Value> = defaults.collect();
    assert!(table.len() > 1, "{schema:#}");
    toml::to_string(&table).unwrap()
}

#[test]
fn the_defaults_of_the_schema_are_those_that_hold() {
    let schema = schema();
    let of = |path: &[&str]| defaults(part(&schema, path));
    let written = [("server", "server"), ("store", "store")].map(|(table, key)| format!("[{table}]\n{}", of(&[key])));
    assert_eq!(manifest(&written.join("\n")), manifest(""));
    let tables = ["limits", "pool"].map(|key| format!("[functions.hello.{key}]\n{}", of(&["functions", "*", key])));
    assert_eq!(hello(&tables.join("\n")), hello(""));
    let queue = manifest(&format!("[queues.orders]\n{}", of(&["queues", "*"])));
    assert_eq!(queue.resources.queues["orders"], QueueSettings::default());
    let rate = part(&schema, &["functions", "*", "rate", "per"]);
    assert_eq!(rate["default"], "1s");
    assert_eq!(hello("rate = { invocations = 1 }").rate.unwrap().per, Duration::from_secs(1));
    let triggers = &schema["properties"]["triggers"]["properties"];
    let least = [
        ("queue", "queue = \"orders\""),
        ("topic", "topic = \"stored\""),
        ("schedule", "name = \"nightly\"\nschedule = \"rate(1m)\""),
        ("blob", "container = \"inbox\""),
        ("kv", "bucket = \"visits\""),
    ];
    for (kind, from) in least {
        let items = &triggers[kind]["items"];
        let batch =
            items["properties"].get("batch").map(|batch| format!("[triggers.{kind}.batch]\n{}", defaults(batch)));
        let backoff = format!("[triggers.{kind}.backoff]\n{}", defaults(&items["properties"]["backoff"]));
        let all = format!("{from}\n{}{}{backoff}", defaults(items), batch.unwrap_or_default());
        assert_eq!(events::trigger(kind, &all), events::trigger(kind, from));
    }
    let taken = of(&["functions", "*", "async"]);
    let backoff = of(&["functions", "*", "async", "backoff"]);
    let read = events::manifest(&format!("[functions.bill.async]\n{taken}\n[functions.bill.async.backoff]\n{backoff}"));
    assert_eq!(read, events::manifest("[functions.bill.async]"));
    for path in [&["compress"][..], &["cors", "credentials"]] {
        assert_eq!(part(&triggers["http"]["items"], path)["default"], false);
    }
}

/// Calls `see` with each property of each table of the schema, and the name of it.
fn properties(schema: &Value, path: &str, see: &mut dyn FnMut(&str, &Value)) {
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        see(&format!("{path}.{key}"), inner);
        properties(inner, &format!("{path}.{key}"), see);
    }
    for inner in [schema.get("additionalProperties"), schema.get("items")].into_iter().flatten() {
        properties(inner, path, see);
    }
}

#[test]
fn every_key_is_described_and_every_number_has_a_range() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!((&schema["title"], &schema["additionalProperties"]), (&"wasm-faas.toml".into(), &false.into()));
    assert!(!schema.to_string().contains("\"enum\""), "each choice is described, and checked by that");
    let mut seen = 0;
    properties(&schema, "", &mut |name, property| {
        seen += 1;
        assert!(property["description"].as_str().is_some_and(|text| text.ends_with('.')), "{name}: {property}");
        let ranged = property["minimum"].is_i64() && property["maximum"].is_i64();
        assert!(property["type"] != "integer" || ranged, "{name}: a number out of its range would end reading early");
        assert!(property["type"] != "object" || property.get("additionalProperties").is_some(), "{name} takes any key");
    });
    assert!(seen > 60, "{seen} properties");
}

#[test]
fn the_example_has_every_key() {
    let written: Value = toml::from_str(EXAMPLE).unwrap();
    let schema = schema();
    let mut lacking = Vec::new();
    lacks(&schema, &written, "", &mut lacking);
    assert_eq!(lacking, Vec::<String>::new());
}

/// Adds the keys of the schema that no table written for them has.
fn lacks(schema: &Value, written: &Value, path: &str, lacking: &mut Vec<String>) {
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        match written.get(key) {
            Some(written) => lacks(inner, written, &format!("{path}.{key}"), lacking),
            // One trigger has one target.
            None if ["files", "container"].contains(&key.as_str()) && EXAMPLE.contains(&format!("\n{key} = ")) => {}
            None => lacking.push(format!("{path}.{key}")),
        }
    }
    if let (Some(inner), Some((_, first))) =
        (schema.get("additionalProperties"), written.as_object().and_then(|table| table.iter().next()))
    {
        lacks(inner, first, path, lacking);
    }
    if let (Some(inner), Some(first)) = (schema.get("items"), written.get(0)) {
        lacks(inner, first, path, lacking);
    }
}

#[test]
fn the_example_is_read() {
    let read = Manifest::parse(Path::new("/srv/wasm-faas.toml"), EXAMPLE, &|_| None).unwrap();
    let tls = read.server.tls.as_ref().unwrap();
    assert_eq!((tls.certificate.as_path(), tls.key.as_path()), (Path::new("/srv/cert.pem"), Path::new("/srv/key.pem")));
    assert_eq!(Server { tls: None, ..read.server }, Server::default());
    assert_eq!(read.data_dir, Path::new("/srv/.wasm-faas"));
    let counter = &read.functions["counter"];
    assert_eq!(counter.component, Path::new("/srv/guests/rust/counter"));
    assert_eq!((&counter.limits, &counter.pool), (&Limits::default(), &PoolSettings::default()));
    assert_eq!(
        counter.grants.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["kv:visits:rw", "queue:counts:send"]
    );
    assert_eq!(counter.config["greeting"], "hello, ${name}");
    assert_eq!(counter.secrets["password"], SecretSource::File("/srv/secrets/password".into()));
    assert_eq!(counter.secrets["api-token"], SecretSource::Environment("API_TOKEN".into()));
    let queues = &read.resources.queues;
    assert_eq!(queues["counts"], QueueSettings { dead_letter: Some("dead-counts".into()), ..QueueSettings::default() });
    assert_eq!(read.memory, Resources::default());
    for source in &read.events {
        let EventSource { batch, concurrency, backoff, delivery, .. } =
            EventSource::new(Origin::Queue, "".into(), "".into());
        let found = (source.batch, source.concurrency, source.backoff, source.delivery);
        assert_eq!(found, (batch, concurrency, backoff, delivery), "{source:?}");
    }
    let internal = QueueSettings {
        dead_letter: Some("dead-counts".into()),
        message_size: ByteSize::mib(1),
        ..QueueSettings::default()
    };
    let watching = QueueSettings { fifo: true, ..internal.clone() };
    assert_eq!(queues["topic/stored/paid-counter"], internal);
    assert_eq!(queues["schedule/nightly"], internal);
    assert_eq!(queues["blob/inbox/uploads"], watching);
    assert_eq!(queues["kv/visits/audit"], watching);
    assert_eq!(
        read.events.iter().map(|source| source.origin.word()).collect::<Vec<_>>(),
        ["queue", "topic", "schedule", "blob", "kv", "invoke"]
    );
    let targets: Vec<&Target> = read.http.iter().map(|trigger| &trigger.target).collect();
    let expected =
        [Target::Function("counter".into()), Target::Files("/srv/site".into()), Target::Container("inbox".into())];
    assert_eq!(targets, expected.iter().collect::<Vec<_>>());
    let cors = read.http[0].cors.as_ref().unwrap();
    assert_eq!(
        (cors.origins.as_slice(), cors.max_age),
        (&["https://example.com".to_owned()][..], Some(Duration::from_secs(600)))
    );
}

#[test]
fn settings_are_read() {
    let function = hello(
        r#"
        limits = { memory = "64KiB", fuel = "none", timeout = "1h" }
        pool = { min = 2, max = 2, idle = "0s", max-invocations = 1, max-age = "30days", isolation = "per-invocation", wait = "0s" }
        rate = { invocations = 5, per = "1m" }
        environment = { TZ = "UTC" }
        "#,
    );
    assert_eq!(function.limits, Limits { memory: ByteSize::kib(64), fuel: None, timeout: Duration::from_secs(3600) });
    let pool = PoolSettings {
        min: 2,
        max: 2,
        idle: Duration::ZERO,
        max_invocations: 1,
        max_age: Duration::from_secs(30 * 24 * 3600),
        isolation: Isolation::PerInvocation,
        wait: Duration::ZERO,
    };
    assert_eq!(function.pool, pool);
    assert_eq!(function.rate, Some(Rate { invocations: 5, per: Duration::from_secs(60) }));
    assert_eq!(function.environment["TZ"], "UTC");
    let server = manifest("[server]\nlisten = \"[::]:0\"\nhealth = \"\"\nready = \"/up\"\nwasi-0-3 = false").server;
    assert_eq!((server.listen.to_string().as_str(), server.health, server.ready), ("[::]:0", None, Some("/up".into())));
    assert!(!server.wasi_0_3);
}

#[test]
fn resources_go_to_the_backend_they_name() {
    let read = manifest(
        r#"
        [store]
        backend = "memory"
        folder = "/var/lib/faas"
        [buckets]
        visits = {}
        users = { backend = "embedded" }
        [queues.orders]
        [topics.stored]
        retention = "7d"
        subscriptions = [{ queue = "orders" }]
        [containers.inbox]
        backend = "embedded"
        "#,
    );
    assert_eq!(read.data_dir, Path::new("/var/lib/faas"));
    assert_eq!(read.resources.buckets, ["users".to_owned()].into());
    assert_eq!(read.resources.containers, ["inbox".to_owned()].into());
    assert_eq!(read.memory.buckets, ["visits".to_owned()].into());
    assert_eq!(read.memory.topics["stored"].subscriptions[0].queue, "orders");
    assert_eq!(read.memory.topics["stored"].retention, Some(Duration::from_secs(7 * 24 * 3600)));
    assert!(read.memory.queues.contains_key("orders") && read.resources.queues.is_empty());
}

#[test]
fn the_only_function_answers_every_path() {
    let hello = "[functions.hello]\ncomponent = \"hello.wasm\"\n";
    assert_eq!(manifest(hello).http, [HttpTrigger::every_path("hello")]);
    let two = format!("{hello}[functions.other]\ncomponent = \"other.wasm\"");
    assert_eq!(manifest(&two).http, []);
    let routed = format!("{hello}[[triggers.http]]\npath = \"/\"\nfunction = \"hello\"");
    assert_eq!(manifest(&routed).http[0].path, "/");
}

#[test]
fn routes_that_differ_stand_side_by_side() {
    let read = manifest(
        r#"
        [functions.hello]
        component = "hello.wasm"
        [triggers]
        http = [
            { path = "/users/{id}", function = "hello" },
            { path = "/users/{id}", function = "hello", methods = ["GET"] },
            { path = "/users/{id}", function = "hello", methods = ["POST", "PURGE"] },
            { path = "/users/me", function = "hello" },
            { path = "/users/{*rest}", function = "hello" },
            { path = "/{*rest}", function = "hello" },
            { path = "/", function = "hello" },
            { path = "/users/{id}", function = "hello", host = "API.example.com" },
            { path = "/users/{name}", function = "hello", host = "*.example.com", cors = { origins = ["*"] } },
        ]
        "#,
    );
    assert_eq!(read.http.len(), 9);
    assert_eq!(read.http[7].host.as_deref(), Some("api.example.com"));
    assert_eq!(read.http[2].methods, ["POST", "PURGE"]);
}

#[test]
fn variables_are_replaced_in_every_text() {
    let function =
        hello(r#"config = { a = "${NAME}, ${NAME}!", b = "$${NAME}", c = "$NAME $ {NAME}", d = "$$${NAME}" }"#);
    let expected = [("a", "Zürich, Zürich!"), ("b", "${NAME}"), ("c", "$NAME $ {NAME}"), ("d", "$${NAME}")];
    assert_eq!(function.config, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    let read = manifest(
        "[functions.hello]\ncomponent = \"${NAME}.wasm\"\n[queues.orders]\n[topics.stored]\nsubscriptions = [{ queue = \"orders\", filter = '{\"attributes\": {\"city\": [\"${NAME}\"]}}' }]",
    );
    assert_eq!(read.functions["hello"].component, Path::new("Zürich.wasm"));
    let filter = Filter::parse(r#"{"attributes": {"city": ["Zürich"]}}"#).unwrap();
    assert_eq!(read.resources.topics["stored"].subscriptions[0].filter, Some(filter));
}

#[test]
fn variables_come_from_the_environment_and_then_from_the_file_beside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wasm-faas.toml");
    let home = std::env::var("PATH").unwrap();
    let lines = "# settings\n\nPATH=elsewhere\nexport WASM_FAAS_TEST_A='first one'\nWASM_FAAS_TEST_A=second\n";
    std::fs::write(folder.path().join(".env"), lines).unwrap();
    let text = "version = 1\nfunctions.hello = { component = \"a\", config = { a = \"${WASM_FAAS_TEST_A}\", b = \"${PATH}\" } }";
    std::fs::write(&path, text).unwrap();
    let read = Manifest::read(&path).unwrap();
    assert_eq!(read.functions["hello"].config, [("a".into(), "first one".into()), ("b".into(), home)].into());
    assert_eq!(read.functions["hello"].component, folder.path().join("a"));
}
