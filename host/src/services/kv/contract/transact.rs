use super::*;
use crate::services::kv::{Operation, TRANSACTION_OPERATIONS};

pub(super) fn put(key: &str) -> Operation {
    Operation::Set(write(key, "new"))
}

fn check(key: &str, when: Condition) -> Operation {
    Operation::Check { key: key.into(), when }
}

fn delete(key: &str, when: Condition) -> Operation {
    Operation::Delete { key: key.into(), when }
}

pub(super) async fn transactions_apply_everything(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let (one, two) = (set(&bucket, "one", "1").await, set(&bucket, "two", "2").await);
    let operations = vec![
        check("one", Condition::IfVersion(one)),
        check("none", Condition::IfAbsent),
        delete("two", Condition::IfVersion(two)),
        delete("missing", Condition::Always),
        put("three"),
        Operation::Set(Write { ttl: Some(secs(1)), when: Condition::IfAbsent, ..write("four", "4") }),
    ];
    let numbers = bucket.transact(operations).await.unwrap();
    assert_eq!(numbers[..4], [0; 4]);
    assert!(two < numbers[4] && numbers[4] < numbers[5], "{numbers:?}");
    assert_eq!(value(&bucket, "one").await.as_deref(), Some(&b"1"[..]));
    assert_eq!(bucket.exists("two").await, Ok(false));
    let four = bucket.get("four").await.unwrap().unwrap();
    assert_eq!((four.version, four.expires_at_ms), (numbers[5], Some(START_MS + 1000)));
    assert_eq!(bucket.get("three").await.unwrap().unwrap().version, numbers[4]);
}

pub(super) async fn transactions_apply_nothing_on_conflict(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let version = set(&bucket, "there", "old").await;
    let failing = [
        (check("there", Condition::IfAbsent), Some(version)),
        (check("none", Condition::IfVersion(version)), None),
        (delete("there", Condition::IfVersion(version + 1)), Some(version)),
        (Operation::Set(Write { when: Condition::IfAbsent, ..write("there", "x") }), Some(version)),
    ];
    for (operation, current) in failing {
        let operations = vec![put("first"), delete("also", Condition::Always), operation.clone(), put("last")];
        assert_eq!(bucket.transact(operations).await, Err(Error::Conflict(current)), "{operation:?}");
    }
    assert_eq!(bucket.list_keys("", None, 10).await.unwrap().keys, ["there"]);
    assert_eq!(value(&bucket, "there").await.as_deref(), Some(&b"old"[..]));
}

pub(super) async fn transactions_check_every_condition(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let version = set(&bucket, "key", "v").await;
    for when in [Condition::Always, Condition::IfVersion(version)] {
        assert_eq!(bucket.transact(vec![check("key", when)]).await, Ok(vec![0]), "{when:?}");
    }
    for when in [Condition::Always, Condition::IfAbsent] {
        assert_eq!(bucket.transact(vec![check("none", when)]).await, Ok(vec![0]), "{when:?}");
    }
    let refused = bucket.transact(vec![delete("key", Condition::IfAbsent)]).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}

pub(super) async fn transactions_are_bounded(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let puts = |count: usize| (0..count).map(|index| put(&index.to_string())).collect::<Vec<_>>();
    let large = |key: &str, bytes: usize| Operation::Set(write(key, vec![1; bytes]));
    assert_eq!(bucket.transact(puts(TRANSACTION_OPERATIONS)).await.unwrap().len(), 64);
    assert_eq!(bucket.transact(puts(TRANSACTION_OPERATIONS + 1)).await, Err(Error::TooLarge(64)));
    let full = vec![large("a", VALUE_BYTES), large("b", TRANSACTION_BYTES - VALUE_BYTES)];
    assert_eq!(bucket.transact(full.clone()).await.unwrap().len(), 2);
    let over = [full, vec![large("c", 1)]].concat();
    assert_eq!(bucket.transact(over).await, Err(Error::TooLarge(1 << 20)));
    assert_eq!(bucket.transact(vec![large("a", VALUE_BYTES + 1)]).await, Err(Error::TooLarge(524_288)));
    assert_eq!(bucket.exists("c").await, Ok(false));
    for operations in [vec![], vec![put("a"), check("a", Condition::Always)], vec![put("")]] {
        let refused = bucket.transact(operations.clone()).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{operations:?} gives {refused:?}");
    }
}

/// Moves 1 from one account to another, as often as it takes to find both unchanged.
async fn transfer(bucket: &Bucket, from: &str, to: &str) {
    loop {
        let mut accounts = bucket.get_many(&[from.into(), to.into()]).await.unwrap().into_iter().map(account);
        let (payer, payee) = (accounts.next().unwrap(), accounts.next().unwrap());
        let moved = |key: &str, (balance, version): (i64, u64), by: i64| {
            let value = (balance + by).to_string();
            Operation::Set(Write { when: Condition::IfVersion(version), ..write(key, value) })
        };
        match bucket.transact(vec![moved(from, payer, -1), moved(to, payee, 1)]).await {
            Err(Error::Conflict(_)) => {}
            answer => return assert_eq!(answer.unwrap().len(), 2),
        }
    }
}

/// Balance and version of an account.
fn account(entry: Option<Entry>) -> (i64, u64) {
    let entry = entry.unwrap();
    (String::from_utf8(entry.value).unwrap().parse().unwrap(), entry.version)
}

pub(super) async fn transactions_do_not_mix(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let accounts = ["a", "b", "c"];
    for account in accounts {
        set(&bucket, account, "100").await;
    }
    let movers = (0..6).map(|mover| {
        let bucket = bucket.clone();
        async move {
            for round in 0..20 {
                transfer(&bucket, accounts[(mover + round) % 3], accounts[(mover + round + 1) % 3]).await;
            }
        }
    });
    all_at_once(movers).await;
    let balances = bucket.get_many(&accounts.map(String::from)).await.unwrap();
    let sum: i64 = balances.into_iter().map(|entry| account(entry).0).sum();
    assert_eq!(sum, 300);
}
