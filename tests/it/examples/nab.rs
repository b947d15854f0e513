//! Values that lie far from those before them.

use tidewire::prelude::*;
use tidewire_tests::shared_capture;

use super::nab_zscore::{Benchmark, PRECEDING, Point, read, scores};

#[test]
fn scores_are_those_of_two_passes_over_each_frame() {
    let Some(path) = shared_capture("nab/nab_data_labels.tar.zst") else { return };
    let Benchmark { names, points, labels } = read(&path).unwrap();
    assert_eq!((names.len(), points.len(), labels.len()), (58, 365_558, 58));
    let found = scores(points.clone(), &Options::default()).unwrap();
    for series in (0..names.len() as u16).step_by(5) {
        let is_of_it = |point: &&Point| point.series.to_native() == series;
        let values: Vec<_> =
            points.iter().filter(is_of_it).map(|point| point.value.to_native()).collect();
        let mut found = found.iter().filter(|score| score.series == series);
        for at in 0..values.len() {
            let frame = &values[at.saturating_sub(PRECEDING as usize)..=at];
            let count = frame.len() as f64;
            let mean = frame.iter().sum::<f64>() / count;
            let squares: f64 = frame.iter().map(|value| (value - mean).powi(2)).sum();
            let away = values[at] - mean;
            let scale = frame.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            let deviation = (squares / (count - 1.0)).sqrt();
            // Of one value, or of many that are the same but for rounding, there is no deviation to speak of.
            let found = found.next().unwrap();
            if at > 0 && deviation > 1e-6 * scale {
                let error = (found.z - away / deviation).abs();
                assert!(
                    error < 1e-9,
                    "{} {at}: {} {}",
                    names[series as usize],
                    found.z,
                    away / deviation
                );
            } else {
                assert!(found.z.is_nan() || found.z.abs() < 10.0);
            }
        }
        assert!(found.next().is_none());
    }
}
