//! Long copies, with a bar on a terminal.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use crate::cli::error::CliError;
use crate::services::blob::CHUNK_BYTES;
use crate::triggers::control::{Download, Object, Upload};

/// What is copied within this time needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// How far a copy is. Shown on a terminal's standard error, nowhere else; gone when dropped.
struct Progress {
    started: Instant,
    done: u64,
    /// `None` when nobody knows.
    size: Option<u64>,
    bar: Option<ProgressBar>,
}

impl Progress {
    fn new(size: Option<u64>) -> Self {
        Self { started: Instant::now(), done: 0, size, bar: None }
    }

    fn add(&mut self, bytes: usize) {
        self.done += bytes as u64;
        if self.started.elapsed() > PATIENCE {
            self.bar.get_or_insert_with(|| bar(self.size)).set_position(self.done);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(size: Option<u64>) -> ProgressBar {
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {bytes_per_sec}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Sends a file, or standard input for `-`, to its end.
pub(super) async fn upload(path: &Path, mut upload: Upload) -> Result<Object, CliError> {
    let failed = |source| CliError::ReadInput { path: path.to_owned(), source };
    let (mut source, size): (Box<dyn AsyncRead + Unpin + Send>, _) = match path == Path::new("-") {
        true => (Box::new(tokio::io::stdin()), None),
        false => {
            let file = File::open(path).await.map_err(failed)?;
            let size = file.metadata().await.map_err(failed)?.len();
            (Box::new(file), Some(size))
        }
    };
    let mut progress = Progress::new(size);
    loop {
        let mut piece = Vec::with_capacity(CHUNK_BYTES);
        // A pipe gives little at a time; the store takes much.
        while piece.len() < CHUNK_BYTES
            && (&mut source).take((CHUNK_BYTES - piece.len()) as u64).read_buf(&mut piece).await.map_err(failed)? > 0
        {
        }
        if piece.is_empty() {
            return Ok(upload.finish().await?);
        }
        progress.add(piece.len());
        upload.write(piece).await?;
    }
}

/// Writes an object to a file, which is there as a whole or not at all; or to standard output for `-`.
pub(super) async fn download(path: &Path, size: u64, download: Download) -> Result<(), CliError> {
    if path == Path::new("-") {
        return to_stdout(size, download).await;
    }
    let failed = |source| CliError::WriteOutput { path: path.to_owned(), source };
    let draft = Draft::of(path);
    let mut file = File::create(draft.path()).await.map_err(failed)?;
    let (mut progress, mut download) = (Progress::new(Some(size)), download);
    while let Some(piece) = download.next().await? {
        file.write_all(&piece).await.map_err(failed)?;
        progress.add(piece.len());
    }
    file.flush().await.map_err(failed)?;
    draft.finish(path).map_err(failed)
}

async fn to_stdout(size: u64, mut download: Download) -> Result<(), CliError> {
    use std::io::IsTerminal as _;
    let mut progress = (!std::io::stdout().is_terminal()).then(|| Progress::new(Some(size)));
    while let Some(piece) = download.next().await? {
        crate::cli::print(&piece)?;
        if let Some(progress) = &mut progress {
            progress.add(piece.len());
        }
    }
    Ok(())
}

/// A file that is not whole yet, beside its place; removed when it is given up.
enum Draft {
    Beside(Option<PathBuf>),
    /// A device or a pipe takes what comes.
    Itself(PathBuf),
}

impl Draft {
    fn of(path: &Path) -> Self {
        if path.exists() && !path.is_file() {
            return Self::Itself(path.to_owned());
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        Self::Beside(Some(path.with_file_name(name)))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Beside(path) => path.as_deref().unwrap_or(Path::new("")),
            Self::Itself(path) => path,
        }
    }

    fn finish(mut self, path: &Path) -> std::io::Result<()> {
        if let Self::Beside(draft) = &mut self
            && let Some(whole) = draft.as_ref()
        {
            std::fs::rename(whole, path)?;
            *draft = None;
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Self::Beside(Some(path)) = self {
            // It may never have been made.
            let _ = std::fs::remove_file(path);
        }
    }
}
