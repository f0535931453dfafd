use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use wasm_faas::Container;
use wasm_faas::blob::{Condition, Listing, Method, Object, ObjectInfo, PutOptions, Range, Reader, Writer};

use crate::values::{Bytes, Failure, Names, each, epoch_ms, names};

#[derive(Deserialize)]
struct Step {
    container: String,
    #[serde(flatten)]
    op: Op,
}

#[derive(Deserialize)]
#[serde(tag = "op")]
enum Op {
    #[serde(rename = "blob.put")]
    Put {
        key: String,
        data: Bytes,
        #[serde(flatten)]
        options: Options,
    },
    #[serde(rename = "blob.get")]
    Get { key: String, range: Option<Part> },
    #[serde(rename = "blob.head")]
    Head { key: String },
    #[serde(rename = "blob.copy")]
    Copy { source: String, destination: String, when: Option<When> },
    #[serde(rename = "blob.delete")]
    Delete { key: String, when: Option<When> },
    #[serde(rename = "blob.delete_many")]
    DeleteMany { keys: Vec<String> },
    #[serde(rename = "blob.list")]
    List { prefix: String, delimiter: Option<char>, cursor: Option<String>, limit: u32 },
    #[serde(rename = "blob.write")]
    Write {
        key: String,
        chunks: Vec<Bytes>,
        finish: bool,
        #[serde(flatten)]
        options: Options,
    },
    #[serde(rename = "blob.read")]
    Read { key: String, range: Option<Part>, max: u32 },
    #[serde(rename = "blob.presign")]
    Presign { key: String, method: Access, ttl_ms: u64 },
}

#[derive(Deserialize)]
struct Options {
    content_type: Option<String>,
    metadata: Option<Names>,
    when: Option<When>,
}

impl From<Options> for PutOptions {
    fn from(options: Options) -> Self {
        let metadata = options.metadata.unwrap_or_default().into_iter().collect();
        Self { content_type: options.content_type, metadata, when: condition(options.when) }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum When {
    Always,
    IfAbsent,
    IfMatch(String),
}

fn condition(when: Option<When>) -> Condition {
    when.map_or(Condition::Always, Into::into)
}

impl From<When> for Condition {
    fn from(when: When) -> Self {
        match when {
            When::Always => Self::Always,
            When::IfAbsent => Self::IfAbsent,
            When::IfMatch(etag) => Self::IfMatch(etag),
        }
    }
}

#[derive(Deserialize)]
struct Part {
    start: u64,
    length: Option<u64>,
}

impl From<Part> for Range {
    fn from(Part { start, length }: Part) -> Self {
        Self { start, length }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Access {
    Get,
    Put,
}

impl From<Access> for Method {
    fn from(access: Access) -> Self {
        match access {
            Access::Get => Self::Get,
            Access::Put => Self::Put,
        }
    }
}

pub(crate) fn run(step: Value) -> Result<Value, Failure> {
    let Step { container, op } = serde_json::from_value(step)?;
    let container = Container::open(&container)?;
    Ok(match op {
        Op::Put { key, data, options } => info(&container.put_with(&key, &data.0, options.into())?),
        Op::Get { key, range: None } => container.get(&key)?.map(object).into(),
        Op::Get { key, range: Some(range) } => container.get_range(&key, range)?.map(object).into(),
        Op::Head { key } => container.head(&key)?.as_ref().map(info).into(),
        Op::Copy { source, destination, when } => info(&container.copy(&source, &destination, condition(when))?),
        Op::Delete { key, when } => container.delete_if(&key, condition(when))?.into(),
        Op::DeleteMany { keys } => {
            container.delete_many(keys)?.into_iter().map(|answer| each(answer, |there| there)).collect()
        }
        Op::List { prefix, delimiter, cursor, limit } => {
            listing(&container.list(&prefix, delimiter, cursor.as_deref(), limit)?)
        }
        Op::Write { key, chunks, finish, options } => write(container.writer(&key, options.into())?, &chunks, finish)?,
        Op::Read { key, range: None, max } => read(container.reader(&key)?, max)?,
        Op::Read { key, range: Some(range), max } => read(container.reader_range(&key, range)?, max)?,
        Op::Presign { key, method, ttl_ms } => {
            container.presign(method.into(), &key, Duration::from_millis(ttl_ms))?.into()
        }
    })
}

fn write(mut writer: Writer, chunks: &[Bytes], finish: bool) -> Result<Value, Failure> {
    for chunk in chunks {
        writer.write(&chunk.0)?;
    }
    Ok(if finish { info(&writer.finish()?) } else { Value::Null })
}

fn read(mut reader: Reader, max: u32) -> Result<Value, Failure> {
    let info = info(&reader.info());
    let mut chunks = Vec::new();
    loop {
        let chunk = reader.read(max)?;
        if chunk.is_empty() {
            return Ok(json!({ "info": info, "chunks": chunks }));
        }
        chunks.push(Bytes(chunk));
    }
}

fn object(object: Object) -> Value {
    json!({ "info": info(&object.info), "data": Bytes(object.data) })
}

fn listing(listing: &Listing) -> Value {
    let objects: Vec<_> = listing.objects.iter().map(info).collect();
    json!({ "objects": objects, "prefixes": listing.prefixes, "cursor": listing.cursor })
}

fn info(info: &ObjectInfo) -> Value {
    json!({
        "key": info.key,
        "size": info.size,
        "etag": info.etag,
        "content_type": info.content_type,
        "modified_ms": epoch_ms(info.modified),
        "metadata": names(&info.metadata),
    })
}
