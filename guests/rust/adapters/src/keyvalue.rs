use serde::Deserialize;
use serde_json::{Value, json};

use crate::bindings::wasi::keyvalue0_2_0_draft2::{atomics, store};
use crate::values::{Failure, bytes, text};

#[derive(Deserialize)]
struct Step {
    bucket: String,
    #[serde(flatten)]
    op: Op,
}

/// The part after the dot is the function's name; `list_all` pages to the end with one handle.
#[derive(Deserialize)]
#[serde(tag = "function", rename_all = "snake_case")]
enum Op {
    Open,
    Get {
        key: String,
    },
    Set(Pair),
    Delete {
        key: String,
    },
    Exists {
        key: String,
    },
    ListAll,
    GetMany {
        keys: Vec<String>,
    },
    SetMany {
        pairs: Vec<Pair>,
    },
    SetNumbered {
        count: u32,
    },
    DeleteMany {
        keys: Vec<String>,
    },
    Increment {
        key: String,
        delta: i64,
    },
    /// Reads, lets another write come in between, and swaps; on a conflict once more.
    Swap {
        key: String,
        value: String,
        meanwhile: Option<String>,
    },
    /// Begins at a cursor that nobody gave.
    ListFrom {
        cursor: u64,
    },
}

#[derive(Deserialize)]
struct Pair {
    key: String,
    #[serde(deserialize_with = "bytes")]
    value: Vec<u8>,
}

/// What both drafts have, once for each.
macro_rules! draft {
    ($name:ident, $package:ident, $cursor:ty, $delta:ty, $borrow:expr, $pair:expr, $swap:expr) => {
        pub(crate) mod $name {
            use serde_json::{Value, json};

            use super::{Op, Pair, Step};
            use crate::bindings::wasi::$package::{atomics, batch, store};
            use crate::values::{Failure, text};

            impl From<store::Error> for Failure {
                fn from(error: store::Error) -> Self {
                    match error {
                        store::Error::NoSuchStore => Self::new("no-such-store", ""),
                        store::Error::AccessDenied => Self::new("access-denied", ""),
                        store::Error::Other(text) => Self::new("other", text),
                    }
                }
            }

            pub(crate) fn run(mut step: Value) -> Result<Value, Failure> {
                let op = step["op"].as_str().unwrap_or_default();
                step["function"] = op.split_once('.').map_or(op, |(_, function)| function).into();
                let Step { bucket, op } = serde_json::from_value(step)?;
                let bucket = store::open(&bucket)?;
                Ok(match op {
                    Op::Open => Value::Null,
                    Op::Get { key } => bucket.get(&key)?.map(text).into(),
                    Op::Set(Pair { key, value }) => json!(bucket.set(&key, &value)?),
                    Op::Delete { key } => json!(bucket.delete(&key)?),
                    Op::Exists { key } => json!(bucket.exists(&key)?),
                    Op::ListAll => list_all(&bucket, None)?,
                    Op::ListFrom { cursor } => list_all(&bucket, cursor.to_string().parse().ok())?,
                    Op::GetMany { keys } => {
                        let pairs = batch::get_many(&bucket, &keys)?.into_iter().map($pair);
                        pairs.map(|(key, value): (Option<String>, Option<Vec<u8>>)| json!([key, value.map(text)])).collect()
                    }
                    Op::SetMany { pairs } => set_many(&bucket, pairs)?,
                    Op::SetNumbered { count } => {
                        let pair = |number: u32| Pair { key: format!("key-{number:05}"), value: number.to_le_bytes().into() };
                        set_many(&bucket, (0..count).map(pair).collect())?
                    }
                    Op::DeleteMany { keys } => json!(batch::delete_many(&bucket, &keys)?),
                    Op::Increment { key, delta } => json!(atomics::increment(&bucket, &key, delta as $delta)?),
                    Op::Swap { key, value, meanwhile } => $swap(&bucket, &key, &value, meanwhile.as_deref())?,
                })
            }

            fn set_many(bucket: &store::Bucket, pairs: Vec<Pair>) -> Result<Value, Failure> {
                let pairs: Vec<_> = pairs.into_iter().map(|Pair { key, value }| (key, value)).collect();
                Ok(json!(batch::set_many(bucket, &pairs)?))
            }

            /// The keys, and how many each page had.
            fn list_all(bucket: &store::Bucket, mut cursor: Option<$cursor>) -> Result<Value, Failure> {
                let (mut keys, mut pages) = (Vec::new(), Vec::new());
                loop {
                    let page = bucket.list_keys(cursor.as_ref().map($borrow))?;
                    pages.push(page.keys.len());
                    keys.extend(page.keys);
                    cursor = page.cursor;
                    if cursor.is_none() {
                        return Ok(json!({ "keys": keys, "pages": pages }));
                    }
                }
            }
        }
    };
}

draft!(
    draft,
    keyvalue0_2_0_draft,
    u64,
    u64,
    |cursor| *cursor,
    Option::unzip,
    |_, _: &str, _: &str, _: Option<&str>| Err(Failure::new("invalid", "this draft has no swap"))
);
draft!(draft2, keyvalue0_2_0_draft2, String, i64, String::as_str, |(key, value)| (Some(key), value), super::swap);

fn swap(bucket: &store::Bucket, key: &str, value: &str, meanwhile: Option<&str>) -> Result<Value, Failure> {
    let cas = atomics::Cas::new(bucket, key)?;
    let seen = cas.current()?.map(text);
    if let Some(other) = meanwhile {
        bucket.set(key, other.as_bytes())?;
    }
    match atomics::swap(cas, value.as_bytes()) {
        Ok(()) => Ok(json!({ "seen": seen, "tries": 1 })),
        Err(atomics::CasError::StoreError(error)) => Err(error.into()),
        Err(atomics::CasError::CasFailed(fresh)) => {
            let seen_again = fresh.current()?.map(text);
            match atomics::swap(fresh, value.as_bytes()) {
                Ok(()) => Ok(json!({ "seen": seen, "tries": 2, "seen_again": seen_again })),
                Err(_) => Err(Failure::new("conflict", "nobody wrote in between")),
            }
        }
    }
}
