//! What was written reaches the disk before anybody is told so, as the system calls show.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};

use super::{Verdict, support, writer};

/// What can be done durably, and whether a file of its own is written for it.
const OPERATIONS: [(&str, bool); 6] = [
    ("set", false),
    ("delete", false),
    ("send", false),
    ("acknowledge", false),
    ("put_small", false),
    ("put_large", true),
];

pub fn trials() -> Vec<Trial> {
    let missing = (!support::runs("strace", &["-o", "/dev/null", "true"])).then_some("strace is missing");
    let trial = |(operation, file)| {
        let name = format!("durability/sync_precedes_the_answer_of/{operation}");
        support::trial(name, missing, move || sync_precedes_the_answer(operation, file))
    };
    OPERATIONS.map(trial).into()
}

fn sync_precedes_the_answer(operation: &str, file: bool) -> Verdict {
    let folder = tempfile::tempdir()?;
    let trace = folder.path().join("trace");
    let data = folder.path().join("data");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-e", "trace=write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2", "-o"]);
    command.arg(&trace).arg(std::env::current_exe()?);
    command.env(writer::ROLE, operation).env(writer::FOLDER, &data).stdin(Stdio::null()).stdout(Stdio::piped());
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("it ended with {}", output.status).into());
    }
    let trace = std::fs::read_to_string(&trace)?;
    judge(&calls(&trace), &data.canonicalize()?, file)
        .map_err(|error| format!("{}\n{trace}", error.message().unwrap_or_default()).into())
}

/// A system call: the lines of the trace where it began and where it returned.
#[derive(Debug)]
struct Call {
    name: String,
    arguments: String,
    began: usize,
    returned: usize,
}

impl Call {
    fn is_sync(&self) -> bool {
        matches!(self.name.as_str(), "fsync" | "fdatasync")
    }

    /// What its first argument stands for: `3</data/store.db-wal>`.
    fn file(&self) -> &str {
        self.arguments.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path)
    }

    fn tells(&self, line: &str) -> bool {
        self.name == "write" && self.arguments.starts_with("1<") && self.arguments.contains(&format!("\"{line}\\n\""))
    }
}

/// Puts together again what is split because threads took turns: `write(3, <unfinished ...>` and later
/// `<... write resumed>) = 5`.
fn calls(trace: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut open: HashMap<&str, (usize, &str)> = HashMap::new();
    for (index, line) in trace.lines().enumerate() {
        let Some((thread, text)) = line.split_once(char::is_whitespace) else { continue };
        let text = text.trim_start();
        if let Some(text) = text.strip_suffix("<unfinished ...>") {
            open.insert(thread, (index, text));
        } else if text.starts_with("<... ") {
            let Some((began, text)) = open.remove(thread) else { continue };
            calls.extend(call(text, began, index));
        } else {
            calls.extend(call(text, index, index));
        }
    }
    calls
}

fn call(text: &str, began: usize, returned: usize) -> Option<Call> {
    let (name, arguments) = text.split_once('(')?;
    Some(Call { name: name.into(), arguments: arguments.into(), began, returned })
}

/// Between `begin` and `ok` there are writes to the store, and after the last one to each of its files a sync of that
/// file that returned before `ok` was told.
fn judge(calls: &[Call], data: &Path, own_file: bool) -> Verdict {
    let told = |line| calls.iter().find(|call| call.tells(line)).ok_or_else(|| format!("`{line}` was not told"));
    let (begin, ok) = (told("begin")?.returned, told("ok")?.began);
    let data = data.to_string_lossy();
    let during = || calls.iter().filter(|call| call.began > begin && call.returned < ok);
    let written: HashMap<&str, usize> = during()
        .filter(|call| call.name.contains("write") && call.file().starts_with(&*data))
        .map(|call| (call.file(), call.returned))
        .collect();
    let is_log = |file: &&&str| file.ends_with("store.db-wal");
    if !written.keys().any(|file| is_log(&file)) || written.keys().any(|file| file.contains("/blobs/")) != own_file {
        return Err(format!("unexpected files were written: {:?}", written.keys()).into());
    }
    for (file, last) in &written {
        if !during().any(|call| call.is_sync() && call.file() == *file && call.began > *last) {
            return Err(format!("`{file}` was written and not synced before the answer").into());
        }
    }
    if own_file { judge_rename(&during().collect::<Vec<_>>()) } else { Ok(()) }
}

/// A file has its name for good once the folder it is in was synced, and the log names it only after that.
fn judge_rename(calls: &[&Call]) -> Result<(), Failed> {
    let renamed = calls.iter().find(|call| call.name.starts_with("rename")).ok_or("the file got no name")?;
    let is_folder = |call: &&&Call| call.is_sync() && call.file().contains("/blobs/") && call.began > renamed.returned;
    let folder = calls.iter().find(is_folder).ok_or("the folder of the file was not synced")?;
    let log = |call: &&&Call| call.name.contains("write") && call.file().ends_with("store.db-wal");
    match calls.iter().find(log) {
        Some(first) if first.began < folder.returned => Err("the row was written before its file was safe".into()),
        _ => Ok(()),
    }
}
