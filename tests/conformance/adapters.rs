//! The proposals of WASI that are served over the same backends, called by a guest that was not made with our SDK.

mod blobstore;
mod keyvalue;
mod messaging;

use std::sync::{Arc, Mutex};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::probe::{Backend, Probe, World};
use super::{Verdict, expect_eq, support};

/// A case, with a world of its own.
struct Case {
    name: &'static str,
    run: fn(&Bench) -> Verdict,
}

/// Lists cases by the names of their functions.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        &[$($crate::adapters::Case { name: stringify!($name), run: $name }),+]
    };
}
use cases;

const CASES: &[Case] = cases![every_version_reads_the_settings, log_lines_have_their_level];

pub fn trials() -> Vec<Trial> {
    let lists = [
        ("keyvalue", keyvalue::CASES),
        ("blobstore", blobstore::CASES),
        ("messaging", messaging::CASES),
        ("host", CASES),
    ];
    let mut trials = Vec::new();
    for (interface, cases) in lists {
        for Case { name, run } in cases {
            for backend in Backend::ALL {
                let name = format!("adapters/{}/rust/{interface}_{name}", backend.name());
                trials.push(support::trial(name, support::missing("rust"), move || run(&Bench::new(backend)?)));
            }
        }
    }
    trials
}

/// The guest's rights in most cases.
const GRANTS: [&str; 10] = [
    "kv:visits:rw",
    "kv:other:ro",
    "kv:missing:rw",
    "blob:inbox:rw",
    "blob:other:ro",
    "blob:missing:rw",
    "topic:stored:publish",
    "queue:counts:send",
    "queue:all:receive",
    "queue:work:send",
];

/// A world, and what functions in it have logged: `WARN text`.
struct Bench {
    world: Arc<World>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    fn new(backend: Backend) -> Result<Self, Failed> {
        Ok(Self { world: Arc::new(backend.open()?), lines: Arc::default() })
    }

    fn guest(&self) -> Result<Probe, Failed> {
        self.guest_with(&GRANTS)
    }

    fn guest_with(&self, grants: &[&str]) -> Result<Probe, Failed> {
        let component = support::component("rust", "adapters", true)?;
        let lines = Arc::clone(&self.lines);
        let sink = Arc::new(move |line: &wasm_faas::services::context::Line<'_>| {
            lines.lock().expect("no test panics here").push(format!("{} {}", line.level, line.message));
        });
        Ok(Probe::with("rust", component, &self.world, grants, sink))
    }

    /// The lines since the last look.
    fn lines(&self) -> Value {
        json!(std::mem::take(&mut *self.lines.lock().expect("no test panics here")))
    }
}

fn every_version_reads_the_settings(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    let all = json!([["greeting", "grüezi"]]);
    let answers = guest.ok("config.ask", json!({"key": "greeting"}))?;
    expect_eq!(answers, json!([["grüezi", all], ["grüezi", all], ["grüezi", all]]));
    let answers = guest.ok("config.ask", json!({"key": "none"}))?;
    expect_eq!(answers, json!([[null, all], [null, all], [null, all]]));
    Ok(())
}

fn log_lines_have_their_level(bench: &Bench) -> Verdict {
    let guest = bench.guest()?;
    guest.ok("logging.log", json!({"context": ""}))?;
    let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "ERROR"];
    let expected: Vec<String> = levels.iter().enumerate().map(|(n, level)| format!("{level} line {n}")).collect();
    expect_eq!(bench.lines(), json!(expected));
    guest.ok("logging.log", json!({"context": "a \"b\""}))?;
    expect_eq!(bench.lines()[2], json!(r#"INFO line 2 context="a \"b\"""#));
    Ok(())
}
