//! The primary as Sentinels tell it. All of them are asked at once: after a failover they agree within a second
//! or so, and a primary that is none any more refuses the first heartbeat.

use futures::FutureExt as _;
use futures::future::select_ok;

use crate::connection::{Address, Connection, Failure, Outage, RedisSettings};

/// The address of the primary `name` (`SENTINEL GET-MASTER-ADDR-BY-NAME`).
pub async fn find(settings: &RedisSettings, name: &str) -> Result<Address, Outage> {
    let asked = settings.url.addresses().iter().map(|sentinel| ask(settings, sentinel, name).boxed());
    let (primary, _) = select_ok(asked).await?;
    Ok(primary)
}

async fn ask(settings: &RedisSettings, sentinel: &Address, name: &str) -> Result<Address, Outage> {
    let said = |failure| match failure {
        Failure::Outage(Outage::Unreachable(text)) => Outage::Unreachable(format!("the Sentinel {sentinel}: {text}")),
        failure => failure.into(),
    };
    let connection = Connection::open_sentinel(settings, sentinel).await.map_err(said)?;
    let mut command = redis::cmd("SENTINEL");
    command.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    let primary: Option<(String, u16)> = connection.query(&command).await.map_err(said)?;
    let (host, port) = primary.ok_or_else(|| {
        Outage::Unreachable(format!(
            "the Sentinel {sentinel} knows no primary of the name {name} (LARDER_REDIS_SENTINEL)"
        ))
    })?;
    Ok(settings.url.address(host, port))
}
