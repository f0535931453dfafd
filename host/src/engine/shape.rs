//! What a component is, read from its bytes without compiling it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use wasmparser::{CanonicalFunction, CanonicalOption, ComponentExternalKind, KnownCustom, Parser, Payload};

use super::{LoadError, linker};
use crate::services::context::printable;

/// How a component takes its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Handler {
    /// `wasm-faas:function/handler`.
    Event,
    /// `wasm-faas:function/async-handler`.
    AsyncEvent,
    /// `wasm-faas:function/batch-handler`.
    Batch,
    /// `wasi:http/incoming-handler` 0.2.
    Http,
    /// `wasi:http/handler` 0.3.
    Http3,
    /// `wasi:cli/run` 0.2.
    Command,
}

impl Handler {
    /// In the order they are looked for: a component that has one of ours may carry a leftover `wasi:cli/run`.
    const ALL: [(Self, &str); 6] = [
        (Self::Event, "wasm-faas:function/handler@0.1."),
        (Self::AsyncEvent, "wasm-faas:function/async-handler@0.1."),
        (Self::Batch, "wasm-faas:function/batch-handler@0.1."),
        (Self::Http3, "wasi:http/handler@0.3."),
        (Self::Http, "wasi:http/incoming-handler@0.2."),
        (Self::Command, "wasi:cli/run@0.2."),
    ];
}

/// A tool that took part in making the component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub field: String,
    pub name: String,
    pub version: String,
}

/// The outside of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The handler and the full name of its export.
    pub handler: Option<(Handler, String)>,
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    /// It needs component-model concurrency.
    pub concurrent: bool,
    pub producers: Vec<Producer>,
    /// Of the file, in bytes.
    pub size: u64,
    pub core_modules: usize,
    /// What its memories have before the first call, in bytes.
    pub initial_memory: u64,
}

impl Shape {
    /// Reads the outside of a component. `path` is for messages.
    pub fn read(path: &Path, bytes: &[u8]) -> Result<Self, LoadError> {
        check_header(path, bytes)?;
        let mut shape = Self { size: bytes.len() as u64, ..Self::default() };
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            shape.add(payload.map_err(|error| damaged(path, &error))?, &mut depth).map_err(|e| damaged(path, &e))?;
        }
        shape.handler = Handler::ALL.into_iter().find_map(|(handler, start)| {
            let name = shape.exports.iter().find(|name| name.starts_with(start))?;
            Some((handler, name.clone()))
        });
        shape.producers.sort_by(|a, b| (&a.field, &a.name).cmp(&(&b.field, &b.name)));
        shape.producers.dedup();
        Ok(shape)
    }

    /// Refuses a component that has no handler or that imports what this host does not have. `path` is for messages.
    pub fn check(&self, path: &Path) -> Result<(), LoadError> {
        if self.handler.is_none() {
            let found = match self.exports.as_slice() {
                [] => "no export at all".to_owned(),
                exports => exports.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            };
            return Err(LoadError::NoHandler { path: path.to_owned(), found });
        }
        match self.imports.iter().find(|name| !linker::knows(name, self.concurrent)) {
            Some(import) => Err(LoadError::UnknownImport { path: path.to_owned(), import: import.clone() }),
            None => Ok(()),
        }
    }

    /// The language it was written in, as its producers tell.
    pub fn language(&self) -> Option<&str> {
        let known =
            [("componentize-py", "Python"), ("componentize-qjs", "JavaScript"), ("ComponentizeJS", "JavaScript")];
        let by_tool = known.iter().find(|(tool, _)| self.producers.iter().any(|p| p.name.eq_ignore_ascii_case(tool)));
        // The C of the standard library is in most of them.
        let languages = || self.producers.iter().filter(|producer| producer.field == "language");
        let named = || languages().max_by_key(|producer| !producer.name.starts_with('C'));
        by_tool.map(|(_, language)| *language).or_else(|| named().map(|producer| producer.name.as_str()))
    }

    fn add(&mut self, payload: Payload<'_>, depth: &mut usize) -> wasmparser::Result<()> {
        match payload {
            Payload::ModuleSection { .. } => {
                self.core_modules += 1;
                *depth += 1;
            }
            Payload::ComponentSection { .. } => *depth += 1,
            Payload::End(_) => *depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if *depth == 0 => {
                for import in imports {
                    self.imports.push(printable(import?.name.name));
                }
            }
            Payload::ComponentExportSection(exports) if *depth == 0 => {
                for export in exports {
                    self.add_export(&export?);
                }
            }
            Payload::ComponentCanonicalSection(functions) => {
                for function in functions {
                    self.concurrent |= needs_concurrency(&function?);
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    let bytes = memory?.initial.saturating_mul(64 << 10);
                    self.initial_memory = self.initial_memory.saturating_add(bytes);
                }
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Producers(fields) = section.as_known() {
                    self.add_producers(fields)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add_export(&mut self, export: &wasmparser::ComponentExport<'_>) {
        if matches!(export.kind, ComponentExternalKind::Instance | ComponentExternalKind::Func) {
            self.exports.push(printable(export.name.name));
        }
    }

    fn add_producers(&mut self, fields: wasmparser::ProducersSectionReader<'_>) -> wasmparser::Result<()> {
        for field in fields {
            let field = field?;
            for value in field.values {
                let value = value?;
                self.producers.push(Producer {
                    field: printable(field.name),
                    name: printable(value.name),
                    version: printable(value.version),
                });
            }
        }
        Ok(())
    }
}

/// Whether an engine without component-model concurrency would refuse the function.
fn needs_concurrency(function: &CanonicalFunction) -> bool {
    let is_async = |options: &[CanonicalOption]| options.iter().any(|option| matches!(option, CanonicalOption::Async));
    match function {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => is_async(options),
        CanonicalFunction::ResourceNew { .. }
        | CanonicalFunction::ResourceDrop { .. }
        | CanonicalFunction::ResourceRep { .. } => false,
        // Everything else in the canonical ABI belongs to tasks, streams, futures and threads.
        _ => true,
    }
}

fn check_header(path: &Path, bytes: &[u8]) -> Result<(), LoadError> {
    let path = path.to_owned();
    if bytes.is_empty() {
        return Err(LoadError::Empty { path });
    }
    if !bytes.starts_with(b"\0asm") {
        let start: String = String::from_utf8_lossy(&bytes[..bytes.len().min(16)]).into_owned();
        return Err(LoadError::NotWasm { path, start: format!("{start:?}") });
    }
    if Parser::is_core_wasm(bytes) {
        return Err(LoadError::CoreModule { path });
    }
    Ok(())
}

fn damaged(path: &Path, error: &wasmparser::BinaryReaderError) -> LoadError {
    LoadError::Damaged { path: path.to_owned(), offset: error.offset(), message: error.message().to_owned() }
}
