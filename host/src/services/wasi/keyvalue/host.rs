//! `wasi:keyvalue` for guests, in both drafts.

use wasmtime::component::Resource;

use super::{Bucket, Cas};
use crate::services::Error;
use crate::services::bindings::GuestError;
use crate::services::context::Level;
use crate::services::host::View;
use crate::services::wasi::bindings::wasi::{keyvalue0_2_0_draft as draft, keyvalue0_2_0_draft2 as draft2};

type Result<T, E = GuestError> = std::result::Result<T, E>;

impl View<'_> {
    async fn open_bucket(&mut self, identifier: &str) -> Result<Resource<Bucket>> {
        let opened = Bucket::open(self.access, identifier).await;
        if matches!(opened, Err(Error::NotFound)) {
            self.log.write(Level::Warn, &format!("bucket `{identifier}` is granted and does not exist"));
        }
        Ok(self.table.push(opened?)?)
    }
}

/// What the drafts have in common: all but the cursor's type and the shape of an answer of `get-many`.
macro_rules! serve {
    ($draft:ident, cursor: $cursor:ty, answer: $answer:ty = $shape:expr) => {
        impl $draft::store::Host for View<'_> {
            async fn open(&mut self, identifier: String) -> Result<Resource<Bucket>> {
                self.open_bucket(&identifier).await
            }

            /// A denial has no text in these interfaces: the grant to add is told in the function's log.
            fn convert_error(&mut self, error: GuestError) -> wasmtime::Result<$draft::store::Error> {
                Ok(match error {
                    GuestError::Trap(error) => return Err(error),
                    GuestError::Answer(Error::AccessDenied(text)) => {
                        self.log.write(Level::Warn, &text);
                        $draft::store::Error::AccessDenied
                    }
                    GuestError::Answer(Error::NotFound) => $draft::store::Error::NoSuchStore,
                    GuestError::Answer(error) => $draft::store::Error::Other(error.to_string()),
                })
            }
        }

        impl $draft::store::HostBucket for View<'_> {
            async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Result<Option<Vec<u8>>> {
                Ok(self.handle(&bucket)?.get(&key).await?)
            }

            async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Result<()> {
                Ok(self.handle(&bucket)?.set(key, value).await?)
            }

            async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Result<()> {
                Ok(self.handle(&bucket)?.delete(&key).await?)
            }

            async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Result<bool> {
                Ok(self.handle(&bucket)?.inner.exists(&key).await?)
            }

            async fn list_keys(
                &mut self,
                bucket: Resource<Bucket>,
                cursor: Option<$cursor>,
            ) -> Result<$draft::store::KeyResponse> {
                let (keys, cursor) = self.handle(&bucket)?.list_keys(cursor).await?;
                Ok($draft::store::KeyResponse { keys, cursor })
            }

            async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
                self.table.delete(bucket)?;
                Ok(())
            }
        }

        impl $draft::batch::Host for View<'_> {
            async fn get_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Result<Vec<$answer>> {
                let pairs = self.handle(&bucket)?.get_many(keys).await?;
                Ok(pairs.into_iter().map($shape).collect())
            }

            async fn set_many(&mut self, bucket: Resource<Bucket>, pairs: Vec<(String, Vec<u8>)>) -> Result<()> {
                Ok(self.handle(&bucket)?.set_many(pairs).await?)
            }

            async fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Result<()> {
                Ok(self.handle(&bucket)?.delete_many(keys).await?)
            }
        }
    };
}

serve!(draft, cursor: u64, answer: Option<(String, Vec<u8>)> = |(key, value)| value.map(|value| (key, value)));
serve!(draft2, cursor: String, answer: (String, Option<Vec<u8>>) = |pair| pair);

impl draft::atomics::Host for View<'_> {
    async fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: u64) -> Result<u64> {
        Ok(self.handle(&bucket)?.increment_unsigned(&key, delta).await?)
    }
}

impl draft2::atomics::Host for View<'_> {
    async fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: i64) -> Result<i64> {
        Ok(self.handle(&bucket)?.increment(&key, delta).await?)
    }

    async fn swap(
        &mut self,
        cas: Resource<Cas>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), draft2::atomics::CasError>> {
        let cas = self.table.delete(cas)?;
        match self.joined(cas).swap(value).await {
            Ok(None) => Ok(Ok(())),
            Ok(Some(fresh)) => Ok(Err(draft2::atomics::CasError::CasFailed(self.table.push(fresh)?))),
            Err(error) => {
                let error = draft2::store::Host::convert_error(self, error.into())?;
                Ok(Err(draft2::atomics::CasError::StoreError(error)))
            }
        }
    }
}

impl draft2::atomics::HostCas for View<'_> {
    async fn new(&mut self, bucket: Resource<Bucket>, key: String) -> Result<Resource<Cas>> {
        let cas = Cas::new(self.handle(&bucket)?.inner.clone(), key).await?;
        Ok(self.table.push(cas)?)
    }

    async fn current(&mut self, cas: Resource<Cas>) -> Result<Option<Vec<u8>>> {
        Ok(self.handle(&cas)?.current().await?)
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}
