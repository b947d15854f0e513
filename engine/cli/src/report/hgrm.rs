//! The percentile text of HdrHistogram, as its `outputPercentileDistribution` writes it and its plotter reads it.

use std::io::{self, Write};

use hdrhistogram::Histogram;

/// Steps to each half of the distance that is left to 100 %.
const TICKS_PER_HALF: u32 = 5;
const NS_PER_US: f64 = 1e3;

/// Writes `latencies`, ns, in microseconds.
pub(super) fn write(latencies: &Histogram<u64>, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    let mut total = 0;
    for step in latencies.iter_quantiles(TICKS_PER_HALF) {
        total += step.count_since_last_iteration();
        let (value, quantile) =
            (step.value_iterated_to() as f64 / NS_PER_US, step.quantile_iterated_to());
        if quantile < 1.0 {
            let inverse = 1.0 / (1.0 - quantile);
            writeln!(out, "{value:>12.3} {quantile:>14.12} {total:>10} {inverse:>14.2}")?;
        } else {
            writeln!(out, "{value:>12.3} {quantile:>14.12} {total:>10}")?;
        }
    }
    let (mean, deviation) = (latencies.mean() / NS_PER_US, latencies.stdev() / NS_PER_US);
    let (max, count) = (latencies.max() as f64 / NS_PER_US, latencies.len());
    writeln!(out, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]")?;
    writeln!(out, "#[Max     = {max:>12.3}, Total count    = {count:>12}]")?;
    writeln!(
        out,
        "#[Buckets = {:>12}, SubBuckets     = {:>12}]",
        latencies.buckets(),
        latencies.distinct_values() / usize::from(latencies.buckets()).max(1)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_ends_at_one() {
        let mut latencies = tidewire_runtime::latency::histogram();
        for ns in 1..=1_000 {
            latencies.record(ns * 1_000).unwrap();
        }
        let mut text = Vec::new();
        write(&latencies, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let last = text.lines().rfind(|line| !line.starts_with('#')).unwrap();
        let fields: Vec<&str> = last.split_whitespace().collect();
        assert_eq!(fields[1..], ["1.000000000000", "1000"]);
        assert!(text.contains("Total count    =         1000]"));
    }
}
