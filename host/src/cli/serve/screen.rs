//! What people and machines read of a host that serves.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use serde_json::{Value, json};

use super::deployment::{Deployed, Deployment, Observer};
use crate::cli::error::CliError;
use crate::cli::table::columns;
use crate::cli::{print, sources, tell};
use crate::config::{Advice, HttpTrigger, Limits, Manifest, Target};
use crate::invoke::{Ending, Outcome, Record};
use crate::services::context::{Line, LogSink};
use crate::triggers::delivery::{Notice, Tell};
use crate::triggers::http::{Access, AccessLog};

/// Lines for people, or JSON objects for machines. For people, what is served goes to standard output, and what happens
/// then to standard error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) json: bool,
}

impl Output {
    /// What is served, and where: the first line says where.
    pub(super) fn show(
        self,
        listening: &str,
        manifest: &Manifest,
        deployment: &Deployment,
        took: Duration,
    ) -> Result<(), CliError> {
        if self.json {
            let object = json!({
                "listening": listening,
                "startMs": took.as_secs_f64() * 1e3,
                "routes": manifest.http.iter().map(route_json).collect::<Vec<_>>(),
                "sources": manifest.events.iter().map(sources::json).collect::<Vec<_>>(),
                "functions": deployment.functions.iter().map(function_json).collect::<Vec<_>>(),
            });
            return print(format!("{object}\n").as_bytes());
        }
        let ready = format!("listening on {listening}, ready in {} ms\n", took.as_millis());
        let parts = [ready, routes_text(manifest), sources::text(&manifest.events), functions_text(deployment)];
        print(parts.concat().as_bytes())
    }

    pub(super) fn access_log(self) -> AccessLog {
        if self.json {
            AccessLog::new(access_json, std::io::stdout())
        } else {
            AccessLog::new(access_text, std::io::stderr())
        }
    }

    pub(super) fn observer(self) -> Observer {
        Observer { sink: self.sink(), record: Arc::new(move |advice| self.record(advice)) }
    }

    /// Where the lines of functions' logs go.
    fn sink(self) -> LogSink {
        if self.json {
            Arc::new(|Line { function, level, message }| {
                let level = level.to_string();
                // Nobody reads on: no reason to stop.
                let _ = print(
                    format!("{}\n", json!({ "function": function, "level": level, "message": message })).as_bytes(),
                );
            })
        } else {
            Arc::new(|line: &Line<'_>| tell(format_args!("{} {:<6} {}", line.function, line.level, line.message)))
        }
    }

    /// Tells what becomes of events whose function fails.
    pub(super) fn notices(self) -> Tell {
        Arc::new(move |notice: &Notice<'_>| {
            let level = if notice.is_error() { "ERROR" } else { "WARN" };
            if self.json {
                let object = json!({
                    "function": notice.function, "level": level, "message": notice.to_string(), "queue": notice.queue,
                });
                let _ = print(format!("{object}\n").as_bytes());
                return;
            }
            tell(format_args!("{} {level:<6} {notice}", notice.function));
        })
    }

    /// Tells why an invocation was stopped: its caller learns only that it was.
    fn record(self, advice: Advice) -> Record {
        Arc::new(move |outcome: &Outcome| {
            let Ending::Stopped(error) = &outcome.ending else { return };
            let frames = error.backtrace();
            if self.json {
                let message = error.told(&advice);
                let object = json!({
                    "function": outcome.function, "level": "ERROR", "message": message, "invocation": outcome.id,
                    "outcome": error.word(), "backtrace": frames,
                });
                let _ = print(format!("{object}\n").as_bytes());
                return;
            }
            let frames: String = frames.iter().map(|frame| format!("\n    at {frame}")).collect();
            let told = error.told(&advice);
            tell(format_args!("{} {:<6} {told}, in invocation {}{frames}", outcome.function, "ERROR", outcome.id));
        })
    }
}

fn methods(trigger: &HttpTrigger) -> String {
    if trigger.methods.is_empty() { "*".into() } else { trigger.methods.join(",") }
}

fn target(trigger: &HttpTrigger) -> String {
    match &trigger.target {
        Target::Function(name) => name.clone(),
        Target::Files(folder) => format!("files in {}", folder.display()),
        Target::Container(name) => format!("container {name}"),
    }
}

fn routes_text(manifest: &Manifest) -> String {
    let rows = manifest.http.iter().map(|trigger| {
        let path = format!("{}{}", trigger.host.as_deref().unwrap_or_default(), trigger.path);
        [methods(trigger), path, target(trigger)]
    });
    table(&rows.collect::<Vec<_>>())
}

fn functions_text(deployment: &Deployment) -> String {
    let rows = deployment.functions.iter().map(|(name, deployed)| {
        let Deployed { settings, registered, compiled, .. } = deployed;
        let shape = registered.shape();
        let language = shape.language().unwrap_or("unknown").to_owned();
        let code = if *compiled { "compiled" } else { "cached" };
        let grants: Vec<String> = settings.grants.iter().map(ToString::to_string).collect();
        let size = format!("{:#}", ByteSize(shape.size));
        [name.clone(), language, size, code.into(), limits(&settings.limits), grants.join(" ")]
    });
    table(&rows.collect::<Vec<_>>())
}

fn limits(limits: &Limits) -> String {
    let fuel = limits.fuel.map_or_else(|| "unmetered".into(), |fuel| format!("fuel {fuel}"));
    format!("{:#}, {fuel}, {}", limits.memory, humantime::format_duration(limits.timeout))
}

/// After an empty line.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    format!("\n{}", columns("  ", rows))
}

fn route_json(trigger: &HttpTrigger) -> Value {
    let (kind, name) = match &trigger.target {
        Target::Function(name) => ("function", name.clone()),
        Target::Files(folder) => ("files", folder.display().to_string()),
        Target::Container(name) => ("container", name.clone()),
    };
    json!({ "host": trigger.host, "methods": trigger.methods, "path": trigger.path, kind: name })
}

fn function_json((name, deployed): (&String, &Deployed)) -> Value {
    let Deployed { settings, registered, compiled, path, .. } = deployed;
    let (shape, Limits { memory, fuel, timeout }) = (registered.shape(), &settings.limits);
    json!({
        "name": name,
        "component": Path::new(path).display().to_string(),
        "digest": registered.digest(),
        "language": shape.language(),
        "sizeBytes": shape.size,
        "compiled": compiled,
        "limits": { "memoryBytes": memory.as_u64(), "fuel": fuel, "timeoutMs": timeout.as_millis() },
        "grants": settings.grants.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn start(warm: Option<bool>) -> Option<&'static str> {
    warm.map(|warm| if warm { "warm" } else { "cold" })
}

/// `2026-11-21T12:03:04Z 200 GET /hello hello 0.12 ms warm`
fn access_text(access: &Access<'_>, line: &mut Vec<u8>) {
    let Access { time, method, path, status, function, warm, duration, .. } = access;
    let time = humantime::format_rfc3339_seconds(*time);
    let (function, start) = (function.unwrap_or("-"), start(*warm).unwrap_or("-"));
    let milliseconds = duration.as_secs_f64() * 1e3;
    // Writing to memory cannot fail.
    let _ = writeln!(line, "{time} {status} {method} {path} {function} {milliseconds:.2} ms {start}");
}

fn access_json(access: &Access<'_>, line: &mut Vec<u8>) {
    let Access { time, method, path, status, function, warm, duration, bytes } = access;
    let object = json!({
        "time": humantime::format_rfc3339_millis(*time).to_string(),
        "status": status, "method": method, "path": path, "function": function, "start": start(*warm),
        "durationMs": duration.as_secs_f64() * 1e3, "bytes": bytes,
    });
    let _ = writeln!(line, "{object}");
}
