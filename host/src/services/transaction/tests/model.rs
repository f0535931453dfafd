//! The same random operations on a store, and on another one inside transactions that are committed every now and then:
//! the answers are the same, and so is what is stored in the end.

use super::*;
use crate::services::Backends;
use crate::services::blob::Condition as BlobCondition;
use crate::services::kv::Operation;

/// Few, so that operations meet.
const NAMES: [&str; 8] = ["a", "a/b", "a/c", "a/d/e", "b", "b/a", "c", "ü"];
const PREFIXES: [&str; 4] = ["", "a", "a/", "b/"];

struct Player {
    backends: Backends,
    dice: fastrand::Rng,
}

impl Player {
    fn name(&mut self) -> &'static str {
        self.dice.choice(NAMES).unwrap()
    }

    fn after(&mut self) -> Option<&'static str> {
        self.dice.bool().then(|| self.name())
    }

    fn when(&mut self) -> Condition {
        if self.dice.bool() { Condition::Always } else { Condition::IfAbsent }
    }

    fn ttl(&mut self) -> Option<Duration> {
        (self.dice.u8(..4) == 0).then(|| secs(self.dice.u64(1..4)))
    }

    fn write(&mut self) -> Write {
        let value = self.dice.u32(..1000).to_string().into();
        Write { key: self.name().into(), value, ttl: self.ttl(), when: self.when() }
    }

    fn operation(&mut self, key: &str) -> Operation {
        let (key, when) = (key.to_owned(), self.when());
        match self.dice.u8(..3) {
            0 => Operation::Check { key, when },
            1 => Operation::Delete { key, when: Condition::Always },
            _ => Operation::Set(Write { key, when, ..self.write() }),
        }
    }

    /// What it answers, without what differs between two stores.
    async fn step(&mut self) -> String {
        match self.dice.u8(..14) {
            0 | 1 => {
                let write = self.write();
                format!("set {:?}", plain(self.backends.kv.set("visits", write).await.map(drop)))
            }
            2 => {
                let (key, delta, ttl) = (self.name(), self.dice.i64(..10), self.ttl());
                format!("sum {:?}", plain(self.backends.kv.increment("visits", key, delta, ttl).await))
            }
            3 => {
                let key = self.name();
                let deleted = self.backends.kv.delete("visits", key, Condition::Always).await;
                format!("delete {deleted:?}")
            }
            4 => {
                let keys: Vec<String> = NAMES.iter().map(|name| (*name).into()).collect();
                let found = self.backends.kv.get_many("visits", &keys).await.unwrap();
                let found = found.into_iter().map(|entry| entry.map(|entry| (entry.value, entry.expires_at_ms)));
                format!("many {:?}", found.collect::<Vec<_>>())
            }
            5 | 6 => {
                let (prefix, after, limit) = (self.dice.choice(PREFIXES).unwrap(), self.after(), self.dice.u32(1..5));
                format!("keys {:?}", self.backends.kv.list_keys("visits", prefix, after, limit).await.unwrap())
            }
            7 => {
                let keys = self.dice.choose_multiple(NAMES, 3);
                let operations = keys.into_iter().map(|key| self.operation(key)).collect();
                format!("transact {:?}", plain(self.backends.kv.transact("visits", operations).await.map(drop)))
            }
            8 | 9 => {
                let (key, length) = (self.name(), self.dice.choice([1, 40 << 10]).unwrap());
                let when = if self.dice.bool() { BlobCondition::Always } else { BlobCondition::IfAbsent };
                let options = blob::PutOptions { when, ..blob::PutOptions::default() };
                format!(
                    "put {:?}",
                    self.backends.blob.put("inbox", key, bytes(length), options).await.map(|info| info.size)
                )
            }
            10 => {
                let (source, destination) = (self.name(), self.name());
                let copied = self.backends.blob.copy("inbox", source, destination, BlobCondition::Always).await;
                format!("copy {:?}", copied.map(|info| info.size))
            }
            11 => {
                let key = self.name();
                format!("remove {:?}", self.backends.blob.delete("inbox", key, BlobCondition::Always).await)
            }
            _ => {
                let (prefix, after, limit) = (self.dice.choice(PREFIXES).unwrap(), self.after(), self.dice.u32(1..5));
                let delimiter = self.dice.bool().then_some('/');
                let listing = self.backends.blob.list("inbox", prefix, delimiter, after, limit).await.unwrap();
                let objects: Vec<_> = listing.objects.into_iter().map(|info| (info.key, info.size)).collect();
                format!("list {objects:?} {:?} {:?}", listing.prefixes, listing.cursor)
            }
        }
    }
}

/// Versions are a store's own.
fn plain<T>(answer: Result<T>) -> Result<T> {
    answer.map_err(|error| if let Error::Conflict(_) = error { Error::Conflict(None) } else { error })
}

/// Everything that is stored.
async fn contents(fixture: &Fixture) -> String {
    let backends = fixture.backends();
    let keys = backends.kv.list_keys("visits", "", None, 1_000).await.unwrap().keys;
    let mut lines = Vec::new();
    for key in keys {
        let entry = backends.kv.get("visits", &key).await.unwrap().unwrap();
        lines.push(format!("{key}: {:?} {:?}", entry.value, entry.expires_at_ms));
    }
    for info in backends.blob.list("inbox", "", None, None, 1_000).await.unwrap().objects {
        let mut reader = backends.blob.reader("inbox", &info.key, None).await.unwrap().unwrap();
        let body = reader.read(1 << 20).await.unwrap();
        assert_eq!(body, bytes(body.len()));
        lines.push(format!("{}: {} of {} bytes", info.key, body.len(), info.size));
    }
    lines.join("\n")
}

#[tokio::test]
async fn a_transaction_answers_as_a_store_of_its_own() {
    for seed in 0..20 {
        let (plain, inside) = (fixture(), fixture());
        let player = |backends| Player { backends, dice: fastrand::Rng::with_seed(seed) };
        let mut expected = player(plain.backends().clone());
        let mut dice = fastrand::Rng::with_seed(!seed);
        let mut found = player(inside.backends().clone());
        for _ in 0..10 {
            let transaction = begin(&inside);
            found.backends.kv = transaction.kv();
            found.backends.blob = transaction.blob();
            for _ in 0..dice.u8(..30) {
                let (expected, found) = (expected.step().await, found.step().await);
                assert_eq!(found, expected, "with seed {seed}");
            }
            transaction.commit(Vec::new()).await.unwrap();
            // Not before: a key that was read and has expired since is a conflict.
            plain.advance(secs(1));
            inside.advance(secs(1));
            assert_eq!(contents(&inside).await, contents(&plain).await, "with seed {seed}");
        }
    }
}
