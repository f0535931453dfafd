//! Does what the data of each event says: `ok`, `reject`, `retry` or `trap`; counts batches and events in the bucket `seen`,
//! where it may.

use wasm_faas::{Bucket, Error, Event, Rejected, Result, Retry};

#[wasm_faas::batch_function]
fn handle(events: Vec<Event>) -> Vec<Result<()>> {
    if let Ok(seen) = Bucket::open("seen")
        && let Err(error) = count(&seen, events.len())
    {
        return events.iter().map(|_| Err(Error::msg(error.to_string()))).collect();
    }
    events.iter().map(answer).collect()
}

fn count(seen: &Bucket, events: usize) -> Result<()> {
    seen.increment("batches", 1)?;
    seen.increment("events", i64::try_from(events)?)?;
    Ok(())
}

fn answer(event: &Event) -> Result<()> {
    match event.text()? {
        "ok" => Ok(()),
        "reject" => Err(Rejected::new("rejected on request").into()),
        "retry" => Err(Retry::new("not now").into()),
        "trap" => panic!("trap on request"),
        other => Err(Error::msg(format!("no such answer: {other}"))),
    }
}
