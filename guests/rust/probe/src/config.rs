use serde::Deserialize;
use serde_json::Value;
use wasm_faas::config;

use crate::values::Failure;

#[derive(Deserialize)]
#[serde(tag = "op")]
enum Op {
    #[serde(rename = "config.get")]
    Get { key: String },
    #[serde(rename = "config.secret")]
    Secret { name: String },
}

pub(crate) fn run(step: Value) -> Result<Value, Failure> {
    Ok(match serde_json::from_value(step)? {
        Op::Get { key } => config::get(&key).into(),
        Op::Secret { name } => config::secret(&name)?.into(),
    })
}
