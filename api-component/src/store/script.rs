//! Runs the scripts of Larder.

use larder_protocol::Call;

use super::node::Command;
use super::redis::RedisError;

/// `EVALSHA`, and `EVAL` where Redis does not have the script yet: after a restart, say.
/// `NOSCRIPT` means that nothing ran, so this repeats no write.
///
/// # Errors
/// Those of `execute`.
pub async fn run<T>(call: &Call, execute: impl AsyncFn(Command<'_>) -> Result<T, RedisError>) -> Result<T, RedisError> {
    let key_count = call.keys.len().to_string();
    let mut arguments = vec![call.script.sha().as_bytes(), key_count.as_bytes()];
    arguments.extend(call.keys.iter().map(|key| key.as_bytes()));
    arguments.extend(call.arguments.iter().map(Vec::as_slice));
    match execute(Command { name: "EVALSHA", arguments: &arguments }).await {
        Err(error) if error.is_no_script() => {
            arguments[0] = call.script.source().as_bytes();
            execute(Command { name: "EVAL", arguments: &arguments }).await
        }
        answer => answer,
    }
}
