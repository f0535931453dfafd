//! An ordinary program, without the SDK: writes its standard input in upper case; `fail` ends it with code 7.

use std::io::{Read, Result, Write, stdin, stdout};

fn main() -> Result<()> {
    let mut text = String::new();
    stdin().read_to_string(&mut text)?;
    if text.trim_end() == "fail" {
        // `std::process::exit` knows only success and failure on this target: every other code arrives as 1.
        wasip2::cli::exit::exit_with_code(7);
    }
    stdout().write_all(text.to_uppercase().as_bytes())?;
    stdout().flush()
}
