//! wasm-faas: a host for functions that are WebAssembly components.

pub mod config;
pub mod services;
