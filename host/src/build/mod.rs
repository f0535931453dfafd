//! From a folder with source to a component, with the language's own toolchain.
//!
//! Everything made goes below `.wasm-faas/` of the project: toolchains, the SDKs this binary carries, and components.

mod javascript;
mod project;
mod python;
mod rust;
mod sdk;
mod step;

use std::path::{Path, PathBuf};

use wasm_metadata::AddMetadata;

pub use project::Project;
pub use step::Progress;

/// A language with a toolchain of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Rust,
    JavaScript,
    Python,
}

impl Language {
    /// The files that tell a language, in the order they are looked for.
    const SIGNS: [(&'static str, Self); 8] = [
        ("Cargo.toml", Self::Rust),
        ("package.json", Self::JavaScript),
        ("index.js", Self::JavaScript),
        ("index.ts", Self::JavaScript),
        ("pyproject.toml", Self::Python),
        ("requirements.txt", Self::Python),
        ("main.py", Self::Python),
        ("app.py", Self::Python),
    ];

    fn of(folder: &Path) -> Option<Self> {
        Self::SIGNS.into_iter().find(|(sign, _)| folder.join(sign).is_file()).map(|(_, language)| language)
    }
}

/// Why a folder did not become a component.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("`{}` holds no function: none of {} is in it", folder.display(), signs())]
    NoSource { folder: PathBuf },
    #[error("building `{}` needs `{tool}`, which was not found; {remedy}", folder.display())]
    MissingTool { folder: PathBuf, tool: &'static str, remedy: &'static str },
    #[error("{step} failed for `{}`:\n{output}", folder.display())]
    Failed { step: String, folder: PathBuf, output: String },
    #[error("`{}` was built, but the build made no component; a function is a library with `crate-type = [\"cdylib\"]`", folder.display())]
    NoComponent { folder: PathBuf },
    #[error("cannot {what} `{}`: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
}

fn signs() -> String {
    Language::SIGNS.map(|(sign, _)| format!("`{sign}`")).join(", ")
}

/// Builds the function in `folder` and returns the component's path. What has not changed is not built again.
///
/// Shows a progress line on a terminal; waits for another build in the same project to end.
pub async fn build(folder: &Path) -> Result<PathBuf, BuildError> {
    let (folder, language) = source(folder)?;
    let project = Project::of(&folder)?;
    let _turn = project.lock().await?;
    match language {
        Language::Rust => rust::build(&project, &folder).await,
        Language::JavaScript => javascript::build(&project, &folder).await,
        Language::Python => python::build(&project, &folder).await,
    }
}

/// The component that the function in `folder` was last built to, if it was. Builds and makes nothing.
pub fn built(folder: &Path) -> Result<Option<PathBuf>, BuildError> {
    let (folder, _) = source(folder)?;
    Ok(Some(Project::find(&folder).component(&folder)).filter(|component| component.is_file()))
}

/// The folder's own path, and the language of what is in it.
fn source(folder: &Path) -> Result<(PathBuf, Language), BuildError> {
    let fail = |source| BuildError::Io { what: "open the folder", path: folder.to_owned(), source };
    let folder = folder.canonicalize().map_err(fail)?;
    let language = Language::of(&folder).ok_or_else(|| BuildError::NoSource { folder: folder.clone() })?;
    Ok((folder, language))
}

/// Writes into a component what it was made from and with: the toolchains of JavaScript and Python leave only the Rust of
/// their runtimes there.
fn stamp(component: &Path, language: &str, tool: &str) -> Result<(), BuildError> {
    let io = |what| move |source| BuildError::Io { what, path: component.to_owned(), source };
    let bytes = std::fs::read(component).map_err(io("read"))?;
    let mut metadata = AddMetadata::default();
    metadata.language = vec![(language.into(), String::new())];
    metadata.processed_by = vec![(tool.into(), String::new()), ("wasm-faas".into(), env!("CARGO_PKG_VERSION").into())];
    let stamped = metadata.to_wasm(&bytes).map_err(|error| io("stamp")(std::io::Error::other(error)))?;
    let partial = component.with_extension("partial");
    std::fs::write(&partial, stamped).and_then(|()| std::fs::rename(&partial, component)).map_err(io("write"))
}
