use super::{Grant, Resources, Right, Service};

/// Why a function with these grants cannot take the messages of `queue` in transactions, if it cannot: something that would
/// be written is among what is kept in `memory`, where there are none.
pub fn transactional_refusal<'a>(
    queue: &str,
    grants: impl IntoIterator<Item = &'a Grant>,
    memory: &Resources,
) -> Option<String> {
    if memory.contains(Service::Queue, queue) {
        return Some(format!(
            "queue `{queue}` is kept in memory, where there are no transactions: keep it in the embedded store or leave \
             out `delivery = \"transactional\"`"
        ));
    }
    let written = |grant: &'a Grant| Some((grant, written(grant)?));
    let is_in_memory = |(_, (service, name)): &(_, (Service, String))| memory.contains(*service, name);
    let (grant, (service, name)) = grants.into_iter().filter_map(written).find(is_in_memory)?;
    Some(format!(
        "the grant \"{grant}\" lets the function write to {} `{name}`, which is kept in memory, where there are no \
         transactions: keep it in the embedded store, {} or leave out `delivery = \"transactional\"`",
        service.resource(),
        remedy(grant)
    ))
}

/// The resource that the grant lets a function write to.
fn written(grant: &Grant) -> Option<(Service, String)> {
    let name = &grant.name;
    if grant.has(Right::InvokeAsync) {
        return Some((Service::Queue, format!("invoke/{name}")));
    }
    let writes = [Right::Write, Right::Send, Right::Publish].iter().any(|right| grant.has(*right));
    writes.then(|| (grant.service, name.clone()))
}

/// How to grant less.
fn remedy(grant: &Grant) -> String {
    match grant.service {
        Service::Kv | Service::Blob => {
            format!("grant it read-only (\"{}\")", Grant::new(grant.service, &grant.name, &[Right::Read]))
        }
        Service::Queue | Service::Topic | Service::Function => "take the grant away".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{QueueSettings, TopicSettings};

    fn in_memory() -> Resources {
        Resources {
            buckets: ["cache".into()].into(),
            containers: ["scratch".into()].into(),
            queues: ["later", "invoke/bill"].map(|name| (name.into(), QueueSettings::default())).into(),
            topics: [("seen".into(), TopicSettings::default())].into(),
            ..Resources::default()
        }
    }

    fn refusal(queue: &str, grants: &[&str]) -> Option<String> {
        let grants: Vec<Grant> = grants.iter().map(|grant| grant.parse().unwrap()).collect();
        transactional_refusal(queue, &grants, &in_memory())
    }

    #[test]
    fn what_is_only_read_may_be_anywhere() {
        let grants = ["kv:cache:ro", "blob:scratch:ro", "kv:visits:rw", "queue:orders:send", "function:bill:invoke"];
        assert_eq!(refusal("orders", &grants), None);
        assert_eq!(refusal("orders", &[]), None);
    }

    #[test]
    fn what_is_written_must_be_where_there_are_transactions() {
        let refusals = [
            refusal("later", &[]),
            refusal("orders", &["kv:visits:rw", "kv:cache:rw"]),
            refusal("orders", &["blob:scratch:rw"]),
            refusal("orders", &["queue:later:send+receive"]),
            refusal("orders", &["topic:seen:publish"]),
            refusal("orders", &["function:bill:invoke+invoke-async"]),
        ];
        insta::assert_snapshot!(refusals.map(Option::unwrap).join("\n"), @r#"
        queue `later` is kept in memory, where there are no transactions: keep it in the embedded store or leave out `delivery = "transactional"`
        the grant "kv:cache:rw" lets the function write to bucket `cache`, which is kept in memory, where there are no transactions: keep it in the embedded store, grant it read-only ("kv:cache:ro") or leave out `delivery = "transactional"`
        the grant "blob:scratch:rw" lets the function write to container `scratch`, which is kept in memory, where there are no transactions: keep it in the embedded store, grant it read-only ("blob:scratch:ro") or leave out `delivery = "transactional"`
        the grant "queue:later:send+receive" lets the function write to queue `later`, which is kept in memory, where there are no transactions: keep it in the embedded store, take the grant away or leave out `delivery = "transactional"`
        the grant "topic:seen:publish" lets the function write to topic `seen`, which is kept in memory, where there are no transactions: keep it in the embedded store, take the grant away or leave out `delivery = "transactional"`
        the grant "function:bill:invoke+invoke-async" lets the function write to queue `invoke/bill`, which is kept in memory, where there are no transactions: keep it in the embedded store, take the grant away or leave out `delivery = "transactional"`
        "#);
    }
}
