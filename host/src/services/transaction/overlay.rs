use std::collections::BTreeMap;

use super::{BYTES, EFFECTS, KEYS};
use crate::services::{Error, Result};

/// What a transaction has seen of one service's keys and what it will write to them, by resource and key. `V` tells one
/// state of a key from the next, `T` is what is written.
pub(super) struct Overlay<V, T> {
    resources: BTreeMap<String, BTreeMap<String, Known<V, T>>>,
    len: usize,
}

pub(super) struct Known<V, T> {
    pub(super) seen: Option<Seen<V>>,
    pub(super) staged: Option<Staged<T>>,
}

/// A key as the first look at the store found it.
pub(super) struct Seen<V> {
    /// `None` where there was no such key.
    pub(super) version: Option<V>,
}

/// What the commit makes of a key.
pub(super) enum Staged<T> {
    Put(T),
    Removed,
}

impl<V, T> Default for Overlay<V, T> {
    fn default() -> Self {
        Self { resources: BTreeMap::new(), len: 0 }
    }
}

impl<V, T> Overlay<V, T> {
    /// What was written to the key so far.
    pub(super) fn staged(&self, resource: &str, key: &str) -> Option<&Staged<T>> {
        self.resources.get(resource)?.get(key)?.staged.as_ref()
    }

    /// All that was written to the resource so far, in the order of its keys.
    pub(super) fn staged_in(&self, resource: &str) -> impl Iterator<Item = (&str, &Staged<T>)> {
        let keys = self.resources.get(resource).into_iter().flatten();
        keys.filter_map(|(key, known)| Some((key.as_str(), known.staged.as_ref()?)))
    }

    /// Remembers what the store has under the key, unless it was seen before. [`Error::TooLarge`] past [`KEYS`].
    pub(super) fn saw(&mut self, resource: &str, key: &str, version: Option<V>) -> Result<()> {
        let is_known = self.resources.get(resource).is_some_and(|keys| keys.contains_key(key));
        if self.len >= KEYS && !is_known {
            return Err(Error::TooLarge(KEYS as u64));
        }
        self.known(resource, key).seen.get_or_insert(Seen { version });
        Ok(())
    }

    /// Writes over what was written to the key before.
    pub(super) fn stage(&mut self, resource: &str, key: &str, staged: Staged<T>) {
        self.known(resource, key).staged = Some(staged);
    }

    /// Resource, key, and what is known of it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, &Known<V, T>)> {
        let resources = self.resources.iter();
        resources.flat_map(|(resource, keys)| keys.iter().map(move |(key, known)| (&**resource, &**key, known)))
    }

    fn known(&mut self, resource: &str, key: &str) -> &mut Known<V, T> {
        let keys = self.resources.entry(resource.to_owned()).or_default();
        keys.entry(key.to_owned()).or_insert_with(|| {
            self.len += 1;
            Known { seen: None, staged: None }
        })
    }
}

/// How much a transaction holds.
#[derive(Clone, Copy, Default)]
pub(super) struct Held {
    effects: usize,
    bytes: usize,
}

impl Held {
    /// Adds an effect of `new` bytes in the place of one of `old` bytes. [`Error::TooLarge`] when that is too much.
    pub(super) fn replace(&mut self, old: Option<usize>, new: usize) -> Result<()> {
        let effects = self.effects + usize::from(old.is_none());
        let bytes = (self.bytes + new).saturating_sub(old.unwrap_or(0));
        if effects > EFFECTS {
            return Err(Error::TooLarge(EFFECTS as u64));
        }
        if bytes > BYTES {
            return Err(Error::TooLarge(BYTES as u64));
        }
        *self = Self { effects, bytes };
        Ok(())
    }

    pub(super) fn bytes(self) -> usize {
        self.bytes
    }
}
