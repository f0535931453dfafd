//! wasm-faas: a host for functions that are WebAssembly components.

pub mod build;
pub mod cli;
pub mod config;
pub mod engine;
pub mod event;
pub mod invoke;
pub mod services;
