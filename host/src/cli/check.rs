use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytesize::ByteSize;
use serde_json::{Value, json};

use super::error::CliError;
use super::serve::check_handler;
use super::{inspect, sources};
use crate::build;
use crate::config::{EventSource, FunctionSettings, Grant, Manifest, Resources, Service};
use crate::engine::LoadError;
use crate::engine::shape::Shape;

/// Check a manifest and its components without serving them
///
/// Prints for each function what it imports against what it is granted. Builds nothing: of a folder it takes the component
/// that was built last.
///
/// Exit status: 0 ok, 2 the manifest is wrong, 3 a component cannot be served.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The manifest
    #[arg(value_name = "MANIFEST", default_value = "wasm-faas.toml")]
    manifest: PathBuf,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, CliError> {
    let manifest = Manifest::read(&arguments.manifest)?;
    let checks: Vec<Check> =
        manifest.functions.iter().map(|(name, settings)| Check::of(name, settings, &manifest)).collect();
    let text = if arguments.json {
        to_json(&arguments.manifest, &manifest, &checks)
    } else {
        to_text(&arguments.manifest, &manifest, &checks)
    };
    super::print(text.as_bytes())?;
    checks.iter().flat_map(Check::warnings).for_each(|warning| super::tell(format_args!("warning: {warning}")));
    let errors: Vec<String> = checks.iter().flat_map(Check::errors).collect();
    errors.iter().for_each(|error| super::tell(format_args!("error: {error}")));
    Ok(if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// A function and what is known of its component.
struct Check<'a> {
    name: &'a str,
    settings: &'a FunctionSettings,
    sources: Vec<&'a EventSource>,
    /// `None` of a folder that was never built.
    shape: Result<Option<Shape>, CliError>,
}

impl<'a> Check<'a> {
    fn of(name: &'a str, settings: &'a FunctionSettings, manifest: &'a Manifest) -> Self {
        let sources = manifest.events.iter().filter(|source| source.function == name).collect();
        Self { name, settings, sources, shape: shape(name, &settings.component, manifest.server.wasi_0_3) }
    }

    /// The component, where it could be looked at.
    fn looked_at(&self) -> Option<&Shape> {
        self.shape.as_ref().ok().and_then(Option::as_ref)
    }

    fn granted(&self, service: Service) -> Vec<&Grant> {
        self.settings.grants.iter().filter(|grant| grant.service == service).collect()
    }

    /// What is probably not meant, though it can be served.
    fn warnings(&self) -> Vec<String> {
        let Some(shape) = self.looked_at() else {
            return self.shape.is_ok().then(|| self.not_built()).into_iter().collect();
        };
        let lacking = self.lacking(shape).into_iter().map(|(import, service)| self.lacks(&import, service));
        let grants = self.settings.grants.iter().filter(|grant| !imports(shape, grant.service));
        lacking.chain(grants.map(|grant| self.cannot_use(grant))).chain(self.hosts_mismatch(shape)).collect()
    }

    /// Why it cannot be served as the manifest says.
    fn errors(&self) -> Vec<String> {
        match &self.shape {
            Err(error @ CliError::Command { .. }) => vec![error.to_string()],
            Err(error) => vec![format!("function `{}` cannot be served: {error}", self.name)],
            Ok(shape) => {
                let handler = shape.as_ref().and_then(|shape| shape.handler.as_ref()).map(|(handler, _)| *handler);
                let refused = self.sources.iter().filter_map(|source| sources::check(source, handler).err());
                refused.map(|error| error.to_string()).collect()
            }
        }
    }

    fn not_built(&self) -> String {
        let (name, folder) = (self.name, self.settings.component.display());
        format!(
            "function `{name}` is not built yet, its component was not looked at; build it: `wasm-faas build {folder}`"
        )
    }

    /// Imports that no grant is of use to, one for each service, and that service.
    fn lacking(&self, shape: &Shape) -> Vec<(String, Service)> {
        let mut lacking: Vec<(String, Service)> = Vec::new();
        for import in shape.imports.iter().filter(|_| imports_what_it_uses(shape)) {
            let wanted = inspect::wanted(import);
            let Some(first) = wanted.first() else { continue };
            let known = lacking.iter().any(|(_, service)| service == first);
            if !known && wanted.iter().all(|service| self.granted(*service).is_empty()) {
                lacking.push((import.clone(), *first));
            }
        }
        lacking
    }

    fn lacks(&self, import: &str, service: Service) -> String {
        let rights = service.rights().last().map_or(&[][..], |(_, rights)| rights);
        let remedy = self.settings.advice.grant(&Grant::new(service, "NAME", rights));
        format!("function `{}` imports `{import}` and is granted no {}; {remedy}", self.name, service.resource())
    }

    fn cannot_use(&self, grant: &Grant) -> String {
        format!("function `{}` is granted `{grant}` and imports nothing that could use it; drop the grant", self.name)
    }

    fn hosts_mismatch(&self, shape: &Shape) -> Option<String> {
        let (name, advice) = (self.name, &self.settings.advice);
        match (inspect::sends_requests(shape), self.settings.allow_hosts.as_slice()) {
            (true, []) if imports_what_it_uses(shape) => {
                let example = advice.allow_host("HOST");
                Some(format!("function `{name}` can send HTTP requests and is allowed no host; {example}"))
            }
            (false, [host, ..]) => {
                Some(format!("function `{name}` may send HTTP requests to `{host}` and cannot send any; drop the host"))
            }
            _ => None,
        }
    }
}

/// What a component is, or why it cannot be served.
fn shape(name: &str, component: &Path, wasi_0_3: bool) -> Result<Option<Shape>, CliError> {
    let path = match component {
        folder if folder.is_dir() => build::built(folder)?,
        file if file.exists() => Some(file.to_owned()),
        nothing => return Err(CliError::NoTarget { path: nothing.to_owned() }),
    };
    let Some(path) = path else { return Ok(None) };
    let bytes = std::fs::read(&path).map_err(|source| LoadError::Read { path: path.clone(), source })?;
    let shape = Shape::read(&path, &bytes)?;
    shape.check(&path)?;
    let handler = shape.handler.as_ref().map(|(handler, _)| *handler);
    check_handler(name, &path, handler, wasi_0_3)?;
    Ok(Some(shape))
}

/// Whether it can ask for resources of a service.
fn imports(shape: &Shape, service: Service) -> bool {
    shape.imports.iter().any(|import| inspect::wanted(import).contains(&service))
}

/// Toolchains for JavaScript and Python keep every import of the world, used or not.
fn imports_what_it_uses(shape: &Shape) -> bool {
    !matches!(shape.language(), Some("JavaScript" | "Python"))
}

fn to_text(path: &Path, manifest: &Manifest, checks: &[Check<'_>]) -> String {
    let mut text = format!("{}: {}\n{}", path.display(), summary(manifest), sources::text(&manifest.events));
    for check in checks {
        text.push('\n');
        let mut line = |name: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<10} {value}");
        };
        line("function", check.name);
        line("component", &check.settings.component.display().to_string());
        if let Some(shape) = check.looked_at() {
            line("handler", inspect::handler(shape));
            line("language", shape.language().unwrap_or("unknown"));
            line("size", &format!("{:#}", ByteSize(shape.size)));
            Use::all(check, shape).iter().for_each(|used| line(used.what, &used.to_string()));
        }
    }
    text
}

fn summary(manifest: &Manifest) -> String {
    let resources = [&manifest.resources, &manifest.memory].map(named);
    let counts = [
        (manifest.functions.len(), "function"),
        (manifest.http.len(), "route"),
        (manifest.events.len(), "event source"),
        (resources.iter().sum(), "resource"),
    ];
    counts.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" })).join(", ")
}

/// How many resources the author named: queues of event sources have names that nobody can give.
fn named(resources: &Resources) -> usize {
    let queues = resources.queues.keys().filter(|name| !name.contains('/')).count();
    resources.buckets.len() + queues + resources.topics.len() + resources.containers.len()
}

/// What a component imports to reach something beside it, and what it may reach.
struct Use {
    /// A service's interface, or `hosts`.
    what: &'static str,
    imported: bool,
    granted: Vec<String>,
}

impl Use {
    /// Those that are imported or granted.
    fn all(check: &Check<'_>, shape: &Shape) -> Vec<Self> {
        let services = Service::ALL.into_iter().map(|service| Self {
            what: service.interface(),
            imported: imports(shape, service),
            granted: check.granted(service).iter().map(ToString::to_string).collect(),
        });
        let hosts = Self {
            what: "hosts",
            imported: inspect::sends_requests(shape),
            granted: check.settings.allow_hosts.iter().map(ToString::to_string).collect(),
        };
        services.chain([hosts]).filter(|used| used.imported || !used.granted.is_empty()).collect()
    }
}

impl std::fmt::Display for Use {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let imported = if self.imported { "imported" } else { "not imported" };
        match self.granted.as_slice() {
            [] => write!(f, "{imported}, nothing granted"),
            granted => write!(f, "{imported}, granted {}", granted.join(", ")),
        }
    }
}

fn to_json(path: &Path, manifest: &Manifest, checks: &[Check<'_>]) -> String {
    let functions: Vec<Value> = checks.iter().map(function_json).collect();
    let sources: Vec<Value> = manifest.events.iter().map(sources::json).collect();
    format!("{}\n", json!({ "manifest": path, "sources": sources, "functions": functions }))
}

fn function_json(check: &Check<'_>) -> Value {
    let shape = check.looked_at();
    let uses = shape.map(|shape| Use::all(check, shape)).unwrap_or_default();
    let uses = uses
        .into_iter()
        .map(|Use { what, imported, granted }| json!({ "what": what, "imported": imported, "granted": granted }));
    json!({
        "name": check.name,
        "component": check.settings.component,
        "handler": shape.and_then(|shape| shape.handler.as_ref()).map(|(_, export)| export),
        "language": shape.and_then(Shape::language),
        "sizeBytes": shape.map(|shape| shape.size),
        "uses": uses.collect::<Vec<_>>(),
        "warnings": check.warnings(),
        "errors": check.errors(),
    })
}
