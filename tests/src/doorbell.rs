//! Hears what rings the workers of a partition.

use std::time::Duration;

use anyhow::Context as _;
use larder_protocol::{Partition, keys};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Msg, PushInfo, PushKind};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A subscription to the doorbell of a partition (`SSUBSCRIBE`), for as long as it lives.
pub struct Doorbell {
    pushes: UnboundedReceiver<PushInfo>,
    _connection: MultiplexedConnection,
}

impl Doorbell {
    /// Listens at the Redis at this URL.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn of(url: &str, p: Partition) -> anyhow::Result<Self> {
        let (push, pushes) = unbounded_channel();
        let config = AsyncConnectionConfig::new().set_push_sender(push);
        let client = redis::Client::open(format!("{url}?protocol=resp3"))?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        redis::cmd("SSUBSCRIBE").arg(keys::doorbell(p)).exec_async(&mut connection).await?;
        Ok(Self { pushes, _connection: connection })
    }

    /// The next message; `None` where there is none within `limit`.
    ///
    /// # Errors
    /// Where the connection ends.
    pub async fn next(&mut self, limit: Duration) -> anyhow::Result<Option<String>> {
        let message = async {
            loop {
                let push = self.pushes.recv().await.context("the connection has ended")?;
                if push.kind == PushKind::SMessage {
                    let message = Msg::from_push_info(push).context("it is no message")?;
                    return Ok(message.get_payload()?);
                }
            }
        };
        tokio::time::timeout(limit, message).await.ok().transpose()
    }
}
