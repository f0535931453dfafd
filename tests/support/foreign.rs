//! Components that nothing of this project had a hand in: `tests/foreign/<name>`, built by the toolchains that other
//! people use, as these publish them. Made below `.wasm-faas/`, like everything that is built.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use libtest_mimic::Failed;
use sha2::{Digest as _, Sha256};

/// The language of each is the first part of its name.
pub const COMPONENTS: [&str; 4] = ["rust-http", "javascript-http", "python-http", "rust-http3"];

/// Why a component cannot be built here, `None` when it can.
pub fn missing(name: &str) -> Option<&'static str> {
    super::missing(language(name))
}

fn language(name: &str) -> &str {
    name.split('-').next().unwrap_or(name)
}

/// The component of `tests/foreign/<name>`, built at first use and when its sources have changed.
pub fn component(name: &str) -> Result<PathBuf, Failed> {
    type Slot = Arc<OnceLock<Result<PathBuf, String>>>;
    static COMPONENTS: LazyLock<Mutex<HashMap<String, Slot>>> = LazyLock::new(Mutex::default);
    let slot = Arc::clone(COMPONENTS.lock().expect("no test panics here").entry(name.to_owned()).or_default());
    let built =
        slot.get_or_init(|| build(name).map_err(|error| format!("cannot build `tests/foreign/{name}`: {error}")));
    built.clone().map_err(Failed::from)
}

type Attempt<T> = Result<T, Box<dyn std::error::Error>>;

fn build(name: &str) -> Attempt<PathBuf> {
    let folder = super::root().join("tests/foreign").join(name);
    let outputs = super::root().join(".wasm-faas/build/foreign");
    fs::create_dir_all(&outputs)?;
    // Freed when dropped: another test program may want the same.
    let turn = File::create(outputs.join("lock"))?;
    turn.lock()?;
    match language(name) {
        "rust" => cargo(&folder, name, &outputs.join("rust-target")),
        "javascript" => unless_unchanged(&folder, outputs.join(format!("{name}.wasm")), componentize_js),
        "python" => unless_unchanged(&folder, outputs.join(format!("{name}.wasm")), componentize_py),
        other => Err(format!("`{other}` is no language of them").into()),
    }
}

/// Cargo tells by itself what has changed.
fn cargo(folder: &Path, name: &str, target: &Path) -> Attempt<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--release", "--target", "wasm32-wasip2"]).current_dir(folder);
    // Settings for the host's own build are not the component's.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    run(cargo.arg("--target-dir").arg(target))?;
    Ok(target.join("wasm32-wasip2/release").join(name.replace('-', "_")).with_extension("wasm"))
}

/// Makes `output` of `folder` when it is not there, or was made of other files.
fn unless_unchanged(folder: &Path, output: PathBuf, make: fn(&Path, &Path) -> Attempt<()>) -> Attempt<PathBuf> {
    let (inputs, record) = (digest(folder)?, output.with_extension("inputs"));
    if output.exists() && fs::read_to_string(&record).is_ok_and(|recorded| recorded == inputs) {
        return Ok(output);
    }
    let partial = output.with_extension("partial");
    make(folder, &partial)?;
    fs::rename(&partial, &output)?;
    fs::write(record, inputs)?;
    Ok(output)
}

/// Names the contents of the files in a folder; there are no folders in it.
fn digest(folder: &Path) -> Attempt<String> {
    let mut files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    let mut hash = Sha256::new();
    for file in files.iter().filter(|path| path.is_file()) {
        hash.update(file.as_os_str().as_encoded_bytes());
        hash.update(Sha256::digest(fs::read(file)?));
    }
    Ok(format!("{:x}", hash.finalize()))
}

fn componentize_js(folder: &Path, output: &Path) -> Attempt<()> {
    let toolchain = toolchain("javascript", &folder.join("package-lock.json"), |toolchain| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(folder.join(file), toolchain.join(file))?;
        }
        let mut npm = Command::new("npm");
        run(npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(toolchain))
    })?;
    let mut node = Command::new("node");
    node.arg(toolchain.join("node_modules/@bytecodealliance/componentize-js/src/cli.js"));
    node.arg(folder.join("server.js")).arg("--wit").arg(folder.join("http.wit")).args(["--world-name", "server"]);
    run(node.arg("--out").arg(output))
}

/// The contract's folder is where the WIT of WASI is; the world is WASI's own.
fn componentize_py(folder: &Path, output: &Path) -> Attempt<()> {
    let programs = if cfg!(windows) { "Scripts" } else { "bin" };
    let pins = folder.join("requirements.txt");
    let toolchain = toolchain("python", &pins, |toolchain| {
        run(Command::new("python3").args(["-m", "venv"]).arg(toolchain))?;
        let mut pip = Command::new(toolchain.join(programs).join("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]);
        run(pip.arg(&pins))
    })?;
    let mut tool = Command::new(toolchain.join(programs).join("componentize-py"));
    tool.args(["--quiet", "--world", "wasi:http/proxy@0.2.12", "--wit-path"]).arg(super::root().join("wit"));
    tool.args(["componentize", "server", "--python-path"]).arg(folder).arg("--output").arg(output);
    run(tool.env_remove("VIRTUAL_ENV").env_remove("PYTHONPATH").env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// The folder with what the file `pins` names, installed once.
fn toolchain(language: &str, pins: &Path, install: impl FnOnce(&Path) -> Attempt<()>) -> Attempt<PathBuf> {
    let digest = format!("{:x}", Sha256::digest(fs::read(pins)?));
    let folder = super::root().join(".wasm-faas/toolchains").join(format!("foreign-{language}-{}", &digest[..16]));
    let complete = folder.join("complete");
    if complete.exists() {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    // The folder's own name holds `..`, which not every tool takes.
    let folder = folder.canonicalize()?;
    install(&folder)?;
    fs::write(complete, "")?;
    Ok(folder)
}

fn run(command: &mut Command) -> Attempt<()> {
    let output =
        command.stdin(std::process::Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let told = [output.stdout, output.stderr].concat();
    Err(format!("{command:?} ended with {}:\n{}", output.status, String::from_utf8_lossy(&told)).into())
}
