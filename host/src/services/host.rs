//! What the WIT glue of all services shares.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{HasData, Resource, ResourceTable, ResourceTableError};

use super::bindings::GuestError;
use super::bindings::types;
use super::context::{Context, SharedLog};
use super::message::{Accepted, Attribute};
use super::transaction::{Handle, Transaction};
use super::wasi::Budget;
use super::{Access, Result};

/// What a host function of a service sees of its store: the guest's handles, the function's rights, its log and its
/// invocation.
pub struct View<'a> {
    pub table: &'a mut ResourceTable,
    pub access: &'a Access,
    /// The invocation's, if it has one.
    pub transaction: Option<&'a Arc<dyn Transaction>>,
    pub log: &'a SharedLog,
    pub context: &'a Context,
    /// For what the guest has the host keep.
    pub budget: &'a Budget,
}

/// Names [`View`] to the linker.
pub struct HasView;

impl HasData for HasView {
    type Data<'a> = View<'a>;
}

impl View<'_> {
    /// The guest's handle as the invocation may use it. Handles in the table outlive invocations and know of no
    /// transaction; one that an invocation has is joined here, at each use.
    pub(super) fn handle<T: Handle + 'static>(&self, handle: &Resource<T>) -> Result<Cow<'_, T>, ResourceTableError> {
        let handle = self.table.get(handle)?;
        Ok(match self.transaction {
            Some(_) => Cow::Owned(self.joined(handle.clone())),
            None => Cow::Borrowed(handle),
        })
    }

    pub(super) fn joined<T: Handle>(&self, handle: T) -> T {
        self.access.joined(handle, self.transaction)
    }
}

impl types::Host for View<'_> {
    fn convert_error(&mut self, error: GuestError) -> wasmtime::Result<types::Error> {
        match error {
            GuestError::Answer(error) => Ok(error.into()),
            GuestError::Trap(error) => Err(error),
        }
    }
}

pub(super) fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) fn from_guest(attributes: Vec<types::Attribute>) -> Vec<Attribute> {
    attributes.into_iter().map(|types::Attribute { name, value }| Attribute { name, value }).collect()
}

pub(super) fn to_guest(attributes: Vec<Attribute>) -> Vec<types::Attribute> {
    attributes.into_iter().map(|Attribute { name, value }| types::Attribute { name, value }).collect()
}

pub(super) fn accepted(Accepted { id, duplicate }: Accepted) -> types::Accepted {
    types::Accepted { id, duplicate }
}

/// The answers of a batch, each for itself.
pub(super) fn each<T, U>(answers: Vec<Result<T>>, convert: impl Fn(T) -> U) -> Vec<Result<U, types::Error>> {
    answers.into_iter().map(|answer| answer.map(&convert).map_err(Into::into)).collect()
}
