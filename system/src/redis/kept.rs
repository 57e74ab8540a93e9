//! What a data folder holds already: one server's data, a cluster's, or nothing.
//!
//! Neither becomes the other by itself, so a folder is only started as what it is.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::topology::Topology;

/// Where a server that is alone keeps its data; beside it lies its log.
const ALONE: &str = "redis";

/// Where each node of a cluster has a folder of its own, named by its number.
const CLUSTER: &str = "cluster";

/// The folder of a cluster's node.
pub(super) fn node_folder(data: &Path, number: usize) -> PathBuf {
    data.join(CLUSTER).join(number.to_string())
}

/// The file that is there once the cluster has been formed.
pub(super) fn formed(data: &Path) -> PathBuf {
    data.join(CLUSTER).join("formed")
}

/// How many nodes of a cluster the folder holds. One that has not been formed holds nothing yet.
pub(super) fn nodes(data: &Path) -> usize {
    if !formed(data).exists() {
        return 0;
    }
    (0..).take_while(|number| node_folder(data, *number).is_dir()).count()
}

/// Makes sure that the folder can be started so.
///
/// # Errors
/// Where it holds something else, with how to start that.
pub(super) fn check(data: &Path, wanted: Topology) -> Result<()> {
    let (shown, nodes) = (data.display(), nodes(data));
    let masters = nodes / 2;
    match wanted {
        Topology::Alone if nodes > 0 => bail!(
            "the data folder {shown} holds a cluster of {masters} masters: start it with `make up CLUSTER={masters}`, \
             or choose another folder with `make up DATA=…`"
        ),
        Topology::Cluster(wanted) if data.join(ALONE).is_dir() => bail!(
            "the data folder {shown} holds a store on one Redis, which does not become a cluster by itself: \
             start it without CLUSTER, or choose another folder with `make up CLUSTER={wanted} DATA=…`"
        ),
        Topology::Cluster(wanted) if nodes > 0 && masters != wanted => bail!(
            "the data folder {shown} holds a cluster of {masters} masters, not {wanted}: \
             start it with `make up CLUSTER={masters}`, or choose another folder with `make up CLUSTER={wanted} DATA=…`"
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_folder_is_started_as_what_it_is() {
        let [new, alone, started, cluster] = [(); 4].map(|()| TempDir::new().unwrap());
        std::fs::create_dir(alone.path().join(ALONE)).unwrap();
        for number in 0..6 {
            std::fs::create_dir_all(node_folder(cluster.path(), number)).unwrap();
            std::fs::create_dir_all(node_folder(started.path(), number)).unwrap();
        }
        std::fs::write(formed(cluster.path()), "").unwrap();
        for (folder, topology, refused) in [
            (&new, Topology::Alone, None),
            (&new, Topology::Cluster(3), None),
            (&alone, Topology::Alone, None),
            (&alone, Topology::Cluster(3), Some("start it without CLUSTER")),
            (&started, Topology::Alone, None),
            (&started, Topology::Cluster(4), None),
            (&cluster, Topology::Alone, Some("`make up CLUSTER=3`")),
            (&cluster, Topology::Cluster(3), None),
            (&cluster, Topology::Cluster(4), Some("a cluster of 3 masters, not 4")),
        ] {
            match (check(folder.path(), topology), refused) {
                (Ok(()), None) => {}
                (Err(error), Some(says)) => assert!(error.to_string().contains(says), "{error}"),
                (result, _) => panic!("{topology:?}: {result:?}"),
            }
        }
    }
}
