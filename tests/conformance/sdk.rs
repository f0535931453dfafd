//! The SDKs' own tests, each run by its language's test runner: `sdk/python/unit_tests`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};

use super::probe::failed;
use super::{Verdict, support};

pub fn trials() -> Vec<Trial> {
    let trial = |language, name: &str, run: fn() -> Verdict| {
        support::trial(format!("sdk/{language}/{name}"), support::missing(language), run)
    };
    vec![
        trial("rust", "unit_tests", || rust(&["test", "--locked", "--workspace"])),
        trial("rust", "bindings_are_current", || {
            rust(&["run", "--locked", "--package", "wasm-faas-sdk-generate", "--", "--check"])
        }),
        trial("javascript", "unit_tests", javascript),
        trial("python", "unit_tests", python),
    ]
}

fn rust(arguments: &[&str]) -> Verdict {
    let mut cargo = Command::new("cargo");
    // One folder for both, or each would build the dependencies again.
    cargo.env("CARGO_TARGET_DIR", support::root().join(".wasm-faas/build/sdk-rust"));
    passes(cargo.args(arguments).current_dir(support::root().join("sdk/rust")))
}

fn javascript() -> Verdict {
    support::guest("javascript", "hello")?;
    let mut node = Command::new("node");
    node.env("WASM_FAAS_TOOLCHAIN_JS", toolchain("javascript")?).arg("--test");
    passes(node.current_dir(support::root().join("sdk/js")))
}

fn python() -> Verdict {
    support::guest("python", "hello")?;
    let interpreter = toolchain("python")?.join("bin/python");
    let mut python = Command::new(&interpreter);
    python.env("WASM_FAAS_TOOLCHAIN_PYTHON", &interpreter).env("PYTHONDONTWRITEBYTECODE", "1");
    passes(python.args(["-m", "unittest", "discover"]).current_dir(support::root().join("sdk/python")))
}

/// Where the guests' builds have installed a language's toolchain.
fn toolchain(language: &str) -> Result<PathBuf, Failed> {
    let installed = std::fs::read_dir(support::root().join(".wasm-faas/toolchains")).map_err(failed)?;
    let mut folders = installed.filter_map(|entry| Some(entry.ok()?.path())).filter(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&format!("{language}-")) && folder.join("complete").exists()
    });
    folders.next().ok_or_else(|| format!("the {language} toolchain was not installed").into())
}

fn passes(command: &mut Command) -> Verdict {
    let output = command.stdin(Stdio::null()).output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{command:?} ended with {}\n{stdout}\n{stderr}", output.status).into())
}
