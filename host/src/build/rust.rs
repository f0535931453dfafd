use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::step::{exists, run};
use super::{BuildError, Project};

const TARGET: &str = "wasm32-wasip2";

/// `cargo build --release` for `wasm32-wasip2`; its output is a component already.
pub(super) async fn build(project: &Project, folder: &Path) -> Result<PathBuf, BuildError> {
    need_target(folder).await?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--release", "--target", TARGET, "--message-format=json-render-diagnostics"]);
    // Settings for the host's own build are not the function's.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.arg("--target-dir").arg(project.own("build/rust-target")).current_dir(folder);
    let printed = run("building with cargo", folder, &mut cargo).await?;
    let made = component(&printed.stdout, folder).ok_or_else(|| BuildError::NoComponent { folder: folder.into() })?;
    let output = project.output(folder)?;
    replace(&made, &output)?;
    Ok(output)
}

async fn need_target(folder: &Path) -> Result<(), BuildError> {
    if !exists("cargo").await {
        let remedy = "install Rust with rustup";
        return Err(BuildError::MissingTool { folder: folder.into(), tool: "cargo", remedy });
    }
    let sysroot = run("looking for the Rust toolchain", folder, rustc(folder).args(["--print", "sysroot"])).await?;
    if Path::new(sysroot.stdout.trim()).join("lib/rustlib").join(TARGET).is_dir() {
        return Ok(());
    }
    if !exists("rustup").await {
        let remedy = "install Rust with rustup, or the target `wasm32-wasip2` as your distribution has it";
        return Err(BuildError::MissingTool { folder: folder.into(), tool: "rustup", remedy });
    }
    let mut rustup = Command::new("rustup");
    run("adding the target wasm32-wasip2", folder, rustup.args(["target", "add", TARGET]).current_dir(folder)).await?;
    Ok(())
}

fn rustc(folder: &Path) -> Command {
    let mut command = Command::new("rustc");
    command.current_dir(folder);
    command
}

/// The `.wasm` among the artifacts that cargo reports, of the package in `folder`.
fn component(messages: &str, folder: &Path) -> Option<PathBuf> {
    let manifest = folder.join("Cargo.toml");
    messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).find_map(|message| {
        if message["reason"] != "compiler-artifact" || Path::new(message["manifest_path"].as_str()?) != manifest {
            return None;
        }
        let files = message["filenames"].as_array()?.iter().filter_map(|file| file.as_str());
        files.map(PathBuf::from).find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
    })
}

/// Copies in one step: who reads `to` sees the old file or the new one.
fn replace(from: &Path, to: &Path) -> Result<(), BuildError> {
    let temporary = to.with_extension("partial");
    let copied = std::fs::copy(from, &temporary).and_then(|_| std::fs::rename(&temporary, to));
    copied.map_err(|source| BuildError::Io { what: "write", path: to.to_owned(), source })
}
