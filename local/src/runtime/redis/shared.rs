//! The connections that the instances of a core share, one to each Redis.
//!
//! An instance that opens a connection is given the one that is there, so long as it has just shown that it
//! works. Where one to the same address broke, or a call on one was given up, none that was there at the time is handed
//! out until it has answered again: whoever comes next gets a new one, as they would from Spin, and a second try is one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, RedisError};

/// For so long a connection counts as one that works: since its last answer, or since it was first asked after it had
/// answered all. It is short, for Redis may have closed one that nobody uses, and Spin would open a new one.
const FRESH: Duration = Duration::from_millis(50);

/// What is shared on one core.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Links>>);

#[derive(Default)]
struct Links {
    by_address: HashMap<Arc<str>, Link>,
    is_over: bool,
}

/// A connection that is shared.
#[derive(Clone)]
pub struct Link {
    address: Arc<str>,
    opened: Instant,
    connection: MultiplexedConnection,
    health: Arc<Mutex<Health>>,
}

struct Health {
    /// Commands without an answer.
    owed: usize,
    /// When the last answer came, or the first of these was sent.
    since: Instant,
}

impl Shared {
    /// The connection to this address, where there is one that works.
    pub fn get(&self, address: &str) -> Option<Link> {
        self.lock().by_address.get(address).filter(|link| link.is_fresh()).cloned()
    }

    /// Whoever asks for this address from now on gets `connection`.
    pub fn keep(&self, address: &str, connection: MultiplexedConnection) -> Link {
        let (address, opened): (Arc<str>, _) = (address.into(), Instant::now());
        let health = Arc::new(Mutex::new(Health { owed: 0, since: opened }));
        let link = Link { address: address.clone(), opened, connection, health };
        let mut links = self.lock();
        if !links.is_over {
            links.by_address.insert(address, link.clone());
        }
        link
    }

    /// Sends one command over `link` and waits for its reply.
    ///
    /// # Errors
    /// What Redis or the connection to it says.
    pub async fn call<T: FromRedisValue>(&self, link: &Link, command: Cmd) -> Result<T, RedisError> {
        let owed = Owed::one_more(self, link);
        let answer = command.query_async(&mut link.connection.clone()).await;
        owed.answered(answer.as_ref().err());
        answer
    }

    /// From now on each has its own.
    pub fn end(&self) {
        *self.lock() = Links { by_address: HashMap::new(), is_over: true };
    }

    /// Whether each has its own.
    pub fn is_over(&self) -> bool {
        self.lock().is_over
    }

    /// A command that was sent to this address then had no answer.
    fn doubt(&self, address: &str, sent: Instant) {
        let mut links = self.lock();
        if links.by_address.get(address).is_some_and(|link| link.opened <= sent) {
            links.by_address.remove(address);
        }
    }

    /// It works; so it is handed out where no other is.
    fn trust(&self, link: &Link) {
        let mut links = self.lock();
        let serves = |other: &Link| Arc::ptr_eq(&other.health, &link.health) || other.is_fresh();
        if !links.is_over && !links.by_address.get(&link.address).is_some_and(serves) {
            links.by_address.insert(link.address.clone(), link.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Links> {
        self.0.lock().expect("nobody panics with it")
    }
}

impl Link {
    fn is_fresh(&self) -> bool {
        self.health().since.elapsed() < FRESH
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().expect("nobody panics with it")
    }
}

/// An answer that is to come. Dropped before, it was given up: then nobody knows when the next ones come.
struct Owed<'a> {
    shared: &'a Shared,
    link: &'a Link,
    sent: Instant,
    is_answered: bool,
}

impl<'a> Owed<'a> {
    fn one_more(shared: &'a Shared, link: &'a Link) -> Self {
        let (sent, mut health) = (Instant::now(), link.health());
        if health.owed == 0 {
            health.since = sent;
        }
        health.owed += 1;
        Self { shared, link, sent, is_answered: false }
    }

    fn answered(mut self, error: Option<&RedisError>) {
        self.is_answered = !error.is_some_and(RedisError::is_unrecoverable_error);
    }
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        let mut health = self.link.health();
        health.owed -= 1;
        if self.is_answered {
            health.since = Instant::now();
            drop(health);
            self.shared.trust(self.link);
        } else {
            self.shared.doubt(&self.link.address, self.sent);
        }
    }
}
