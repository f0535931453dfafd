use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::sdk::{Inputs, Sdk};
use super::step::{exists, run};
use super::{BuildError, Project};

/// esbuild and componentize-qjs, or componentize-js for StarlingMonkey; the SDK's `build.mjs` drives them.
pub(super) async fn build(project: &Project, folder: &Path) -> Result<PathBuf, BuildError> {
    for tool in ["node", "npm"] {
        if !exists(tool).await {
            let remedy = "install Node.js 20 or newer";
            return Err(BuildError::MissingTool { folder: folder.into(), tool, remedy });
        }
    }
    let sdk = Sdk::unpack(project)?;
    let output = project.output(folder)?;
    let inputs = Inputs::of(folder, &output, &sdk);
    if inputs.unchanged(&output) {
        return Ok(output);
    }
    inputs.forget();
    let (variant, tool) = match wants_starlingmonkey(folder) {
        true => ("toolchain-starlingmonkey", "componentize-js"),
        false => ("toolchain", "componentize-qjs"),
    };
    let toolchain = install(project, folder, &sdk.javascript.join(variant)).await?;
    let mut node = Command::new("node");
    node.arg(sdk.javascript.join("build/build.mjs")).arg("--folder").arg(folder).arg("--wit").arg(&sdk.wit);
    node.arg("--toolchain").arg(&toolchain).arg("--output").arg(&output);
    run("building with esbuild and componentize", folder, &mut node).await?;
    super::stamp(&output, "JavaScript", tool)?;
    inputs.record();
    Ok(output)
}

/// `"wasm-faas": {"runtime": "starlingmonkey"}` in package.json.
fn wants_starlingmonkey(folder: &Path) -> bool {
    let package = std::fs::read(folder.join("package.json")).unwrap_or_default();
    let package: serde_json::Value = serde_json::from_slice(&package).unwrap_or_default();
    package["wasm-faas"]["runtime"] == "starlingmonkey"
}

/// Installs exactly what the lock file names, once.
async fn install(project: &Project, folder: &Path, pins: &Path) -> Result<PathBuf, BuildError> {
    let fail = |path: &Path, source| BuildError::Io { what: "install into", path: path.to_owned(), source };
    let lock = std::fs::read(pins.join("package-lock.json")).map_err(|source| fail(pins, source))?;
    let toolchain = super::sdk::toolchain_dir(project, "javascript", &lock);
    let complete = toolchain.join("complete");
    if complete.exists() {
        return Ok(toolchain);
    }
    super::sdk::clear(&toolchain)?;
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(pins.join(file), toolchain.join(file)).map_err(|source| fail(&toolchain, source))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&toolchain);
    run("installing the JavaScript toolchain", folder, &mut npm).await?;
    std::fs::write(&complete, "").map_err(|source| fail(&toolchain, source))?;
    Ok(toolchain)
}
