use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::{Component as Compiled, ComponentExportIndex, InstancePre, Linker};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2::bindings as p2, p3::bindings as p3};

use super::shape::{Handler, Shape};
use super::state::State;
use super::{Cache, LoadError, Profile, linker};

/// A component ready to be instantiated: compiled, linked and its handler found. Cheap to clone.
#[derive(Clone)]
pub struct Component(Arc<Inner>);

pub(super) struct Inner {
    pub(super) entry: Entry,
    pub(super) profile: Profile,
    shape: Shape,
    digest: String,
}

/// How an instance is made and called.
pub(super) enum Entry {
    Event { pre: InstancePre<State>, handle: ComponentExportIndex },
    Batch { pre: InstancePre<State>, handle: ComponentExportIndex },
    Http(ProxyPre<State>),
    Command(CommandPre<State>),
}

impl Entry {
    pub(super) fn engine(&self) -> &Engine {
        match self {
            Self::Event { pre, .. } | Self::Batch { pre, .. } => pre.engine(),
            Self::Http(ProxyPre::P2(pre)) => pre.engine(),
            Self::Http(ProxyPre::P3(pre)) => pre.engine(),
            Self::Command(pre) => pre.engine(),
        }
    }
}

impl Component {
    pub fn shape(&self) -> &Shape {
        &self.0.shape
    }

    /// SHA-256 of its bytes, in hex.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    pub fn handler(&self) -> Option<Handler> {
        self.0.shape.handler.as_ref().map(|(handler, _)| *handler)
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

/// Loads components. Holds one engine and linker per profile, made when first needed.
pub struct Loader {
    cache: Cache,
    instances: u32,
    runtimes: [OnceLock<(Engine, Linker<State>)>; 4],
}

impl Loader {
    /// `instances` bounds the live instances of each profile; address space and kernel mappings are set aside for them.
    pub fn new(cache: Cache, instances: u32) -> Self {
        Self { cache, instances, runtimes: Default::default() }
    }

    /// Reads, checks and compiles a component, or maps the machine code of an earlier time. Blocks for as long as
    /// compiling takes, which is seconds for JavaScript and Python; `on_compile` is called before.
    pub fn load(&self, path: &Path, metered: bool, on_compile: impl FnOnce()) -> Result<Component, LoadError> {
        let bytes = std::fs::read(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
        let shape = Shape::read(path, &bytes)?;
        check_world(path, &shape)?;
        let profile = Profile { metered, concurrent: shape.concurrent };
        let digest = hex(&Sha256::digest(&bytes));
        let (engine, linker) = self.runtime(profile).map_err(|error| mismatch(path, &error))?;
        let code = match self.cache.load(&digest, profile, engine) {
            Some(code) => code,
            None => {
                on_compile();
                self.compile(path, &bytes, &digest, profile, engine)?
            }
        };
        let entry = entry(&code, linker, &shape).map_err(|error| mismatch(path, &error))?;
        Ok(Component(Arc::new(Inner { entry, profile, shape, digest })))
    }

    /// Makes a component that was loaded before ready again, from its machine code alone; `None` when that is gone.
    pub fn activate(&self, loaded: &Component) -> Option<Component> {
        let Inner { profile, shape, digest, .. } = loaded.inner();
        let (engine, linker) = self.runtime(*profile).ok()?;
        let code = self.cache.load(digest, *profile, engine)?;
        let entry = entry(&code, linker, shape).ok()?;
        let (shape, digest) = (shape.clone(), digest.clone());
        Some(Component(Arc::new(Inner { entry, profile: *profile, shape, digest })))
    }

    fn compile(
        &self,
        path: &Path,
        bytes: &[u8],
        digest: &str,
        profile: Profile,
        engine: &Engine,
    ) -> Result<Compiled, LoadError> {
        let fail = |error: wasmtime::Error| LoadError::Compile { path: path.to_owned(), message: chain(&error) };
        let code = engine.precompile_component(bytes).map_err(fail)?;
        self.cache.store(digest, profile, engine, &code).map_err(fail)
    }

    fn runtime(&self, profile: Profile) -> wasmtime::Result<&(Engine, Linker<State>)> {
        let slot = &self.runtimes[usize::from(profile.metered) + 2 * usize::from(profile.concurrent)];
        if slot.get().is_none() {
            let engine = profile.engine(self.instances)?;
            let linker = linker::linker(&engine, profile)?;
            // Another thread may have been quicker; its engine serves as well.
            let _ = slot.set((engine, linker));
        }
        slot.get().ok_or_else(|| wasmtime::format_err!("the engine is gone"))
    }
}

fn check_world(path: &Path, shape: &Shape) -> Result<(), LoadError> {
    if shape.handler.is_none() {
        let found = match shape.exports.as_slice() {
            [] => "no export at all".to_owned(),
            exports => exports.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        };
        return Err(LoadError::NoHandler { path: path.to_owned(), found });
    }
    match shape.imports.iter().find(|name| !linker::knows(name, shape.concurrent)) {
        Some(import) => Err(LoadError::UnknownImport { path: path.to_owned(), import: import.clone() }),
        None => Ok(()),
    }
}

fn entry(code: &Compiled, linker: &Linker<State>, shape: &Shape) -> wasmtime::Result<Entry> {
    let pre = linker.instantiate_pre(code)?;
    let (handler, export) =
        shape.handler.as_ref().ok_or_else(|| wasmtime::format_err!("the component exports no handler"))?;
    let function = |name: &str| {
        let instance = code.get_export_index(None, export);
        instance
            .and_then(|instance| code.get_export_index(Some(&instance), name))
            .ok_or_else(|| wasmtime::format_err!("`{export}` has no function `{name}`"))
    };
    Ok(match handler {
        Handler::Event | Handler::AsyncEvent => Entry::Event { handle: function("handle")?, pre },
        Handler::Batch => Entry::Batch { handle: function("handle-batch")?, pre },
        Handler::Http => Entry::Http(ProxyPre::P2(p2::ProxyPre::new(pre)?)),
        Handler::Http3 => Entry::Http(ProxyPre::P3(p3::ServicePre::new(pre)?)),
        Handler::Command => Entry::Command(CommandPre::new(pre)?),
    })
}

fn mismatch(path: &Path, error: &wasmtime::Error) -> LoadError {
    LoadError::Mismatch { path: path.to_owned(), message: chain(error) }
}

/// All causes in one line, the outermost first.
fn chain(error: &wasmtime::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ").replace('\n', " ")
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
