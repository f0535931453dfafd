//! The bodies of large blobs: one file each under `blobs/`, named at random, never changed once it has its name.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cap_std::fs::{Dir, OpenOptions};
use rusqlite::Connection;

const FOLDER: &str = "blobs";
const UNFINISHED: &str = ".tmp";

/// The folder of blob files. A file is known by its name alone; the two folders above it are the name's first letters.
pub(crate) struct Files {
    root: Dir,
}

/// A file that no row names yet. Dropped before [`NewFile::keep`], it is removed.
pub(crate) struct NewFile {
    files: Arc<Files>,
    name: String,
    file: File,
    stored: bool,
    kept: AtomicBool,
}

impl Files {
    pub(super) fn open(data: &Dir) -> io::Result<Arc<Self>> {
        create_dir(data, FOLDER)?;
        Ok(Arc::new(Self { root: data.open_dir(FOLDER)? }))
    }

    /// An empty file under a name that says it is unfinished.
    pub(crate) fn create(self: &Arc<Self>) -> io::Result<NewFile> {
        let name = format!("{:016x}{:016x}", random()?, random()?);
        let (outer, inner) = folders(&name);
        create_dir(&self.root, outer)?;
        create_dir(&self.root.open_dir(outer)?, inner)?;
        let options = OpenOptions::new().write(true).create_new(true).clone();
        let file = self.root.open_with(unfinished_path(&name), &options)?.into_std();
        Ok(NewFile { files: Arc::clone(self), name, file, stored: false, kept: AtomicBool::new(false) })
    }

    pub(crate) fn open_file(&self, name: &str) -> io::Result<File> {
        Ok(self.root.open(path(name))?.into_std())
    }

    /// Readers that have the file open keep it. What cannot be removed now is removed at the next start.
    pub(crate) fn remove(&self, name: &str) {
        let _ = self.root.remove_file(path(name));
    }
}

impl NewFile {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.file.write_all(chunk)
    }

    /// Takes the rest of `source`; how many bytes that was.
    pub(crate) fn copy_from(&mut self, source: &mut &File) -> io::Result<u64> {
        io::copy(source, &mut self.file)
    }

    /// Gives the file its name; durable, contents and name, when this returns.
    pub(crate) fn store(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        let root = &self.files.root;
        root.rename(unfinished_path(&self.name), root, path(&self.name))?;
        self.stored = true;
        let (outer, inner) = folders(&self.name);
        sync_dir(&root.open_dir(outer)?.open_dir(inner)?)
    }

    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if *self.kept.get_mut() {
            return;
        }
        let path = if self.stored { path(&self.name) } else { unfinished_path(&self.name) };
        // What cannot be removed now is removed at the next start.
        let _ = self.files.root.remove_file(path);
    }
}

pub(super) enum OrphanError {
    Io(io::Error),
    Engine(rusqlite::Error),
}

impl From<io::Error> for OrphanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rusqlite::Error> for OrphanError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error)
    }
}

/// Removes the files that no row names: a process died between a file and its row.
pub(super) fn remove_orphans(files: &Files, db: &Connection) -> Result<(), OrphanError> {
    for outer in subfolders(&files.root)? {
        for folder in subfolders(&outer)? {
            remove_orphans_in(&folder, db)?;
        }
    }
    Ok(())
}

fn remove_orphans_in(folder: &Dir, db: &Connection) -> Result<(), OrphanError> {
    for file in folder.entries()? {
        let name = file?.file_name();
        if !is_wanted(db, &name.to_string_lossy())? {
            folder.remove_file(&name)?;
        }
    }
    Ok(())
}

fn subfolders(dir: &Dir) -> io::Result<Vec<Dir>> {
    let mut folders = Vec::new();
    for entry in dir.entries()? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.open_dir()?);
        }
    }
    Ok(folders)
}

fn is_wanted(db: &Connection, name: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM object WHERE file = ?1")?.exists([name])
}

fn folders(name: &str) -> (&str, &str) {
    (name.get(..2).unwrap_or_default(), name.get(2..4).unwrap_or_default())
}

fn path(name: &str) -> String {
    let (outer, inner) = folders(name);
    format!("{outer}/{inner}/{name}")
}

fn unfinished_path(name: &str) -> String {
    path(name) + UNFINISHED
}

/// Makes the folder when it is missing, and its name durable.
fn create_dir(parent: &Dir, name: &str) -> io::Result<()> {
    match parent.create_dir(name) {
        Ok(()) => sync_dir(parent),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opened anew, because the handle in a [`Dir`] may be one that names a folder and cannot sync it.
fn sync_dir(dir: &Dir) -> io::Result<()> {
    dir.open(".")?.sync_all()
}

fn random() -> io::Result<u64> {
    getrandom::u64().map_err(io::Error::other)
}
