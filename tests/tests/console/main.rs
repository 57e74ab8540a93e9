//! The console, in a real browser, against a whole Larder.
//!
//! Each test has a store and a browser of its own. axe-core looks at every view; it comes from npm's registry
//! (`tests/axe.py`). Pictures of the views are in target/console afterwards, or, with `LARDER_PICTURES=1`, in
//! docs/console.

mod access;
mod browse;
mod browser;
mod edit;
mod hostile;
mod item;
mod live;
mod serve;

/// What every test here returns.
type Tested = anyhow::Result<()>;
