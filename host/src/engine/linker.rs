use wasmtime::Engine;
use wasmtime::component::Linker;

use super::Profile;
use super::state::State;
use crate::services::bindings::{blob, config, context, functions, kv, queue, topic, types};
use crate::services::context::host::HasContext;
use crate::services::host::HasView;
use crate::services::wasi;

/// Everything a component can import. What an instance can reach through it is decided by its grants, at each `open`.
pub(super) fn linker(engine: &Engine, profile: Profile) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    if profile.concurrent {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    }
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    types::add_to_linker::<State, HasView>(&mut linker, State::view)?;
    context::add_to_linker::<State, HasContext>(&mut linker, State::context)?;
    config::add_to_linker::<State, HasView>(&mut linker, State::view)?;
    kv::add_to_linker::<State, HasView>(&mut linker, State::view)?;
    queue::add_to_linker::<State, HasView>(&mut linker, State::view)?;
    topic::add_to_linker::<State, HasView>(&mut linker, State::view)?;
    blob::add_to_linker::<State, HasView>(&mut linker, State::view)?;
    functions::add_to_linker::<State, HasView>(&mut linker, State::view)?;
    wasi::host::add_to_linker(&mut linker, State::view)?;
    Ok(linker)
}

/// Whether a component may import `name`: our own package, the proposals we serve and the parts of WASI that are linked,
/// those of 0.3 for components that use component-model concurrency.
pub(super) fn knows(name: &str, concurrent: bool) -> bool {
    const WASI: [&str; 7] = ["io", "clocks", "random", "cli", "filesystem", "sockets", "http"];
    const OURS: [&str; 8] = ["types", "context", "config", "kv", "queue", "topic", "blob", "functions"];
    let Some((interface, version)) = name.split_once('@') else { return false };
    match interface.split_once('/') {
        Some(("wasm-faas:function", interface)) => OURS.contains(&interface) && version.starts_with("0.1."),
        Some((package, _)) => {
            let of_wasi = package.strip_prefix("wasi:").is_some_and(|package| WASI.contains(&package));
            let linked = version.starts_with("0.2.") || (concurrent && version.starts_with("0.3."));
            (of_wasi && linked) || wasi::knows(name)
        }
        None => false,
    }
}
