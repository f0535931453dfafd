//! The goals for speed and size, each a ratio to a baseline measured in turns with it: `cargo bench -p wasm-faas`.
//!
//! Arguments after `--` name the figures to take, all when there are none; `--quick` only shows that they run. What they
//! mean and what they were: docs/benchmarks.md.

#![allow(clippy::print_stdout, reason = "the table is the program's result")]
#![allow(clippy::cast_precision_loss, reason = "counts of operations are far below 2^52")]

mod activation;
mod compute;
mod endurance;
mod events;
mod host;
mod kv;
mod measure;
mod path;
mod raw;
mod registered;
mod report;
mod sends;
mod settings;

use measure::Effort;
use report::Figure;

type Measure = fn(Effort) -> anyhow::Result<Vec<Figure>>;

const FIGURES: [(&str, Measure); 14] = [
    ("warm", path::warm),
    ("fresh", path::fresh),
    ("compute", compute::measure),
    ("kv", kv::measure),
    ("activation", activation::measure),
    ("endurance", endurance::measure),
    ("sends", sends::measure),
    ("delivery", events::delivery),
    ("fan_out", events::fan_out),
    ("idle_sources", events::idle_sources),
    ("backlog", events::backlog),
    ("wake_up", events::wake_up),
    ("registered", registered::measure),
    ("settings", settings::measure),
];

fn main() -> anyhow::Result<()> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (flags, names): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|text| text.starts_with("--"));
    if let Some(unknown) = flags.iter().find(|flag| **flag != "--quick") {
        anyhow::bail!("`{unknown}` is no option, there is only `--quick`");
    }
    if let Some(unknown) = names.iter().find(|name| !FIGURES.iter().any(|(known, _)| known == *name)) {
        let known = FIGURES.map(|(name, _)| name).join(", ");
        anyhow::bail!("`{unknown}` is no figure, there are {known}");
    }
    let effort = if flags.is_empty() { Effort::FULL } else { Effort::QUICK };
    println!("{}\n\n{}", report::machine(), report::HEADER);
    for (name, measure) in FIGURES {
        if names.is_empty() || names.iter().any(|wanted| *wanted == name) {
            for figure in measure(effort)? {
                println!("{figure}");
            }
        }
    }
    println!("\nat the end: {}", report::machine());
    Ok(())
}
