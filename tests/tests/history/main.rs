//! The history check, on a sound system under faults and on broken ones.

mod broken_scripts;
mod failover;
mod faults;
mod made_up;

/// What every test here returns.
type Tested = anyhow::Result<()>;
