//! What the glue of the adapters shares, and its way into a linker.

use wasmtime::component::Linker;

use super::bindings::wasi;
use crate::services::host::{HasView, View};

/// Links every interface of `wit/adapters/`.
pub fn add_to_linker<T: Send + 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> wasmtime::Result<()> {
    wasi::keyvalue0_2_0_draft::store::add_to_linker::<T, HasView>(linker, view)?;
    wasi::keyvalue0_2_0_draft::atomics::add_to_linker::<T, HasView>(linker, view)?;
    wasi::keyvalue0_2_0_draft::batch::add_to_linker::<T, HasView>(linker, view)?;
    wasi::keyvalue0_2_0_draft2::store::add_to_linker::<T, HasView>(linker, view)?;
    wasi::keyvalue0_2_0_draft2::atomics::add_to_linker::<T, HasView>(linker, view)?;
    wasi::keyvalue0_2_0_draft2::batch::add_to_linker::<T, HasView>(linker, view)?;
    wasi::blobstore::types::add_to_linker::<T, HasView>(linker, view)?;
    wasi::blobstore::container::add_to_linker::<T, HasView>(linker, view)?;
    wasi::blobstore::blobstore::add_to_linker::<T, HasView>(linker, view)?;
    wasi::messaging::types::add_to_linker::<T, HasView>(linker, view)?;
    wasi::messaging::producer::add_to_linker::<T, HasView>(linker, view)?;
    wasi::messaging::request_reply::add_to_linker::<T, HasView>(linker, view)?;
    wasi::config0_2_0_rc_1::store::add_to_linker::<T, HasView>(linker, view)?;
    wasi::config0_2_0_draft::store::add_to_linker::<T, HasView>(linker, view)?;
    wasi::config0_2_0_draft_2024_09_27::store::add_to_linker::<T, HasView>(linker, view)?;
    wasi::logging::logging::add_to_linker::<T, HasView>(linker, view)
}
