//! The connections that the instances of a core share, one to each Redis.
//!
//! An instance that opens a connection is given the one that is there, so long as it has shown within a second that it
//! works. One that broke, on which a call was given up, or that owes answers for a second, is left to those who have
//! it: whoever comes next gets a new one, as they would from Spin.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, RedisError};

/// For so long a connection counts as one that works: since its last answer, or since it was first asked after it had
/// answered all. An instance without requests is kept as long.
const FRESH: Duration = Duration::from_secs(1);

/// What is shared on one core.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Links>>);

#[derive(Default)]
struct Links {
    by_address: HashMap<String, Link>,
    is_over: bool,
}

/// A connection that is shared.
#[derive(Clone)]
pub struct Link {
    connection: MultiplexedConnection,
    health: Arc<Mutex<Health>>,
}

struct Health {
    /// Commands without an answer.
    owed: usize,
    /// When the last answer came, or the first of these was sent.
    since: Instant,
    is_broken: bool,
}

impl Shared {
    /// The connection to this address, where there is one that works.
    pub fn get(&self, address: &str) -> Option<Link> {
        self.lock().by_address.get(address).filter(|link| link.works()).cloned()
    }

    /// Whoever asks for this address from now on gets `connection`.
    pub fn keep(&self, address: &str, connection: MultiplexedConnection) -> Link {
        let health = Health { owed: 0, since: Instant::now(), is_broken: false };
        let link = Link { connection, health: Arc::new(Mutex::new(health)) };
        let mut links = self.lock();
        if !links.is_over {
            links.by_address.insert(address.to_owned(), link.clone());
        }
        link
    }

    /// From now on each has its own.
    pub fn end(&self) {
        *self.lock() = Links { by_address: HashMap::new(), is_over: true };
    }

    /// Whether each has its own.
    pub fn is_over(&self) -> bool {
        self.lock().is_over
    }

    fn lock(&self) -> MutexGuard<'_, Links> {
        self.0.lock().expect("nobody panics with it")
    }
}

impl Link {
    /// Sends one command and waits for its reply.
    ///
    /// # Errors
    /// What Redis or the connection to it says.
    pub async fn call<T: FromRedisValue>(&self, command: Cmd) -> Result<T, RedisError> {
        let owed = Owed::one_more(&self.health);
        let answer = command.query_async(&mut self.connection.clone()).await;
        owed.answered(answer.as_ref().err());
        answer
    }

    fn works(&self) -> bool {
        let health = lock(&self.health);
        !health.is_broken && health.since.elapsed() < FRESH
    }
}

fn lock(health: &Mutex<Health>) -> MutexGuard<'_, Health> {
    health.lock().expect("nobody panics with it")
}

/// An answer that is to come. Dropped before, it was given up: then nobody knows when the next ones come.
struct Owed<'a> {
    health: &'a Mutex<Health>,
    is_answered: bool,
}

impl<'a> Owed<'a> {
    fn one_more(health: &'a Mutex<Health>) -> Self {
        let mut now = lock(health);
        if now.owed == 0 {
            now.since = Instant::now();
        }
        now.owed += 1;
        drop(now);
        Self { health, is_answered: false }
    }

    fn answered(mut self, error: Option<&RedisError>) {
        self.is_answered = !error.is_some_and(RedisError::is_unrecoverable_error);
    }
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        let mut now = lock(self.health);
        now.owed -= 1;
        if self.is_answered {
            now.since = Instant::now();
        } else {
            now.is_broken = true;
        }
    }
}
