//! Ctrl-C.

use std::fs;
use std::process::Child;

use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};

use super::folders::write_package;
use super::stage::{PATIENCE, Ran, Stage, until};
use super::{Verdict, support};

pub fn trials() -> Vec<Trial> {
    let rust = support::missing("rust");
    vec![
        support::trial("interrupt/in_the_middle_of_a_build", rust, in_the_middle_of_a_build),
        support::trial("interrupt/in_the_middle_of_a_call", rust, || in_a_call("misbehave.wasm")),
        support::trial("interrupt/in_a_call_after_a_build", rust, in_a_call_after_a_build),
    ]
}

/// While the file `block` is there it tells its process id and waits for ever.
const BUILD_SCRIPT: &str = r#"
fn main() {
    println!("cargo::rerun-if-changed=block");
    if std::path::Path::new("block").exists() {
        std::fs::write("blocked.partial", std::process::id().to_string()).unwrap();
        std::fs::rename("blocked.partial", "blocked").unwrap();
        std::thread::sleep(std::time::Duration::from_secs(3600));
    }
}
"#;

fn in_the_middle_of_a_build() -> Verdict {
    let stage = Stage::new()?;
    write_package(&stage, "slow", "#[unsafe(no_mangle)]\npub extern \"C\" fn count() -> u32 {\n    1\n}\n")?;
    stage.write("slow/build.rs", BUILD_SCRIPT)?;
    let built = stage.run(&["build", "slow"])?.ended(0)?.text();
    let component = built.trim_end();
    let earlier = fs::read(component)?;

    stage.write("slow/src/lib.rs", "#[unsafe(no_mangle)]\npub extern \"C\" fn count() -> u32 {\n    2\n}\n")?;
    let block = stage.write("slow/block", "")?;
    let child = stage.command(&["build", "slow"]).spawn()?;
    let script = until("the build script", || fs::read_to_string(stage.path("slow/blocked")).ok())?;
    interrupt(&child)?;
    let ran = end(child, &stage)?.ended(130)?;
    assert_eq!(
        ran.stderr,
        "error: building with cargo was interrupted; what was there before is untouched, run it again to go on\n"
    );
    until("the compiler's processes to end", || (!is_running(&script)).then_some(()))?;
    assert!(fs::read(component)? == earlier, "the earlier component changed");

    fs::remove_file(block)?;
    assert_eq!(stage.run(&["build", "slow"])?.ended(0)?.text(), built);
    assert!(fs::read(component)? != earlier, "the next build made nothing new");
    Ok(())
}

/// As a shell tells it: by the signal, or by its exit status.
fn in_a_call(target: &str) -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "misbehave")?;
    let (data, folder) = (stage.path("data"), ["--grant", "kv:visits:rw", "--data-dir", "data"]);
    let arguments = ["run", target, "--data", "sleep", "--timeout", "1h"];
    let child = stage.command(&[&arguments[..], &folder].concat()).spawn()?;
    // The store is the last thing that is opened before the call.
    until("the store", || data.join("store.db").exists().then_some(()))?;
    interrupt(&child)?;
    let ran = end(child, &stage)?;
    assert!(matches!(ran.status, None | Some(130)), "{ran:?}");
    // The folder is free again.
    stage.run(&[&["run", "misbehave.wasm", "--data", "sleep 1"], &folder[..]].concat())?.ended(0)?;
    Ok(())
}

fn in_a_call_after_a_build() -> Verdict {
    let folder = support::root().canonicalize()?.join("guests/rust/misbehave");
    in_a_call(folder.to_str().ok_or("the project's path is no text")?)
}

fn interrupt(child: &Child) -> Verdict {
    Ok(kill_process(pid(child)?, Signal::INT)?)
}

pub fn pid(child: &Child) -> Result<Pid, Failed> {
    Ok(i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or("no process id")?)
}

/// Waits for the end, and not for ever.
pub fn end(mut child: Child, stage: &Stage) -> Result<Ran, Failed> {
    let ended = until("the command's end", || child.try_wait().ok().flatten());
    if ended.is_err() {
        child.kill()?;
    }
    let ran = Ran::new(child.wait_with_output()?, stage);
    ended.map(|_| ran).map_err(|_| format!("it did not end within {PATIENCE:?}").into())
}

/// A process whose parent has not asked for its exit status yet has ended as well.
fn is_running(id: &str) -> bool {
    let Some(pid) = id.parse().ok().and_then(Pid::from_raw) else { return false };
    let gone = rustix::process::test_kill_process(pid).is_err();
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    !gone && !stat.contains(") Z ")
}
