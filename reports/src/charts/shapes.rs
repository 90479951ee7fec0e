//! What a series looks like in the plot.

use plotters::{
    element::{Circle, Polygon, Rectangle},
    prelude::LineSeries,
    style::Color,
};

use super::{
    axis::Axis,
    chart::{Colour, Series, Shape},
    format::FINE,
    render::{Drawn, Plane, broken},
};

/// How much of a band's colour is left over what lies below it.
pub(super) const BAND: f64 = 0.25;

/// Draws a series.
pub(super) fn draw(plane: &mut Plane, series: &Series, y: &Axis) -> Drawn {
    let colour = series.colour;
    let placed = |&(x, value): &(f64, f64)| (x, y.place(value));
    match &series.shape {
        Shape::Line(pieces) => {
            for piece in pieces {
                let style = broken(colour, series.dash, 2);
                plane.draw_series(LineSeries::new(piece.iter().map(placed), style))?;
                if let [lonely] = piece.as_slice() {
                    dot(plane, placed(lonely), colour)?;
                }
            }
        }
        Shape::Dots(dots) => {
            for point in dots {
                dot(plane, placed(point), colour)?;
            }
        }
        Shape::Band(pieces) => {
            let tint = colour.placeholder().mix(BAND).filled();
            for piece in pieces {
                let low = piece.iter().map(|&(x, low, _)| (x, y.place(low)));
                let high = piece.iter().rev().map(|&(x, _, high)| (x, y.place(high)));
                let edge: Vec<_> = low.chain(high).collect();
                plane.draw_series([Polygon::new(edge, tint)])?;
            }
        }
        Shape::Bars(bars) => {
            let style = colour.placeholder().mix(0.85).filled();
            for &(left, right, height) in bars {
                let corners = [(left, y.from), (right, y.place(height))];
                plane.draw_series([Rectangle::new(corners, style)])?;
            }
        }
    }
    Ok(())
}

fn dot(plane: &mut Plane, at: (f64, f64), colour: Colour) -> Drawn {
    let style = colour.placeholder().mix(0.7).filled();
    plane.draw_series([Circle::new(at, 5 * FINE / 2, style)])?;
    Ok(())
}
