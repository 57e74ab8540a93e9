//! The component's log: lines on standard error, one for each event that matters.
//!
//! A line never tells a value, a token or a password: of a request it has method and path, of a token its
//! name. Whatever clients or Redis sent is escaped, so that nobody forges a line or speaks to a terminal.

use std::fmt::Write as _;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use larder_protocol::{TraceParent, timestamp};
use serde_json::{Map, Value};

/// Where the lines of a request go, and what they have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// The form of its lines.
    pub format: Format,
    /// The trace that the request belongs to.
    pub trace: Option<TraceParent>,
}

/// What a line is called and what is in it.
pub type Field = (&'static str, Value);

/// The form of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: the worker's form.
    #[default]
    Human,
    /// A JSON object, with the worker's names.
    Json,
}

/// Neither of the forms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no form of a log; it must be human or json")]
pub struct InvalidFormat(String);

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Info,
    /// Something is not as it should be; it may pass.
    Warn,
    /// Somebody has to mend something.
    Error,
}

impl FromStr for Format {
    type Err = InvalidFormat;

    fn from_str(text: &str) -> Result<Self, InvalidFormat> {
        match text {
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err(InvalidFormat(text.to_owned())),
        }
    }
}

impl Log {
    /// Writes a line.
    pub fn line(&self, level: Level, message: &str, fields: impl IntoIterator<Item = Field>) {
        let ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let now = timestamp::rfc3339(u64::try_from(ms).unwrap_or(u64::MAX));
        eprintln!("{}", self.text(&now, level, message, fields));
    }

    fn text(&self, now: &str, level: Level, message: &str, fields: impl IntoIterator<Item = Field>) -> String {
        let trace = self.trace.map(|trace| ("trace_id", trace.trace_id().into()));
        let fields = fields.into_iter().chain(trace);
        match self.format {
            Format::Human => {
                let mut line = format!("{now} {:>5} {message}", level.name());
                for (name, value) in fields {
                    // A string of JSON is escaped; what has no need of quotes does without.
                    let quoted = value.to_string();
                    let text = value.as_str().filter(|text| text.len() + 2 == quoted.len() && is_plain(text));
                    write!(line, " {name}={}", text.unwrap_or(&quoted)).expect("a string takes all");
                }
                line
            }
            Format::Json => {
                let common = [("timestamp", now.into()), ("level", level.name().into()), ("message", message.into())];
                let line: Map<_, _> = common.into_iter().chain(fields).map(|(name, v)| (name.to_owned(), v)).collect();
                Value::from(line).to_string()
            }
        }
    }
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2025-11-24T16:01:00.123Z";

    fn text(format: Format, traced: bool) -> String {
        let trace = TraceParent::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let log = Log { format, trace: trace.filter(|_| traced) };
        let fields = [("status", 503.into()), ("path", "/items/a".into()), ("cause", "it's\n\u{1b}[31m gone".into())];
        log.text(NOW, Level::Warn, "refused", fields)
    }

    #[test]
    fn a_line_for_people_is_one_line() {
        let line = format!("{NOW}  WARN refused status=503 path=/items/a cause=\"it's\\n\\u001b[31m gone\"");
        assert_eq!(text(Format::Human, false), line);
        assert_eq!(text(Format::Human, true), format!("{line} trace_id=4bf92f3577b34da6a3ce929d0e0e4736"));
    }

    #[test]
    fn a_line_for_programs_is_an_object() {
        let line: Value = serde_json::from_str(&text(Format::Json, true)).unwrap();
        assert_eq!(line["timestamp"], NOW);
        assert_eq!((&line["level"], &line["message"]), (&"WARN".into(), &"refused".into()));
        assert_eq!((&line["status"], &line["cause"]), (&503.into(), &"it's\n\u{1b}[31m gone".into()));
        assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    }
}
