use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bytesize::ByteSize;
use serde_json::json;

use super::error::CliError;
use crate::config::Service;
use crate::engine::LoadError;
use crate::engine::shape::{Handler, Producer, Shape};
use crate::services::wasi;

/// Show what a component exports, imports and would need
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The component
    #[arg(value_name = "COMPONENT")]
    component: PathBuf,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, CliError> {
    let path = &arguments.component;
    if !path.exists() {
        return Err(CliError::NoTarget { path: path.clone() });
    }
    let bytes = std::fs::read(path).map_err(|source| LoadError::Read { path: path.clone(), source })?;
    let shape = Shape::read(path, &bytes)?;
    let text = if arguments.json { format!("{}\n", to_json(&shape)) } else { to_text(&shape) };
    super::print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// What its handler takes.
pub(super) fn handler(shape: &Shape) -> &'static str {
    match shape.handler.as_ref().map(|(handler, _)| handler) {
        Some(Handler::Event) => "handler: one event at a time",
        Some(Handler::AsyncEvent) => "async handler: one event at a time",
        Some(Handler::Batch) => "batch handler: many events at a time",
        Some(Handler::Http) => "wasi:http 0.2: HTTP requests",
        Some(Handler::Http3) => "wasi:http 0.3: HTTP requests",
        Some(Handler::Command) => "wasi:cli: a command",
        None => "none: this host cannot run it",
    }
}

/// Whether an import is a service's interface of ours.
fn is_own(import: &str, service: Service) -> bool {
    import
        .strip_prefix("wasm-faas:function/")
        .and_then(|rest| rest.split_once('@'))
        .is_some_and(|(interface, _)| interface == service.interface())
}

/// The services whose resources an import can ask for; a right to one of them is of use.
pub(super) fn wanted(import: &str) -> Vec<Service> {
    match Service::ALL.into_iter().find(|service| is_own(import, *service)) {
        Some(service) => vec![service],
        None => wasi::wants(import).iter().map(|(service, _)| *service).collect(),
    }
}

/// Whether it can send HTTP requests.
pub(super) fn sends_requests(shape: &Shape) -> bool {
    let interfaces = ["wasi:http/outgoing-handler@", "wasi:http/client@"];
    shape.imports.iter().any(|import| interfaces.iter().any(|interface| import.starts_with(interface)))
}

/// The grants that would let it use all it imports. A component names interfaces, not resources.
fn grants(shape: &Shape) -> Vec<String> {
    let words = |service: Service| service.rights().iter().map(|(word, _)| *word).collect::<Vec<_>>().join("|");
    let mut grants: Vec<String> = Service::ALL
        .into_iter()
        .filter(|service| shape.imports.iter().any(|import| is_own(import, *service)))
        .map(|service| format!("--grant {service}:NAME:{}", words(service)))
        .collect();
    for (service, words) in shape.imports.iter().flat_map(|import| wasi::wants(import)) {
        let start = format!("--grant {service}:NAME:");
        if !grants.iter().any(|grant| grant.starts_with(&start)) {
            grants.push(start + words);
        }
    }
    if sends_requests(shape) {
        grants.push("--allow-host HOST".into());
    }
    grants
}

fn producer(Producer { name, version, .. }: &Producer) -> String {
    if version.is_empty() { name.clone() } else { format!("{name} {version}") }
}

fn to_text(shape: &Shape) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<10} {value}");
    };
    line("handler", handler(shape));
    line("language", shape.language().unwrap_or("unknown"));
    line("size", &format!("{:#}", ByteSize(shape.size)));
    line("memory", &format!("{:#} before the first call", ByteSize(shape.initial_memory)));
    line("modules", &shape.core_modules.to_string());
    let lists = [
        ("exports", shape.exports.clone()),
        ("imports", shape.imports.clone()),
        ("grants", grants(shape)),
        ("made with", shape.producers.iter().map(producer).collect()),
    ];
    for (name, values) in lists {
        for (index, value) in values.iter().enumerate() {
            line(if index == 0 { name } else { "" }, value);
        }
    }
    text
}

fn to_json(shape: &Shape) -> serde_json::Value {
    let producers: Vec<_> = shape
        .producers
        .iter()
        .map(|Producer { field, name, version }| json!({ "field": field, "name": name, "version": version }))
        .collect();
    json!({
        "handler": shape.handler.as_ref().map(|(_, export)| export),
        "language": shape.language(),
        "sizeBytes": shape.size,
        "initialMemoryBytes": shape.initial_memory,
        "coreModules": shape.core_modules,
        "exports": shape.exports,
        "imports": shape.imports,
        "grants": grants(shape),
        "producers": producers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(imports: &[&str]) -> String {
        let imports = imports.iter().map(|&import| import.to_owned()).collect();
        grants(&Shape { imports, ..Shape::default() }).join("\n")
    }

    #[test]
    fn proposals_of_wasi_need_the_grants_of_our_services() {
        let lines = lines(&[
            "wasi:keyvalue/store@0.2.0-draft2",
            "wasi:keyvalue/batch@0.2.0-draft2",
            "wasi:blobstore/container@0.2.0-draft",
            "wasi:messaging/producer@0.2.0-draft",
            "wasi:config/store@0.2.0-rc.1",
            "wasi:logging/logging@0.1.0-draft",
        ]);
        insta::assert_snapshot!(lines, @r"
        --grant kv:NAME:ro|rw
        --grant blob:NAME:ro|rw
        --grant topic:NAME:publish
        --grant queue:NAME:send
        ");
    }

    #[test]
    fn a_service_that_is_imported_twice_is_named_once() {
        let lines = lines(&["wasm-faas:function/queue@0.1.0", "wasi:messaging/producer@0.2.0-draft"]);
        insta::assert_snapshot!(lines, @r"
        --grant queue:NAME:send|receive|send+receive
        --grant topic:NAME:publish
        ");
    }
}
