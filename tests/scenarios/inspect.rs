//! What `inspect` shows of the same function in each language.

use libtest_mimic::Trial;

use super::stage::{Stage, assert_snapshot};
use super::{Verdict, support};

pub fn trials() -> Vec<Trial> {
    let trial =
        |language| support::trial(format!("inspect/{language}"), support::missing(language), move || counter(language));
    support::LANGUAGES.into_iter().map(trial).collect()
}

fn counter(language: &str) -> Verdict {
    let stage = Stage::new()?;
    stage.guest(language, "counter")?;
    let text = stage.run(&["inspect", "counter.wasm"])?.ended(0)?;
    let json = stage.run(&["inspect", "counter.wasm", "--json"])?.ended(0)?;
    assert_eq!((text.stderr.as_str(), json.stderr.as_str()), ("", ""));
    let shown = json.json()?["language"].as_str().unwrap_or_default().to_lowercase();
    assert_eq!(shown, language);
    let mut settings = insta::Settings::clone_current();
    // Sizes and the versions of tools change with every toolchain.
    settings.add_filter(r"(?m)^(size|memory|modules)( +)\d\S*( [KM]iB)?", "$1$2[number]");
    settings.add_filter(r#""(sizeBytes|initialMemoryBytes|coreModules)": \d+"#, r#""$1": [number]"#);
    settings.add_filter(r#"@0\.2\.\d+"#, "@0.2.x");
    settings.add_filter(r#""version": ".+""#, r#""version": "[version]""#);
    settings.add_filter(r"(?m)^(made with | {10}) (\S+) v?\d.*$", "$1 $2 [version]");
    let shown = format!("{}\n{:#}", text.text(), json.json()?);
    settings.bind(|| assert_snapshot(&format!("inspect_{language}"), &shown));
    Ok(())
}
