//! Lets requests to the instances of a core one after the other where there is no room for them yet.
//!
//! wasmtime's `ProxyHandler` starts an instance for a request that finds none with room. Requests that come in one
//! burst all find none, for the first of them has not started its own yet: a thousand of them would start a thousand,
//! which is more than the pool has. So while one starts an instance, those that it will have room for wait for it.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

/// The way in, for one core.
#[derive(Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    /// Wakes one who waits; who gets in wakes the next where there is room for more.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// What the instances take at once, all together.
    room: usize,
    /// Requests that were let in and have no answer.
    inside: usize,
    /// One of them is on its way to an instance, perhaps to one that it starts.
    is_starting: bool,
}

/// A request that was let in, until it is answered.
pub struct Entry(Arc<Inner>);

/// A request that may start an instance, until it is inside one, or none could be started.
pub struct Starting(Arc<Inner>);

/// The room in one instance, for as long as it lives.
pub struct Room {
    inner: Arc<Inner>,
    requests: usize,
}

impl Gate {
    /// A gate that so many requests pass without any instance.
    pub fn new(room: usize) -> Self {
        let gate = Self::default();
        gate.0.lock().room = room;
        gate
    }

    /// Waits until there is room, or nobody else is about to make some.
    pub async fn enter(&self) -> (Entry, Option<Starting>) {
        loop {
            if let Some(entered) = self.try_enter() {
                return entered;
            }
            self.0.changed.notified().await;
        }
    }

    fn try_enter(&self) -> Option<(Entry, Option<Starting>)> {
        let mut state = self.0.lock();
        let has_room = state.inside < state.room;
        if !has_room && state.is_starting {
            return None;
        }
        state.inside += 1;
        state.is_starting |= !has_room;
        if state.inside < state.room || !state.is_starting {
            self.0.changed.notify_one();
        }
        Some((Entry(self.0.clone()), (!has_room).then(|| Starting(self.0.clone()))))
    }

    /// There is a new instance, which takes so many requests at once.
    pub fn add(&self, requests: usize) -> Room {
        self.0.change(|state| state.room += requests);
        Room { inner: self.0.clone(), requests }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.change(|state| state.inside -= 1);
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.0.change(|state| state.is_starting = false);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.inner.change(|state| state.room -= self.requests);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_burst_waits_for_the_first_instance_and_fills_it() {
        let gate = Gate::default();
        let (first, starting) = gate.enter().now_or_never().expect("nobody else starts one");
        assert!(starting.is_some());
        let mut burst: Vec<_> = (0..4).map(|_| Box::pin(gate.enter())).collect();
        assert!(burst.iter_mut().all(|request| request.now_or_never().is_none()), "they wait for its instance");

        let room = gate.add(3);
        drop(starting);
        let mut entered: Vec<_> = burst.iter_mut().map(|request| request.now_or_never()).collect();
        let start: Vec<_> =
            entered.iter().map(|entry| entry.as_ref().map(|(_, starting)| starting.is_some())).collect();
        assert_eq!(start, [Some(false), Some(false), Some(true), None], "two find room, one starts another instance");

        // That could not be started.
        entered[2] = None;
        let (_, starting) = burst[3].as_mut().now_or_never().expect("nobody else starts one");
        assert!(starting.is_some());
        drop((first, room));
    }
}
