//! What may reach a terminal, and what only goes there.
//!
//! Ids, types, metadata and values are somebody else's bytes. On a terminal, nothing in them may act as a control
//! sequence; into a pipe or a file they go as they are.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _, stderr, stdin, stdout};
use std::time::Duration;

use dialoguer::Confirm;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use larder_operator::text::{escaped, escaped_json};
use serde::Serialize;

use crate::failure::Failure;

/// A text for one line on stdout: escaped where that is a terminal.
pub fn line(text: &str) -> Cow<'_, str> {
    if stdout().is_terminal() { Cow::Owned(escaped(text.as_bytes())) } else { Cow::Borrowed(text) }
}

/// Many lines for a terminal: escaped, but for the ends of lines and tabs.
pub fn lines(text: &str) -> String {
    let clean = |line: &str| line.split('\t').map(|part| escaped(part.as_bytes())).collect::<Vec<_>>().join("\t");
    text.split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) => clean(line.strip_suffix('\r').unwrap_or(line)) + "\n",
            None => clean(line),
        })
        .collect()
}

/// Asks for a yes; whoever cannot be asked has to have said it on the command line.
///
/// # Errors
/// [`Failure::Usage`] where nobody is there to ask, and [`Failure::No`] where the answer is no.
pub fn confirm(question: &str) -> anyhow::Result<()> {
    if !(stdin().is_terminal() && stderr().is_terminal()) {
        let why = "nothing was done: without a terminal to ask on, this needs --yes";
        return Err(Failure::Usage(why.to_owned()).into());
    }
    match Confirm::new().with_prompt(question).default(false).interact() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::No("nothing was done".to_owned()).into()),
        Err(dialoguer::Error::IO(error)) => Err(error.into()),
    }
}

/// How far something is, on stderr, and only where that is a terminal. `total` may be unknown yet.
pub fn progress(total: Option<u64>, of_bytes: bool) -> ProgressBar {
    let target = if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(total, target);
    bar.set_style(style(total.is_some(), of_bytes));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Gives a bar its total, once that is known.
pub fn set_total(bar: &ProgressBar, total: u64) {
    bar.set_style(style(true, false));
    bar.set_length(total);
}

fn style(known: bool, of_bytes: bool) -> ProgressStyle {
    let template = match (known, of_bytes) {
        (false, _) => "{spinner} {human_pos} items, {per_sec}, {elapsed}",
        (true, false) => "{wide_bar} {human_pos}/{human_len} items, {per_sec}, {eta} left",
        (true, true) => "{wide_bar} {decimal_bytes}/{decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left{msg}",
    };
    ProgressStyle::with_template(template).expect("the templates above are well-formed")
}

/// Whether the output goes to a person.
pub fn is_stdout() -> bool {
    stdout().is_terminal()
}

/// A value as JSON for one line on stdout; where that is a terminal, nothing in it acts.
///
/// # Errors
/// Where it is none.
pub fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string(value)?;
    Ok(if stdout().is_terminal() { escaped_json(&text) } else { text })
}

/// Writes a value as JSON, on a line of stdout.
///
/// # Errors
/// Where nobody reads it any more.
pub fn say_json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(say(&json(value)?)?)
}

/// Writes a line to stdout. What is somebody else's in it is escaped already.
///
/// # Errors
/// Where nobody reads it any more.
pub fn say(text: &str) -> io::Result<()> {
    writeln!(stdout().lock(), "{text}")
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn lines_stay_lines_and_nothing_else_acts() {
        assert_eq!(lines("a\tb\r\nc\x1b[2J\u{202e}\n\rd"), "a\tb\nc\\u{1b}[2J\\u{202e}\n\\rd");
    }
}
