//! Breaks the rule that the event names, for tests of how the host copes.

use std::hint::black_box;
use std::time::Duration;

use wasm_faas::{Error, Event, Rejected, Response, Result, Retry, context, log};

#[wasm_faas::function]
fn handle(event: Event) -> Result<Response> {
    match event.text()? {
        "spin" => spin(),
        "grow" => grow(),
        "recurse" => Ok(Response::text(recurse(black_box(0)).to_string())),
        "trap" => panic!("trap on request"),
        "exit" => std::process::exit(3),
        "reject" => Err(Rejected::new("rejected on request").into()),
        "retry" => Err(Retry::new("try again later").after(Duration::from_millis(1500)).into()),
        "throw" => Err(Error::msg("thrown on request")),
        "big" => Ok(Response::bytes(vec![b'x'; 100_000_000])),
        "flood" => flood(),
        "sleep" => sleep(60_000),
        other => match other.strip_prefix("sleep ") {
            Some(ms) => sleep(ms.parse()?),
            None => Err(Rejected::new(format!("no such misbehaviour: {other}")).into()),
        },
    }
}

fn spin() -> ! {
    loop {
        black_box(());
    }
}

/// Touches what it allocates, so that the memory is used and not only reserved.
fn grow() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Keeps nothing in linear memory, so that what overflows is the call stack. The result is used twice, or the compiler
/// would make it a loop.
#[inline(never)]
fn recurse(depth: u64) -> u64 {
    if depth == u64::MAX {
        return depth;
    }
    let below = recurse(depth + 1);
    below ^ below.rotate_left(7)
}

fn flood() -> ! {
    for line in 0_u64.. {
        log::info("flooded on request", &[("line", &line)]);
    }
    unreachable!("the counter outlasts every limit")
}

fn sleep(ms: u64) -> Result<Response> {
    context::sleep(Duration::from_millis(ms));
    Ok(Response::text("slept"))
}
