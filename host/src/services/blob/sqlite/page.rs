use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;
use std::ops::Bound;

use rusqlite::{Connection, Rows, params};

use super::{INFO, read_info};
use crate::services::blob::{Listing, ObjectInfo};

/// What to list.
pub(in crate::services) struct Page<'a> {
    pub(in crate::services) container: i64,
    pub(in crate::services) prefix: &'a str,
    pub(in crate::services) delimiter: Option<char>,
    pub(in crate::services) limit: usize,
    pub(in crate::services) staged: &'a Staged,
}

/// What a transaction has put in the place of stored objects, by their keys; `None` for one that it deleted.
pub(in crate::services) type Staged = BTreeMap<Vec<u8>, Option<ObjectInfo>>;

/// One line of a listing.
enum Item {
    Object(ObjectInfo),
    Prefix(String),
}

/// No UTF-8 holds this byte: a text with it lies behind everything that starts with the text.
const BEHIND: u8 = 0xFF;
/// The text with it comes right behind the text.
const NEXT: u8 = 0;

impl Page<'_> {
    /// Objects are read in a row; at a common prefix reading starts anew behind all that it stands for.
    pub(in crate::services) fn read(&self, db: &Connection, after: Option<&str>) -> rusqlite::Result<Listing> {
        let moment = db.unchecked_transaction()?;
        let mut listing = Listing::default();
        let mut start = after.map_or_else(Vec::new, |after| self.behind(after)).max(self.prefix.into());
        let mut last = None;
        loop {
            let room = self.limit - listing.objects.len() - listing.prefixes.len();
            let items = self.run(&moment, &start, room + 1)?;
            let is_end = items.is_empty();
            for item in items {
                if listing.objects.len() + listing.prefixes.len() == self.limit {
                    listing.cursor = last;
                    return Ok(listing);
                }
                start = self.behind(item.name());
                last = Some(item.name().to_owned());
                match item {
                    Item::Object(info) => listing.objects.push(info),
                    Item::Prefix(prefix) => listing.prefixes.push(prefix),
                }
            }
            if is_end {
                return Ok(listing);
            }
        }
    }

    /// Where to go on after a key or a common prefix of this listing.
    fn behind(&self, name: &str) -> Vec<u8> {
        match self.common_prefix(name) {
            Some(prefix) => [prefix.as_bytes(), &[BEHIND]].concat(),
            None => [name.as_bytes(), &[NEXT]].concat(),
        }
    }

    /// The beginning of `key` that stands for it, up to and with the first delimiter after the listing's own prefix.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let at = key.strip_prefix(self.prefix)?.find(delimiter)?;
        key.get(..self.prefix.len() + at + delimiter.len_utf8())
    }

    /// The next objects in a row, at most `limit`, and the common prefix that ends it.
    fn run(&self, db: &Connection, start: &[u8], limit: usize) -> rusqlite::Result<Vec<Item>> {
        let end = [self.prefix.as_bytes(), &[BEHIND]].concat();
        if start >= end.as_slice() {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT {INFO} FROM object WHERE container = ?1 AND key >= ?2 AND key < ?3 ORDER BY key");
        let mut statement = db.prepare_cached(&sql)?;
        let staged = self.staged.range::<[u8], _>((Bound::Included(start), Bound::Excluded(&end[..]))).peekable();
        let mut objects = Merged { rows: statement.query(params![self.container, start, end])?, stored: None, staged };
        let mut items = Vec::new();
        while items.len() < limit
            && let Some(info) = objects.next()?
        {
            if let Some(prefix) = self.common_prefix(&info.key) {
                items.push(Item::Prefix(prefix.to_owned()));
                break;
            }
            items.push(Item::Object(info));
        }
        Ok(items)
    }
}

/// Stored objects in a row, with those of a transaction in their places.
struct Merged<'a> {
    rows: Rows<'a>,
    /// The next of the rows, once it was read.
    stored: Option<ObjectInfo>,
    staged: Peekable<btree_map::Range<'a, Vec<u8>, Option<ObjectInfo>>>,
}

impl Merged<'_> {
    fn next(&mut self) -> rusqlite::Result<Option<ObjectInfo>> {
        loop {
            if self.stored.is_none() {
                self.stored = self.rows.next()?.map(read_info).transpose()?;
            }
            let Some((key, _)) = self.staged.peek() else { return Ok(self.stored.take()) };
            if let Some(stored) = &self.stored {
                if stored.key.as_bytes() < key.as_slice() {
                    return Ok(self.stored.take());
                }
                if stored.key.as_bytes() == key.as_slice() {
                    self.stored = None;
                }
            }
            if let Some((_, Some(info))) = self.staged.next() {
                return Ok(Some(info.clone()));
            }
        }
    }
}

impl Item {
    fn name(&self) -> &str {
        match self {
            Self::Object(info) => &info.key,
            Self::Prefix(prefix) => prefix,
        }
    }
}
