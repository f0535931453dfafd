//! Folders with source that does not become a component.

use std::path::Path;

use libtest_mimic::{Failed, Trial};

use super::stage::{Stage, Transcript};
use super::{Verdict, support};

pub fn trials() -> Vec<Trial> {
    let [rust, javascript, python] = support::LANGUAGES.map(support::missing);
    vec![
        support::trial("folders/without_source", None, without_source),
        support::trial("folders/toolchain_is_missing", None, toolchain_is_missing),
        support::trial("folders/rust_that_does_not_compile", rust, rust_that_does_not_compile),
        support::trial("folders/rust_that_is_no_library", rust, rust_that_is_no_library),
        support::trial("folders/rust_is_built_and_run", rust, rust_is_built_and_run),
        support::trial("folders/javascript_with_a_syntax_error", javascript, || broken("javascript", SYNTAX)),
        support::trial("folders/javascript_without_handler", javascript, || broken("javascript", NO_HANDLER)),
        support::trial("folders/python_with_a_syntax_error", python, || broken("python", SYNTAX)),
        support::trial("folders/python_without_handler", python, || broken("python", NO_HANDLER)),
    ]
}

/// A kind of broken source: its name, and what stands in it in JavaScript and in Python.
type Broken = (&'static str, &'static str, &'static str);

const SYNTAX: Broken =
    ("syntax_error", "export function handle(event) {\n  return (;\n}\n", "def handle(event):\n    return (\n");
const NO_HANDLER: Broken =
    ("no_handler", "export function greet() {\n  return \"hello\";\n}\n", "def greet():\n    return \"hello\"\n");

fn without_source() -> Verdict {
    let stage = Stage::new()?;
    stage.write("notes/readme.txt", "nothing to run")?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["build", "notes"])?;
    transcript.run(&["run", "notes"])?;
    transcript.run(&["build", "nowhere"])?;
    transcript.matches("folder_without_source")
}

fn toolchain_is_missing() -> Verdict {
    let stage = Stage::new()?;
    let mut transcript = Transcript::new(&stage);
    for sign in ["Cargo.toml", "index.js", "main.py"] {
        let folder = sign.split('.').next().unwrap_or(sign);
        stage.write(&format!("{folder}/{sign}"), "")?;
        let arguments = ["build", folder];
        let mut command = stage.command(&arguments);
        command.env("PATH", "");
        transcript.add(&arguments, &stage.end(command)?);
    }
    transcript.matches("toolchain_is_missing")
}

/// A package without dependencies, for the toolchain of this project.
pub fn write_package(stage: &Stage, name: &str, library: &str) -> Verdict {
    let manifest = "[package]\nname = \"NAME\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n[workspace]\n";
    stage.write(&format!("{name}/Cargo.toml"), manifest.replace("NAME", name))?;
    stage.write(&format!("{name}/src/lib.rs"), library)?;
    let toolchain = std::fs::read(support::root().join("rust-toolchain.toml"))?;
    stage.write(&format!("{name}/rust-toolchain.toml"), toolchain)?;
    Ok(())
}

fn rust_that_does_not_compile() -> Verdict {
    let stage = Stage::new()?;
    write_package(&stage, "broken", "pub fn count() -> u32 {\n    \"seven\"\n}\n")?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["build", "broken"])?;
    let mut settings = insta::Settings::clone_current();
    // Cargo tells when another one is at work.
    settings.add_filter(r"(?m)^ *Blocking waiting for .*\n", "");
    settings.add_filter(r"(?m)^ *Compiling", "Compiling");
    settings.bind(|| transcript.matches("rust_that_does_not_compile"))
}

fn rust_that_is_no_library() -> Verdict {
    let stage = Stage::new()?;
    write_package(&stage, "broken", "")?;
    let manifest = std::fs::read_to_string(stage.path("broken/Cargo.toml"))?.replace("cdylib", "rlib");
    stage.write("broken/Cargo.toml", manifest)?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["build", "broken"])?;
    transcript.matches("rust_that_is_no_library")
}

/// The path is all that is printed, and nothing is told in a pipe.
fn rust_is_built_and_run() -> Verdict {
    let stage = Stage::new()?;
    let folder = support::root().join("guests/rust/hello");
    let folder = folder.to_str().ok_or("the project's path is no text")?;
    let built = stage.run(&["build", folder])?.ended(0)?;
    let component = built.text();
    assert_eq!((component.lines().count(), built.stderr.as_str()), (1, ""));
    assert!(Path::new(component.trim_end()).is_absolute(), "{component}");
    for target in [component.trim_end(), folder] {
        let ran = stage.run(&["run", target, "--data", "folder"])?.ended(0)?;
        assert_eq!(ran.text(), "Hello, folder!");
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
    Ok(())
}

fn broken(language: &str, (name, javascript, python): Broken) -> Verdict {
    let stage = Stage::new()?;
    share_toolchain(&stage, language)?;
    let (file, source) = if language == "python" { ("main.py", python) } else { ("index.js", javascript) };
    stage.write(&format!("broken/{file}"), source)?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["build", "broken"])?;
    transcript.matches(&format!("{language}_{name}"))
}

/// Makes the stage a project that has the toolchain already, so that no scenario downloads one of its own.
fn share_toolchain(stage: &Stage, language: &str) -> Result<(), Failed> {
    support::guest(language, "hello")?;
    let toolchains = support::root().canonicalize()?.join(".wasm-faas/toolchains");
    std::fs::create_dir_all(stage.path(".wasm-faas"))?;
    #[cfg(unix)]
    std::os::unix::fs::symlink(toolchains, stage.path(".wasm-faas/toolchains"))?;
    #[cfg(windows)]
    std::os::windows::fs::symlink_dir(toolchains, stage.path(".wasm-faas/toolchains"))?;
    Ok(())
}
