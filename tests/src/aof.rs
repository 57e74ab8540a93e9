//! The append-only file of a Redis: a witness of every change, in order, that no client wrote.
//!
//! It is a sequence of commands in Redis' own protocol. What a script changed is written as its
//! effects: between `MULTI` and `EXEC` where there are several, else as the one command. Redis
//! loads such a [`Step`] as a whole or, where the file ends inside it, not at all.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// What a file holds.
pub struct Aof {
    /// All of it, a torn end included.
    pub bytes: Vec<u8>,
    /// Its complete steps.
    pub steps: Vec<Step>,
}

/// What is loaded as a whole or not at all.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it lies in the file, `MULTI` and `EXEC` included.
    pub range: Range<usize>,
    /// What it changes, without `MULTI` and `EXEC`.
    pub commands: Vec<Command>,
}

/// One command.
#[derive(Clone, Debug)]
pub struct Command {
    /// Where it lies in the file.
    pub range: Range<usize>,
    /// Its name and its arguments.
    pub words: Vec<Vec<u8>>,
}

impl Aof {
    /// Where the file is, in the folder of a [`crate::RedisAlone`] or of a system.
    ///
    /// # Errors
    /// Where there is not exactly one: it is written anew when it has grown a lot, and then holds
    /// no history any more.
    pub fn find(folder: &Path) -> anyhow::Result<PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder.join("redis/appendonlydir"))? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(".incr.aof") {
                found.push(path);
            }
        }
        ensure!(found.len() == 1, "there is not one append-only file, but {found:?}");
        found.pop().context("there is one")
    }

    /// Reads the file of that folder.
    ///
    /// # Errors
    /// Where there is none.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self::parse(std::fs::read(Self::find(folder)?)?))
    }

    /// Reads as far as there are complete steps.
    #[must_use]
    pub fn parse(bytes: Vec<u8>) -> Self {
        let (mut steps, mut at) = (Vec::new(), 0);
        while let Some(step) = step(&bytes, at) {
            at = step.range.end;
            steps.push(step);
        }
        Self { bytes, steps }
    }
}

impl Command {
    /// Whether it is this command.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.words.first().is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// A word as text; empty where there is none.
    #[must_use]
    pub fn text(&self, word: usize) -> String {
        self.words.get(word).map(|word| String::from_utf8_lossy(word).into_owned()).unwrap_or_default()
    }
}

fn step(bytes: &[u8], at: usize) -> Option<Step> {
    let first = command(bytes, at)?;
    if !first.is("MULTI") {
        return Some(Step { range: first.range.clone(), commands: vec![first] });
    }
    let (mut commands, mut end) = (Vec::new(), first.range.end);
    loop {
        let next = command(bytes, end)?;
        end = next.range.end;
        if next.is("EXEC") {
            return Some(Step { range: at..end, commands });
        }
        commands.push(next);
    }
}

/// `*<words>\r\n`, then for each word `$<bytes>\r\n<bytes>\r\n`.
fn command(bytes: &[u8], start: usize) -> Option<Command> {
    let (count, mut at) = number(bytes, start, b'*')?;
    let mut words = Vec::new();
    for _ in 0..count {
        let (length, from) = number(bytes, at, b'$')?;
        words.push(bytes.get(from..from + length)?.to_vec());
        at = from + length + 2;
    }
    (at <= bytes.len()).then_some(Command { range: start..at, words })
}

/// The number behind `mark`, and where its line ends.
fn number(bytes: &[u8], at: usize, mark: u8) -> Option<(usize, usize)> {
    let line = bytes.get(at..)?.strip_prefix(&[mark])?;
    let length = line.windows(2).position(|pair| pair == b"\r\n")?;
    let number = std::str::from_utf8(&line[..length]).ok()?.parse().ok()?;
    Some((number, at + 1 + length + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_one_step_and_a_torn_one_is_none() {
        let one = "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n";
        let both = "*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n*1\r\n$4\r\nEXEC\r\n";
        let whole = [one, both].concat();
        for cut in 0..=whole.len() {
            let steps = Aof::parse(whole.as_bytes()[..cut].to_vec()).steps;
            let expected = usize::from(cut >= one.len()) + usize::from(cut == whole.len());
            assert_eq!(steps.len(), expected, "cut at {cut}");
        }
        let steps = Aof::parse(whole.into_bytes()).steps;
        assert_eq!((steps[1].commands.len(), steps[1].commands[0].text(1).as_str()), (1, "b"));
    }
}
