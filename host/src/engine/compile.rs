//! From a component's bytes to machine code, in a process of its own: whatever a component does to the compiler, the host
//! goes on.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use bytesize::ByteSize;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use wasmtime::Engine;

use super::Profile;
use super::error::chain;
use super::file::digest;
use crate::child::{Running, is_interrupted};
use crate::services::context::printable;

/// Machine code that is taken from a child, in bytes; the largest known, of Python, has 39 MB.
const CODE_BYTES: u64 = 1 << 30;
/// What a child may say about why it failed, in bytes.
const COMPLAINT_BYTES: u64 = 16 << 10;
/// Exit status of a child that looked at the component and refused it. A panic has another.
const REFUSED: u8 = 3;
/// Signs of an allocation that failed: the standard library's words before it aborts, and wasmtime's in an error or a panic.
const OUT_OF_MEMORY: [&str; 2] = ["memory allocation of ", "out of memory (failed to allocate "];

/// Who compiles.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// This process, without limits: for tests and benchmarks, whose program has no verb `compile`.
    InProcess,
    /// A child, `<program> compile`, that is killed when it crosses a limit or this process ends.
    Child { program: PathBuf, limits: CompileLimits },
}

/// Bounds of compiling one component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Time on the processor, of all threads together; in whole seconds. Default 10 minutes: Python takes 14 seconds.
    pub cpu: Duration,
    /// Private memory, where the system counts it (Linux). Default 4 GiB: Python takes 0.4 GiB.
    pub memory: ByteSize,
    /// Wall clock. Default 20 minutes.
    pub time: Duration,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { cpu: Duration::from_mins(10), memory: ByteSize::gib(4), time: Duration::from_mins(20) }
    }
}

/// Why there is no machine code.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler's own words.
    #[error("{0}")]
    Refused(String),
    #[error("its file changed since it was first read; load it again")]
    Changed,
    #[error("cannot read it: {0}")]
    Read(#[source] io::Error),
    #[error("compiling took more than {} of processor time; make it smaller, or split it into several functions", humantime::format_duration(*.0))]
    Cpu(Duration),
    #[error("compiling took more than {0:#} of memory; make it smaller, or split it into several functions")]
    Memory(ByteSize),
    #[error("compiling did not end within {}; try again when the machine has less to do", humantime::format_duration(*.0))]
    Time(Duration),
    #[error(
        "the compiler was ended by {signal}, perhaps for want of memory; load fewer functions at once or give the machine more"
    )]
    Killed { signal: String },
    #[error("the compiler crashed, which the host survives: {0}; report it with the component")]
    Crashed(String),
    #[error("it makes more than {0:#} of machine code; make it smaller, or split it into several functions")]
    LargeCode(ByteSize),
    #[error("cannot start the compiler `{}`: {source}", program.display())]
    Start { program: PathBuf, source: io::Error },
    #[error("cannot bound the compiler: {0}; it needs the system call `setrlimit`")]
    Bound(#[source] io::Error),
}

/// One component to compile, for one profile.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    pub path: &'a Path,
    /// SHA-256 of the bytes that are meant, in hex.
    pub digest: &'a str,
    pub profile: Profile,
}

impl Order<'_> {
    /// The whole of what a child does: bounds itself, compiles, returns the machine code to print. Must be called before
    /// anything large is made, with standard input the pipe whose other end the parent holds open.
    pub fn run_as_child(self, cpu: Duration, memory: ByteSize) -> Result<Vec<u8>, CompileError> {
        bound(Resource::Core, 0).and_then(|()| bound_work(cpu, memory)).map_err(CompileError::Bound)?;
        end_with_parent();
        // The engine of the host but for its size, which is not in the code.
        let engine = self.profile.engine(1).map_err(|error| CompileError::Refused(chain(&error)))?;
        self.run(&engine)
    }

    fn run(self, engine: &Engine) -> Result<Vec<u8>, CompileError> {
        let bytes = std::fs::read(self.path).map_err(CompileError::Read)?;
        if digest(&bytes) != self.digest {
            return Err(CompileError::Changed);
        }
        engine.precompile_component(&bytes).map_err(|error| CompileError::Refused(chain(&error)))
    }

    /// As the verb `compile` takes it.
    fn arguments(self, limits: CompileLimits) -> Vec<OsString> {
        let mut arguments = vec!["compile".into(), format!("--digest={}", self.digest).into()];
        arguments.push(format!("--cpu-seconds={}", limits.cpu.as_secs()).into());
        arguments.push(format!("--memory-bytes={}", limits.memory.as_u64()).into());
        arguments.extend(self.profile.metered.then(|| "--metered".into()));
        arguments.extend(self.profile.concurrent.then(|| "--concurrent".into()));
        arguments.extend(["--".into(), self.path.into()]);
        arguments
    }
}

impl Compiler {
    /// The program that runs now, in a child with the default limits.
    pub fn child() -> io::Result<Self> {
        // What was started may have been replaced on disk since; the link leads to what runs.
        let program = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe()? };
        Ok(Self::Child { program, limits: CompileLimits::default() })
    }

    /// Machine code for `engine`. Blocks until it is there.
    pub(super) fn compile(&self, order: Order<'_>, engine: &Engine) -> Result<Vec<u8>, CompileError> {
        match self {
            Self::InProcess => order.run(engine),
            Self::Child { program, limits } => compile_in_child(program, *limits, order),
        }
    }
}

fn compile_in_child(program: &Path, limits: CompileLimits, order: Order<'_>) -> Result<Vec<u8>, CompileError> {
    let mut command = Command::new(program);
    command.arg0("wasm-faas").args(order.arguments(limits)).env_clear();
    let ended = run_child(&mut command, limits.time);
    while is_interrupted() {
        // The process is ending; the component is not at fault.
        thread::park();
    }
    let ended = ended.map_err(|source| CompileError::Start { program: program.to_owned(), source })?;
    if ended.overdue {
        return Err(CompileError::Time(limits.time));
    }
    if ended.code.len() as u64 > CODE_BYTES {
        return Err(CompileError::LargeCode(ByteSize(CODE_BYTES)));
    }
    if !ended.status.success() {
        return Err(complaint(ended.status, &ended.complaint, limits));
    }
    Ok(ended.code)
}

/// How a child ended, and what it said.
struct Ended {
    status: ExitStatus,
    code: Vec<u8>,
    complaint: String,
    /// It was ended for the wall clock.
    overdue: bool,
}

fn run_child(command: &mut Command, time: Duration) -> io::Result<Ended> {
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (mut child, running) =
        Running::start("compiling to machine code", || command.spawn(), |child| Some(child.id()))?;
    let watched = read_in_time(&mut child, &running, time);
    if watched.is_err() {
        running.end();
    }
    // Its output has ended, so it has as well; until here its id is its own.
    let status = child.wait()?;
    let ((code, complaint), overdue) = watched?;
    Ok(Ended { status, code, complaint, overdue })
}

/// Reads all that the child prints, or until it is ended for the time; then the second is true.
fn read_in_time(child: &mut Child, running: &Running, time: Duration) -> io::Result<((Vec<u8>, String), bool)> {
    let (done, watch) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let watchdog = thread::Builder::new().spawn_scoped(scope, move || {
            let overdue = watch.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
            if overdue {
                running.end();
            }
            overdue
        })?;
        let printed = read(child, running);
        drop(done);
        Ok((printed?, watchdog.join().unwrap_or_default()))
    })
}

fn read(child: &mut Child, running: &Running) -> io::Result<(Vec<u8>, String)> {
    let (mut code, mut complaint) = (Vec::new(), Vec::new());
    if let Some(stdout) = &mut child.stdout {
        stdout.take(CODE_BYTES + 1).read_to_end(&mut code)?;
    }
    if code.len() as u64 > CODE_BYTES {
        running.end();
    }
    if let Some(stderr) = &mut child.stderr {
        stderr.take(COMPLAINT_BYTES).read_to_end(&mut complaint)?;
    }
    let complaint = String::from_utf8_lossy(&complaint);
    Ok((code, complaint.lines().map(str::trim).collect::<Vec<_>>().join(" ")))
}

/// What the end of a child means.
fn complaint(status: ExitStatus, said: &str, limits: CompileLimits) -> CompileError {
    let said = printable(said.trim());
    if OUT_OF_MEMORY.iter().any(|words| said.contains(words)) {
        return CompileError::Memory(limits.memory);
    }
    if status.code() == Some(i32::from(REFUSED)) {
        return CompileError::Refused(said);
    }
    match status.signal() {
        Some(signal) if signal == Signal::XCPU.as_raw() => CompileError::Cpu(limits.cpu),
        Some(signal) if signal == Signal::KILL.as_raw() => CompileError::Killed { signal: status.to_string() },
        _ if said.is_empty() => CompileError::Crashed(status.to_string()),
        _ => CompileError::Crashed(said),
    }
}

impl CompileError {
    /// Exit status with which a child tells that the component was refused.
    pub const EXIT: u8 = REFUSED;
}

fn bound_work(cpu: Duration, memory: ByteSize) -> io::Result<()> {
    bound(Resource::Cpu, cpu.as_secs())?;
    // Private memory that can be written, not address space: a reservation costs nothing.
    bound(Resource::Data, memory.as_u64())
}

/// Lowers a limit of this process; one that is lower already stays.
fn bound(resource: Resource, value: u64) -> io::Result<()> {
    let ceiling = getrlimit(resource).maximum;
    let lower = |value: u64| Some(ceiling.map_or(value, |ceiling| ceiling.min(value)));
    // At the lower one the signal says what for; at the upper one it would be a plain kill.
    setrlimit(resource, Rlimit { current: lower(value), maximum: lower(value.saturating_add(1)) })?;
    Ok(())
}

/// Ends this process when the other end of standard input is closed, as it is however the parent ends.
fn end_with_parent() {
    thread::spawn(|| {
        // Nothing is ever sent.
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(1);
    });
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn sh(script: &str, time: Duration) -> Ended {
        run_child(Command::new("/bin/sh").args(["-c", script]), time).unwrap()
    }

    /// What a child that does this is told to have come to.
    fn told(script: &str) -> String {
        let ended = sh(script, Duration::from_secs(60));
        complaint(ended.status, &ended.complaint, CompileLimits::default()).to_string()
    }

    #[test]
    fn each_end_has_words_of_its_own() {
        insta::assert_snapshot!(told("echo 'unknown opcode at 0x7' >&2; exit 3"), @"unknown opcode at 0x7");
        insta::assert_snapshot!(told("kill -XCPU $$"), @"compiling took more than 10m of processor time; make it smaller, or split it into several functions");
        insta::assert_snapshot!(told("echo 'memory allocation of 99 bytes failed' >&2; kill -ABRT $$"), @"compiling took more than 4.0 GiB of memory; make it smaller, or split it into several functions");
        let panicked =
            told("echo 'unhandled out-of-memory error: out of memory (failed to allocate 9 bytes)' >&2; exit 101");
        insta::assert_snapshot!(panicked, @"compiling took more than 4.0 GiB of memory; make it smaller, or split it into several functions");
        insta::assert_snapshot!(told("kill -KILL $$"), @"the compiler was ended by signal: 9 (SIGKILL), perhaps for want of memory; load fewer functions at once or give the machine more");
        insta::assert_snapshot!(told("echo \"thread 'main' panicked at a.rs:1:1:\" >&2; echo oh >&2; exit 101"), @"the compiler crashed, which the host survives: thread 'main' panicked at a.rs:1:1: oh; report it with the component");
        insta::assert_snapshot!(told("kill -SEGV $$"), @"the compiler crashed, which the host survives: signal: 11 (SIGSEGV); report it with the component");
    }

    #[test]
    fn the_other_reasons() {
        insta::assert_snapshot!(CompileError::Time(CompileLimits::default().time), @"compiling did not end within 20m; try again when the machine has less to do");
        insta::assert_snapshot!(CompileError::LargeCode(ByteSize(CODE_BYTES)), @"it makes more than 1.0 GiB of machine code; make it smaller, or split it into several functions");
        let source = io::Error::from(io::ErrorKind::NotFound);
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        insta::assert_snapshot!(CompileError::Read(denied()), @"cannot read it: permission denied");
        insta::assert_snapshot!(CompileError::Bound(denied()), @"cannot bound the compiler: permission denied; it needs the system call `setrlimit`");
        insta::assert_snapshot!(CompileError::Start { program: "wasm-faas".into(), source }, @"cannot start the compiler `wasm-faas`: entity not found");
    }

    #[test]
    fn what_takes_too_long_is_ended_with_its_children() {
        let start = Instant::now();
        let ended = sh("sleep 600 & echo $!; sleep 600", Duration::from_millis(200));
        assert!(ended.overdue && start.elapsed() < Duration::from_secs(60));
        // Its output had ended, so both had.
        assert_eq!(ended.status.signal(), Some(Signal::KILL.as_raw()));
    }

    #[test]
    fn code_and_complaints_come_whole() {
        let ended = sh("head -c 3000000 /dev/zero; echo a >&2; echo b >&2", Duration::from_secs(60));
        assert_eq!((ended.code.len(), &*ended.complaint, ended.overdue), (3_000_000, "a b", false));
    }

    /// Code made by a child fits only if nothing but the engine's size differs.
    #[test]
    fn the_size_of_the_pool_is_not_in_the_code() {
        for (metered, concurrent) in [(true, false), (false, false), (true, true), (false, true)] {
            let profile = Profile { metered, concurrent };
            let [small, large] = [1, 64].map(|size| super::super::cache::compatibility(&profile.engine(size).unwrap()));
            assert_eq!(small, large, "{profile:?}");
        }
    }
}
