//! The connection to a Redis that the requests of an instance share.
//!
//! Spin gives a connection without timeouts that does not come back once it is broken. So
//! every call here has a deadline, and a connection that failed or fell silent is dropped; the
//! next call opens a new one. Redis, and what is between, may close one that nobody uses: what might write is sent only over
//! one that has answered a moment ago, so that no write is in doubt that was never sent.
//!
//! No task of an instance can wake another (wit-bindgen's inter-task wakeup traps on wasmtime
//! 48), so there is no lock to wait on: while one request opens the connection, the others
//! look again every millisecond.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use larder_api::store::node::{Command, Node};
use larder_api::store::places::Uncounted;
use larder_api::store::redis::{RedisError, Reply};
use larder_protocol::limits::{MAX_BLOCKED_PER_INSTANCE, MAX_IDLE_PER_INSTANCE};
use spin_sdk::redis::{Connection as Open, Error, RedisParameter, RedisResult};
use spin_sdk::time::sleep;

pub struct Connection {
    url: String,
    timeout: Duration,
    open: RefCell<Option<Rc<Open>>>,
    /// When it last answered.
    answered: Cell<Option<Instant>>,
    /// Set while a request opens a connection, so that those that arrive together open one.
    opening: Cell<bool>,
    /// Connections for those who must be alone on one; not in use at the moment.
    idle: RefCell<Vec<Open>>,
    /// How many such connections are in use.
    alone: Cell<usize>,
}

/// How often a request looks whether another has opened the connection, or given up one of its own.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// For so long a connection that has answered counts as one that works.
const FRESH: Duration = Duration::from_millis(10);

/// Ends the opening of a connection, however it ends.
struct Opening<'a>(&'a Cell<bool>);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// One of the connections in use, however it ends.
struct Alone<'a>(&'a Cell<usize>);

impl<'a> Alone<'a> {
    fn one_more(count: &'a Cell<usize>) -> Self {
        count.update(|count| count + 1);
        Self(count)
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.update(|count| count - 1);
    }
}

impl Connection {
    /// Runs `command` on the open connection, opening it first where need be; both together
    /// end within the timeout.
    async fn call<T>(
        &self,
        may_write: bool,
        command: impl AsyncFnOnce(&Open) -> Result<T, Error>,
    ) -> Result<T, RedisError> {
        let mut deadline = pin!(sleep(self.timeout));
        let connection = match select(pin!(self.working(may_write)), deadline.as_mut()).await {
            Either::Left((connection, _)) => connection?,
            Either::Right(_) => return Err(RedisError::NotSent(self.silence())),
        };
        let result = match select(pin!(command(&connection)), deadline).await {
            Either::Left((result, _)) => result.map_err(|error| RedisError::from_host(&told(error))),
            Either::Right(_) => Err(RedisError::Lost(self.silence())),
        };
        if matches!(result, Err(RedisError::Lost(_))) {
            self.drop_it(&connection);
        } else if may_write {
            self.answered.set(Some(Instant::now()));
        }
        result
    }

    /// The open connection; where it may be for a write, one that works.
    async fn working(&self, may_write: bool) -> Result<Rc<Open>, RedisError> {
        let connection = self.connection().await?;
        let is_fresh = |answered: Instant| answered.elapsed() < FRESH;
        if !may_write || self.answered.get().is_some_and(is_fresh) || answers(&connection).await {
            return Ok(connection);
        }
        self.drop_it(&connection);
        self.connection().await
    }

    /// Unless another request has already replaced it.
    fn drop_it(&self, connection: &Rc<Open>) {
        self.open.borrow_mut().take_if(|open| Rc::ptr_eq(open, connection));
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
        self.answered.set(Some(Instant::now()));
        Ok(self.open.borrow_mut().insert(Rc::new(open)).clone())
    }

    /// Runs the commands over a connection that was kept, or a new one, which is kept if it still works.
    async fn run_alone(&self, commands: &[Command<'_>], replies: &RefCell<Vec<Result<Vec<Reply>, RedisError>>>) {
        let kept = self.idle.borrow_mut().pop();
        let open = match kept {
            Some(open) if answers(&open).await => Ok(open),
            _ => Open::open(&self.url).await.map_err(|error| RedisError::NotSent(told(error).to_string())),
        };
        let open = match open {
            Ok(open) => open,
            Err(error) => return replies.borrow_mut().push(Err(error)),
        };
        for command in commands {
            let result = open.execute(command.name, parameters(command.arguments)).await;
            let result = result.map_err(|error| RedisError::from_host(&told(error)));
            let result = result.map(|results| results.into_iter().map(reply).collect());
            let is_broken = matches!(result, Err(RedisError::Lost(_)));
            let is_over = result.is_err();
            replies.borrow_mut().push(result);
            if is_broken {
                return;
            }
            if is_over {
                break;
            }
        }
        let mut idle = self.idle.borrow_mut();
        if idle.len() < MAX_IDLE_PER_INSTANCE {
            idle.push(open);
        }
    }

    fn has_room(&self) -> bool {
        self.alone.get() < MAX_BLOCKED_PER_INSTANCE
    }

    async fn until_there_is_room(&self) {
        while !self.has_room() {
            sleep(LOOK_AGAIN).await;
        }
    }

    fn silence(&self) -> String {
        format!("nothing within {} ms", self.timeout.as_millis())
    }
}

/// Whether a connection still works.
async fn answers(connection: &Open) -> bool {
    connection.execute("PING", vec![]).await.is_ok()
}

fn parameters(arguments: &[&[u8]]) -> Vec<RedisParameter> {
    arguments.iter().map(|argument| RedisParameter::Binary(argument.to_vec())).collect()
}

impl Node for Connection {
    type Places = Uncounted;

    fn new(url: String, timeout: Duration) -> Self {
        Self {
            url,
            timeout,
            open: RefCell::default(),
            answered: Cell::default(),
            opening: Cell::default(),
            idle: RefCell::default(),
            alone: Cell::default(),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
        self.call(false, async |open| open.get(key).await).await
    }

    async fn execute(&self, command: Command<'_>) -> Result<Vec<Reply>, RedisError> {
        let parameters = parameters(command.arguments);
        let results = self.call(true, async |open| open.execute(command.name, parameters).await).await?;
        Ok(results.into_iter().map(reply).collect())
    }

    async fn execute_alone(&self, commands: &[Command<'_>], block: Duration) -> Vec<Result<Vec<Reply>, RedisError>> {
        // A single command blocks until something happens, and its caller can look for that instead. Several have
        // to stay together, so they wait for their turn.
        if commands.len() > 1 {
            select(pin!(self.until_there_is_room()), pin!(sleep(self.timeout))).await;
        }
        if !self.has_room() {
            let reason = format!("{MAX_BLOCKED_PER_INSTANCE} requests of this instance block");
            return vec![Err(RedisError::NotSent(reason))];
        }
        let _alone = Alone::one_more(&self.alone);
        let replies = RefCell::new(vec![]);
        let deadline = pin!(sleep(block + self.timeout));
        if let Either::Right(_) = select(pin!(self.run_alone(commands, &replies)), deadline).await {
            replies.borrow_mut().push(Err(RedisError::Lost(self.silence())));
        }
        replies.take()
    }

    async fn pause(pause: Duration) -> bool {
        sleep(pause).await;
        true
    }

    async fn sleep(time: Duration) {
        sleep(time).await;
    }
}

larder_api::from_sdk!(RedisResult, Error);
