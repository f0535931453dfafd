//! `wasm-faas data kv watch`: keys that change, told as it happens.

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use libtest_mimic::{Failed, Trial};

use super::data::stage;
use super::served::Server;
use super::stage::{PATIENCE, Stage, Transcript};
use super::{Verdict, support};

pub fn trials() -> Vec<Trial> {
    let missing = support::missing("rust");
    vec![
        support::trial("data_watch/tells_what_is_stored", missing, tells_what_is_stored),
        support::trial("data_watch/takes_a_host", missing, takes_a_host),
    ]
}

/// From its beginning on.
fn tells_what_is_stored() -> Verdict {
    let stage = stage()?;
    let _server = Server::start(&stage, &[])?;
    let run = |arguments: &[&str]| stage.run(&[&["data", "kv"], arguments].concat())?.ended(0);
    run(&["set", "visits", "user/0", "1"])?;
    let all = Watched::start(&stage, &[])?;
    let some = Watched::start(&stage, &["--prefix", "user/", "--json"])?;
    run(&["set", "visits", "user/1", "1"])?;
    run(&["delete", "visits", "user/1"])?;
    run(&["set", "visits", "guest", "1", "--ttl", "1s"])?;
    insta::assert_snapshot!(all.lines(4)?, @r"
    set      user/1  version 2
    removed  user/1  version 2
    set      guest  version 3
    expired  guest  version 3
    ");
    insta::assert_snapshot!(some.lines(2)?, @r#"
    {"bucket":"visits","key":"user/1","kind":"set","version":2}
    {"bucket":"visits","key":"user/1","kind":"removed","version":2}
    "#);
    Ok(())
}

fn takes_a_host() -> Verdict {
    let stage = stage()?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["data", "kv", "watch", "visits"])?;
    let _server = Server::start(&stage, &[])?;
    transcript.run(&["data", "kv", "watch", "visit"])?;
    transcript.matches("data_watch")
}

/// A `data kv watch` at work, ended when dropped.
struct Watched {
    child: Child,
    printed: Receiver<String>,
}

impl Watched {
    /// Returns once it is told of changes.
    fn start(stage: &Stage, more: &[&str]) -> Result<Self, Failed> {
        let mut child = stage.command(&[&["data", "kv", "watch", "visits"], more].concat()).spawn()?;
        let stdout = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let stderr = BufReader::new(child.stderr.take().ok_or("no standard error")?);
        let (lines, printed) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        let watched = Self { child, printed };
        let told = stderr.lines().next().transpose()?;
        assert_eq!(told.as_deref(), Some("watching bucket `visits`, ctrl-C ends it"));
        Ok(watched)
    }

    /// The first lines it prints.
    fn lines(self, count: usize) -> Result<String, Failed> {
        let next = || self.printed.recv_timeout(PATIENCE).map_err(|_| Failed::from("a line is missing"));
        Ok((0..count).map(|_| next()).collect::<Result<Vec<_>, _>>()?.join("\n"))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
