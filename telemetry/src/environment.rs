//! What the environment says of OpenTelemetry (specification, "Environment Variable Specification").

/// The part of it that decides whether anything is sent; the rest is read where it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Environment {
    traces: bool,
    metrics: bool,
}

/// It asks for what this program cannot do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{variable} is \"{value}\"; this program sends http/protobuf only, to a port that is usually 4318. Unset it, or \
     set it to http/protobuf"
)]
pub struct InvalidEnvironment {
    variable: &'static str,
    value: String,
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const METRICS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
const PROTOCOLS: [&str; 3] =
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"];
const DISABLED: &str = "OTEL_SDK_DISABLED";

impl Environment {
    /// Reads that of this process.
    ///
    /// # Errors
    /// [`InvalidEnvironment`], where something would be sent.
    pub fn of_process() -> Result<Self, InvalidEnvironment> {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidEnvironment> {
        let get = |name| get(name).filter(|value| !value.is_empty());
        let is_disabled = get(DISABLED).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let is_told = |endpoint| !is_disabled && (get(ENDPOINT).is_some() || get(endpoint).is_some());
        let environment = Self { traces: is_told(TRACES_ENDPOINT), metrics: is_told(METRICS_ENDPOINT) };
        if environment.traces || environment.metrics {
            for variable in PROTOCOLS {
                if let Some(value) = get(variable).filter(|value| value != "http/protobuf") {
                    return Err(InvalidEnvironment { variable, value });
                }
            }
        }
        Ok(environment)
    }

    /// Whether it names an endpoint for traces.
    #[must_use]
    pub fn wants_traces(self) -> bool {
        self.traces
    }

    /// Whether it names an endpoint for figures.
    #[must_use]
    pub fn wants_metrics(self) -> bool {
        self.metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<(bool, bool), InvalidEnvironment> {
        let get = |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        Environment::read(get).map(|environment| (environment.traces, environment.metrics))
    }

    #[test]
    fn nothing_is_sent_unless_an_endpoint_is_named() {
        assert_eq!(read(&[]), Ok((false, false)));
        assert_eq!(read(&[(ENDPOINT, "")]), Ok((false, false)));
        assert_eq!(read(&[(ENDPOINT, "http://c:4318")]), Ok((true, true)));
        assert_eq!(read(&[(TRACES_ENDPOINT, "http://c:4318/v1/traces")]), Ok((true, false)));
        assert_eq!(read(&[(METRICS_ENDPOINT, "http://c:4318/v1/metrics")]), Ok((false, true)));
        assert_eq!(read(&[(ENDPOINT, "http://c:4318"), (DISABLED, "TRUE")]), Ok((false, false)));
    }

    #[test]
    fn what_would_not_arrive_is_said() {
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        assert_eq!(read(&[grpc]), Ok((false, false)), "nothing is sent");
        let error = read(&[(ENDPOINT, "http://c:4317"), grpc]).unwrap_err();
        assert!(error.to_string().starts_with("OTEL_EXPORTER_OTLP_PROTOCOL is \"grpc\""), "{error}");
        assert!(read(&[(ENDPOINT, "http://c:4318"), (PROTOCOLS[1], "http/protobuf")]).is_ok());
    }
}
