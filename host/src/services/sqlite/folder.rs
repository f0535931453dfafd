//! The data folder: found or made, on a local disk, and held by one process.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use super::OpenError;

const LOCK_FILE: &str = "lock";

pub(super) struct Folder {
    /// Absolute, for the database engine, which knows paths only.
    pub(super) path: PathBuf,
    pub(super) dir: Dir,
    pub(super) lock: Lock,
}

/// The exclusive right to a data folder, given back when dropped.
pub(crate) struct Lock(File);

pub(super) fn open(path: &Path) -> Result<Folder, OpenError> {
    create(path)?;
    let failed = |error| OpenError::io(path, error);
    let path = path.canonicalize().map_err(failed)?;
    let dir = Dir::open_ambient_dir(&path, ambient_authority()).map_err(failed)?;
    if let Some(kind) = network_filesystem(&dir).map_err(failed)? {
        return Err(OpenError::Network { folder: path, kind });
    }
    let lock = Lock::take(&path, &dir)?;
    Ok(Folder { path, dir, lock })
}

fn create(path: &Path) -> Result<(), OpenError> {
    if path.is_dir() {
        return Ok(());
    }
    match std::fs::create_dir_all(path).and_then(|()| sync_parent(path)) {
        Ok(()) => Ok(()),
        Err(_) if path.exists() => Err(OpenError::NotAFolder { folder: path.into() }),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(OpenError::Full { folder: path.into() }),
        Err(source) => Err(OpenError::NotCreated { folder: path.into(), source }),
    }
}

/// Makes the name of a new folder as durable as what it is going to hold.
fn sync_parent(path: &Path) -> io::Result<()> {
    path.canonicalize()?.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

impl Lock {
    /// The lock goes with the open file, so that it cannot outlive the process; the pid inside is for people.
    fn take(path: &Path, dir: &Dir) -> Result<Self, OpenError> {
        let failed = |error| OpenError::io(path, error);
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = dir.open_with(LOCK_FILE, &options).map_err(failed)?.into_std();
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { folder: path.into(), pid: read_pid(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        write_pid(&mut file).map_err(failed)?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would leave the lock with a child process that is just being started. An error changes nothing
        // that could be mended here: the lock ends with the process at the latest.
        let _ = self.0.unlock();
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// The name of the network filesystem that holds `dir`, `None` on a local one. Where locks are kept by a server and
/// syncs end in a cache, SQLite's promises do not hold.
#[cfg(target_os = "linux")]
fn network_filesystem(dir: &Dir) -> io::Result<Option<&'static str>> {
    const KINDS: [(i128, &str); 8] = [
        (0x6969, "NFS"),
        (0xFF53_4D42, "CIFS"),
        (0xFE53_4D42, "SMB2"),
        (0x517B, "SMB"),
        (0x0102_1997, "9p"),
        (0x00C3_6400, "Ceph"),
        (0x5346_414F, "AFS"),
        (0x0BD0_0BD0, "Lustre"),
    ];
    // Its type differs between targets, and the value may be sign-extended.
    let magic = i128::from(rustix::fs::fstatfs(dir)?.f_type) & 0xFFFF_FFFF;
    Ok(KINDS.into_iter().find(|(known, _)| *known == magic).map(|(_, name)| name))
}

#[cfg(not(target_os = "linux"))]
fn network_filesystem(_: &Dir) -> io::Result<Option<&'static str>> {
    Ok(None)
}
