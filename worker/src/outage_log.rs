//! Says once that Redis is away, and once that it is back.

use std::mem::{Discriminant, discriminant};
use std::time::Instant;

use tracing::field::{DisplayValue, display};

use crate::connection::Outage;
use crate::masters::Master;

/// The outage that is going on, if one is.
#[derive(Default)]
pub struct OutageLog {
    outage: Option<(Instant, Discriminant<Outage>)>,
    /// What is away, in words; nothing where it is not known which master.
    at: Option<(String, String)>,
}

impl OutageLog {
    /// Of this master.
    pub fn at(master: &Master) -> Self {
        Self { outage: None, at: Some((master.address.to_string(), master.partitions.to_string())) }
    }

    /// Redis cannot be used. Another attempt that fails for the same kind of reason is not news.
    pub fn report(&mut self, outage: &Outage) {
        let (master, partitions) = self.fields();
        let kind = discriminant(outage);
        match self.outage {
            Some((_, told)) if told == kind => tracing::debug!(master, partitions, "{outage}"),
            _ => {
                match outage {
                    // Somebody moved them, and all goes on.
                    Outage::Moved(_) => tracing::info!(master, partitions, "{outage}"),
                    _ => tracing::warn!(master, partitions, "{outage}; waiting"),
                }
                let since = self.outage.map_or_else(Instant::now, |(since, _)| since);
                self.outage = Some((since, kind));
            }
        }
    }

    /// Redis can be used.
    pub fn over(&mut self) {
        if let Some((since, _)) = self.outage.take() {
            let (master, partitions) = self.fields();
            tracing::info!(master, partitions, "Redis is back after {:.1} s", since.elapsed().as_secs_f64());
        }
    }

    fn fields(&self) -> (Option<DisplayValue<String>>, Option<DisplayValue<String>>) {
        self.at.clone().map(|(master, partitions)| (display(master), display(partitions))).unzip()
    }
}
