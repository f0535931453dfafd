use serde::Deserialize;
use serde_json::{Value, json};

use crate::bindings::wasi::blobstore::blobstore;
use crate::bindings::wasi::blobstore::container::Container;
use crate::bindings::wasi::blobstore::types::{IncomingValue, ObjectId, OutgoingValue};
use crate::bindings::wasi::io0_2_2::streams::{InputStream, OutputStream, StreamError};
use crate::values::{Failure, bytes, text};

#[derive(Deserialize)]
#[serde(tag = "op")]
enum Op {
    #[serde(rename = "blobstore.create_container")]
    Create { container: String },
    #[serde(rename = "blobstore.delete_container")]
    DeleteContainer { container: String },
    #[serde(rename = "blobstore.container_exists")]
    Exists { container: String },
    #[serde(rename = "blobstore.copy_object")]
    Copy { source: (String, String), destination: (String, String) },
    #[serde(rename = "blobstore.move_object")]
    Move { source: (String, String), destination: (String, String) },
    #[serde(untagged)]
    In(In),
}

#[derive(Deserialize)]
struct In {
    container: String,
    #[serde(flatten)]
    op: Inside,
}

#[derive(Deserialize)]
#[serde(tag = "op")]
enum Inside {
    #[serde(rename = "blobstore.container_info")]
    Info,
    #[serde(rename = "blobstore.write")]
    Write(Write),
    #[serde(rename = "blobstore.write_pattern")]
    WritePattern { name: String, size: usize },
    #[serde(rename = "blobstore.overfill")]
    Overfill,
    #[serde(rename = "blobstore.write_twice")]
    WriteTwice { name: String },
    #[serde(rename = "blobstore.read")]
    Read { name: String, start: u64, end: u64 },
    #[serde(rename = "blobstore.read_pattern")]
    ReadPattern { name: String },
    #[serde(rename = "blobstore.list")]
    List { page: u64, skip: u64 },
    #[serde(rename = "blobstore.delete_object")]
    Delete { name: String },
    #[serde(rename = "blobstore.delete_objects")]
    DeleteAll { names: Vec<String> },
    #[serde(rename = "blobstore.has_object")]
    Has { name: String },
    #[serde(rename = "blobstore.object_info")]
    ObjectInfo { name: String },
    #[serde(rename = "blobstore.clear")]
    Clear,
}

#[derive(Deserialize)]
struct Write {
    name: String,
    #[serde(deserialize_with = "bytes")]
    data: Vec<u8>,
    /// Whether `write-data` comes before the bytes; after them otherwise.
    first: bool,
    /// Whether it calls `finish`; otherwise the value is dropped.
    finish: bool,
}

pub(crate) fn run(step: Value) -> Result<Value, Failure> {
    Ok(match serde_json::from_value(step)? {
        Op::Create { container } => blobstore::create_container(&container)?.name()?.into(),
        Op::DeleteContainer { container } => json!(blobstore::delete_container(&container)?),
        Op::Exists { container } => blobstore::container_exists(&container)?.into(),
        Op::Copy { source, destination } => json!(blobstore::copy_object(&id(source), &id(destination))?),
        Op::Move { source, destination } => json!(blobstore::move_object(&id(source), &id(destination))?),
        Op::In(In { container, op }) => inside(&blobstore::get_container(&container)?, op)?,
    })
}

fn id((container, object): (String, String)) -> ObjectId {
    ObjectId { container, object }
}

fn inside(container: &Container, op: Inside) -> Result<Value, Failure> {
    Ok(match op {
        Inside::Info => {
            let info = container.info()?;
            json!({ "name": info.name, "created_at": info.created_at })
        }
        Inside::Write(write) => json!(self::write(container, &write)?),
        Inside::WritePattern { name, size } => json!(write_pattern(container, &name, size)?),
        Inside::Overfill => json!(overfill()?),
        Inside::WriteTwice { name } => json!(write_twice(container, &name)?),
        Inside::Read { name, start, end } => {
            let value = container.get_data(&name, start, end)?;
            json!({ "size": value.size(), "data": text(IncomingValue::incoming_value_consume_sync(value)?) })
        }
        Inside::ReadPattern { name } => read_pattern(container, &name)?,
        Inside::List { page, skip } => list(container, page, skip)?,
        Inside::Delete { name } => json!(container.delete_object(&name)?),
        Inside::DeleteAll { names } => json!(container.delete_objects(&names)?),
        Inside::Has { name } => container.has_object(&name)?.into(),
        Inside::ObjectInfo { name } => {
            let info = container.object_info(&name)?;
            json!({ "name": info.name, "container": info.container, "created_at": info.created_at, "size": info.size })
        }
        Inside::Clear => json!(container.clear()?),
    })
}

fn write(container: &Container, Write { name, data, first, finish }: &Write) -> Result<(), Failure> {
    let value = OutgoingValue::new_outgoing_value();
    if *first {
        container.write_data(name, &value)?;
    }
    fill(&stream(&value)?, data)?;
    if !first {
        container.write_data(name, &value)?;
    }
    if *finish {
        OutgoingValue::finish(value)?;
    }
    Ok(())
}

fn stream(value: &OutgoingValue) -> Result<OutputStream, Failure> {
    value.outgoing_value_write_body().map_err(|()| Failure::new("invalid", "the stream was taken before"))
}

fn fill(stream: &OutputStream, data: &[u8]) -> Result<(), Failure> {
    for chunk in data.chunks(4096) {
        stream.blocking_write_and_flush(chunk)?;
    }
    Ok(())
}

/// Byte `n` of the pattern is `n mod 251`. Written as a guest does that polls, not blocks.
fn write_pattern(container: &Container, name: &str, size: usize) -> Result<(), Failure> {
    let value = OutgoingValue::new_outgoing_value();
    container.write_data(name, &value)?;
    let stream = stream(&value)?;
    let mut written = 0;
    while written < size {
        let permit = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX).min(size - written);
        if permit == 0 {
            stream.subscribe().block();
        }
        let chunk: Vec<u8> = (written..written + permit).map(pattern).collect();
        stream.write(&chunk)?;
        written += permit;
    }
    drop(stream);
    Ok(OutgoingValue::finish(value)?)
}

fn pattern(position: usize) -> u8 {
    u8::try_from(position % 251).unwrap_or_default()
}

/// Writes without end and without saying where to.
fn overfill() -> Result<(), Failure> {
    let value = OutgoingValue::new_outgoing_value();
    let stream = stream(&value)?;
    loop {
        fill(&stream, &[0; 1 << 16])?;
    }
}

/// Both the second stream and the second destination are refused, and so is a value that has no destination.
fn write_twice(container: &Container, name: &str) -> Result<Value, Failure> {
    let value = OutgoingValue::new_outgoing_value();
    container.write_data(name, &value)?;
    let again = container.write_data(name, &value).err();
    let stream = stream(&value)?;
    let second = value.outgoing_value_write_body().is_err();
    drop(stream);
    OutgoingValue::finish(value)?;
    let nowhere = OutgoingValue::finish(OutgoingValue::new_outgoing_value()).err();
    Ok(json!({ "again": again, "second_stream_refused": second, "nowhere": nowhere }))
}

fn read_pattern(container: &Container, name: &str) -> Result<Value, Failure> {
    let value = container.get_data(name, 0, u64::MAX)?;
    let stream = IncomingValue::incoming_value_consume_async(value)?;
    let (mut length, mut wrong) = (0, 0);
    while let Some(chunk) = next(&stream)? {
        wrong += chunk.iter().enumerate().filter(|(n, byte)| **byte != pattern(length + n)).count();
        length += chunk.len();
    }
    Ok(json!({ "length": length, "wrong": wrong }))
}

fn next(stream: &InputStream) -> Result<Option<Vec<u8>>, Failure> {
    match stream.blocking_read(1 << 16) {
        Ok(chunk) => Ok(Some(chunk)),
        Err(StreamError::Closed) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The names after the first `skip`, and how many each read had.
fn list(container: &Container, page: u64, skip: u64) -> Result<Value, Failure> {
    let stream = container.list_objects()?;
    let (skipped, mut ended) = stream.skip_stream_object_names(skip)?;
    let (mut names, mut pages) = (Vec::new(), Vec::new());
    while !ended {
        let (read, end) = stream.read_stream_object_names(page)?;
        pages.push(read.len());
        names.extend(read);
        ended = end;
    }
    Ok(json!({ "skipped": skipped, "names": names, "pages": pages }))
}

impl From<StreamError> for Failure {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Closed => Self::new("closed", ""),
            StreamError::LastOperationFailed(error) => Self::new("stream", error.to_debug_string()),
        }
    }
}
