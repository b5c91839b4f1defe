//! JSON logs and Prometheus metrics, the same in every service.

use std::time::Duration;

use metrics::Gauge;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::args::TelemetryArgs;
use crate::shutdown::Shutdown;

/// Histograms keep what they were given until somebody does the upkeep.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Seconds, from half a millisecond to ten, for everything that ends in `_duration_seconds`.
const DURATION_BUCKETS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// Why telemetry could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter cannot be read.
    #[error("the log filter cannot be read; an example is info,gatekeeper=debug")]
    Filter(#[from] ParseError),
    /// The recorder of metrics cannot be installed.
    #[error("the recorder of metrics cannot be installed")]
    Metrics(#[from] BuildError),
    /// Another logger is there already.
    #[error("logging has been started before")]
    Logs(#[source] tracing_subscriber::util::TryInitError),
}

/// What `/metrics` shows.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    process: Collector,
}

/// Starts JSON logs on standard error and the recorder of metrics, whose every line carries `service`.
pub fn start(
    service: &'static str,
    args: &TelemetryArgs,
    shutdown: &Shutdown,
) -> Result<Metrics, TelemetryError> {
    let filter = EnvFilter::try_new(&args.log_filter)?;
    let logs = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter);
    tracing_subscriber::util::SubscriberInitExt::try_init(
        logs.with_writer(std::io::stderr).finish(),
    )
    .map_err(TelemetryError::Logs)?;
    let durations = metrics_exporter_prometheus::Matcher::Suffix("_duration_seconds".to_owned());
    let handle = PrometheusBuilder::new()
        .add_global_label("service", service)
        .set_buckets_for_metric(durations, &DURATION_BUCKETS)?
        .install_recorder()?;
    let process = Collector::default();
    process.describe();
    let (upkeep, stopping) = (handle.clone(), shutdown.clone());
    shutdown.spawn("metrics upkeep", async move {
        while stopping
            .run_until_stopped(tokio::time::sleep(UPKEEP_EVERY))
            .await
            .is_some()
        {
            upkeep.run_upkeep();
        }
    });
    Ok(Metrics { handle, process })
}

impl Metrics {
    /// Everything recorded so far, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.process.collect();
        record_network();
        self.handle.render()
    }
}

/// A gauge of one room, for as long as its owner looks after the room: then it falls to zero, so that a
/// room that is gone does not go on being counted.
#[derive(Debug)]
pub struct RoomGauge(Gauge);

impl RoomGauge {
    /// The gauge `name` with the label `room`.
    pub fn new(name: &'static str, room: &str) -> Self {
        Self(metrics::gauge!(name, "room" => room.to_owned()))
    }

    /// Shows `value`.
    pub fn set(&self, value: f64) {
        self.0.set(value);
    }
}

impl Drop for RoomGauge {
    fn drop(&mut self) {
        self.0.set(0.0);
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Metrics")
    }
}

/// Bytes over all network interfaces that the process sees (its container's), from Linux' own table;
/// elsewhere there is no such table and no such metric.
fn record_network() {
    let Ok(table) = std::fs::read_to_string("/proc/self/net/dev") else {
        return;
    };
    let (received, sent) = network_bytes(&table);
    metrics::counter!("process_network_receive_bytes_total").absolute(received);
    metrics::counter!("process_network_transmit_bytes_total").absolute(sent);
}

/// Two header lines, then `name: bytes packets errs drop fifo frame compressed multicast bytes …`.
fn network_bytes(table: &str) -> (u64, u64) {
    let interfaces = table
        .lines()
        .skip(2)
        .filter_map(|line| line.split_once(':'));
    interfaces.fold((0, 0), |(received, sent), (_name, figures)| {
        let figure = |index: usize| {
            figures
                .split_ascii_whitespace()
                .nth(index)
                .and_then(|text| text.parse::<u64>().ok())
        };
        (
            received + figure(0).unwrap_or(0),
            sent + figure(8).unwrap_or(0),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauge_of_a_room_falls_to_zero_when_nobody_looks_after_the_room() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let gauge = RoomGauge::new("waiting", "main");
            gauge.set(7.0);
            assert!(handle.render().contains("waiting{room=\"main\"} 7\n"));
            drop(gauge);
            assert!(handle.render().contains("waiting{room=\"main\"} 0\n"));
        });
    }

    #[test]
    fn bytes_are_summed_over_all_interfaces() {
        let table = "Inter-|   Receive  |  Transmit\n face |bytes    packets\n\
            lo: 100 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0\n  eth0:7 1 0 0 0 0 0 0 11 1 0 0 0 0 0 0\n";
        assert_eq!(network_bytes(table), (107, 211));
        assert_eq!(network_bytes("nonsense"), (0, 0));
    }
}
