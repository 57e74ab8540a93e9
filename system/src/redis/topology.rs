//! How many Redis servers there are to be.

use std::str::FromStr;

use anyhow::{Result, bail};

/// One server or a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    #[default]
    Alone,
    /// A cluster of so many masters, each with one replica.
    Cluster(usize),
}

impl Topology {
    /// What the environment variable `LARDER_CLUSTER` says: a number of masters, or nothing for
    /// [`Topology::Alone`].
    ///
    /// # Errors
    /// As [`Topology::from_str`].
    pub fn from_env() -> Result<Self> {
        std::env::var("LARDER_CLUSTER").map_or_else(|_| Ok(Self::default()), |masters| masters.parse())
    }
}

impl FromStr for Topology {
    type Err = anyhow::Error;

    /// # Errors
    /// Where it is no number, or too few or too many masters.
    fn from_str(masters: &str) -> Result<Self> {
        match masters.parse() {
            _ if masters.is_empty() => Ok(Self::Alone),
            Ok(1 | 2) => {
                bail!(
                    "{masters} masters cannot replace one that dies: an election needs most of them, so take 3 or more"
                )
            }
            Ok(masters @ 3..=100) => Ok(Self::Cluster(masters)),
            _ => bail!(
                "\"{masters}\" is not a number of masters; it is a number from 3 to 100, or nothing for one Redis"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_has_three_masters_or_more() {
        assert_eq!("".parse::<Topology>().unwrap(), Topology::Alone);
        assert_eq!("3".parse::<Topology>().unwrap(), Topology::Cluster(3));
        for (wrong, says) in [("1", "election"), ("2", "election"), ("0", "from 3"), ("101", "from 3"), ("x", "from 3")]
        {
            let error = wrong.parse::<Topology>().unwrap_err().to_string();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }
}
