//! End to end: a real Redis, the real worker, the real component, spoken to over HTTP.

mod dead;
mod errors;
mod faults;
mod health;
mod items;
mod load;
mod overload;
mod succession;
mod up;
mod values;
mod worker;
mod writes;

/// What every test here returns.
type Tested = anyhow::Result<()>;
