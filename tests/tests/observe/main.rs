//! What an operator sees from outside: the worker's `/status` and `/metrics`, and whether what the dashboard and the
//! alerts ask for is there.

mod metrics;
mod prometheus;
mod status;

/// What every test here returns.
type Tested = anyhow::Result<()>;
