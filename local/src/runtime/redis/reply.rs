//! A reply of Redis as `execute` gives it to a component: a flat list.
//!
//! The interface has no lists within lists, so Spin flattens them, depth first, and refuses the
//! types of RESP3 that it has no case for. Scripts that are called this way answer flat arrays.

use redis::{FromRedisValue, ParsingError, Value};

use crate::runtime::bindings::wasip3::spin::redis::redis::RedisResult;

/// The flattened reply.
#[derive(Debug)]
pub struct Reply(pub Vec<RedisResult>);

impl FromRedisValue for Reply {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let mut flat = Vec::new();
        flatten(value, &mut flat)?;
        Ok(Self(flat))
    }
}

fn flatten(value: Value, flat: &mut Vec<RedisResult>) -> Result<(), ParsingError> {
    flat.push(match value {
        Value::Nil => RedisResult::Nil,
        Value::Int(number) => RedisResult::Int64(number),
        Value::Boolean(truth) => RedisResult::Int64(truth.into()),
        Value::BulkString(bytes) => RedisResult::Binary(bytes),
        Value::Double(number) => RedisResult::Binary(number.to_string().into_bytes()),
        Value::BigNumber(digits) => RedisResult::Binary(digits),
        Value::SimpleString(text) => RedisResult::Status(text),
        Value::Okay => RedisResult::Status("OK".to_owned()),
        Value::Array(values) | Value::Set(values) => {
            return values.into_iter().try_for_each(|value| flatten(value, flat));
        }
        Value::ServerError(error) => return Err(format!("error inside a reply: {error}").into()),
        Value::Map(_) => return Err("Redis Map type is not supported".into()),
        Value::Attribute { .. } => return Err("Redis Attribute type is not supported".into()),
        Value::VerbatimString { .. } => return Err("Redis string with format attribute is not supported".into()),
        Value::Push { .. } => return Err("Redis Pub/Sub types are not supported".into()),
        other => return Err(format!("Redis reply {other:?} is not supported").into()),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_replies_are_flattened_in_order() {
        let nested = Value::Array(vec![
            Value::Int(1),
            Value::Array(vec![Value::Nil, Value::Array(vec![Value::Okay])]),
            Value::BulkString(b"x\0".to_vec()),
            Value::Double(1.5),
            Value::Boolean(true),
        ]);
        let Reply(flat) = Reply::from_redis_value(nested).unwrap();
        assert_eq!(
            format!("{flat:?}"),
            "[RedisResult::Int64(1), RedisResult::Nil, RedisResult::Status(\"OK\"), \
             RedisResult::Binary([120, 0]), RedisResult::Binary([49, 46, 53]), RedisResult::Int64(1)]"
        );
    }

    #[test]
    fn maps_are_refused() {
        assert!(Reply::from_redis_value(Value::Array(vec![Value::Map(vec![])])).is_err());
    }
}
