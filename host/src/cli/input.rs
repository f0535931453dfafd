//! Files and standard input.

use std::io::Read as _;
use std::path::Path;

use super::error::CliError;

/// More than any value or message may have; what is larger belongs into a container.
const MOST: u64 = 8 << 20;

/// All of a file, or of standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let failed = |source| CliError::ReadInput { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    }
    if bytes.len() as u64 > MOST {
        return Err(CliError::LargeInput { path: path.to_owned(), limit: MOST });
    }
    Ok(bytes)
}
