//! `wasm-faas dead-letters`: messages that nobody could handle, looked at, mended and sent back.

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use super::data::matches;
use super::served::Server;
use super::stage::{Stage, Transcript, until};
use super::{Scenario, Verdict, support};

const MANIFEST: &str = r#"
version = 1
[functions.misbehave]
component = "misbehave.wasm"
[queues.orders]
max-receives = 1
dead-letter = "dead"
[queues.dead]
[queues.empty]
"#;
const TRIGGER: &str = r#"
[[triggers.queue]]
queue = "orders"
function = "misbehave"
"#;

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 3] = [
        ("tell_how_they_died", tell_how_they_died),
        ("are_mended_and_sent_back", are_mended_and_sent_back),
        ("are_dropped", are_dropped),
    ];
    cases.map(|(name, run)| support::trial(format!("dead_letters/{name}"), support::missing("rust"), run)).into()
}

/// A queue with a dead letter for each of the bodies, in that order.
fn stage(bodies: &[&str]) -> Result<(Stage, Vec<String>), Failed> {
    let stage = Stage::new()?;
    stage.guest("rust", "misbehave")?;
    stage.write("wasm-faas.toml", format!("{MANIFEST}{TRIGGER}"))?;
    let server = Server::start(&stage, &[])?;
    let mut ids = Vec::new();
    for body in bodies {
        ids.push(stage.run(&["data", "queue", "send", "orders", body])?.ended(0)?.text().trim().to_owned());
        until("the dead letter", || (letters(&stage).ok()?.len() == ids.len()).then_some(()))?;
    }
    drop(server);
    // Without the trigger what is sent back stays where it comes to.
    stage.write("wasm-faas.toml", MANIFEST)?;
    Ok((stage, ids))
}

fn letters(stage: &Stage) -> Result<Vec<Value>, Failed> {
    let listed = stage.run(&["dead-letters", "list", "--json"])?.ended(0)?.text();
    listed.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn tell_how_they_died() -> Verdict {
    let (stage, ids) = stage(&["reject", "trap"])?;
    let letters = letters(&stage)?;
    let told = |letter: &Value, name: &str| letter["dead"][name].as_str().unwrap_or("-").to_owned();
    let deaths: Vec<_> =
        letters.iter().map(|letter| ["source", "reason", "receives"].map(|name| told(letter, name))).collect();
    assert_eq!(deaths, [["orders", "rejected", "1"], ["orders", "max-receives", "1"]]);
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["dead-letters", "list"])?;
    transcript.run(&["dead-letters", "list", "dead", "--limit", "1"])?;
    transcript.run(&["dead-letters", "list", "orders"])?;
    transcript.run(&["dead-letters", "list", "ded"])?;
    transcript.run(&["dead-letters", "list", "empty"])?;
    transcript.run(&["dead-letters", "show", "dead", "01KAHW4PVM0000000000000000"])?;
    transcript.run(&["dead-letters", "show", "dead", &ids[0]])?;
    matches(transcript, "dead_letters")?;
    let shown = stage.run(&["dead-letters", "show", "dead", &ids[1]])?.ended(0)?.text();
    assert!(shown.contains("\nbacktrace\n    ") && shown.ends_with("\nbody\ntrap\n"), "{shown}");
    Ok(())
}

fn are_mended_and_sent_back() -> Verdict {
    let (stage, ids) = stage(&["reject", "trap", "trap"])?;
    let editor = stage.write("editor", "#!/bin/sh\nprintf 'sleep 1\\n' > \"$1\"\n")?;
    let edit = |more: &[&str]| {
        let mut command = stage.command(&[&["dead-letters", "edit", "dead", &ids[0]], more].concat());
        command.env("EDITOR", format!("sh {}", editor.display())).env_remove("VISUAL");
        command
    };
    let mut transcript = Transcript::new(&stage);
    transcript.note("edited by hand");
    transcript.add(&["dead-letters", "edit", "dead", &ids[0]], &stage.end(edit(&[]))?);
    transcript.note("and to what it is");
    transcript.add(&["dead-letters", "edit", "dead", &ids[0]], &stage.end(edit(&[]))?);
    transcript.note("no editor");
    let mut none = edit(&[]);
    none.env_remove("EDITOR");
    transcript.add(&["dead-letters", "edit", "dead", &ids[0]], &stage.end(none)?);
    transcript.note("one that fails");
    let mut broken = edit(&[]);
    broken.env("EDITOR", "false");
    transcript.add(&["dead-letters", "edit", "dead", &ids[0]], &stage.end(broken)?);
    for more in
        [&["--attribute", "mended=yes"][..], &["--attribute", "faas-dead-error=x y"], &["--data", "x", "--file", "y"]]
    {
        transcript.run(&[&["dead-letters", "edit", "dead", &ids[0]], more].concat())?;
    }
    transcript.run(&["dead-letters", "redrive", "dead", &ids[0]])?;
    transcript.run(&["dead-letters", "redrive", "dead", &ids[0]])?;
    transcript.run(&["dead-letters", "redrive", "dead"])?;
    transcript.run(&["dead-letters", "redrive", "dead", "--all"])?;
    transcript.run(&["dead-letters", "list"])?;
    transcript.run(&["data", "queue", "peek", "orders"])?;
    matches(transcript, "dead_letters_mended")?;
    let back = stage.run(&["data", "queue", "peek", "orders", &ids[0], "--json"])?.ended(0)?.json()?;
    assert_eq!(
        (&back["data"], back["attributes"].to_string()),
        (&"sleep 1".into(), r#"[{"name":"mended","value":"yes"}]"#.into())
    );
    assert_eq!(back["receives"], 0);
    Ok(())
}

fn are_dropped() -> Verdict {
    let (stage, ids) = stage(&["reject", "trap", "trap"])?;
    stage.run(&["dead-letters", "drop", "dead"])?.ended(2)?;
    stage.run(&["dead-letters", "drop", "orders", "--all"])?.ended(2)?.told("its own go to `dead`")?;
    stage.run(&["dead-letters", "drop", "dead", &ids[1]])?.ended(0)?.told("1 dropped")?;
    stage.run(&["dead-letters", "drop", "dead", &ids[1]])?.ended(1)?.told("there is no message")?;
    assert_eq!(letters(&stage)?.len(), 2);
    let _server = Server::start(&stage, &[])?;
    stage.run(&["dead-letters", "drop", "dead", "--all"])?.ended(0)?.told("2 dropped")?;
    assert_eq!(letters(&stage)?.len(), 0);
    Ok(())
}
