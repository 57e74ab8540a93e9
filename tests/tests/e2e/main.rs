//! End to end: a real Redis, the real worker, the real component, spoken to over HTTP.

mod conditions;
mod dead;
mod errors;
mod faults;
mod health;
mod idempotency;
mod items;
mod load;
mod overload;
mod read_your_writes;
mod succession;
mod tls;
mod up;
mod values;
mod waiting;
mod worker;
mod writes;

/// What every test here returns.
type Tested = anyhow::Result<()>;
