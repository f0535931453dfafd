use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};

use wasmtime::Engine;
use wasmtime::component::{Component as Compiled, Linker};

use super::component::{Component, Deployed, Registered, entry};
use super::error::chain;
use super::file::FileId;
use super::index::Known;
use super::mapped::{self, Mapped};
use super::shape::Shape;
use super::state::State;
use super::{Cache, CompileError, Compiler, LoadError, Order, Profile, cache, file, linker};

/// Components compiled at the same time at most; each uses all cores by itself.
const MOST_COMPILED_AT_ONCE: usize = 8;

/// Loads components, from any number of threads at once. The same bytes are compiled and mapped once, whoever asks.
/// Holds one engine and linker per profile, made when first needed.
pub struct Loader {
    cache: Cache,
    compiler: Compiler,
    instances: u32,
    runtimes: [OnceLock<Result<Runtime, String>>; 4],
    deployed: Mutex<HashMap<(String, Profile), Weak<Deployed>>>,
    mapped: Mapped,
    compiling: Turns,
}

struct Runtime {
    engine: Engine,
    linker: Linker<State>,
    /// [`cache::compatibility`] of the engine.
    compatibility: u64,
}

impl Loader {
    /// `instances` bounds the live instances of each profile; address space and kernel mappings are set aside for them.
    pub fn new(cache: Cache, compiler: Compiler, instances: u32) -> Self {
        Self {
            cache,
            compiler,
            instances,
            runtimes: Default::default(),
            deployed: Mutex::default(),
            mapped: Mapped::new(mapped::default_limit()),
            compiling: Turns::new(MOST_COMPILED_AT_ONCE),
        }
    }

    /// Keeps at most `limit` components mapped that no instance uses. Default: as many as take a quarter of the mappings
    /// that the kernel allows a process.
    #[must_use]
    pub fn keep_mapped(self, limit: usize) -> Self {
        Self { mapped: Mapped::new(limit), ..self }
    }

    /// Reads, checks and compiles a component, or maps the machine code of an earlier time. Blocks for as long as
    /// compiling takes, which is seconds for JavaScript and Python; `on_compile` is called before.
    pub fn load(&self, path: &Path, metered: bool, on_compile: impl FnOnce()) -> Result<Component, LoadError> {
        let read = ComponentFile::read(path)?;
        let registered = self.deploy(path, metered, read.digest, read.shape)?;
        self.ready(&registered, on_compile)
    }

    /// Makes a component known without mapping its code, if its file did not change since it was known and it was
    /// compiled; that costs some 30 µs and neither file is read. Does what [`Loader::load`] does otherwise.
    pub fn register(&self, path: &Path, metered: bool, on_compile: impl FnOnce()) -> Result<Registered, LoadError> {
        if let Some(known) = self.cache.recall(path) {
            let registered = self.deploy(path, metered, known.digest, known.shape)?;
            if self.is_compiled(&registered)? {
                return Ok(registered);
            }
        }
        let ComponentFile { id, digest, shape } = ComponentFile::read(path)?;
        let registered = self.deploy(path, metered, digest.clone(), shape.clone())?;
        self.ready(&registered, on_compile)?;
        if let Some(file) = id {
            self.cache.remember(path, &Known { file, digest, shape });
        }
        Ok(registered)
    }

    /// The component if its code is mapped now; never blocks.
    pub fn mapped(&self, registered: &Registered) -> Option<Component> {
        let component = registered.deployed.mapped();
        component.inspect(|component| self.mapped.touch(component))
    }

    /// The component, its code mapped now if it was not; blocks for some 0.1 ms then, 1.4 ms for Python, and for the first
    /// time in a process also until the MAC was checked, about 1 ms per MB. Should the compiled code be gone, compiles it
    /// again from the component's file, which must have the bytes it had.
    pub fn activate(&self, registered: &Registered) -> Result<Component, LoadError> {
        self.ready(registered, || {})
    }

    fn ready(&self, registered: &Registered, on_compile: impl FnOnce()) -> Result<Component, LoadError> {
        if let Some(component) = self.mapped(registered) {
            return Ok(component);
        }
        let Registered { path, deployed } = registered;
        let _turn = deployed.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(component) = self.mapped(registered) {
            return Ok(component);
        }
        let runtime = self.runtime(path, deployed.profile)?;
        let name = runtime.code_name(deployed);
        let code = match self.cache.load(&name, &runtime.engine) {
            Some(code) => code,
            None => {
                on_compile();
                self.compile(path, deployed, runtime, &name)?
            }
        };
        let entry = entry(&code, &runtime.linker, &deployed.shape);
        let component = Component::new(entry.map_err(|error| mismatch(path, &error))?, deployed);
        deployed.set_mapped(&component);
        self.mapped.hold(component.clone());
        Ok(component)
    }

    fn compile(&self, path: &Path, deployed: &Deployed, runtime: &Runtime, name: &str) -> Result<Compiled, LoadError> {
        let _turn = self.compiling.take();
        let fail = |error| LoadError::Compile { path: path.to_owned(), error };
        let order = Order { path, digest: &deployed.digest, profile: deployed.profile };
        let code = self.compiler.compile(order, &runtime.engine).map_err(fail)?;
        let stored = self.cache.store(name, &runtime.engine, &code);
        stored.map_err(|error| fail(CompileError::Refused(chain(&error))))
    }

    /// The one entry for these bytes, shared with whoever has them.
    fn deploy(&self, path: &Path, metered: bool, digest: String, shape: Shape) -> Result<Registered, LoadError> {
        shape.check(path)?;
        let profile = Profile { metered, concurrent: shape.concurrent };
        let mut all = self.deployed.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == all.capacity() {
            // Before it grows: what nobody has any more.
            all.retain(|_, deployed| deployed.strong_count() > 0);
        }
        let slot = all.entry((digest.clone(), profile)).or_default();
        let deployed = slot.upgrade().unwrap_or_else(|| Arc::new(Deployed::new(digest, profile, shape)));
        *slot = Arc::downgrade(&deployed);
        Ok(Registered { path: path.into(), deployed })
    }

    fn is_compiled(&self, Registered { path, deployed }: &Registered) -> Result<bool, LoadError> {
        let runtime = self.runtime(path, deployed.profile)?;
        Ok(self.cache.holds(&runtime.code_name(deployed)))
    }

    fn runtime(&self, path: &Path, profile: Profile) -> Result<&Runtime, LoadError> {
        let slot = &self.runtimes[usize::from(profile.metered) + 2 * usize::from(profile.concurrent)];
        let runtime = slot.get_or_init(|| Runtime::new(profile, self.instances).map_err(|error| chain(&error)));
        runtime.as_ref().map_err(|message| LoadError::Engine { path: path.to_owned(), message: message.clone() })
    }
}

impl Runtime {
    fn new(profile: Profile, instances: u32) -> wasmtime::Result<Self> {
        let engine = profile.engine(instances)?;
        let linker = linker::linker(&engine, profile)?;
        let compatibility = cache::compatibility(&engine);
        Ok(Self { engine, linker, compatibility })
    }

    /// Of the file with a component's code.
    fn code_name(&self, deployed: &Deployed) -> String {
        format!("{}-{}-{:016x}.cwasm", deployed.digest, deployed.profile.word(), self.compatibility)
    }
}

/// What a component's bytes tell.
struct ComponentFile {
    /// `None` when the file changed a moment ago.
    id: Option<FileId>,
    digest: String,
    shape: Shape,
}

impl ComponentFile {
    fn read(path: &Path) -> Result<Self, LoadError> {
        let (bytes, id) = file::read(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
        let shape = Shape::read(path, &bytes)?;
        Ok(Self { id, digest: file::digest(&bytes), shape })
    }
}

fn mismatch(path: &Path, error: &wasmtime::Error) -> LoadError {
    LoadError::Mismatch { path: path.to_owned(), message: chain(error) }
}

/// Lets a bounded number of threads in; the others wait.
struct Turns {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Turns {
    /// As many as there are cores, up to `most`.
    fn new(most: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { free: Mutex::new(cores.min(most)), freed: Condvar::new() }
    }

    fn take(&self) -> Turn<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Turn(self)
    }
}

struct Turn<'a>(&'a Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests;
