use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::sdk::{Inputs, Sdk};
use super::step::{exists, run};
use super::{BuildError, Project};

/// componentize-py in a virtual environment of its own; the SDK's `build.py` drives it.
pub(super) async fn build(project: &Project, folder: &Path) -> Result<PathBuf, BuildError> {
    if !exists("python3").await {
        let remedy = "install Python 3.11 or newer with its `venv` module";
        return Err(BuildError::MissingTool { folder: folder.into(), tool: "python3", remedy });
    }
    let sdk = Sdk::unpack(project)?;
    let output = project.output(folder)?;
    let inputs = Inputs::of(folder, &output, &sdk);
    if inputs.unchanged(&output) {
        return Ok(output);
    }
    inputs.forget();
    let python = install(project, folder, &sdk.python.join("toolchain/requirements.txt")).await?;
    let mut build = isolated(&python);
    build.arg(sdk.python.join("build/build.py")).arg("--folder").arg(folder).arg("--wit").arg(&sdk.wit);
    build.arg("--deps-dir").arg(project.own("build/python-deps")).arg("--output").arg(&output);
    run("building with componentize-py", folder, &mut build).await?;
    super::stamp(&output, "Python", "componentize-py")?;
    inputs.record();
    Ok(output)
}

/// Installs exactly what the requirements pin, once, and returns the environment's interpreter.
async fn install(project: &Project, folder: &Path, requirements: &Path) -> Result<PathBuf, BuildError> {
    let fail = |path: &Path, source| BuildError::Io { what: "install into", path: path.to_owned(), source };
    let pins = std::fs::read(requirements).map_err(|source| fail(requirements, source))?;
    let environment = super::sdk::toolchain_dir(project, "python", &pins);
    let interpreter = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let complete = environment.join("complete");
    if complete.exists() {
        return Ok(interpreter);
    }
    super::sdk::clear(&environment)?;
    let step = "installing the Python toolchain";
    run(step, folder, isolated(Path::new("python3")).args(["-m", "venv"]).arg(&environment)).await?;
    let mut pip = isolated(&interpreter);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]);
    run(step, folder, pip.arg(requirements)).await?;
    std::fs::write(&complete, "").map_err(|source| fail(&environment, source))?;
    Ok(interpreter)
}

/// An interpreter that neither sees the author's own environment nor leaves files beside the sources.
fn isolated(interpreter: &Path) -> Command {
    let mut command = Command::new(interpreter);
    command.env_remove("VIRTUAL_ENV").env_remove("PYTHONPATH").env_remove("PYTHONHOME");
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
