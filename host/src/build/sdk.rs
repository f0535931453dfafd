use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use sha2::{Digest as _, Sha256};

use super::{BuildError, Project};

static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../wit");
static JAVASCRIPT: [(&str, Dir<'_>); 4] = [
    ("src", include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/src")),
    ("build", include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/build")),
    ("toolchain", include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/toolchain")),
    ("toolchain-starlingmonkey", include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/toolchain-starlingmonkey")),
];
static PYTHON: [(&str, Dir<'_>); 3] = [
    ("wasm_faas", include_dir!("$CARGO_MANIFEST_DIR/../sdk/python/wasm_faas")),
    ("build", include_dir!("$CARGO_MANIFEST_DIR/../sdk/python/build")),
    ("toolchain", include_dir!("$CARGO_MANIFEST_DIR/../sdk/python/toolchain")),
];

/// The SDKs and the contract that this binary carries, as files: a function is built against the host that runs it.
pub(super) struct Sdk {
    pub(super) wit: PathBuf,
    pub(super) javascript: PathBuf,
    pub(super) python: PathBuf,
    /// Names their contents.
    pub(super) digest: String,
}

impl Sdk {
    /// Unpacks them below the project, once per version.
    pub(super) fn unpack(project: &Project) -> Result<Self, BuildError> {
        let digest = digest();
        let root = project.own("toolchains").join(format!("sdk-{}", &digest[..16]));
        let (wit, javascript, python) = (root.join("wit"), root.join("js"), root.join("python"));
        let complete = root.join("complete");
        if !complete.exists() {
            write(&WIT, &wit)?;
            for (name, dir) in &JAVASCRIPT {
                write(dir, &javascript.join(name))?;
            }
            for (name, dir) in &PYTHON {
                write(dir, &python.join(name))?;
            }
            fs::write(&complete, "").map_err(|source| io("write", &complete, source))?;
        }
        Ok(Self { wit, javascript, python, digest })
    }
}

fn write(dir: &Dir<'_>, to: &Path) -> Result<(), BuildError> {
    fs::create_dir_all(to).and_then(|()| dir.extract(to)).map_err(|source| io("write", to, source))
}

fn digest() -> String {
    let mut hash = Sha256::new();
    let dirs = JAVASCRIPT.iter().chain(&PYTHON).map(|(_, dir)| dir).chain([&WIT]);
    dirs.for_each(|dir| add(dir, &mut hash));
    format!("{:x}", hash.finalize())
}

fn add(dir: &Dir<'_>, hash: &mut Sha256) {
    for file in dir.files() {
        hash.update(file.path().as_os_str().as_encoded_bytes());
        hash.update(file.contents());
    }
    dir.dirs().for_each(|dir| add(dir, hash));
}

fn io(what: &'static str, path: &Path, source: std::io::Error) -> BuildError {
    BuildError::Io { what, path: path.to_owned(), source }
}

/// Whether `output` was made from these sources by this SDK; remembers it with [`Inputs::record`].
pub(super) struct Inputs {
    record: PathBuf,
    digest: Option<String>,
}

impl Inputs {
    pub(super) fn of(folder: &Path, output: &Path, sdk: &Sdk) -> Self {
        Self { record: output.with_extension("inputs"), digest: inputs_digest(folder, sdk) }
    }

    pub(super) fn unchanged(&self, output: &Path) -> bool {
        let recorded = fs::read_to_string(&self.record).ok();
        self.digest.is_some() && recorded == self.digest && output.exists()
    }

    /// Forgets the output before it is made anew: an interrupted build must not pass for a finished one.
    pub(super) fn forget(&self) {
        let _ = fs::remove_file(&self.record);
    }

    /// Remembering is a convenience: when it fails the next build does the work again.
    pub(super) fn record(&self) {
        if let Some(digest) = &self.digest {
            let _ = fs::write(&self.record, digest);
        }
    }
}

/// `None` when it cannot be told: a file that names a path above its folder may read anything.
fn inputs_digest(folder: &Path, sdk: &Sdk) -> Option<String> {
    let mut hash = Sha256::new();
    hash.update(&sdk.digest);
    for path in super::project::sources(folder).ok()? {
        let contents = fs::read(&path).ok()?;
        if contents.windows(3).any(|three| three == b"../") {
            return None;
        }
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update((contents.len() as u64).to_le_bytes());
        hash.update(&contents);
    }
    Some(format!("{:x}", hash.finalize()))
}

/// Where the toolchain with these pins is, below the project.
pub(super) fn toolchain_dir(project: &Project, language: &str, pins: &[u8]) -> PathBuf {
    let digest = format!("{:x}", Sha256::digest(pins));
    project.own("toolchains").join(format!("{language}-{}", &digest[..16]))
}

/// An empty folder: what an interrupted installation left is not to be trusted.
pub(super) fn clear(dir: &Path) -> Result<(), BuildError> {
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(|source| io("remove", dir, source))?;
    }
    fs::create_dir_all(dir).map_err(|source| io("make the folder", dir, source))
}
