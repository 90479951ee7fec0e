//! The shapes of series in the plot.

use plotters::{
    element::{Circle, Polygon, Rectangle},
    prelude::LineSeries,
    style::Color,
};

use super::{
    axis::PlotAxis,
    canvas::{DrawResult, PlotContext, line_style},
    chart::{Colour, Series, SeriesShape},
    format::SCALE,
};

/// Opacity of a band over the lines below it.
pub(super) const BAND: f64 = 0.25;
/// Opacity of a bar, through which the grid shows.
pub(super) const BAR: f64 = 0.85;

/// Draws a series.
pub(super) fn draw(plane: &mut PlotContext, series: &Series, y: &PlotAxis) -> DrawResult {
    let colour = series.colour;
    let placed = |&(x, value): &(f64, f64)| (x, y.position(value));
    match &series.shape {
        SeriesShape::Line(pieces) => {
            for piece in pieces {
                let style = line_style(colour, series.stroke, 2);
                plane.draw_series(LineSeries::new(piece.iter().map(placed), style))?;
                // A line of one point has no length and would not be seen.
                if let [single] = piece.as_slice() {
                    dot(plane, placed(single), colour)?;
                }
            }
        }
        SeriesShape::Dots(dots) => {
            for point in dots {
                dot(plane, placed(point), colour)?;
            }
        }
        SeriesShape::Band(pieces) => {
            let tint = colour.placeholder().mix(BAND).filled();
            for piece in pieces {
                let low = piece.iter().map(|&(x, low, _)| (x, y.position(low)));
                let high = piece
                    .iter()
                    .rev()
                    .map(|&(x, _, high)| (x, y.position(high)));
                // A polygon runs along the lower edge and back along the upper one.
                let edge: Vec<_> = low.chain(high).collect();
                plane.draw_series([Polygon::new(edge, tint)])?;
            }
        }
        SeriesShape::Bars(bars) => {
            let style = colour.placeholder().mix(BAR).filled();
            for &(left, right, height) in bars {
                let corners = [(left, y.from), (right, y.position(height))];
                plane.draw_series([Rectangle::new(corners, style)])?;
            }
        }
    }
    Ok(())
}

fn dot(plane: &mut PlotContext, at: (f64, f64), colour: Colour) -> DrawResult {
    let style = colour.placeholder().mix(0.7).filled();
    plane.draw_series([Circle::new(at, 5 * SCALE / 2, style)])?;
    Ok(())
}
