//! Where a token comes from: a file that nobody else can read, or the environment. Never the command line, which
//! every user of the machine can read.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

use crate::failure::Failure;

/// An access token; not for logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Longer is no token of ours; whatever the file is, it is not read whole.
const MAX_BYTES: u64 = 4_096;

impl Token {
    /// A token as it is.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The token in a file, which has to be for its owner only.
    ///
    /// # Errors
    /// Where it cannot be read, others can read it too, or it has no token.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let file = File::open(path).with_context(|| format!("cannot read the token file {shown}"))?;
        private(&file, path)?;
        let mut text = String::new();
        file.take(MAX_BYTES)
            .read_to_string(&mut text)
            .with_context(|| format!("cannot read the token file {shown}"))?;
        let token = Self::new(&text);
        if token.0.is_empty() || token.0.contains(char::is_whitespace) {
            return Err(Failure::Usage(format!("the token file {shown} must have one token and nothing else")).into());
        }
        Ok(token)
    }

    /// The token itself.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

#[cfg(unix)]
fn private(file: &File, path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let path = path.display();
        let wrong = format!("others can read the token file {path} (its mode is {mode:03o}): chmod 600 {path}");
        return Err(Failure::Usage(wrong).into());
    }
    Ok(())
}

#[cfg(not(unix))]
fn private(_: &File, _: &Path) -> anyhow::Result<()> {
    Ok(())
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
