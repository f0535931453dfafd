//! Component files: their bytes, and what tells that these are still the same.

use std::fmt::Write as _;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Two changes may have the same time: the clocks of file systems tick at 10 ms, of some at 2 s.
const TICK: Duration = Duration::from_secs(2);

/// Identifies a file's bytes without reading them. Times are seconds and nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileId {
    inode: u64,
    length: u64,
    modified: (i64, i64),
    /// Also changes with a time that was set by hand, and with a rename.
    changed: (i64, i64),
}

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether any later change would show.
    fn is_settled(&self, now: SystemTime) -> bool {
        let (Ok(seconds), Ok(nanoseconds)) = (self.changed.0.try_into(), self.changed.1.try_into()) else {
            return false;
        };
        let age = now.duration_since(UNIX_EPOCH + Duration::new(seconds, nanoseconds));
        age.is_ok_and(|age| age > TICK)
    }
}

/// A file's bytes, and what identifies them; `None` when the file changed a moment ago and might again unseen.
pub(super) fn read(path: &Path) -> io::Result<(Vec<u8>, Option<FileId>)> {
    let mut file = File::open(path)?;
    let before = FileId::of(&file.metadata()?);
    let settled = before.is_settled(SystemTime::now());
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let same = FileId::of(&file.metadata()?) == before;
    Ok((bytes, (settled && same).then_some(before)))
}

/// SHA-256 in hex.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_a_moment_ago_is_not_identified() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (_, id) = read(file.path()).unwrap();
        assert_eq!(id, None);

        let id = FileId::of(&file.as_file().metadata().unwrap());
        let now = SystemTime::now();
        assert!(!id.is_settled(now - Duration::from_secs(60)), "a clock that went back proves nothing");
        assert!(id.is_settled(now + TICK + Duration::from_secs(1)));
    }

    #[test]
    fn the_identity_changes_with_the_bytes_and_with_a_time_set_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let id = || FileId::of(&std::fs::metadata(file.path()).unwrap());
        let first = id();
        std::fs::write(file.path(), "longer").unwrap();
        assert_ne!(id(), first);

        let (second, modified) = (id(), file.as_file().metadata().unwrap().modified().unwrap());
        std::thread::sleep(Duration::from_millis(20));
        std::fs::write(file.path(), "shaped").unwrap();
        file.as_file().set_modified(modified).unwrap();
        assert_eq!((id().length, id().modified), (second.length, second.modified));
        assert_ne!(id(), second);
    }
}
