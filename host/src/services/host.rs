//! What the WIT glue of all services shares.

use std::borrow::Cow;
use std::time::Duration;

use wasmtime::component::{HasData, Resource, ResourceTable, ResourceTableError};

use super::bindings::GuestError;
use super::bindings::types;
use super::context::{Context, SharedLog};
use super::message::{Accepted, Attribute};
use super::transaction::Handle;
use super::wasi::Budget;
use super::{Access, Result};

/// What a host function of a service sees of its store: the guest's handles, the function's rights, its log and its
/// invocation.
pub struct View<'a> {
    pub table: &'a mut ResourceTable,
    pub access: &'a Access,
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
        Ok(match self.context.transaction() {
            Some(_) => Cow::Owned(self.joined(handle.clone())),
            None => Cow::Borrowed(handle),
        })
    }

    pub(super) fn joined<T: Handle>(&self, handle: T) -> T {
        self.access.joined(handle, self.context.transaction())
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;
    use crate::config::{Limits, Resources};
    use crate::services::Clock;
    use crate::services::bindings::blob::PutOptions;
    use crate::services::bindings::{GuestError, blob, kv};
    use crate::services::context::{Identity, Invocation};
    use crate::services::contract::{Fixture, sqlite};
    use crate::services::transaction::Transaction;

    /// What one instance keeps from one invocation to the next.
    struct Guest {
        table: ResourceTable,
        access: Access,
        context: Context,
        budget: Budget,
    }

    impl Guest {
        fn new(fixture: &Fixture) -> Self {
            let grants = ["kv:visits:rw".parse().unwrap(), "blob:inbox:rw".parse().unwrap()];
            let access = Access::new(fixture.backends().clone(), &grants, BTreeMap::new(), BTreeMap::new());
            let identity = Identity {
                function: "guest".into(),
                version: "1".into(),
                limits: Limits::default(),
                clock: Clock::default(),
            };
            let log = SharedLog::new("guest".into(), Arc::new(|_| {}));
            let context = Context::new(Arc::new(identity), invocation(None), log);
            Self { table: ResourceTable::new(), access, context, budget: Budget::default() }
        }

        fn invocation(&mut self, transaction: Option<&Arc<dyn Transaction>>) -> View<'_> {
            self.context.begin(invocation(transaction));
            let Self { table, access, context, budget } = self;
            View { table, access, log: &context.log, context, budget }
        }
    }

    fn invocation(transaction: Option<&Arc<dyn Transaction>>) -> Invocation {
        Invocation {
            id: "1".into(),
            attempt: 1,
            deadline: Instant::now(),
            traceparent: None,
            depth: 0,
            transaction: transaction.cloned(),
        }
    }

    fn fixture() -> Fixture {
        let resources = Resources {
            buckets: ["visits".into()].into(),
            containers: ["inbox".into()].into(),
            ..Resources::default()
        };
        Fixture::open(sqlite, resources)
    }

    /// Calls leave a handle with its guest.
    fn same<T: 'static>(handle: &Resource<T>) -> Resource<T> {
        Resource::new_borrow(handle.rep())
    }

    async fn set(view: &mut View<'_>, bucket: &Resource<crate::services::kv::Bucket>, value: &str) {
        use kv::HostBucket as _;
        view.set(same(bucket), "key".into(), value.into(), None, kv::Condition::Always).await.unwrap();
    }

    #[tokio::test]
    async fn a_handle_that_a_guest_keeps_works_in_the_transaction_of_each_invocation() {
        use kv::HostBucket as _;
        let fixture = fixture();
        let stored = async || {
            let entry = fixture.backends().kv.get("visits", "key").await.unwrap();
            entry.map(|entry| String::from_utf8(entry.value).unwrap())
        };
        let begin = || fixture.backends().transactions.as_ref().unwrap().begin();
        let mut guest = Guest::new(&fixture);
        let bucket = guest.invocation(None).open("visits".into()).await.unwrap();
        let (first, second) = (begin(), begin());
        set(&mut guest.invocation(Some(&first)), &bucket, "first").await;
        assert_eq!(stored().await, None);
        set(&mut guest.invocation(None), &bucket, "none").await;
        assert_eq!(stored().await.as_deref(), Some("none"));
        set(&mut guest.invocation(Some(&second)), &bucket, "second").await;
        let seen = first.kv().get("visits", "key").await.unwrap().unwrap();
        assert_eq!(seen.value, b"first");
        second.commit(Vec::new()).await.unwrap();
        assert_eq!(stored().await.as_deref(), Some("second"));
    }

    #[tokio::test]
    async fn a_writer_stores_nothing_beside_a_transaction() {
        use blob::{HostContainer as _, HostWriter as _};
        let fixture = fixture();
        let transaction = fixture.backends().transactions.as_ref().unwrap().begin();
        let options = || PutOptions { content_type: None, metadata: Vec::new(), when: blob::Condition::Always };
        let mut guest = Guest::new(&fixture);
        let mut view = guest.invocation(None);
        let container = view.open("inbox".into()).await.unwrap();
        let kept = view.writer(same(&container), "kept".into(), options()).await.unwrap();
        let mut view = guest.invocation(Some(&transaction));
        let own = view.writer(same(&container), "own".into(), options()).await.unwrap();
        view.finish(own).await.unwrap();
        let Err(GuestError::Answer(refusal)) = view.finish(kept).await else { panic!("it was stored") };
        insta::assert_snapshot!(
            refusal,
            @"invalid: the writer is of an earlier invocation, outside of this one's transaction: open it anew"
        );
        let stored = fixture.backends().blob.list("inbox", "", None, None, 10).await.unwrap();
        assert!(stored.objects.is_empty());
        transaction.commit(Vec::new()).await.unwrap();
        let stored = fixture.backends().blob.list("inbox", "", None, None, 10).await.unwrap();
        assert_eq!(stored.objects.into_iter().map(|info| info.key).collect::<Vec<_>>(), ["own"]);
    }
}
