use super::*;
use crate::services::blob::Listing;

const KEYS: [&str; 16] =
    ["%", "*", "A", "_", "a", "a%", "a-b", "a/", "a/b", "a/b/c", "a/b/d", "a/c", "a0", "ab/x", "é/x", "🦀"];

async fn fill(container: &Container, keys: &[&str]) {
    for key in keys.iter().rev() {
        put(container, key, *key).await;
    }
}

/// Keys and common prefixes, the latter in brackets, in the order of a merge.
async fn pages(container: &Container, prefix: &str, delimiter: Option<&str>, limit: u32) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = container.list(prefix, delimiter, cursor.as_deref(), limit).await.unwrap();
        let objects = page.objects.into_iter().map(|info| (info.key.clone(), info.key));
        let prefixes = page.prefixes.into_iter().map(|prefix| (prefix.clone(), format!("[{prefix}]")));
        let mut merged: Vec<(String, String)> = objects.chain(prefixes).collect();
        assert!(merged.len() <= limit as usize, "{merged:?} in a page of {limit}");
        assert!(page.cursor.is_none() || !merged.is_empty(), "an empty page with a cursor");
        merged.sort();
        found.extend(merged.into_iter().map(|(_, shown)| shown));
        cursor = page.cursor;
        if cursor.is_none() {
            return found;
        }
    }
}

pub(super) async fn list_is_in_byte_order(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    assert_eq!(container.list("", None, None, 10).await, Ok(Listing::default()));
    fill(&container, &KEYS).await;
    assert!(KEYS.is_sorted());
    for limit in [1, 2, 3, 15, 16, 17, PAGE_OBJECTS] {
        assert_eq!(pages(&container, "", None, limit).await, KEYS, "pages of {limit}");
    }
    let listing = container.list("", None, None, 100).await.unwrap();
    assert_eq!(listing.objects[8], container.head("a/b").await.unwrap().unwrap());
}

pub(super) async fn list_takes_the_prefix_literally(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    fill(&container, &KEYS).await;
    for prefix in ["a", "A", "a/", "a/b", "a/b/c", "a%", "%", "*", "_", "é", "🦀", "🦀/", "z", "\u{10ffff}"] {
        let expected: Vec<&str> = KEYS.into_iter().filter(|key| key.starts_with(prefix)).collect();
        for limit in [1, 2, 100] {
            assert_eq!(pages(&container, prefix, None, limit).await, expected, "{prefix:?} in pages of {limit}");
        }
    }
}

pub(super) async fn list_rolls_common_prefixes_up(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    fill(&container, &KEYS).await;
    let listing = container.list("a", Some("/"), None, 100).await.unwrap();
    let keys: Vec<&str> = listing.objects.iter().map(|info| info.key.as_str()).collect();
    assert_eq!(keys, ["a", "a%", "a-b", "a0"]);
    assert_eq!((listing.prefixes, listing.cursor), (vec!["a/".to_owned(), "ab/".to_owned()], None));
    let listing = container.list("a/", Some("/"), None, 100).await.unwrap();
    let keys: Vec<&str> = listing.objects.iter().map(|info| info.key.as_str()).collect();
    assert_eq!(keys, ["a/", "a/b", "a/c"]);
    assert_eq!(listing.prefixes, ["a/b/"]);
    assert_eq!(container.list("nothing", Some("/"), None, 1).await, Ok(Listing::default()));
}

pub(super) async fn list_pages_mix_objects_and_prefixes(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    fill(&container, &KEYS).await;
    let all = ["%", "*", "A", "_", "a", "a%", "a-b", "[a/]", "a0", "[ab/]", "[é/]", "🦀"];
    let below = ["a/", "a/b", "[a/b/]", "a/c"];
    for limit in [1, 2, 3, 4, 5, 11, 12, 13] {
        assert_eq!(pages(&container, "", Some("/"), limit).await, all, "pages of {limit}");
        assert_eq!(pages(&container, "a/", Some("/"), limit).await, below, "pages of {limit}");
    }
    let last = container.list("a/", Some("/"), None, 4).await.unwrap();
    assert_eq!(last.cursor, None, "no cursor after the last page");
}

pub(super) async fn list_goes_on_after_any_cursor(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    fill(&container, &["a", "b/1", "b/2", "b/x/1", "b/x/2", "c"]).await;
    let first = container.list("b/", Some("/"), None, 1).await.unwrap();
    container.delete("b/1", Condition::Always).await.unwrap();
    let after = async |cursor: &str| {
        let page = container.list("b/", Some("/"), Some(cursor), 10).await.unwrap();
        (page.objects.into_iter().map(|info| info.key).collect::<Vec<_>>(), page.prefixes)
    };
    let both = (vec!["b/2".to_owned()], vec!["b/x/".to_owned()]);
    assert_eq!(after(&first.cursor.unwrap()).await, both, "the cursor's key is gone");
    assert_eq!(after("").await, both);
    assert_eq!(after("a").await, both);
    assert_eq!(after("b/2").await, (vec![], vec!["b/x/".to_owned()]));
    for cursor in ["b/x/", "b/y", "c"] {
        assert_eq!(after(cursor).await, (vec![], vec![]), "{cursor}");
    }
}

pub(super) async fn list_skips_prefixes_of_any_delimiter(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    for delimiter in ["-", "/", "ü", "\u{d7ff}", "🦀", "\u{10ffff}"] {
        let key = |head: &str, tail: &str| format!("{delimiter} {head}{delimiter}{tail}");
        let own = format!("{delimiter} ");
        for (head, tail) in [("a", "1"), ("a", "\u{10ffff}"), ("b", ""), ("b", "2"), ("", "3")] {
            put(&container, &key(head, tail), "").await;
        }
        let expected = [key("", ""), key("a", ""), key("b", "")].map(|prefix| format!("[{prefix}]"));
        for limit in [1, 2, 3, 4] {
            let mut found = pages(&container, &own, Some(delimiter), limit).await;
            found.sort();
            let mut expected = expected.to_vec();
            expected.sort();
            assert_eq!(found, expected, "{delimiter:?} in pages of {limit}");
        }
    }
}
