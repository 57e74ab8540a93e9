//! Whether the worker can do its work.

use std::time::Instant;

use larder_protocol::limits::HEARTBEAT_EXPIRY;
use tokio::sync::watch;

use crate::connection::Outage;
use crate::metric;

/// The worker's state, written by the session and read by the admin server.
pub struct Health(watch::Sender<State>);

enum State {
    Down(String),
    Up { last_heartbeat: Instant },
}

impl Health {
    pub fn new() -> Self {
        Self(watch::Sender::new(State::Down("Redis has not been reached yet".to_owned())))
    }

    /// A heartbeat was taken.
    pub fn up(&self) {
        metric::redis_up().set(1.0);
        self.0.send_replace(State::Up { last_heartbeat: Instant::now() });
    }

    /// Redis cannot be used.
    pub fn down(&self, outage: &Outage) {
        metric::redis_up().set(0.0);
        self.0.send_replace(State::Down(outage.to_string()));
    }

    /// Ready to commit, or what is missing.
    pub fn ready(&self) -> Result<(), String> {
        match &*self.0.borrow() {
            State::Down(reason) => Err(reason.clone()),
            State::Up { last_heartbeat } => {
                let age = last_heartbeat.elapsed();
                if age < HEARTBEAT_EXPIRY {
                    Ok(())
                } else {
                    Err(format!("the last heartbeat was {:.1} s ago", age.as_secs_f64()))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_makes_it_ready_and_an_outage_ends_that() {
        let health = Health::new();
        assert!(health.ready().is_err());
        health.up();
        assert_eq!(health.ready(), Ok(()));
        health.down(&Outage::Unreachable("gone".to_owned()));
        assert_eq!(health.ready(), Err("Redis is unreachable: gone".to_owned()));
    }
}
