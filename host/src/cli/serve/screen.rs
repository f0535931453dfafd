//! What people and machines read of a host that serves.

use std::io::Write as _;

use crate::triggers::http::Access;

/// `12:03:04 200 GET /hello hello 1.2 ms`
pub(super) fn access_line(access: &Access<'_>, line: &mut Vec<u8>) {
    let Access { time, method, path, status, function, warm, duration, .. } = access;
    let time = humantime::format_rfc3339_seconds(*time);
    let function = function.unwrap_or("-");
    let start = match warm {
        Some(true) => "warm",
        Some(false) => "cold",
        None => "-",
    };
    let milliseconds = duration.as_secs_f64() * 1e3;
    // Writing to memory cannot fail.
    let _ = writeln!(line, "{time} {status} {method:<4} {path}  {function} {milliseconds:.2} ms {start}");
}
