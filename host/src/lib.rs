//! wasm-faas: a host for functions that are WebAssembly components.
//!
//! The modules, from the outside in; each names only those below it (docs/architecture.md):
//!
//! - [`cli`]: arguments to command to exit code
//! - [`build`]: a folder with source to a component
//! - [`triggers`]: the outside world to events
//! - [`invoke`]: the spine of one invocation
//! - [`engine`]: components, instances, limits
//! - [`services`]: what functions can reach, and the backends behind it
//! - [`config`], [`event`]: plain data; [`child`]: processes that end with this one

#[cfg(not(unix))]
compile_error!("wasm-faas runs on Linux and macOS");

#[cfg(test)]
mod architecture;
pub mod build;
pub mod child;
pub mod cli;
pub mod config;
pub mod engine;
pub mod event;
pub mod invoke;
pub mod services;
pub mod triggers;
