//! The same cases for every guest language over every backend: `kv/sqlite/python/increment_is_atomic`.

#![allow(clippy::expect_used, reason = "a test that cannot go on fails, with the reason")]
#![allow(clippy::needless_pass_by_value, reason = "cases hand over JSON literals")]

#[path = "../support/mod.rs"]
mod support;

mod adapters;
mod blob;
mod context;
mod functions;
mod guests;
mod kv;
mod outcomes;
mod probe;
mod queue;
mod sdk;
mod topic;

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use probe::{Backend, Probe};

/// What every case returns: `?` on a failed expectation ends it.
type Verdict = Result<(), Failed>;

/// A case of one service: runs steps through the `probe` guest.
struct Case {
    name: &'static str,
    run: fn(&mut Probe) -> Verdict,
}

/// Lists cases by the names of their functions.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        &[$($crate::Case { name: stringify!($name), run: $name }),+]
    };
}
pub(crate) use cases;

/// Fails the case with what was expected and what came.
macro_rules! expect_eq {
    ($left:expr, $right:expr) => {{
        let (left, right) = (&$left, &$right);
        if *left != *right {
            return Err(format!("{}:{}: {left} is not {right}", file!(), line!()).into());
        }
    }};
}
pub(crate) use expect_eq;

fn main() {
    let mut trials = vec![support::trial("guests/every_guest_has_a_case", None, guests::every_guest_has_a_case)];
    let services: [(&str, &[Case]); 5] = [
        ("kv", kv::CASES),
        ("queue", queue::CASES),
        ("topic", topic::CASES),
        ("blob", blob::CASES),
        ("context", context::CASES),
    ];
    for (service, cases) in services {
        for case in cases {
            for backend in Backend::ALL {
                trials.extend(support::LANGUAGES.map(|language| service_trial(service, case, backend, language)));
            }
        }
    }
    trials.extend(guests::trials());
    trials.extend(adapters::trials());
    trials.extend(outcomes::trials());
    trials.extend(functions::trials());
    trials.extend(sdk::trials());
    support::conclude(trials);
}

fn service_trial(service: &str, case: &Case, backend: Backend, language: &'static str) -> Trial {
    let name = format!("{service}/{}/{language}/{}", backend.name(), case.name);
    let run = case.run;
    support::trial(name, support::missing(language), move || {
        let component = support::component(language, "probe", true)?;
        run(&mut Probe::new(language, component, &Arc::new(backend.open()?)))
    })
}
