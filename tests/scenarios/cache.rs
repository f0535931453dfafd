//! Machine code is made once, and what does not fit is never run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

#[cfg(unix)]
use hmac::Mac as _;
use libtest_mimic::{Failed, Trial};

use super::stage::{Stage, Transcript};
use super::{Verdict, support};

pub fn trials() -> Vec<Trial> {
    let rust = support::missing("rust");
    let mut trials = vec![
        support::trial("cache/second_start_compiles_nothing", rust, second_start_compiles_nothing),
        support::trial("cache/damaged_code_is_not_run", rust, damaged_code_is_not_run),
        support::trial("cache/code_of_another_component_is_not_run", rust, code_of_another_is_not_run),
        support::trial("cache/unusable_folder", rust, unusable_folder),
    ];
    #[cfg(unix)]
    {
        let root = (!rustix::process::geteuid().is_root()).then_some("only root can give files away");
        trials.push(support::trial("cache/open_folder_is_closed", rust, open_folder_is_closed));
        trials.push(support::trial("cache/code_planted_in_an_open_folder_is_not_run", rust, planted_code_is_not_run));
        trials.push(support::trial("cache/folder_of_another_user_is_refused", rust.or(root), another_users_is_refused));
    }
    trials
}

/// A scenario with a cache of its own.
struct Kitchen {
    stage: Stage,
}

impl Kitchen {
    fn new() -> Result<Self, Failed> {
        let stage = Stage::new()?;
        stage.guest("rust", "hello")?;
        Ok(Self { stage })
    }

    fn run(&self) -> Verdict {
        let ran = self.command(&["run", "hello.wasm"])?.ended(0)?;
        assert_eq!(ran.text(), "Hello, world!");
        // Compiling is told on a terminal only.
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Result<super::stage::Ran, Failed> {
        let mut command = self.stage.command(arguments);
        command.env("WASM_FAAS_CACHE", self.stage.path("cache"));
        self.stage.end(command)
    }

    /// The files of compiled code.
    fn code(&self) -> Result<Vec<PathBuf>, Failed> {
        let entries = fs::read_dir(self.stage.path("cache"))?.collect::<Result<Vec<_>, _>>()?;
        let files = entries.iter().map(fs::DirEntry::path);
        Ok(files.filter(|path| path.extension().is_some_and(|extension| extension == "cwasm")).collect())
    }

    fn only_code(&self) -> Result<PathBuf, Failed> {
        match self.code()?.as_slice() {
            [one] => Ok(one.clone()),
            other => Err(format!("expected one file of compiled code, found {other:?}").into()),
        }
    }
}

/// Changes when a file is written again.
fn mark(path: &Path) -> Result<(u64, SystemTime), Failed> {
    let metadata = fs::metadata(path)?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Ok((inode, metadata.modified()?))
}

fn second_start_compiles_nothing() -> Verdict {
    let kitchen = Kitchen::new()?;
    kitchen.run()?;
    let code = kitchen.only_code()?;
    let first = mark(&code)?;
    kitchen.run()?;
    assert_eq!(mark(&code)?, first);
    // Unmetered code is other code.
    kitchen.command(&["run", "hello.wasm", "--fuel", "none"])?.ended(0)?;
    assert_eq!(kitchen.code()?.len(), 2);
    Ok(())
}

fn damaged_code_is_not_run() -> Verdict {
    let kitchen = Kitchen::new()?;
    kitchen.run()?;
    let code = kitchen.only_code()?;
    let whole = fs::read(&code)?;
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for damaged in [&flipped[..], &whole[..middle], b""] {
        fs::write(&code, damaged)?;
        kitchen.run()?;
        assert!(fs::read(&code)? == whole, "the damaged file was not replaced");
    }
    let (mac, first) = (code.with_extension("mac"), mark(&code)?);
    fs::remove_file(&mac)?;
    kitchen.run()?;
    assert!(mac.exists() && mark(&code)? != first, "code without a MAC was used");
    Ok(())
}

/// Its MAC is right, its name is not.
fn code_of_another_is_not_run() -> Verdict {
    let kitchen = Kitchen::new()?;
    kitchen.run()?;
    let hello = kitchen.only_code()?;
    kitchen.stage.guest("rust", "echo")?;
    kitchen.command(&["run", "echo.wasm"])?.ended(0)?;
    let echo = kitchen.code()?.into_iter().find(|path| *path != hello).ok_or("echo was not kept")?;
    fs::copy(&echo, &hello)?;
    fs::copy(echo.with_extension("mac"), hello.with_extension("mac"))?;
    kitchen.run()
}

fn unusable_folder() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "hello")?;
    stage.write("cache", "a file")?;
    let arguments = ["run", "hello.wasm"];
    let mut command = stage.command(&arguments);
    command.env("WASM_FAAS_CACHE", "cache");
    let mut transcript = Transcript::new(&stage);
    transcript.add(&arguments, &stage.end(command)?);
    transcript.matches("unusable_cache")
}

#[cfg(unix)]
fn open_folder_is_closed() -> Verdict {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let kitchen = Kitchen::new()?;
    kitchen.run()?;
    let folder = kitchen.stage.path("cache");
    assert_eq!(fs::metadata(&folder)?.mode() & 0o777, 0o700);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777))?;
    kitchen.run()?;
    assert_eq!(fs::metadata(&folder)?.mode() & 0o777, 0o700);
    Ok(())
}

/// Whoever could write to the folder could have put a key there, and code that fits it.
#[cfg(unix)]
fn planted_code_is_not_run() -> Verdict {
    use std::os::unix::fs::PermissionsExt as _;
    let kitchen = Kitchen::new()?;
    kitchen.run()?;
    let hello = kitchen.only_code()?;
    kitchen.stage.guest("rust", "echo")?;
    kitchen.command(&["run", "echo.wasm"])?.ended(0)?;
    let echo = kitchen.code()?.into_iter().find(|path| *path != hello).ok_or("echo was not kept")?;

    let (folder, key) = (kitchen.stage.path("cache"), [7; 32]);
    let code = fs::read(echo)?;
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key)?;
    mac.update(hello.file_name().unwrap_or_default().as_encoded_bytes());
    mac.update(&code);
    fs::write(folder.join("key"), key)?;
    fs::write(&hello, code)?;
    fs::write(hello.with_extension("mac"), mac.finalize().into_bytes())?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777))?;
    kitchen.run()
}

#[cfg(unix)]
fn another_users_is_refused() -> Verdict {
    let kitchen = Kitchen::new()?;
    kitchen.run()?;
    std::os::unix::fs::chown(kitchen.stage.path("cache"), Some(65_534), None)?;
    let mut transcript = Transcript::new(&kitchen.stage);
    let arguments = ["run", "hello.wasm"];
    transcript.add(&arguments, &kitchen.command(&arguments)?);
    transcript.matches("cache_of_another_user")
}
