use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use wasmtime::Engine;
use wasmtime::component::{Component as Compiled, ComponentExportIndex, InstancePre, Linker};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2::bindings as p2, p3::bindings as p3};

use super::Profile;
use super::shape::{Handler, Shape};
use super::state::State;

/// A component ready to be instantiated: its machine code mapped, linked and its handler found. Cheap to clone; the code
/// stays mapped for as long as a clone or an instance lives.
#[derive(Clone)]
pub struct Component(Arc<Inner>);

pub(super) struct Inner {
    pub(super) entry: Entry,
    pub(super) profile: Profile,
    deployed: Arc<Deployed>,
    /// When it was used last, as [`super::mapped::Mapped`] counts.
    pub(super) used: AtomicU64,
}

/// How an instance is made and called.
pub(super) enum Entry {
    Event { pre: InstancePre<State>, handle: ComponentExportIndex },
    Batch { pre: InstancePre<State>, handle: ComponentExportIndex },
    Http(ProxyPre<State>),
    Command(CommandPre<State>),
}

impl Entry {
    pub(super) fn engine(&self) -> &Engine {
        match self {
            Self::Event { pre, .. } | Self::Batch { pre, .. } => pre.engine(),
            Self::Http(ProxyPre::P2(pre)) => pre.engine(),
            Self::Http(ProxyPre::P3(pre)) => pre.engine(),
            Self::Command(pre) => pre.engine(),
        }
    }
}

impl Component {
    pub(super) fn new(entry: Entry, deployed: &Arc<Deployed>) -> Self {
        let inner =
            Inner { entry, profile: deployed.profile, deployed: Arc::clone(deployed), used: AtomicU64::default() };
        Self(Arc::new(inner))
    }

    pub fn shape(&self) -> &Shape {
        &self.0.deployed.shape
    }

    /// SHA-256 of its bytes, in hex.
    pub fn digest(&self) -> &str {
        &self.0.deployed.digest
    }

    pub fn handler(&self) -> Option<Handler> {
        self.0.deployed.shape.handler.as_ref().map(|(handler, _)| *handler)
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

/// A component that can be had at any time and costs no machine code until then ([`super::Loader::activate`]). Cheap to
/// clone.
#[derive(Clone)]
pub struct Registered {
    pub(super) path: Arc<Path>,
    pub(super) deployed: Arc<Deployed>,
}

impl Registered {
    pub fn shape(&self) -> &Shape {
        &self.deployed.shape
    }

    /// SHA-256 of its bytes, in hex.
    pub fn digest(&self) -> &str {
        &self.deployed.digest
    }

    pub fn handler(&self) -> Option<Handler> {
        self.deployed.shape.handler.as_ref().map(|(handler, _)| *handler)
    }
}

/// What is known of a component besides its machine code; one for all functions with the same bytes and profile.
pub(super) struct Deployed {
    pub(super) digest: String,
    pub(super) profile: Profile,
    pub(super) shape: Shape,
    /// Held while it is compiled or mapped: whoever comes meanwhile waits and finds it done.
    pub(super) turn: Mutex<()>,
    mapped: Mutex<Weak<Inner>>,
}

impl Deployed {
    pub(super) fn new(digest: String, profile: Profile, shape: Shape) -> Self {
        Self { digest, profile, shape, turn: Mutex::default(), mapped: Mutex::default() }
    }

    /// The component, if its code is mapped now.
    pub(super) fn mapped(&self) -> Option<Component> {
        self.mapped.lock().unwrap_or_else(PoisonError::into_inner).upgrade().map(Component)
    }

    pub(super) fn set_mapped(&self, component: &Component) {
        *self.mapped.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&component.0);
    }
}

pub(super) fn entry(code: &Compiled, linker: &Linker<State>, shape: &Shape) -> wasmtime::Result<Entry> {
    let pre = linker.instantiate_pre(code)?;
    let (handler, export) =
        shape.handler.as_ref().ok_or_else(|| wasmtime::format_err!("the component exports no handler"))?;
    let function = |name: &str| {
        let instance = code.get_export_index(None, export);
        instance
            .and_then(|instance| code.get_export_index(Some(&instance), name))
            .ok_or_else(|| wasmtime::format_err!("`{export}` has no function `{name}`"))
    };
    Ok(match handler {
        Handler::Event | Handler::AsyncEvent => Entry::Event { handle: function("handle")?, pre },
        Handler::Batch => Entry::Batch { handle: function("handle-batch")?, pre },
        Handler::Http => Entry::Http(ProxyPre::P2(p2::ProxyPre::new(pre)?)),
        Handler::Http3 => Entry::Http(ProxyPre::P3(p3::ServicePre::new(pre)?)),
        Handler::Command => Entry::Command(CommandPre::new(pre)?),
    })
}
