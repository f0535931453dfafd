use super::*;

pub(super) async fn keys_are_checked(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let mut lines = Vec::new();
    for key in ["", "a\0b", ".", "..", "a/..", "../a", "a/./b", "/.."] {
        let error = container.put(key, vec![], PutOptions::default()).await.unwrap_err();
        assert_eq!(container.head(key).await, Err(error.clone()));
        assert_eq!(container.get(key, None).await, Err(error.clone()));
        assert_eq!(container.copy("a", key, Condition::Always).await, Err(error.clone()));
        assert_eq!(container.copy(key, "a", Condition::Always).await, Err(error.clone()));
        assert_eq!(container.delete(key, Condition::Always).await, Err(error.clone()));
        assert_eq!(container.delete_many(&[key.into()]).await, Ok(vec![Err(error.clone())]));
        assert_eq!(container.reader(key, None).await.map(|_| ()), Err(error.clone()));
        assert_eq!(container.writer(key, PutOptions::default()).await.map(|_| ()), Err(error.clone()));
        lines.push(error.to_string());
    }
    insta::allow_duplicates! {
        insta::assert_snapshot!(lines.join("\n"), @r#"
        invalid: the key is empty
        invalid: key "a\0b" contains NUL
        invalid: key "." has a segment `.` or `..`
        invalid: key ".." has a segment `.` or `..`
        invalid: key "a/.." has a segment `.` or `..`
        invalid: key "../a" has a segment `.` or `..`
        invalid: key "a/./b" has a segment `.` or `..`
        invalid: key "/.." has a segment `.` or `..`
        "#);
    }
    let too_long = "a".repeat(KEY_BYTES + 1);
    assert_eq!(container.head(&too_long).await, Err(Error::TooLarge(1024)));
}

pub(super) async fn metadata_is_bounded(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let attempt = async |metadata| {
        let options = PutOptions { metadata, ..PutOptions::default() };
        let written = container.writer("key", options.clone()).await.map(|_| ());
        assert_eq!(container.put("key", vec![], options).await.map(|_| ()), written);
        written
    };
    assert_eq!(attempt(vec![attribute("name", &"v".repeat(METADATA_BYTES - 4))]).await, Ok(()));
    assert_eq!(attempt(vec![attribute("name", &"v".repeat(METADATA_BYTES - 3))]).await, Err(Error::TooLarge(2048)));
    assert_eq!(attempt(vec![attribute(&"n".repeat(64), "")]).await, Ok(()));
    for name in ["", "A", "a b", "ü", &"n".repeat(65)] {
        let refused = attempt(vec![attribute(name, "")]).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{name:?} gives {refused:?}");
    }
    let typed = |length| PutOptions { content_type: Some("t".repeat(length)), ..PutOptions::default() };
    assert!(container.put("key", vec![], typed(CONTENT_TYPE_BYTES)).await.is_ok());
    assert_eq!(container.put("key", vec![], typed(CONTENT_TYPE_BYTES + 1)).await, Err(Error::TooLarge(256)));
}

pub(super) async fn arguments_are_bounded(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let whole = usize::try_from(WHOLE_BYTES).unwrap();
    let refused = container.put("key", bytes(whole + 1), PutOptions::default()).await;
    assert_eq!(refused, Err(Error::TooLarge(8 << 20)));
    assert_eq!(container.head("key").await, Ok(None));
    assert_eq!(container.delete_many(&vec!["a".into(); DELETE_KEYS + 1]).await, Err(Error::TooLarge(1000)));
    assert_eq!(container.list(&"a".repeat(KEY_BYTES + 1), None, None, 1).await, Err(Error::TooLarge(1024)));
    let invalid = [
        container.delete("key", Condition::IfAbsent).await.unwrap_err(),
        container.delete_many(&[]).await.unwrap_err(),
        container.list("", None, None, 0).await.unwrap_err(),
        container.list("", None, None, PAGE_OBJECTS + 1).await.unwrap_err(),
        container.list("", Some(""), None, 1).await.unwrap_err(),
        container.list("", Some("ab"), None, 1).await.unwrap_err(),
    ];
    insta::allow_duplicates! {
        insta::assert_snapshot!(invalid.map(|error| error.to_string()).join("\n"), @r#"
        invalid: `if-absent` makes no sense for a delete
        invalid: the batch is empty
        invalid: `limit` is 0, it goes from 1 to 1000
        invalid: `limit` is 1001, it goes from 1 to 1000
        invalid: delimiter "" is not one character
        invalid: delimiter "ab" is not one character
        "#);
    }
}

pub(super) async fn rights_are_checked(fixture: Fixture) {
    let open = |rights| Container::open(fixture.backends().blob.clone(), Grant::new(Service::Blob, "inbox", rights));
    let reader = open(&[Right::Read]).await.unwrap();
    let denied = reader.put("key", vec![], PutOptions::default()).await.unwrap_err();
    insta::allow_duplicates! {
        insta::assert_snapshot!(
            denied,
            @"access denied: container `inbox` is not granted for this, add `--grant blob:inbox:rw`"
        );
    }
    assert_eq!(reader.copy("a", "b", Condition::Always).await, Err(denied.clone()));
    assert_eq!(reader.delete("key", Condition::Always).await, Err(denied.clone()));
    assert_eq!(reader.delete_many(&["key".into()]).await, Err(denied.clone()));
    assert_eq!(reader.writer("key", PutOptions::default()).await.map(|_| ()), Err(denied));
    assert_eq!(reader.head("key").await, Ok(None));
    let nobody = open(&[]).await.unwrap();
    let denied = nobody.head("key").await.unwrap_err();
    assert!(matches!(denied, Error::AccessDenied(_)), "{denied:?}");
    assert_eq!(nobody.get("key", None).await, Err(denied.clone()));
    assert_eq!(nobody.list("", None, None, 1).await, Err(denied.clone()));
    assert_eq!(nobody.reader("key", None).await.map(|_| ()), Err(denied));
}

pub(super) async fn unknown_containers_are_not_found(fixture: Fixture) {
    let backend = &fixture.backends().blob;
    let grant = Grant::new(Service::Blob, "nowhere", &[Right::Read, Right::Write]);
    assert_eq!(Container::open(backend.clone(), grant).await.map(|_| ()), Err(Error::NotFound));
    assert_eq!(backend.container_exists("nowhere").await, Ok(false));
    assert_eq!(backend.head("nowhere", "key").await, Err(Error::NotFound));
    assert_eq!(backend.put("nowhere", "key", vec![], PutOptions::default()).await, Err(Error::NotFound));
    assert_eq!(backend.reader("nowhere", "key", None).await.map(|_| ()), Err(Error::NotFound));
    assert_eq!(backend.writer("nowhere", "key", PutOptions::default()).await.map(|_| ()), Err(Error::NotFound));
    assert_eq!(backend.copy("nowhere", "a", "b", Condition::Always).await, Err(Error::NotFound));
    assert_eq!(backend.delete("nowhere", "key", Condition::Always).await, Err(Error::NotFound));
    assert_eq!(backend.list("nowhere", "", None, None, 1).await, Err(Error::NotFound));
}
