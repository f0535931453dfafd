use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::file::FileId;

const KEY_BYTES: usize = 32;
/// How long compiled code is kept: every build of a Python function leaves 39 MB.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// Machine code on disk, private to this user on this machine: `<digest>-<profile>-<engine>.cwasm` beside its MAC; and what
/// is known of component files (`index.rs`).
///
/// Mapping a file means running what is in it. So the folder is the user's alone, a file is written under another name
/// and renamed when whole, and one whose MAC does not fit is compiled again. A file is never written in place: it may be
/// mapped.
pub struct Cache {
    dir: PathBuf,
    mac: Hmac<Sha256>,
    /// Files whose MAC this process has checked, by what identifies their bytes.
    checked: Mutex<HashMap<PathBuf, FileId>>,
    pruned: Once,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot use the folder `{}` for compiled code: {source}; choose another with `WASM_FAAS_CACHE`", dir.display())]
pub struct CacheError {
    dir: PathBuf,
    source: std::io::Error,
}

impl Cache {
    /// Opens or makes the folder. Its key is made at first use and never leaves it.
    pub fn open(dir: &Path) -> Result<Self, CacheError> {
        let fail = |source| CacheError { dir: dir.to_owned(), source };
        create_private(dir).map_err(fail)?;
        let key = read_or_make_key(&dir.join("key")).map_err(fail)?;
        let mac = Hmac::new_from_slice(&key).map_err(|error| fail(std::io::Error::other(error)))?;
        Ok(Self { dir: dir.to_owned(), mac, checked: Mutex::default(), pruned: Once::new() })
    }

    /// The folder of this user: `WASM_FAAS_CACHE`, else `wasm-faas` in the platform's cache folder, else in the temporary
    /// one.
    pub fn default_dir() -> PathBuf {
        use etcetera::BaseStrategy as _;
        if let Some(dir) = std::env::var_os("WASM_FAAS_CACHE") {
            return dir.into();
        }
        let user = etcetera::choose_base_strategy().map(|base| base.cache_dir());
        user.unwrap_or_else(|_| std::env::temp_dir()).join("wasm-faas")
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether there is a file of this name; whether it fits is looked at when it is mapped.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.dir.join(name).exists()
    }

    /// The component compiled before, mapped; `None` when there is none or it does not fit. `name` is from [`file_name`].
    pub(super) fn load(&self, name: &str, engine: &Engine) -> Option<Component> {
        let path = self.dir.join(name);
        let id = FileId::of(&fs::metadata(&path).ok()?);
        let known = self.checked().get(&path) == Some(&id);
        if !known && !self.fits(&path) {
            return None;
        }
        self.checked().insert(path.clone(), id);
        map(engine, &path)
    }

    /// Keeps compiled code for the next start, and maps it; used from memory now when that fails, as on a full disk.
    pub(super) fn store(&self, name: &str, engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
        let path = self.dir.join(name);
        self.pruned.call_once(|| self.prune());
        let kept = write_whole(&mac_path(&path), &self.seal(&path, code)).and_then(|()| write_whole(&path, code));
        match kept.ok().and_then(|()| map(engine, &path)) {
            Some(mapped) => Ok(mapped),
            None => from_memory(engine, code),
        }
    }

    /// Removes what was compiled long ago. One that is mapped goes on; one that is needed again is compiled again.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            let is_ours = ["cwasm", "mac", "index"].iter().any(|ours| path.extension().is_some_and(|its| its == *ours));
            let age =
                entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
            if is_ours && age.is_some_and(|age| age > LIFETIME) {
                // Another process may have been quicker.
                let _ = fs::remove_file(path);
            }
        }
    }

    fn fits(&self, path: &Path) -> bool {
        let expected = fs::read(mac_path(path)).unwrap_or_default();
        let Ok(mut file) = File::open(path) else { return false };
        let mut mac = self.hmac(path);
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return mac.verify_slice(&expected).is_ok(),
                Ok(read) => mac.update(&buffer[..read]),
                Err(_) => return false,
            }
        }
    }

    /// The MAC of a file's contents.
    pub(super) fn seal(&self, path: &Path, contents: &[u8]) -> Vec<u8> {
        let mut mac = self.hmac(path);
        mac.update(contents);
        mac.finalize().into_bytes().to_vec()
    }

    pub(super) fn is_sealed(&self, path: &Path, contents: &[u8], mac: &[u8]) -> bool {
        let mut expected = self.hmac(path);
        expected.update(contents);
        expected.verify_slice(mac).is_ok()
    }

    /// Takes in the file's name, so that no file can stand in for another.
    fn hmac(&self, path: &Path) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        mac
    }

    fn checked(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, FileId>> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Changes with everything that machine code for an engine depends on, besides the component.
pub(super) fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

#[allow(unsafe_code, reason = "machine code is mapped here alone; see the safety comment")]
fn map(engine: &Engine, path: &Path) -> Option<Component> {
    // SAFETY: the bytes were written by this host's own compiler, in a folder only its user can write, and their MAC was
    // checked; nobody changes a file in place.
    unsafe { Component::deserialize_file(engine, path) }.ok()
}

#[allow(unsafe_code, reason = "machine code is taken from memory here alone; see the safety comment")]
fn from_memory(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: this process's compiler made these bytes a moment ago.
    unsafe { Component::deserialize(engine, code) }
}

fn mac_path(path: &Path) -> PathBuf {
    path.with_extension("mac")
}

fn create_private(dir: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let metadata = fs::metadata(dir)?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(std::io::Error::other("it belongs to another user"));
        }
        if metadata.mode() & 0o077 != 0 {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
            // Others could have read the key or put one there: with a new one nothing of theirs fits.
            match fs::remove_file(dir.join("key")) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

fn read_or_make_key(path: &Path) -> std::io::Result<[u8; KEY_BYTES]> {
    if let Ok(key) = fs::read(path)
        && let Ok(key) = key.try_into()
    {
        return Ok(key);
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(std::io::Error::other)?;
    write_whole(path, &key)?;
    File::open(path)?.sync_all()?;
    Ok(key)
}

/// Readers see all of it or nothing. What a power cut leaves of it is found by its MAC, so that nobody waits for the disk.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let temporary = dir.join(format!(".{}", ulid::Ulid::generate()));
    let written = File::create_new(&temporary).and_then(|mut file| file.write_all(bytes));
    let renamed = written.and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    renamed
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn old_code_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let (old, new) = (folder.path().join("old.cwasm"), folder.path().join("new.cwasm"));
        for path in [&old, &new] {
            File::create(path).unwrap();
        }
        let long_ago = SystemTime::now() - LIFETIME - Duration::from_secs(60);
        for path in [&old, &folder.path().join("key")] {
            File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
        }
        cache.prune();
        assert!(!old.exists() && new.exists() && folder.path().join("key").exists());
    }
}
