use libtest_mimic::Trial;

use super::stage::{Stage, Transcript};
use super::{Verdict, support};

pub fn trials() -> Vec<Trial> {
    vec![
        support::trial("help/of_every_verb", None, help_of_every_verb),
        support::trial("help/version", None, version_is_the_packages),
    ]
}

fn help_of_every_verb() -> Verdict {
    let stage = Stage::new()?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["--help"])?;
    for verb in ["run", "build", "inspect", "check", "test", "schema"] {
        transcript.run(&[verb, "--help"])?;
    }
    transcript.run(&[])?;
    transcript.matches("help")
}

fn version_is_the_packages() -> Verdict {
    let ran = Stage::new()?.run(&["--version"])?.ended(0)?;
    assert_eq!(ran.text(), concat!("wasm-faas ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(ran.stderr, "");
    Ok(())
}
