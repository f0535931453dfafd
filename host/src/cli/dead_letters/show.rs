//! One message for people.

use bytesize::ByteSize;

use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::table::{columns, readable, span, time};
use crate::services::Clock;
use crate::services::context::printable;
use crate::triggers::control::{Dead, Stored};

/// All that is known of a message; of a dead one, how it died.
pub(in crate::cli) fn show_message(message: &Stored) -> Result<(), CliError> {
    print(text(message, Clock::System.now_ms()).as_bytes())
}

fn text(message: &Stored, now_ms: u64) -> String {
    let dead = Dead::of(message);
    let mut rows = vec![["id".to_owned(), message.id.clone()]];
    rows.extend(death(&dead, now_ms));
    rows.extend(own(message, now_ms));
    let rows: Vec<_> = rows.into_iter().map(|row| row.map(|cell| printable(&cell))).collect();
    let parts = [
        (dead.get("backtrace").map(indented), "backtrace"),
        (dead.get("log").map(indented), "log"),
        (Some(readable(&message.body.0)), "body"),
    ];
    let parts = parts.into_iter().filter_map(|(text, name)| Some((text.filter(|text| !text.is_empty())?, name)));
    let parts: String = parts.map(|(text, name)| format!("\n{name}\n{}\n", text.trim_end())).collect();
    columns("", &rows) + &parts
}

/// What a guest wrote, line by line, so that it cannot drive a terminal.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {}\n", printable(line.trim()))).collect()
}

/// How it died, in the order in which one asks; what is not known is left out.
fn death(dead: &Dead, now_ms: u64) -> Vec<[String; 2]> {
    let since = |text: &str| text.parse().map_or_else(|_| text.to_owned(), |at| ago(at, now_ms));
    let size = |text: &str| text.parse().map_or_else(|_| text.to_owned(), |size| format!("{:#}", ByteSize(size)));
    let facts = [
        ("died in", "source"),
        ("reason", "reason"),
        ("attempts", "receives"),
        ("first sent", "first-sent"),
        ("function", "function"),
        ("version", "version"),
        ("error", "error"),
        ("fuel", "fuel"),
        ("memory", "memory"),
    ];
    let shown = |key: &str, text: &str| match key {
        "first-sent" => since(text),
        "memory" => size(text),
        _ => text.to_owned(),
    };
    let known = |(name, key): &(&str, &str)| Some([(*name).to_owned(), shown(key, dead.get(key)?)]);
    facts.iter().filter_map(known).collect()
}

/// What it is itself.
fn own(message: &Stored, now_ms: u64) -> Vec<[String; 2]> {
    let mut rows = vec![
        ["here since".to_owned(), ago(message.sent_at_ms, now_ms)],
        ["expires".into(), time(message.expires_at_ms)],
        ["receives".into(), message.receives.to_string()],
    ];
    rows.extend(message.group.clone().map(|group| ["group".into(), group]));
    rows.extend(message.content_type.clone().map(|content_type| ["type".into(), content_type]));
    rows.push(["size".into(), format!("{:#}", ByteSize(message.size))]);
    let own = message.attributes.iter().filter(|attribute| !Dead::names(attribute));
    rows.extend(own.map(|attribute| ["attribute".into(), format!("{}={}", attribute.name, attribute.value)]));
    rows
}

fn ago(at_ms: u64, now_ms: u64) -> String {
    format!("{} ({} ago)", time(at_ms), span(now_ms.saturating_sub(at_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::message::Attribute;
    use crate::services::queue::browse::State;
    use crate::triggers::control::Data;

    const NOW_MS: u64 = 1_700_000_000_000;

    fn message(body: &[u8], attributes: &[(&str, &str)]) -> Stored {
        let attribute = |(name, value): &(&str, &str)| Attribute { name: (*name).into(), value: (*value).into() };
        Stored {
            id: "01HF000000000000000000000A".into(),
            row: 1,
            state: State::Ready,
            body: Data(body.to_vec()),
            size: body.len() as u64,
            content_type: Some("application/json".into()),
            attributes: attributes.iter().map(attribute).collect(),
            group: None,
            receives: 0,
            sent_at_ms: NOW_MS - 61_000,
            visible_at_ms: Some(NOW_MS),
            expires_at_ms: NOW_MS + 86_400_000,
        }
    }

    #[test]
    fn a_dead_letter_tells_how_it_died() {
        let attributes = [
            ("kind", "order"),
            ("faas-dead-reason", "max-receives"),
            ("faas-dead-source", "orders"),
            ("faas-dead-receives", "5"),
            ("faas-dead-first-sent", "1699999900000"),
            ("faas-dead-function", "bill"),
            ("faas-dead-error", "trap: unreachable \u{1b}[2J"),
            ("faas-dead-memory", "1048576"),
            ("faas-dead-backtrace", "bill!handle at lib.rs:7\nbill!main"),
            ("faas-dead-log", "INFO billing\nERROR gone"),
        ];
        insta::assert_snapshot!(text(&message(b"{\"total\": 7}", &attributes), NOW_MS), @r#"
        id          01HF000000000000000000000A
        died in     orders
        reason      max-receives
        attempts    5
        first sent  2023-11-14T22:11:40Z (1m 40s ago)
        function    bill
        error       trap: unreachable �[2J
        memory      1.0 MiB
        here since  2023-11-14T22:12:19Z (1m 1s ago)
        expires     2023-11-15T22:13:20Z
        receives    0
        type        application/json
        size        12 B
        attribute   kind=order

        backtrace
            bill!handle at lib.rs:7
            bill!main

        log
            INFO billing
            ERROR gone

        body
        {"total": 7}
        "#);
    }

    #[test]
    fn bytes_are_dumped() {
        insta::assert_snapshot!(text(&message(b"\x00\x01\xff", &[]), NOW_MS), @r"
        id          01HF000000000000000000000A
        here since  2023-11-14T22:12:19Z (1m 1s ago)
        expires     2023-11-15T22:13:20Z
        receives    0
        type        application/json
        size        3 B

        body
        00000000  00 01 ff                                         ...
        ");
    }
}
