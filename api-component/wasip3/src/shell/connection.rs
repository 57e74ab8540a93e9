//! The connection to Redis that the requests of an instance share.
//!
//! Spin gives a connection without timeouts that does not come back once it is broken. So
//! every call here has a deadline, and a connection that failed or fell silent is dropped; the
//! next call opens a new one.
//!
//! No task of an instance can wake another (wit-bindgen's inter-task wakeup traps on wasmtime
//! 48), so there is no lock to wait on: while one request opens the connection, the others
//! look again every millisecond.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use larder_api::store::Lookout;
use larder_api::store::redis::{Redis, RedisError, Reply};
use larder_protocol::limits::{MAX_BLOCKED_PER_INSTANCE, MAX_IDLE_PER_INSTANCE};
use spin_sdk::redis::{Connection as Open, Error, RedisParameter, RedisResult};
use spin_sdk::time::sleep;

pub struct Connection {
    url: String,
    timeout: Duration,
    open: RefCell<Option<Rc<Open>>>,
    /// Set while a request opens a connection, so that those that arrive together open one.
    opening: Cell<bool>,
    /// Connections for blocking commands that are not in use at the moment.
    idle: RefCell<Vec<Open>>,
    /// How many blocking commands are under way.
    blocked: Cell<usize>,
    lookout: Lookout,
}

/// How often a request looks whether another has opened the connection.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Ends the opening of a connection, however it ends.
struct Opening<'a>(&'a Cell<bool>);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// One of the blocking commands under way, however it ends.
struct Blocked<'a>(&'a Cell<usize>);

impl<'a> Blocked<'a> {
    fn one_more(count: &'a Cell<usize>) -> Self {
        count.update(|count| count + 1);
        Self(count)
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        self.0.update(|count| count - 1);
    }
}

impl Connection {
    pub fn new(url: String, timeout: Duration) -> Self {
        Self {
            url,
            timeout,
            open: RefCell::default(),
            opening: Cell::default(),
            idle: RefCell::default(),
            blocked: Cell::default(),
            lookout: Lookout::default(),
        }
    }

    /// Runs `command` on the open connection, opening it first where need be; both together
    /// end within the timeout.
    async fn call<T>(&self, command: impl AsyncFnOnce(&Open) -> Result<T, Error>) -> Result<T, RedisError> {
        let mut deadline = pin!(sleep(self.timeout));
        let connection = match select(pin!(self.connection()), deadline.as_mut()).await {
            Either::Left((connection, _)) => connection?,
            Either::Right(_) => return Err(RedisError::NotSent(self.silence())),
        };
        let result = match select(pin!(command(&connection)), deadline).await {
            Either::Left((result, _)) => result.map_err(|error| RedisError::from_host(&told(error))),
            Either::Right(_) => Err(RedisError::Lost(self.silence())),
        };
        if matches!(result, Err(RedisError::Lost(_))) {
            // Unless another request has already replaced it.
            self.open.borrow_mut().take_if(|open| Rc::ptr_eq(open, &connection));
        }
        result
    }

    async fn connection(&self) -> Result<Rc<Open>, RedisError> {
        loop {
            if let Some(open) = &*self.open.borrow() {
                return Ok(open.clone());
            }
            if !self.opening.replace(true) {
                break;
            }
            sleep(LOOK_AGAIN).await;
        }
        let _opening = Opening(&self.opening);
        let open = Open::open(&self.url).await.map_err(|error| RedisError::NotSent(told(error).to_string()))?;
        Ok(self.open.borrow_mut().insert(Rc::new(open)).clone())
    }

    fn silence(&self) -> String {
        format!("nothing within {} ms", self.timeout.as_millis())
    }
}

fn parameters(arguments: &[&[u8]]) -> Vec<RedisParameter> {
    arguments.iter().map(|argument| RedisParameter::Binary(argument.to_vec())).collect()
}

impl Redis for Connection {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
        self.call(async |open| open.get(key).await).await
    }

    async fn execute(&self, command: &str, arguments: &[&[u8]]) -> Result<Vec<Reply>, RedisError> {
        let parameters = parameters(arguments);
        let results = self.call(async |open| open.execute(command, parameters).await).await?;
        Ok(results.into_iter().map(reply).collect())
    }

    async fn execute_blocking(
        &self,
        command: &str,
        arguments: &[&[u8]],
        block: Duration,
    ) -> Result<Vec<Reply>, RedisError> {
        if self.blocked.get() == MAX_BLOCKED_PER_INSTANCE {
            return Err(RedisError::NotSent(format!("{MAX_BLOCKED_PER_INSTANCE} requests of this instance block")));
        }
        let _blocked = Blocked::one_more(&self.blocked);
        let deadline = pin!(sleep(block + self.timeout));
        let run = pin!(async {
            loop {
                let kept = self.idle.borrow_mut().pop();
                let is_new = kept.is_none();
                let open = match kept {
                    Some(open) => open,
                    None => {
                        Open::open(&self.url).await.map_err(|error| RedisError::NotSent(told(error).to_string()))?
                    }
                };
                match open.execute(command, parameters(arguments)).await {
                    Ok(results) => {
                        let mut idle = self.idle.borrow_mut();
                        if idle.len() < MAX_IDLE_PER_INSTANCE {
                            idle.push(open);
                        }
                        return Ok(results);
                    }
                    // One that was kept may have broken while it was idle; then nothing was taken.
                    Err(_) if !is_new => {}
                    Err(error) => return Err(RedisError::from_host(&told(error))),
                }
            }
        });
        match select(run, deadline).await {
            Either::Left((results, _)) => Ok(results?.into_iter().map(reply).collect()),
            Either::Right(_) => Err(RedisError::Lost(self.silence())),
        }
    }

    async fn pause(&self, pause: Duration) -> bool {
        sleep(pause).await;
        true
    }

    async fn sleep(&self, pause: Duration) {
        sleep(pause).await;
    }

    fn lookout(&self) -> &Lookout {
        &self.lookout
    }
}

larder_api::from_sdk!(RedisResult, Error);
