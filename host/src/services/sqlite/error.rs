use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("data folder `{}` is in use by {}: stop that one or give another folder",
        .folder.display(), process(*.pid))]
    InUse { folder: PathBuf, pid: Option<u32> },
    #[error("data folder `{}` is not a folder: give the path of a folder, or of one to create", .folder.display())]
    NotAFolder { folder: PathBuf },
    #[error("data folder `{}` cannot be created ({source}): create it or give another one", .folder.display())]
    NotCreated { folder: PathBuf, source: io::Error },
    #[error("data folder `{}` cannot be written ({source}): make it writable for this user or give another one",
        .folder.display())]
    ReadOnly { folder: PathBuf, source: io::Error },
    #[error("data folder `{}` is on a disk that is full: free some space and start again", .folder.display())]
    Full { folder: PathBuf },
    #[error(
        "data folder `{}` is on a network filesystem ({kind}), where neither locks nor syncs can \
         be relied on: give a folder on a local disk", .folder.display()
    )]
    Network { folder: PathBuf, kind: &'static str },
    #[error(
        "`{}` is of version {found}, written by a newer wasm-faas; this one knows up to version {known}: use the \
         newer wasm-faas", .file.display()
    )]
    Newer { file: PathBuf, found: i64, known: i64 },
    #[error("`{}` is not a database of wasm-faas: give another data folder, or move that file away", .file.display())]
    Foreign { file: PathBuf },
    #[error("`{}` is damaged ({why}): restore the data folder from a backup", .file.display())]
    Corrupt { file: PathBuf, why: String },
    #[error("data folder `{}` cannot be used: {source}", .folder.display())]
    Io { folder: PathBuf, source: io::Error },
    #[error("the database in data folder `{}` cannot be used: {source}", .folder.display())]
    Engine { folder: PathBuf, source: rusqlite::Error },
    #[error("SQLite {found} can lose data, this needs {needed} or newer: build wasm-faas with its bundled SQLite")]
    OldEngine { found: &'static str, needed: &'static str },
    #[error("{of} names queue `{queue}`, which is not defined: define the queue or correct the name")]
    UnknownQueue { of: String, queue: String },
    #[error(
        "queue `{queue}` watches {resource} `{name}`, which is not defined: define the {resource} or correct the name"
    )]
    UnknownWatched { queue: String, resource: &'static str, name: String },
    #[error("queue `{queue}` is its own dead-letter queue, its messages would never be dead: name another one")]
    OwnDeadLetter { queue: String },
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".into(), |pid| format!("process {pid}"))
}

impl OpenError {
    /// What an I/O error in `folder` comes to.
    pub(super) fn io(folder: &Path, source: io::Error) -> Self {
        let folder = folder.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotADirectory => Self::NotAFolder { folder },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { folder },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { folder, source },
            _ => Self::Io { folder, source },
        }
    }

    /// What an error of the database in `folder` comes to.
    pub(super) fn engine(folder: &Path, source: rusqlite::Error) -> Self {
        let file = folder.join(super::schema::FILE);
        let folder = folder.to_path_buf();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { folder },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::ReadOnly { folder, source: io::Error::other(source) }
            }
            Some(ErrorCode::NotADatabase) => Self::Foreign { file },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { file, why: source.to_string() },
            _ => Self::Engine { folder, source },
        }
    }
}
