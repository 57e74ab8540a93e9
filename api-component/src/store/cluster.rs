//! The way to Redis, be it one, a cluster, or one that Sentinels watch over.
//!
//! A command goes to the node that is known to have its partition. At first nothing is known, and the
//! configured addresses are taken for the masters in the order of their slots: with one Redis that is always
//! right, and costs nothing. A node that does not have the partition says who does (`MOVED`); then that node is
//! asked for the places of all partitions, so that one redirection is enough.
//!
//! What Redis refused did nothing, so it may go to another node or be tried again, writes too, within
//! the time that a command may take. A command whose outcome is unknown is never repeated here.

mod look;
mod map;
mod refusal;
mod replicated;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use larder_protocol::Partition;

use self::map::Map;
use self::refusal::Refusal;
use self::replicated::Counted;
use super::Lookout;
use super::node::{Command, Node};
use super::places::Places as _;
use super::redis::{Master, Redis, RedisError, Replicated, Reply};
use crate::config::RedisSettings;

/// All of Redis.
pub struct Cluster<N> {
    settings: RedisSettings,
    map: RefCell<Map<N>>,
    /// Set while a request looks where the partitions are, so that those that miss them together look once.
    looking: Cell<bool>,
    counted: Cell<Counted>,
    lookout: Lookout,
}

/// The first pause before a command is tried again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(160));

impl<N: Node> Cluster<N> {
    /// Connects with the first command.
    #[must_use]
    pub fn new(settings: RedisSettings) -> Self {
        let map =
            RefCell::new(Map::guess(&settings.addresses, |address| N::new(settings.url(address), settings.timeout)));
        Self { settings, map, looking: Cell::default(), counted: Cell::default(), lookout: Lookout::default() }
    }

    /// Runs `command` where the partition is: on a node, and with whether it must say `ASKING` first.
    async fn route<T>(
        &self,
        p: Partition,
        command: impl AsyncFn(&N, bool) -> Result<T, RedisError>,
    ) -> Result<T, RedisError> {
        let (mut importer, mut patience) = (None::<KnownNode<N>>, None);
        loop {
            let asking = importer.is_some();
            let node = match importer.take() {
                Some(node) => node,
                None => self.node(p).await?,
            };
            let error = match command(&node.redis, asking).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            // The clock is asked only where something went wrong.
            let (deadline, pause) = patience.get_or_insert_with(|| (Instant::now() + self.settings.timeout, PAUSES.0));
            let Some(refusal) = Refusal::of(&error, &node.address).filter(|refusal| self.passes(refusal)) else {
                self.doubt(&error);
                return Err(error);
            };
            if Instant::now() >= *deadline {
                if refusal == Refusal::Elsewhere {
                    node.given_up.set(Some(Instant::now()));
                }
                return Err(error);
            }
            match refusal {
                Refusal::Moved(address) if self.moved(p, &address).await => continue,
                Refusal::Ask(address) if !asking => {
                    importer = Some(self.known(&address));
                    continue;
                }
                Refusal::Moved(_) | Refusal::Ask(_) | Refusal::Later => {}
                Refusal::Elsewhere => {
                    self.look_around(&node).await;
                    if node.is_given_up() && self.map.borrow().node(p).address == node.address {
                        return Err(error);
                    }
                }
            }
            N::sleep(*pause).await;
            *pause = (*pause * 2).min(PAUSES.1);
        }
    }

    /// Whether trying again may help. One Redis that is away stays away: its clients hear it at once.
    fn passes(&self, refusal: &Refusal) -> bool {
        match refusal {
            Refusal::Moved(_) | Refusal::Ask(_) => true,
            Refusal::Later | Refusal::Elsewhere => self.settings.is_cluster || self.map.borrow().is_known(),
        }
    }
}

impl<N: Node> Redis for Cluster<N> {
    async fn get(&self, p: Partition, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
        self.route(p, async |node, asking| {
            if !asking {
                return node.get(key).await;
            }
            let command = Command { name: "GET", arguments: &[key.as_bytes()] };
            match ask(node, command).await?.pop() {
                Some(Reply::Bytes(stored)) => Ok(Some(stored)),
                _ => Ok(None),
            }
        })
        .await
    }

    async fn execute(&self, p: Partition, command: Command<'_>) -> Result<Vec<Reply>, RedisError> {
        self.route(p, async |node, asking| if asking { ask(node, command).await } else { node.execute(command).await })
            .await
    }

    async fn execute_replicated(&self, p: Partition, command: Command<'_>) -> Result<Replicated, RedisError> {
        if !self.is_replicated() {
            return Ok(Replicated { replies: self.execute(p, command).await?, missing: None });
        }
        self.route(p, async |node, asking| self.replicated(node, asking, command).await).await
    }

    async fn execute_blocking(
        &self,
        p: Partition,
        command: Command<'_>,
        block: Duration,
    ) -> Result<Vec<Reply>, RedisError> {
        let node = self.node(p).await?;
        let mut replies = node.redis.execute_alone(&[command], block).await;
        let reply = replies.pop().expect("one command has one reply");
        // Who is sent elsewhere after a while does not block again.
        reply.map_err(|error| match Refusal::of(&error, &node.address) {
            Some(_) => RedisError::NotSent(error.to_string()),
            None => error,
        })
    }

    fn is_replicated(&self) -> bool {
        self.settings.min_replicas > 0
    }

    async fn hold_place(&self, name: &mut String, most: u64, time: Duration) -> Result<bool, RedisError> {
        N::Places::hold(self, name, most, time).await
    }

    async fn leave_place(&self, name: &str) -> Result<(), RedisError> {
        N::Places::leave(self, name).await
    }

    async fn masters(&self) -> Vec<Master> {
        if self.passes(&Refusal::Later) {
            self.look().await;
        }
        self.map.borrow().masters()
    }

    async fn pause(&self, pause: Duration) -> bool {
        N::pause(pause).await
    }

    async fn sleep(&self, pause: Duration) {
        N::sleep(pause).await;
    }

    fn lookout(&self) -> &Lookout {
        &self.lookout
    }
}

/// What a command that follows an `ASK` comes after.
const ASKING: Command<'static> = Command { name: "ASKING", arguments: &[] };

/// Runs a command on a node that takes over its slot (`ASKING`), where others must not come between.
async fn ask<N: Node>(node: &N, command: Command<'_>) -> Result<Vec<Reply>, RedisError> {
    node.execute_alone(&[ASKING, command], Duration::ZERO).await.pop().expect("there is a reply, or an error")
}

/// A node, and where it is.
struct Known<N> {
    address: String,
    redis: N,
    /// When somebody waited for it in vain.
    given_up: Cell<Option<Instant>>,
}

/// For so long nobody else waits for a node that somebody waited for in vain: one that is down shall not hold up
/// all that ask for its partitions.
const GIVEN_UP: Duration = Duration::from_secs(1);

impl<N> Known<N> {
    fn new(address: &str, redis: N) -> Rc<Self> {
        Rc::new(Self { address: address.to_owned(), redis, given_up: Cell::default() })
    }

    fn is_given_up(&self) -> bool {
        self.given_up.get().is_some_and(|at| at.elapsed() < GIVEN_UP)
    }
}

type KnownNode<N> = Rc<Known<N>>;
