//! The command lines of the subcommands.

use clap::{Args, Subcommand};
use larder_protocol::partition::COUNT;
use larder_protocol::{Partition, Revision};

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadCommand {
    /// Lists the dead letters: their names, when they died, what they wanted, and why they died.
    ///
    /// By partition, and oldest first within each. What is odd in an id is escaped, what is long
    /// is cut; `show` has all of it.
    List(List),
    /// Shows all of one dead letter.
    Show(Show),
    /// Puts dead letters back onto the channel, as new writes.
    ///
    /// Mend the reason first: remove what holds the key of the item, say. One that has the same
    /// flaw as before dies again, as a new dead letter.
    ///
    /// A retried write comes after all that were accepted meanwhile. Its condition (If-Match,
    /// If-None-Match) is judged anew, and its time to live counts from now.
    Retry(Targets),
    /// Removes dead letters for good.
    Drop(Drop),
}

/// The arguments of `dead list`.
#[derive(Debug, Args)]
pub struct List {
    /// Only those of this partition, 0 to 63.
    #[arg(long, value_name = "N", value_parser = partition)]
    pub partition: Option<Partition>,

    /// One JSON object per line; nothing at all where there are none.
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `dead show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Its name, as `list` prints it.
    #[arg(value_parser = name)]
    pub name: Revision,

    /// Writes the bytes of the value alone, as they are, to stdout; escaped where that is a terminal.
    ///
    /// The header block of the item is left out. Where the letter has no such block, and that may
    /// be what it died of, all of the field `item` is written.
    #[arg(long)]
    pub value: bool,
}

/// Which letters to change.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Targets {
    /// Their names, as `list` prints them.
    #[arg(value_name = "NAME", value_parser = name)]
    pub names: Vec<Revision>,

    /// All that are there now.
    #[arg(long)]
    pub all: bool,
}

/// The arguments of `dead drop`.
#[derive(Debug, Args)]
pub struct Drop {
    #[command(flatten)]
    pub targets: Targets,

    /// Does not ask whether --all is meant.
    #[arg(long)]
    pub yes: bool,
}

fn partition(text: &str) -> Result<Partition, String> {
    text.parse().ok().and_then(Partition::new).ok_or_else(|| format!("expected a number from 0 to {}", COUNT - 1))
}

/// A dead letter is named as a revision is: by a partition, and an ID in one of its streams.
fn name(text: &str) -> Result<Revision, String> {
    text.parse()
        .map_err(|_| "expected <partition>-<ms>-<seq>, as `dead list` prints it: 7-1764000000123-0, say".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::DeadCommand;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        _command: DeadCommand,
    }

    fn refusal(line: &str) -> ErrorKind {
        Line::try_parse_from(line.split(' ')).unwrap_err().kind()
    }

    #[test]
    fn what_is_to_be_retried_or_dropped_must_be_said() {
        for command in ["retry", "drop"] {
            let line = format!("dead {command}");
            assert_eq!(refusal(&line), ErrorKind::MissingRequiredArgument);
            assert_eq!(refusal(&format!("{line} --all 1-2-3")), ErrorKind::ArgumentConflict);
            assert!(Line::try_parse_from(format!("{line} 1-2-3 1-2-4").split(' ')).is_ok());
            assert!(Line::try_parse_from(format!("{line} --all").split(' ')).is_ok());
        }
    }

    #[test]
    fn names_and_partitions_have_one_form() {
        for wrong in ["show 1-2", "show 64-2-3", "retry 1-2-3 x", "list --partition 64", "list --partition all"] {
            assert_eq!(refusal(&format!("dead {wrong}")), ErrorKind::ValueValidation, "{wrong}");
        }
    }
}
