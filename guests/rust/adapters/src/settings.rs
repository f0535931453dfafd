//! `wasi:config` and `wasi:logging`.

use serde_json::{Value, json};

use crate::bindings::wasi::logging::logging::{Level, log as write};
use crate::bindings::wasi::{config0_2_0_draft, config0_2_0_draft_2024_09_27, config0_2_0_rc_1};
use crate::values::Failure;

/// What one version answers for one key and for all.
macro_rules! ask {
    ($version:ident, $key:expr) => {{
        let failed = |_| Failure::new("invalid", "a setting could not be read");
        let one = $version::store::get($key).map_err(failed)?;
        (one, $version::store::get_all().map_err(failed)?)
    }};
}

/// The answers of each version.
pub(crate) fn run(step: &Value) -> Result<Value, Failure> {
    let key = step["key"].as_str().unwrap_or_default();
    Ok(json!([ask!(config0_2_0_rc_1, key), ask!(config0_2_0_draft, key), ask!(config0_2_0_draft_2024_09_27, key),]))
}

/// A line of each level.
pub(crate) fn log(step: &Value) -> Result<Value, Failure> {
    let context = step["context"].as_str().unwrap_or_default();
    let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical];
    for (number, level) in levels.into_iter().enumerate() {
        write(level, context, &format!("line {number}"));
    }
    Ok(Value::Null)
}
