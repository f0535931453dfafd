use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use wasm_faas::Bucket;
use wasm_faas::kv::{Condition, Entry, Operation, SetOptions};

use crate::values::{Bytes, Failure, epoch_ms};

#[derive(Deserialize)]
struct Step {
    bucket: String,
    #[serde(flatten)]
    op: Op,
}

#[derive(Deserialize)]
#[serde(tag = "op")]
enum Op {
    #[serde(rename = "kv.get")]
    Get { key: String },
    #[serde(rename = "kv.get_many")]
    GetMany { keys: Vec<String> },
    #[serde(rename = "kv.exists")]
    Exists { key: String },
    #[serde(rename = "kv.set")]
    Set(Write),
    #[serde(rename = "kv.delete")]
    Delete(KeyCondition),
    #[serde(rename = "kv.increment")]
    Increment { key: String, delta: i64, ttl_ms: Option<u64> },
    #[serde(rename = "kv.list")]
    List { prefix: String, cursor: Option<String>, limit: u32 },
    #[serde(rename = "kv.transact")]
    Transact { operations: Vec<Part> },
}

#[derive(Deserialize)]
struct Write {
    key: String,
    value: Bytes,
    ttl_ms: Option<u64>,
    when: Option<When>,
}

impl Write {
    fn options(&self) -> SetOptions {
        SetOptions { ttl: self.ttl_ms.map(Duration::from_millis), when: condition(self.when) }
    }
}

#[derive(Deserialize)]
struct KeyCondition {
    key: String,
    when: Option<When>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum When {
    Always,
    IfAbsent,
    IfVersion(u64),
}

fn condition(when: Option<When>) -> Condition {
    when.map_or(Condition::Always, Into::into)
}

impl From<When> for Condition {
    fn from(when: When) -> Self {
        match when {
            When::Always => Self::Always,
            When::IfAbsent => Self::IfAbsent,
            When::IfVersion(version) => Self::IfVersion(version),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Part {
    Check(KeyCondition),
    Set(Write),
    Delete(KeyCondition),
}

impl From<Part> for Operation {
    fn from(part: Part) -> Self {
        match part {
            Part::Check(KeyCondition { key, when }) => Self::Check { key, when: condition(when) },
            Part::Set(write) => Self::Set { options: write.options(), key: write.key, value: write.value.0 },
            Part::Delete(KeyCondition { key, when }) => Self::Delete { key, when: condition(when) },
        }
    }
}

pub(crate) fn run(step: Value) -> Result<Value, Failure> {
    let Step { bucket, op } = serde_json::from_value(step)?;
    let bucket = Bucket::open(&bucket)?;
    Ok(match op {
        Op::Get { key } => bucket.get(&key)?.map(entry).into(),
        Op::GetMany { keys } => bucket.get_many(keys)?.into_iter().map(|found| found.map(entry)).collect(),
        Op::Exists { key } => bucket.exists(&key)?.into(),
        Op::Set(write) => bucket.set_with(&write.key, &write.value.0, write.options())?.into(),
        Op::Delete(KeyCondition { key, when }) => bucket.delete_if(&key, condition(when))?.into(),
        Op::Increment { key, delta, ttl_ms: None } => bucket.increment(&key, delta)?.into(),
        Op::Increment { key, delta, ttl_ms: Some(ms) } => {
            bucket.increment_with_ttl(&key, delta, Duration::from_millis(ms))?.into()
        }
        Op::List { prefix, cursor, limit } => {
            let page = bucket.list(&prefix, cursor.as_deref(), limit)?;
            json!({ "keys": page.keys, "cursor": page.cursor })
        }
        Op::Transact { operations } => bucket.transact(operations.into_iter().map(Into::into))?.into(),
    })
}

fn entry(entry: Entry) -> Value {
    json!({ "value": Bytes(entry.value), "version": entry.version, "expires_at_ms": entry.expires_at.map(epoch_ms) })
}
