use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::BuildError;
use super::step::Progress;

/// Folders that no source is in.
const NOT_SOURCE: [&str; 6] = ["node_modules", ".git", ".wasm-faas", "__pycache__", "target", ".venv"];

/// Where a function's folder belongs: the nearest folder above it with a `wasm-faas.toml`, a `.wasm-faas` or a `.git`, else
/// itself.
pub struct Project {
    root: PathBuf,
}

impl Project {
    pub fn of(folder: &Path) -> Result<Self, BuildError> {
        let project = Self::find(folder);
        project.make(&project.own(""))?;
        Ok(project)
    }

    /// The same, and nothing is made.
    pub(super) fn find(folder: &Path) -> Self {
        let marks = ["wasm-faas.toml", ".wasm-faas", ".git"];
        let is_root = |folder: &&Path| marks.iter().any(|mark| is_own(&folder.join(mark)));
        Self { root: folder.ancestors().find(is_root).unwrap_or(folder).to_owned() }
    }

    /// A path below the project's `.wasm-faas/`.
    pub fn own(&self, path: &str) -> PathBuf {
        self.root.join(".wasm-faas").join(path)
    }

    /// Where the component of `folder` goes; the folder for it is made.
    pub fn output(&self, folder: &Path) -> Result<PathBuf, BuildError> {
        let output = self.component(folder);
        self.make(output.parent().unwrap_or(&self.root))?;
        Ok(output)
    }

    /// The component of `folder`: in `.wasm-faas/build/`, by the folder's path within the project.
    pub(super) fn component(&self, folder: &Path) -> PathBuf {
        let inside = folder.strip_prefix(&self.root).unwrap_or(folder);
        let inside = if inside.as_os_str().is_empty() { Path::new("function") } else { inside };
        let mut output = self.own("build").join(inside).into_os_string();
        output.push(".wasm");
        PathBuf::from(output)
    }

    pub(super) fn make(&self, dir: &Path) -> Result<(), BuildError> {
        fs::create_dir_all(dir).map_err(|source| BuildError::Io { what: "make the folder", path: dir.into(), source })
    }

    /// One build at a time: they share toolchains and caches. Freed when dropped, and when the process dies.
    pub(super) async fn lock(&self) -> Result<File, BuildError> {
        let path = self.own("build.lock");
        let fail = |source| BuildError::Io { what: "lock", path: path.clone(), source };
        let file = File::create(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::Error(source)) => Err(fail(source)),
            Err(TryLockError::WouldBlock) => {
                let _progress = Progress::start("waiting for another build to end");
                let waited = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
                waited.map_err(|error| fail(std::io::Error::other(error)))?.map_err(fail)
            }
        }
    }
}

/// Whether a path is there and this user's: in a folder that others write to, a `.wasm-faas` may be a trap.
fn is_own(path: &Path) -> bool {
    #[cfg(unix)]
    let own =
        |metadata: fs::Metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == rustix::process::geteuid().as_raw();
    #[cfg(not(unix))]
    let own = |_| true;
    fs::metadata(path).is_ok_and(own)
}

/// Every source file below `folder`, in the order of their paths. An error when there is a symbolic link.
pub(super) fn sources(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                return Err(std::io::Error::other("a link may lead anywhere"));
            }
            if kind.is_file() {
                files.push(entry.path());
            } else if kind.is_dir() && !NOT_SOURCE.iter().any(|name| entry.file_name() == *name) {
                folders.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}
