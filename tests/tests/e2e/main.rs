//! End to end: a real Redis, the real worker, the real component, spoken to over HTTP.

mod access;
mod bulk;
mod bulk_faults;
mod changes;
mod conditions;
mod connections;
mod cors;
mod dead;
mod errors;
mod faults;
mod followers;
mod formats;
mod health;
mod idempotency;
mod increment;
mod items;
mod listing;
mod load;
mod logs;
mod metadata;
mod overload;
mod patch;
mod rate;
mod read_your_writes;
mod succession;
mod telemetry;
mod tls;
mod tokens;
mod up;
mod up_cluster;
mod values;
mod waiting;
mod worker;
mod writes;

/// What every test here returns.
type Tested = anyhow::Result<()>;
