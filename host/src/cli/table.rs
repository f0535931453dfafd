//! What is printed for people.

use std::fmt::Write as _;
use std::time::Duration;

use crate::services::context::printable;

/// Columns below each other, each line after an indent.
pub(super) fn columns<const N: usize>(indent: &str, rows: &[[String; N]]) -> String {
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default());
    let mut text = String::new();
    for row in rows {
        let mut line = indent.to_owned();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A table with names above its columns; nothing without rows.
pub(super) fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = rows.into_iter().map(|row| row.map(|cell| printable(&cell))).collect();
    if rows.is_empty() {
        return String::new();
    }
    columns("", &[vec![header.map(str::to_owned)], rows].concat())
}

/// A duration to its two largest units: `2h 5m`.
pub(super) fn span(milliseconds: u64) -> String {
    if milliseconds < 1000 {
        return format!("{milliseconds}ms");
    }
    let text = humantime::format_duration(Duration::from_secs(milliseconds / 1000)).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// `2026-11-21T03:30:56Z`.
pub(super) fn time(since_epoch_ms: u64) -> String {
    let time = std::time::UNIX_EPOCH.checked_add(Duration::from_millis(since_epoch_ms));
    time.map_or_else(|| "-".into(), |time| humantime::format_rfc3339_seconds(time).to_string())
}

/// The beginning of a text, at most `length` characters of its first line.
pub(super) fn cut(text: &str, length: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let shown: String = line.chars().take(length).collect();
    if shown.len() < text.len() { shown + "…" } else { shown }
}

/// The beginning of a body; of one that is no text, its length.
pub(super) fn preview(body: &[u8], size: u64, length: usize) -> String {
    let shown = match std::str::from_utf8(body) {
        Ok(text) => text,
        // Perhaps cut in the middle of a character.
        Err(error) if size > body.len() as u64 && body.len() - error.valid_up_to() < 4 => {
            std::str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return format!("{:#} of bytes", bytesize::ByteSize(size)),
    };
    let shown = cut(shown, length);
    if size > body.len() as u64 && !shown.ends_with('…') { shown + "…" } else { shown }
}

/// A body as people can read it: text as it is, anything else as hexadecimal numbers, 16 bytes in a line.
pub(super) fn readable(body: &[u8]) -> String {
    let is_plain = |text: &&str| !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r'));
    match std::str::from_utf8(body).ok().filter(is_plain) {
        Some(text) => text.to_owned(),
        None => body.chunks(16).enumerate().map(|(index, chunk)| hex_line(index * 16, chunk)).collect(),
    }
}

fn hex_line(offset: usize, chunk: &[u8]) -> String {
    let hex: String = chunk.iter().map(|byte| format!("{byte:02x} ")).collect();
    let shown = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
    format!("{offset:08x}  {hex:<48} {}\n", chunk.iter().map(shown).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        let spans = [0, 999, 1000, 61_000, 3_599_999, 90_061_000].map(span);
        assert_eq!(spans, ["0ms", "999ms", "1s", "1m 1s", "59m 59s", "1day 1h"]);
    }

    #[test]
    fn previews_are_one_short_line() {
        let preview = |body: &[u8], more: u64| preview(body, body.len() as u64 + more, 8);
        assert_eq!(preview(b"short", 0), "short");
        assert_eq!(preview(b"longer than that", 0), "longer t…");
        assert_eq!(preview(b"two\nlines", 0), "two…");
        assert_eq!(preview("zü".as_bytes().split_last().unwrap().1, 1), "z…");
        assert_eq!(preview(b"\xff\xfe\x00\x01", 0), "4 B of bytes");
        assert_eq!(preview(b"\xff\xfe\x00\x01\x02", 1020), "1.0 KiB of bytes");
    }

    #[test]
    fn a_table_holds_what_would_drive_a_terminal() {
        let table = table(["KEY", "SIZE"], [["a".into(), "10".into()], ["x\u{1b}[2J".into(), "1".into()]]);
        insta::assert_snapshot!(table, @r"
        KEY    SIZE
        a      10
        x�[2J  1
        ");
    }

    #[test]
    fn bytes_are_shown_as_numbers() {
        assert_eq!(readable("zwei\nZeilen ü".as_bytes()), "zwei\nZeilen ü");
        insta::assert_snapshot!(readable(b"\x00\x1b[2J and some more"), @r"
        00000000  00 1b 5b 32 4a 20 61 6e 64 20 73 6f 6d 65 20 6d  ..[2J and some m
        00000010  6f 72 65                                         ore
        ");
    }
}
