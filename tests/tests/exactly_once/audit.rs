//! Reads in the append-only file whether every accepted write was applied exactly once.
//!
//! The file holds each change that ever took effect, whoever caused it and whatever it told
//! anybody, so it also convicts a commit whose reply was lost with the worker that made it. Of
//! each entry that was put on a write channel it must show
//!
//! - one `XDEL`, in the order of acceptance;
//! - at most one `SET` of its item, one outcome told if one was wanted, one remembered if it has
//!   an idempotency key, each in the same step as the `XDEL`.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use larder_protocol::StreamId;
use larder_tests::{Aof, Command};

/// What the file shows.
#[derive(Debug, Default)]
pub struct Audit {
    entries: HashMap<Name, Entry>,
    /// The last one taken off each channel.
    last_taken: HashMap<String, StreamId>,
    /// By its record in Redis.
    remembered_by: HashMap<String, Name>,
}

/// A write: its partition and its ID.
type Name = (String, StreamId);

#[derive(Debug, Default)]
struct Entry {
    wait: bool,
    idempotent: bool,
    taken: u32,
    stored: u32,
    told: u32,
    remembered: u32,
}

/// Totals.
#[derive(Debug, PartialEq, Eq)]
pub struct Totals {
    /// Entries that were put on the channels.
    pub accepted: u64,
    /// Of those, how many stored a value.
    pub stored: u64,
    /// Of those, how many told their outcome.
    pub told: u64,
    /// Of those, how many had it remembered.
    pub remembered: u64,
}

/// Checks a file whose channels are empty at its end.
///
/// # Errors
/// What was not done exactly once.
pub fn audit(aof: &Aof) -> Result<Totals> {
    let mut audit = Audit::default();
    for step in &aof.steps {
        let (mut taken, mut changed) = (Vec::new(), Vec::new());
        for command in &step.commands {
            audit.see(command, &mut taken, &mut changed)?;
        }
        for name in changed {
            ensure!(taken.contains(&name), "{name:?} was applied, and not taken off its channel in the same step");
        }
    }
    audit.totals()
}

impl Audit {
    fn see(&mut self, command: &Command, taken: &mut Vec<Name>, changed: &mut Vec<Name>) -> Result<()> {
        let key = command.text(1);
        let Some((p, kind)) = key.strip_prefix("larder:{").and_then(|rest| rest.split_once("}:")) else {
            return Ok(());
        };
        let name = |id: &str| anyhow::Ok((p.to_owned(), id.parse::<StreamId>()?));
        if kind == "writes" && command.is("XADD") {
            self.add(name(&command.text(2))?, command)?;
        } else if kind == "writes" && command.is("XDEL") {
            for id in 2..command.words.len() {
                let name = name(&command.text(id))?;
                self.take(&name)?;
                taken.push(name);
            }
        } else if let Some(name) = self.change(kind, &key, command, name)? {
            changed.push(name);
        }
        Ok(())
    }

    fn add(&mut self, name: Name, command: &Command) -> Result<()> {
        let mut entry = Entry::default();
        for field in (3..command.words.len()).step_by(2) {
            match command.text(field).as_str() {
                "wait" => entry.wait = true,
                "idem" => {
                    entry.idempotent = true;
                    self.remembered_by.insert(command.text(field + 1), name.clone());
                }
                _ => {}
            }
        }
        ensure!(self.entries.insert(name.clone(), entry).is_none(), "{name:?} was accepted twice");
        Ok(())
    }

    fn take(&mut self, name: &Name) -> Result<()> {
        self.entry(name)?.taken += 1;
        let last = self.last_taken.insert(name.0.clone(), name.1);
        ensure!(last < Some(name.1), "{name:?} was taken after {last:?}");
        Ok(())
    }

    /// Counts what belongs to the application of an entry; tells which one it is.
    fn change(
        &mut self,
        kind: &str,
        key: &str,
        command: &Command,
        name: impl Fn(&str) -> Result<Name>,
    ) -> Result<Option<Name>> {
        if kind.starts_with("item:") && command.is("SET") {
            let name = name(command.text(2).split(' ').next().unwrap_or_default())?;
            self.entry(&name)?.stored += 1;
            return Ok(Some(name));
        }
        if let Some(id) = kind.strip_prefix("outcome:").filter(|_| command.is("RPUSH")) {
            let name = name(id)?;
            self.entry(&name)?.told += 1;
            return Ok(Some(name));
        }
        if kind.starts_with("idem:") && command.is("APPEND") {
            let name = self.remembered_by.get(key).context("a record that no write has")?.clone();
            self.entry(&name)?.remembered += 1;
            return Ok(Some(name));
        }
        Ok(None)
    }

    fn entry(&mut self, name: &Name) -> Result<&mut Entry> {
        self.entries.get_mut(name).with_context(|| format!("{name:?} was never accepted"))
    }

    fn totals(self) -> Result<Totals> {
        for (name, entry) in &self.entries {
            let exact = entry.taken == 1
                && entry.stored <= 1
                && entry.told == u32::from(entry.wait)
                && entry.remembered == u32::from(entry.idempotent);
            ensure!(exact, "{name:?} was not applied exactly once: {entry:?}");
        }
        let sum = |count: fn(&Entry) -> u32| self.entries.values().map(|entry| u64::from(count(entry))).sum();
        Ok(Totals {
            accepted: self.entries.len() as u64,
            stored: sum(|entry| entry.stored),
            told: sum(|entry| entry.told),
            remembered: sum(|entry| entry.remembered),
        })
    }
}
