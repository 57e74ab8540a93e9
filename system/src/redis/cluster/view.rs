//! What a node tells of the cluster (`CLUSTER NODES`).

use std::ops::RangeInclusive;

use anyhow::{Context as _, Result};

/// A node's view: itself and the others, one line each.
pub(super) struct View(Vec<Line>);

/// What is known of one node.
#[derive(Debug)]
pub(super) struct Line {
    pub id: String,
    flags: Vec<String>,
    /// The id of its master, where it is a replica.
    pub master: Option<String>,
    /// Of two that claim a slot, the one with the greater epoch has it.
    pub epoch: u64,
    connected: bool,
    slots: Vec<RangeInclusive<u16>>,
}

impl View {
    /// # Errors
    /// Where it is not what Redis writes.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| Line::parse(line).with_context(|| format!("not a node: {line}")))
            .collect::<Result<_>>()
            .map(Self)
    }

    /// The node that tells it.
    ///
    /// # Errors
    /// Where it does not tell of itself.
    pub fn into_myself(self) -> Result<Line> {
        self.0.into_iter().find(|line| line.is("myself")).context("the node does not tell of itself")
    }

    /// Whether it is in touch with so many nodes, itself included, and with no other.
    pub fn knows(&self, count: usize) -> bool {
        self.0.len() == count && self.0.iter().all(|line| line.connected && !line.is_unsure())
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (id, _address, flags) = (words.next()?, words.next()?, words.next()?);
        let (master, _ping, _pong) = (words.next()?, words.next()?, words.next()?);
        let (epoch, link) = (words.next()?, words.next()?);
        // In brackets are slots that move; they also are in the range that they move from.
        let slots = words.filter(|word| !word.starts_with('[')).map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(first.parse().ok()?..=last.parse().ok()?)
        });
        Some(Self {
            id: id.to_owned(),
            flags: flags.split(',').map(str::to_owned).collect(),
            master: (master != "-").then(|| master.to_owned()),
            epoch: epoch.parse().ok()?,
            connected: link == "connected",
            slots: slots.collect::<Option<_>>()?,
        })
    }

    fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag)
    }

    fn is_unsure(&self) -> bool {
        ["handshake", "noaddr", "fail", "fail?"].iter().any(|flag| self.is(flag))
    }

    fn is_master(&self) -> bool {
        self.is("master")
    }

    pub fn has(&self, slot: u16) -> bool {
        self.is_master() && self.slots.iter().any(|range| range.contains(&slot))
    }

    pub fn first_slot(&self) -> Option<u16> {
        self.slots.iter().map(|range| *range.start()).min().filter(|_| self.is_master())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
07c3 127.0.0.1:20003@20004,host slave e7d1 0 1426238317239 4 connected
67ed 127.0.0.1:20001@20002 master,fail? - 0 1426238316232 2 disconnected 5461-10922
e7d1 127.0.0.1:20005@20006 myself,master - 0 0 1 connected 0-5460 5462 [93-<-67ed]
";

    #[test]
    fn a_node_tells_of_itself_and_the_others() {
        let view = View::parse(TEXT).unwrap();
        assert!(!view.knows(3), "one of them may be dead");
        assert_eq!(view.0[0].master.as_deref(), Some("e7d1"));
        let myself = view.into_myself().unwrap();
        assert_eq!((myself.id.as_str(), myself.epoch, myself.first_slot()), ("e7d1", 1, Some(0)));
        assert!(myself.has(0) && myself.has(5460) && !myself.has(5461) && myself.has(5462));
        let alive = TEXT.replace("master,fail? ", "master ").replace("disconnected", "connected");
        assert!(View::parse(&alive).unwrap().knows(3));
        assert!(View::parse("nonsense").is_err());
    }
}
