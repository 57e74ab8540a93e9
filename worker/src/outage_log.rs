//! Says once that Redis is away, and once that it is back.

use std::mem::{Discriminant, discriminant};
use std::time::Instant;

use crate::connection::Outage;

/// The outage that is going on, if one is.
#[derive(Default)]
pub struct OutageLog(Option<(Instant, Discriminant<Outage>)>);

impl OutageLog {
    /// Redis cannot be used. Another attempt that fails for the same kind of reason is not news.
    pub fn report(&mut self, outage: &Outage) {
        let kind = discriminant(outage);
        match self.0 {
            Some((_, told)) if told == kind => tracing::debug!("{outage}"),
            _ => {
                tracing::warn!("{outage}; waiting");
                let since = self.0.map_or_else(Instant::now, |(since, _)| since);
                self.0 = Some((since, kind));
            }
        }
    }

    /// Redis can be used.
    pub fn over(&mut self) {
        if let Some((since, _)) = self.0.take() {
            tracing::info!("Redis is back after {:.1} s", since.elapsed().as_secs_f64());
        }
    }
}
