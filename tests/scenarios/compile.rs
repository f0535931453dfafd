//! Components that are hard to compile, and the process that compiles them. It is found as Linux shows processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use bytesize::ByteSize;
use libtest_mimic::{Failed, Trial};
use rustix::process::{Signal, kill_process};
use wasm_faas::engine::{Cache, CompileLimits, Compiler, Loader};

use super::interrupt::{end, pid};
use super::stage::{Stage, until};
use super::{Verdict, support};

pub fn trials() -> Vec<Trial> {
    vec![
        support::trial("compile/processor_time_is_bounded", None, processor_time_is_bounded),
        support::trial("compile/memory_is_bounded", None, memory_is_bounded),
        support::trial("compile/wall_clock_is_bounded", None, wall_clock_is_bounded),
        support::trial("compile/what_is_no_code_is_told", None, what_is_no_code_is_told),
        support::trial("compile/ends_by_interrupt", None, || ends_by(Signal::INT, "run")),
        support::trial("compile/ends_by_interrupt_of_a_server", None, || ends_by(Signal::INT, "serve")),
        support::trial("compile/ends_with_a_server_that_starts", None, || ends_by(Signal::TERM, "serve")),
        support::trial("compile/ends_with_its_parent", None, ends_with_its_parent),
    ]
}

/// A command with one function so long that compiling it takes a minute and 0.7 GiB.
fn laborious() -> Result<Vec<u8>, Failed> {
    let step = "(local.set 1 (i64.rotl (i64.mul (local.get 0) (local.get 1)) (local.get 2)))
        (if (i64.eqz (local.get 1)) (then (local.set 2 (local.get 0))) (else (local.set 0 (i64.add (local.get 1) (local.get 2)))))";
    command(&format!("(func $long (local i64 i64 i64) {})", step.repeat(60_000)))
}

/// A command whose core module has these parts.
fn command(parts: &str) -> Result<Vec<u8>, Failed> {
    let text = format!(
        r#"(component
            (core module $m {parts} (func (export "run") (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            (func $run (result (result)) (canon lift (core func $i "run")))
            (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#
    );
    Ok(wat::parse_str(text)?)
}

/// Why a component cannot be loaded within limits.
fn refusal(component: &[u8], limits: CompileLimits) -> Result<String, Failed> {
    let stage = Stage::new()?;
    let path = stage.write("fn.wasm", component)?;
    let program = env!("CARGO_BIN_EXE_wasm-faas").into();
    let loader = Loader::new(Cache::open(&stage.path("cache"))?, Compiler::Child { program, limits }, 1);
    match loader.load(&path, true, || {}) {
        Ok(_) => Err("it was loaded".into()),
        Err(error) => Ok(stage.redact(&error.to_string())),
    }
}

fn processor_time_is_bounded() -> Verdict {
    let limits = CompileLimits { cpu: Duration::from_secs(1), ..CompileLimits::default() };
    let expected = "`[stage]/fn.wasm` cannot be compiled: compiling took more than 1s of processor time; make it \
                    smaller, or split it into several functions";
    assert_eq!(refusal(&laborious()?, limits)?, expected);
    Ok(())
}

fn memory_is_bounded() -> Verdict {
    // Of the 0.7 GiB that it would take; each thread has a stack.
    let cores = std::thread::available_parallelism()?.get() as u64;
    let memory = ByteSize::mib(96 + 4 * cores);
    let expected = format!(
        "`[stage]/fn.wasm` cannot be compiled: compiling took more than {memory:#} of memory; make it smaller, or split \
         it into several functions"
    );
    assert_eq!(refusal(&laborious()?, CompileLimits { memory, ..CompileLimits::default() })?, expected);
    Ok(())
}

fn wall_clock_is_bounded() -> Verdict {
    let limits = CompileLimits { time: Duration::from_millis(200), ..CompileLimits::default() };
    let expected = "`[stage]/fn.wasm` cannot be compiled: compiling did not end within 200ms; try again when the \
                    machine has less to do";
    assert_eq!(refusal(&laborious()?, limits)?, expected);
    Ok(())
}

/// The compiler's own words come through.
fn what_is_no_code_is_told() -> Verdict {
    let told = refusal(&command("(func i32.add drop)")?, CompileLimits::default())?;
    assert!(told.starts_with("`[stage]/fn.wasm` cannot be compiled: "), "{told}");
    assert!(told.contains("type mismatch"), "{told}");
    Ok(())
}

/// A `run` or `serve` in the middle of compiling, and the process that compiles.
fn compiling(stage: &Stage, verb: &str) -> Result<(Child, PathBuf), Failed> {
    stage.write("fn.wasm", laborious()?)?;
    // A port of its own: two servers that start at once are in each other's way.
    let port: &[&str] = if verb == "serve" { &["--listen", "127.0.0.1:0"] } else { &[] };
    let mut command = stage.command(&[&[verb, "fn.wasm"], port].concat());
    let child = command.env("WASM_FAAS_CACHE", stage.path("cache")).stdin(Stdio::null()).spawn()?;
    let compiler = until("the compiler", || child_of(&child))?;
    Ok((child, compiler))
}

/// The folder in `/proc` of the first child of a process.
fn child_of(parent: &Child) -> Option<PathBuf> {
    let parent = format!("PPid:\t{}\n", parent.id());
    let processes = fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.path());
    processes.into_iter().find(|process| status(process).contains(&parent))
}

/// Nothing for a process that has ended, even if its parent has not asked how yet.
fn status(process: &Path) -> String {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    if status.contains("State:\tZ") { String::new() } else { status }
}

fn gone(process: &Path) -> Verdict {
    until("the compiler's end", || status(process).is_empty().then_some(()))
}

fn ends_by(signal: Signal, verb: &str) -> Verdict {
    let stage = Stage::new()?;
    let (child, compiler) = compiling(&stage, verb)?;
    kill_process(pid(&child)?, signal)?;
    let ran = end(child, &stage)?.ended(130)?;
    assert_eq!(
        ran.stderr,
        "error: compiling to machine code was interrupted; what was there before is untouched, run it again to go on\n"
    );
    gone(&compiler)
}

fn ends_with_its_parent() -> Verdict {
    let stage = Stage::new()?;
    let (mut child, compiler) = compiling(&stage, "run")?;
    child.kill()?;
    child.wait()?;
    gone(&compiler)
}
