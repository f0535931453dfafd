//! `wasm-faas:function/kv` for guests.

use wasmtime::component::Resource;

use super::{Bucket, Condition, Entry, Operation, Write};
use crate::config::Service;
use crate::services::bindings::{GuestError, kv};
use crate::services::host::{View, millis};

type Result<T> = std::result::Result<T, GuestError>;

impl kv::Host for View<'_> {}

impl kv::HostBucket for View<'_> {
    async fn open(&mut self, name: String) -> Result<Resource<Bucket>> {
        let grant = self.access.grant(Service::Kv, &name)?;
        let bucket = Bucket::open(self.access.backends(&grant).kv.clone(), grant).await?;
        Ok(self.table.push(bucket)?)
    }

    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Result<Option<kv::Entry>> {
        Ok(self.handle(&bucket)?.get(&key).await?.map(entry))
    }

    async fn get_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Result<Vec<Option<kv::Entry>>> {
        let entries = self.handle(&bucket)?.get_many(&keys).await?;
        Ok(entries.into_iter().map(|found| found.map(entry)).collect())
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Result<bool> {
        Ok(self.handle(&bucket)?.exists(&key).await?)
    }

    async fn set(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
        when: kv::Condition,
    ) -> Result<u64> {
        let write = Write { key, value, ttl: ttl_ms.map(millis), when: when.into() };
        Ok(self.handle(&bucket)?.set(write).await?)
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String, when: kv::Condition) -> Result<bool> {
        Ok(self.handle(&bucket)?.delete(&key, when.into()).await?)
    }

    async fn increment(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        delta: i64,
        ttl_ms: Option<u64>,
    ) -> Result<i64> {
        Ok(self.handle(&bucket)?.increment(&key, delta, ttl_ms.map(millis)).await?)
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        prefix: String,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<kv::Page> {
        let page = self.handle(&bucket)?.list_keys(&prefix, cursor.as_deref(), limit).await?;
        Ok(kv::Page { keys: page.keys, cursor: page.cursor })
    }

    async fn transact(&mut self, bucket: Resource<Bucket>, operations: Vec<kv::Operation>) -> Result<Vec<u64>> {
        let operations = operations.into_iter().map(Into::into).collect();
        Ok(self.handle(&bucket)?.transact(operations).await?)
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

fn entry(Entry { value, version, expires_at_ms }: Entry) -> kv::Entry {
    kv::Entry { value, version, expires_at_ms }
}

impl From<kv::Condition> for Condition {
    fn from(condition: kv::Condition) -> Self {
        match condition {
            kv::Condition::Always => Self::Always,
            kv::Condition::IfAbsent => Self::IfAbsent,
            kv::Condition::IfVersion(version) => Self::IfVersion(version),
        }
    }
}

impl From<kv::Operation> for Operation {
    fn from(operation: kv::Operation) -> Self {
        match operation {
            kv::Operation::Check(kv::KeyCondition { key, when }) => Self::Check { key, when: when.into() },
            kv::Operation::Delete(kv::KeyCondition { key, when }) => Self::Delete { key, when: when.into() },
            kv::Operation::Set(kv::Write { key, value, ttl_ms, when }) => {
                Self::Set(Write { key, value, ttl: ttl_ms.map(millis), when: when.into() })
            }
        }
    }
}
