//! Goal 15: ten thousand functions that are registered and idle.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use wasm_faas::engine::{Cache, Compiler, Loader, Registered};

use crate::host;
use crate::measure::{Effort, Spread, resident_kib};
use crate::report::{Figure, Goal};

const FUNCTIONS: usize = 10_000;

/// Files that changed less than this ago are read again.
const SETTLED: Duration = Duration::from_millis(2_100);

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let site = Site::new(effort.operations(FUNCTIONS))?;
    std::thread::sleep(SETTLED);
    let before = resident_kib()?;
    // What it maps it lets go, so that it leaves little behind in the memory that is looked at.
    let unknown = site.start(site.loader()?.keep_mapped(0))?.took;
    let mut starts = Vec::new();
    for _ in 0..effort.rounds {
        starts.push(site.start(site.loader()?)?.took);
    }
    let started = site.start(site.loader()?)?;
    let registered = resident_kib()? - before;
    let mapping = started.map_each()?;
    let mapped = resident_kib()? - before;
    let count = site.components.len();
    let figure = |number, what: &str, values, unit, goal| Figure {
        number,
        what: what.replace('#', &count.to_string()),
        baseline: "-".into(),
        ratio: Spread::of(values),
        unit,
        goal,
    };
    Ok(vec![
        figure("15", "start with # registered functions, one thread", starts, " s", Goal::AtMost(2.0)),
        figure("15", "resident memory for them", vec![registered / 1024.0], " MiB", Goal::AtMost(1024.0)),
        figure("", "the first start, which reads, checks and maps all", vec![unknown], " s", Goal::None),
        figure("", "checking and mapping each of them once", vec![mapping], " s", Goal::None),
        figure("", "resident memory then", vec![mapped / 1024.0], " MiB", Goal::None),
    ])
}

/// Components that differ in a custom section, all compiled.
struct Site {
    folder: TempDir,
    components: Vec<PathBuf>,
}

impl Site {
    /// Compiles the first one; the code of the others is the same file under their names, with MACs of their own.
    fn new(count: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let echo = fs::read(host::build("guests/rust/echo")?)?;
        let first = different(&echo, 0);
        let path = folder.path().join("0.wasm");
        fs::write(&path, &first)?;
        let mut site = Self { folder, components: vec![path] };
        site.loader()?.load(&site.components[0], true, || {})?;
        let compiled = Compiled::find(&site.cache(), &first)?;
        for number in 1..u32::try_from(count)? {
            let component = different(&echo, number);
            let path = site.folder.path().join(format!("{number}.wasm"));
            fs::write(&path, &component)?;
            compiled.link(&component)?;
            site.components.push(path);
        }
        Ok(site)
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn loader(&self) -> anyhow::Result<Loader> {
        Ok(Loader::new(Cache::open(&self.cache())?, Compiler::InProcess, host::INSTANCES))
    }

    /// Registers all with a loader that knows none.
    fn start(&self, loader: Loader) -> anyhow::Result<Started> {
        let start = Instant::now();
        let register = |path: &PathBuf| {
            let registered = loader.register(path, true, || {})?;
            Ok(registered)
        };
        let functions = self.components.iter().map(register).collect::<anyhow::Result<_>>()?;
        Ok(Started { took: start.elapsed().as_secs_f64(), loader, functions })
    }
}

struct Started {
    /// In seconds, of wall clock.
    took: f64,
    loader: Loader,
    functions: Vec<Registered>,
}

impl Started {
    /// Seconds of wall clock.
    fn map_each(&self) -> anyhow::Result<f64> {
        let start = Instant::now();
        for function in &self.functions {
            self.loader.activate(function)?;
        }
        Ok(start.elapsed().as_secs_f64())
    }
}

/// The component with a custom section of eight bytes behind it: its name `n` and a number.
fn different(component: &[u8], number: u32) -> Vec<u8> {
    [component, &[0, 6, 1, b'n'], &number.to_le_bytes()].concat()
}

/// A file of compiled code, and the key it is sealed with.
struct Compiled {
    path: PathBuf,
    digest: String,
    code: Vec<u8>,
    key: Vec<u8>,
}

impl Compiled {
    fn find(cache: &Path, component: &[u8]) -> anyhow::Result<Self> {
        let files = fs::read_dir(cache)?.collect::<Result<Vec<_>, _>>()?;
        let is_code = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "cwasm");
        let path = files.iter().map(fs::DirEntry::path).find(is_code).context("there is no compiled code")?;
        let (code, key) = (fs::read(&path)?, fs::read(cache.join("key"))?);
        Ok(Self { path, digest: digest(component), code, key })
    }

    fn link(&self, component: &[u8]) -> anyhow::Result<()> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.replace(&self.digest, &digest(component));
        let path = self.path.with_file_name(&name);
        fs::hard_link(&self.path, &path)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key)?;
        mac.update(name.as_bytes());
        mac.update(&self.code);
        fs::write(path.with_extension("mac"), mac.finalize().into_bytes())?;
        Ok(())
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
