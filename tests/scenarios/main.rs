//! Drives the real binary: what people type, what they get, and what survives a crash.

#[path = "../support/mod.rs"]
mod support;

mod application;
mod bad_neighbours;
mod cache;
#[cfg(target_os = "linux")]
mod compile;
mod events;
mod foreign;
mod functions;
mod help;
mod input;
mod inspect;
mod manifest;
mod serve_content;
mod serve_http;
mod serve_limits;
mod serve_protocol;
mod serve_tls;
mod served;
mod stage;
mod test_kit;
mod web;
mod wire;

#[cfg(unix)]
mod crash;
#[cfg(unix)]
mod crash_events;
#[cfg(unix)]
mod data;
#[cfg(unix)]
mod data_folder;
#[cfg(unix)]
mod data_watch;
#[cfg(unix)]
mod dead_letters;
#[cfg(unix)]
mod durability;
mod folders;
#[cfg(unix)]
mod full_disk;
#[cfg(unix)]
mod full_disk_events;
#[cfg(unix)]
mod interrupt;
#[cfg(unix)]
mod patterns;
#[cfg(unix)]
mod serve_life;
#[cfg(target_os = "linux")]
mod serve_load;
#[cfg(unix)]
mod serve_start;
#[cfg(unix)]
mod serve_watch;
#[cfg(unix)]
mod writer;

use libtest_mimic::Failed;

/// What every scenario returns: `?` on a failed expectation ends it.
type Verdict = Result<(), Failed>;

/// A name and what to do.
type Scenario = (&'static str, fn() -> Verdict);

/// What went wrong, where `?` cannot turn it into a failure by itself.
fn failed(error: impl std::fmt::Display) -> Failed {
    error.to_string().into()
}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    #[cfg(unix)]
    if let Ok(role) = std::env::var(writer::ROLE) {
        return writer::play(&role);
    }
    let mut trials = help::trials();
    trials.extend(input::trials());
    trials.extend(folders::trials());
    trials.extend(functions::trials());
    trials.extend(inspect::trials());
    trials.extend(manifest::trials());
    trials.extend(cache::trials());
    trials.extend(web::trials());
    #[cfg(target_os = "linux")]
    {
        trials.extend(compile::trials());
        trials.extend(serve_load::trials());
    }
    trials.extend(bad_neighbours::trials());
    trials.extend(events::trials());
    trials.extend(foreign::trials());
    trials.extend(test_kit::trials());
    trials.extend(serve_http::trials());
    trials.extend(serve_protocol::trials());
    trials.extend(serve_limits::trials());
    trials.extend(serve_content::trials());
    trials.extend(serve_tls::trials());
    #[cfg(unix)]
    {
        trials.extend(data::trials());
        trials.extend(data_folder::trials());
        trials.extend(data_watch::trials());
        trials.extend(dead_letters::trials());
        trials.extend(interrupt::trials());
        trials.extend(crash::trials());
        trials.extend(crash_events::trials());
        trials.extend(durability::trials());
        trials.extend(full_disk::trials());
        trials.extend(patterns::trials());
        trials.extend(full_disk_events::trials());
        trials.extend(serve_start::trials());
        trials.extend(serve_watch::trials());
        trials.extend(serve_life::trials());
    }
    support::conclude(trials);
}
