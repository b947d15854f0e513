//! The picture: latency by percentile, the percentiles stretched towards 100 % as HdrHistogram's plotter does.

use std::path::Path;
use std::sync::Once;

use hdrhistogram::Histogram;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use tidewire_runtime::latency::Span;

const SIZE: (u32, u32) = (1_100, 620);
const TICKS_PER_HALF: u32 = 10;
const FONT: &str = "sans-serif";

/// Draws the curves into the file at `path`: a PNG, or an SVG, as its name says.
pub(super) fn draw(
    path: &Path,
    title: &str,
    curves: &[(Span, &Histogram<u64>)],
) -> Result<(), String> {
    static FONTS: Once = Once::new();
    FONTS.call_once(|| {
        // A font that plotters can not read shows as a picture without text.
        let _ = register_font(FONT, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
    });
    if path.extension().is_some_and(|extension| extension == "svg") {
        draw_on(&SVGBackend::new(path, SIZE).into_drawing_area(), title, curves)
            .map_err(|error| error.to_string())
    } else {
        draw_on(&BitMapBackend::new(path, SIZE).into_drawing_area(), title, curves)
            .map_err(|error| error.to_string())
    }
}

fn draw_on<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    title: &str,
    curves: &[(Span, &Histogram<u64>)],
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    area.fill(&WHITE)?;
    let counts = curves.iter().map(|(_, histogram)| histogram.len());
    let nines = (counts.max().unwrap_or(1).max(10) as f64).log10().ceil();
    let values = || curves.iter().flat_map(|(_, histogram)| [histogram.min(), histogram.max()]);
    let low = values().min().unwrap_or(1).max(10) as f64 * 0.8;
    let high = values().max().unwrap_or(10).max(100) as f64 * 1.5;

    let mut chart = ChartBuilder::on(area)
        .caption(format!("Latency by percentile ({title})"), (FONT, 20))
        .margin(16)
        .margin_right(56)
        .x_label_area_size(48)
        .y_label_area_size(80)
        .build_cartesian_2d(0.0..nines, (low..high).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(BLACK.mix(0.04))
        .x_labels(nines as usize + 1)
        .x_desc("percentile")
        .y_desc("from due")
        .label_style((FONT, 15))
        .x_label_formatter(&|nines| percentile(*nines))
        .y_label_formatter(&|ns| decade(*ns))
        .draw()?;
    for ((span, histogram), colour) in curves.iter().zip([BLUE, RED]) {
        let name = match span {
            Span::Effect => "to its effect in the state",
            Span::Result => "to its result at the sink",
        };
        let points = histogram.iter_quantiles(TICKS_PER_HALF).map(|step| {
            let rest = (1.0 - step.quantile_iterated_to()).max(10_f64.powf(-nines));
            (-rest.log10(), (step.value_iterated_to() as f64).max(low))
        });
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.3))
        .label_font((FONT, 16))
        .draw()?;
    area.present()
}

/// A power of ten of ns, in the unit that reads best.
fn decade(ns: f64) -> String {
    match ns {
        ..1e3 => format!("{ns:.0} ns"),
        ..1e6 => format!("{:.0} us", ns / 1e3),
        ..1e9 => format!("{:.0} ms", ns / 1e6),
        _ => format!("{:.0} s", ns / 1e9),
    }
}

/// How many nines, as a percentile: 2 is 99 %.
fn percentile(nines: f64) -> String {
    let digits = (nines.round() as usize).saturating_sub(2);
    format!("{:.digits$} %", 100.0 * (1.0 - 10_f64.powf(-nines)))
}
