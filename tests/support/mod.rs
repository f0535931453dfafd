//! What the test programs share: the guests, built once; which toolchains are here; what a missing one means.

#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::expect_used, reason = "tests cannot go on without it")]

pub mod foreign;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use wasm_faas::engine::{Cache, Compiler, Component, Loader};

/// Languages that have guests.
pub const LANGUAGES: [&str; 3] = ["rust", "javascript", "python"];

pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Why tests that need a language's toolchain cannot run here, `None` when they can.
pub fn missing(language: &str) -> Option<&'static str> {
    static MISSING: LazyLock<HashMap<&str, Option<&str>>> = LazyLock::new(|| {
        HashMap::from([
            ("rust", (!runs("cargo", &["--version"])).then_some("cargo is missing")),
            (
                "javascript",
                (!runs("node", &["--version"]) || !runs("npm", &["--version"])).then_some("Node.js is missing"),
            ),
            ("python", (!runs("python3", &["-c", "import venv, ensurepip"])).then_some("Python with venv is missing")),
        ])
    });
    MISSING.get(language).copied().unwrap_or(Some("no such language"))
}

/// Whether a program is here and ends well.
pub fn runs(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// `REQUIRE=all` turns what is missing into a failure.
pub fn requires_all() -> bool {
    std::env::var("REQUIRE").is_ok_and(|value| value == "all")
}

/// A test that shows as ignored, with the reason, when something it needs is not here.
pub fn trial(
    name: impl Into<String>,
    missing: Option<&'static str>,
    run: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    match missing {
        None => Trial::test(name, run),
        Some(reason) if requires_all() => Trial::test(name, move || Err(reason.into())),
        Some(reason) => Trial::test(name, run).with_ignored_flag(true).with_kind(reason),
    }
}

/// Runs the trials as the arguments of `cargo test` say.
pub fn conclude(trials: Vec<Trial>) -> ! {
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}

/// The runtime the tests' futures run on.
pub fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> =
        LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime"));
    &RUNTIME
}

type Built<T> = Arc<OnceLock<Result<T, String>>>;

/// The component of `guests/<language>/<name>`, built at first use.
pub fn guest(language: &str, name: &str) -> Result<PathBuf, Failed> {
    static GUESTS: LazyLock<Mutex<HashMap<PathBuf, Built<PathBuf>>>> = LazyLock::new(Mutex::default);
    let folder = root().join("guests").join(language).join(name);
    let slot = Arc::clone(GUESTS.lock().expect("no test panics here").entry(folder.clone()).or_default());
    let built = slot.get_or_init(|| {
        let built = runtime().block_on(wasm_faas::build::build(&folder));
        built.map_err(|error| error.to_string())
    });
    built.clone().map_err(Failed::from)
}

/// The same, loaded.
pub fn component(language: &str, name: &str, metered: bool) -> Result<Component, Failed> {
    type Components = HashMap<(PathBuf, bool), Built<Component>>;
    static COMPONENTS: LazyLock<Mutex<Components>> = LazyLock::new(Mutex::default);
    let path = guest(language, name)?;
    let key = (path.clone(), metered);
    let slot = Arc::clone(COMPONENTS.lock().expect("no test panics here").entry(key).or_default());
    let loaded = slot.get_or_init(|| loader().load(&path, metered, || {}).map_err(|error| error.to_string()));
    loaded.clone().map_err(Failed::from)
}

/// One for the whole program: it owns the engines.
pub fn loader() -> &'static Loader {
    static LOADER: LazyLock<Loader> = LazyLock::new(|| {
        let cache = Cache::open(&root().join(".wasm-faas/cache")).expect("a cache");
        Loader::new(cache, Compiler::InProcess, 64)
    });
    &LOADER
}
