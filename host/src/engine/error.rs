use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::http::NoReply;
use super::instance::{RESPONSE_BYTES, WrongTypes};
use super::limits::OutOfMemory;
use crate::config::Advice;
use crate::services::context::printable;

/// Why a file cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read `{path}`: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("`{path}` is empty, expected a WebAssembly component")]
    Empty { path: PathBuf },
    #[error(
        "`{path}` is no WebAssembly: it starts with {start}, expected a component; to build one from source give its folder"
    )]
    NotWasm { path: PathBuf, start: String },
    #[error(
        "`{path}` is a core WebAssembly module, expected a component; build for `wasm32-wasip2` or wrap it with an adapter"
    )]
    CoreModule { path: PathBuf },
    #[error("`{path}` is damaged at byte {offset}: {message}; build it again or copy it again")]
    Damaged { path: PathBuf, offset: usize, message: String },
    #[error(
        "`{path}` exports no handler: expected `wasm-faas:function/handler@0.1.0`, `wasi:http` 0.2 or 0.3, or `wasi:cli/run@0.2`, found {found}"
    )]
    NoHandler { path: PathBuf, found: String },
    #[error("`{path}` imports `{import}`, which this host does not have; the interfaces it has are those in `wit/`")]
    UnknownImport { path: PathBuf, import: String },
    #[error("`{path}` does not fit this host's interfaces: {message}")]
    Mismatch { path: PathBuf, message: String },
    #[error("`{path}` cannot be compiled: {error}")]
    Compile { path: PathBuf, error: super::CompileError },
    #[error("cannot set up the engine for `{path}`: {message}; allow the process more memory or serve fewer instances")]
    Engine { path: PathBuf, message: String },
    #[error(transparent)]
    Cache(#[from] super::CacheError),
}

/// How a guest ended other than with an answer of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// `unreachable`, a bad memory access, a broken rule of a handle: what, and where in the guest.
    Trap {
        message: String,
        backtrace: Vec<String>,
    },
    /// It ended its process.
    Exit(i32),
    OutOfFuel {
        limit: u64,
    },
    OutOfMemory {
        limit: ByteSize,
    },
    /// The wall clock ran out, in the guest or in a host call.
    Deadline {
        timeout: Duration,
    },
    /// It was invoked by another function, which had no more time left.
    CallerDeadline {
        left: Duration,
    },
    StackOverflow,
    /// More data than an answer or the arguments of one host call may have.
    TooLarge {
        limit: ByteSize,
    },
    /// `wasi:http`: it returned without setting a response.
    NoReply,
    /// The handler is there by name, but not with the contract's types.
    NoSuchExport {
        message: String,
    },
    /// Its caller left before it answered.
    Cancelled,
    /// Its component was there at the start and cannot be loaded now.
    Unloadable {
        message: String,
    },
    /// As many instances live as the engine has room for.
    NoRoom,
}

impl CallError {
    /// The word in reports: `out-of-fuel`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Trap { .. } => "trap",
            Self::Exit(_) => "exit",
            Self::OutOfFuel { .. } => "out-of-fuel",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::Deadline { .. } | Self::CallerDeadline { .. } => "deadline",
            Self::StackOverflow => "stack-overflow",
            Self::TooLarge { .. } => "too-large",
            Self::NoReply => "no-reply",
            Self::NoSuchExport { .. } => "no-such-export",
            Self::Cancelled => "cancelled",
            Self::Unloadable { .. } => "unloadable",
            Self::NoRoom => "no-room",
        }
    }

    /// One line for a caller, which tells nothing of the inside.
    pub fn public(&self) -> &'static str {
        match self {
            Self::Trap { .. } | Self::Exit(_) | Self::StackOverflow => "the function failed",
            Self::OutOfFuel { .. } => "the function used up its fuel",
            Self::OutOfMemory { .. } => "the function reached its memory limit",
            Self::Deadline { .. } | Self::CallerDeadline { .. } => "the function took too long",
            Self::TooLarge { .. } => "the function's answer is too large",
            Self::NoReply => "the function did not answer",
            Self::NoSuchExport { .. } | Self::Unloadable { .. } => "the function does not fit this host",
            Self::NoRoom => "the host is busy; try again later",
            // Nobody is there to read it.
            Self::Cancelled => "the caller left",
        }
    }

    pub fn backtrace(&self) -> &[String] {
        match self {
            Self::Trap { backtrace, .. } => backtrace,
            _ => &[],
        }
    }

    /// Classifies what wasmtime returned; `fuel` is the limit that was in force.
    pub(super) fn classify(error: &wasmtime::Error, fuel: u64) -> Self {
        if let Some(OutOfMemory { limit }) = error.downcast_ref() {
            return Self::OutOfMemory { limit: ByteSize(*limit) };
        }
        if let Some(I32Exit(code)) = error.downcast_ref() {
            return Self::Exit(*code);
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return Self::NoRoom;
        }
        if error.is::<NoReply>() {
            return Self::NoReply;
        }
        if let Some(WrongTypes(message)) = error.downcast_ref() {
            return Self::NoSuchExport { message: message.clone() };
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Self::OutOfFuel { limit: fuel },
            Some(Trap::StackOverflow) => Self::StackOverflow,
            trap => {
                let message = trap.map_or_else(|| root_message(error), ToString::to_string);
                let message = message.trim_start_matches("wasm trap: ").to_owned();
                // Wasmtime has no type for this one.
                if message.contains("fuel allocated for hostcalls has been exhausted") {
                    return Self::TooLarge { limit: ByteSize(RESPONSE_BYTES as u64) };
                }
                Self::Trap { message, backtrace: frames(error) }
            }
        }
    }
}

/// All causes in one line, the outermost first.
pub(super) fn chain(error: &wasmtime::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ").replace('\n', " ")
}

/// The innermost cause in one line, without the backtrace.
fn root_message(error: &wasmtime::Error) -> String {
    let text = error.root_cause().to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// The guest's functions, the innermost first: names where the component has them, places otherwise.
fn frames(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    backtrace.frames().iter().map(frame).collect()
}

fn frame(frame: &wasmtime::FrameInfo) -> String {
    let module = printable(frame.module().name().unwrap_or("module"));
    let name = match frame.func_name() {
        // The name is the guest's to choose.
        Some(name) => printable(&format!("{:#}", rustc_demangle::demangle(name))),
        None => format!("function {}", frame.func_index()),
    };
    match frame.module_offset() {
        Some(offset) => format!("{module}!{name} at {offset:#x}"),
        None => format!("{module}!{name}"),
    }
}

impl CallError {
    /// What happened, and what to do about it where the function is set up.
    pub fn told(&self, advice: &Advice) -> String {
        let raise = |limit: &str, look: &str| format!("raise {} or look for {look}", advice.limit(limit));
        match self {
            Self::Trap { message, .. } => format!("the function trapped: {message}"),
            Self::Exit(code) => format!("the function exited with code {code} before it answered"),
            Self::OutOfFuel { limit } => {
                format!("the function used up its fuel of {limit}; {}", raise("fuel", "an endless loop"))
            }
            Self::OutOfMemory { limit } => {
                format!("the function reached its memory limit of {limit:#}; {}", raise("memory", "a leak"))
            }
            Self::Deadline { timeout } => {
                let timeout = humantime::format_duration(*timeout);
                let raise = raise("timeout", "what it waits for");
                format!("the function ran over its timeout of {timeout}; {raise}")
            }
            Self::CallerDeadline { left } => {
                let left = humantime::format_duration(Duration::from_millis(left.as_millis().try_into().unwrap_or(0)));
                format!(
                    "the function ran over the {left} that its caller had left; raise the timeout of the first caller or look for what it waits for"
                )
            }
            Self::StackOverflow => "the function's stack of 1 MiB overflowed; look for endless recursion".into(),
            Self::TooLarge { limit } => {
                format!("the function handed over more than {limit:#} at once; write large data as a blob, in pieces")
            }
            Self::NoReply => "the function returned without setting a response".into(),
            Self::Cancelled => "the caller left before the function answered".into(),
            Self::Unloadable { message } => format!("the function's component cannot be loaded any more: {message}"),
            Self::NoRoom => {
                "the host has no room for another instance; lower `pool.min`, `pool.max` or `pool.idle` of functions"
                    .into()
            }
            Self::NoSuchExport { message } => {
                let what = "the component's handler does not have the types of this host's contract";
                format!("{what}: {message}; build it again")
            }
        }
    }
}

/// With the flags of `wasm-faas run`.
impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(&Advice::Flags))
    }
}

impl std::error::Error for CallError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_name_where_they_are_set() {
        let errors = [
            CallError::OutOfFuel { limit: 1000 },
            CallError::OutOfMemory { limit: ByteSize::mib(16) },
            CallError::Deadline { timeout: Duration::from_millis(50) },
            CallError::CallerDeadline { left: Duration::from_micros(48_700) },
        ];
        let advice = Advice::Manifest { function: "hello".into() };
        let told = |advice: &Advice| errors.iter().map(|error| error.told(advice)).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(told(&Advice::Flags), @r"
        the function used up its fuel of 1000; raise `--fuel` or look for an endless loop
        the function reached its memory limit of 16.0 MiB; raise `--memory` or look for a leak
        the function ran over its timeout of 50ms; raise `--timeout` or look for what it waits for
        the function ran over the 48ms that its caller had left; raise the timeout of the first caller or look for what it waits for
        ");
        insta::assert_snapshot!(told(&advice), @r"
        the function used up its fuel of 1000; raise `limits.fuel` of [functions.hello] or look for an endless loop
        the function reached its memory limit of 16.0 MiB; raise `limits.memory` of [functions.hello] or look for a leak
        the function ran over its timeout of 50ms; raise `limits.timeout` of [functions.hello] or look for what it waits for
        the function ran over the 48ms that its caller had left; raise the timeout of the first caller or look for what it waits for
        ");
    }
}
