//! Looks where the partitions are: a node of a cluster knows, or a Sentinel.

use larder_protocol::{Partition, call};

use super::map::Range;
use super::refusal::join;
use super::{Cluster, Command, KnownNode};
use crate::store::node::Node;
use crate::store::redis::{RedisError, Reply};
use crate::store::script;

/// Ends a look, however it ends.
struct Looking<'a>(&'a std::cell::Cell<bool>);

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl<N: Node> Cluster<N> {
    /// Where the partition is.
    ///
    /// # Errors
    /// [`RedisError::NotSent`] where no Sentinel names a primary: the configured addresses are none of a Redis.
    pub(super) async fn node(&self, p: Partition) -> Result<KnownNode<N>, RedisError> {
        if self.settings.sentinel.is_some() && !self.map.borrow().is_known() {
            self.look().await;
            if !self.map.borrow().is_known() {
                return Err(RedisError::NotSent("no Sentinel names a primary".to_owned()));
            }
        }
        Ok(self.map.borrow().node(p))
    }

    /// The node at this address.
    pub(super) fn known(&self, address: &str) -> KnownNode<N> {
        self.map.borrow_mut().known(address, |address| self.open(address))
    }

    fn open(&self, address: &str) -> N {
        N::new(self.settings.url(address), self.settings.timeout)
    }

    /// A node said that the partition is there; answers whether that is news. Then it is asked for all others.
    pub(super) async fn moved(&self, p: Partition, address: &str) -> bool {
        let node = self.known(address);
        let is_news = self.map.borrow_mut().place(p, &node);
        if is_news {
            self.look_among([&node].into_iter()).await;
        }
        is_news
    }

    /// After this failure the primary may be another one, and the old one a replica that answers reads.
    pub(super) fn doubt(&self, error: &RedisError) {
        if self.settings.sentinel.is_some() && error.is_no_answer() {
            self.map.borrow_mut().doubt();
        }
    }

    /// Looks again, because `lost` cannot be used; it is asked last.
    pub(super) async fn look_around(&self, lost: &KnownNode<N>) {
        let nodes = self.map.borrow().nodes();
        match &self.settings.sentinel {
            Some(name) => self.ask_sentinels(name).await,
            None => {
                let others = nodes.iter().filter(|node| node.address != lost.address);
                self.look_among(others.chain([lost])).await;
            }
        }
    }

    /// Asks whoever is known, until one answers. Where another request is about it, this leaves it to that.
    pub(super) async fn look(&self) {
        let nodes = self.map.borrow().nodes();
        match &self.settings.sentinel {
            Some(name) => self.ask_sentinels(name).await,
            None => self.look_among(nodes.iter()).await,
        }
    }

    async fn look_among<'a>(&self, nodes: impl Iterator<Item = &'a KnownNode<N>>)
    where
        N: 'a,
    {
        if self.looking.replace(true) {
            return;
        }
        let _looking = Looking(&self.looking);
        for node in nodes {
            let located = script::run(&call::locate(), async |command| node.redis.execute(command).await).await;
            if let Some(ranges) = located.ok().and_then(|reply| ranges(&reply, &node.address)) {
                self.map.borrow_mut().learn(&ranges, |address| self.open(address));
                return;
            }
        }
    }

    async fn ask_sentinels(&self, name: &str) {
        if self.looking.replace(true) {
            return;
        }
        let _looking = Looking(&self.looking);
        for address in &self.settings.addresses {
            if let Ok(Some(primary)) = self.primary(address, name).await {
                let all = (0, larder_protocol::partition::SLOTS - 1, primary);
                return self.map.borrow_mut().learn(&[all], |address| self.open(address));
            }
        }
    }

    /// The primary that the Sentinel at this address names. Most Sentinels want no password; those that do
    /// are given that of Redis.
    async fn primary(&self, sentinel: &str, name: &str) -> Result<Option<String>, RedisError> {
        let command = Command { name: "SENTINEL", arguments: &[b"get-master-addr-by-name", name.as_bytes()] };
        let ask = async |url| N::new(url, self.settings.timeout).execute(command).await;
        let reply = match ask(self.settings.open_url(sentinel)).await {
            Err(RedisError::Refused { code, .. }) if code == "NOAUTH" => ask(self.settings.url(sentinel)).await,
            reply => reply,
        }?;
        let mut texts = reply.iter().filter_map(Reply::text);
        Ok(texts.next().zip(texts.next()).map(|(host, port)| join(host, port, sentinel)))
    }
}

/// Reads the reply of `locate.lua`; `None` where Redis is no cluster.
fn ranges(reply: &[Reply], asked: &str) -> Option<Vec<Range>> {
    let range = |four: &[Reply]| {
        let slot = |n: usize| u16::try_from(four[n].number()?).ok();
        Some((slot(0)?, slot(1)?, join(four[2].text()?, &four[3].number()?.to_string(), asked)))
    };
    let ranges: Option<Vec<_>> = reply.chunks_exact(4).map(range).collect();
    ranges.filter(|ranges| !ranges.is_empty())
}
