//! From a chart to SVG: the frame that all charts share.

use plotters::prelude::SVGBackend;
use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{Circle, PathElement, Polygon, Rectangle, Text},
    prelude::{Cartesian2d, DashedLineSeries, LineSeries},
    style::{
        Color, IntoFont, ShapeStyle, TRANSPARENT, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    axis::Axis,
    chart::{Chart, Colour, Series, Shape, XAxis},
    theme::themed,
    timeline::Timeline,
};

/// Size in CSS pixels.
pub(super) const WIDTH: i32 = 960;
/// Height in CSS pixels.
pub(super) const HEIGHT: i32 = 320;

/// Coordinates are whole numbers: drawn this much larger and scaled down again
/// by the view box, lines are smooth.
const FINE: i32 = 4;

const TITLE_HEIGHT: i32 = 26;
const LEGEND_LINE: i32 = 18;
/// For the phases' names, between legend and plot.
const PHASE_LINE: i32 = 18;
const LEFT: i32 = 76;
const RIGHT: i32 = 14;
const BOTTOM: i32 = 26;
const TEXT: i32 = 12;
/// How wide a letter of text is on average; nothing here knows the font.
const LETTER: i32 = 7;
/// Rows over which the names of events are spread, so that neighbours do not
/// cover each other.
const MARK_ROWS: i32 = 3;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// The chart as an `<svg>` element whose colours are CSS variables.
pub(super) fn render(chart: &Chart, timeline: &Timeline) -> Result<String, String> {
    let mut svg = String::new();
    draw(chart, timeline, &mut svg).map_err(|error| error.to_string())?;
    Ok(framed(chart, &themed(&svg)))
}

fn draw(chart: &Chart, timeline: &Timeline, svg: &mut String) -> Drawn {
    let size = ((WIDTH * FINE) as u32, (HEIGHT * FINE) as u32);
    let area = SVGBackend::with_string(svg, size).into_drawing_area();
    let title = text(Colour::Ink, HPos::Left, VPos::Top, 15);
    area.draw(&Text::new(chart.title, fine(4, 4), title))?;
    let top = TITLE_HEIGHT + legend(&area, chart)? + PHASE_LINE;

    let (x, y) = axes(chart, timeline);
    let mut plane = ChartBuilder::on(&area)
        .margin_top(top * FINE)
        .margin_right(RIGHT * FINE)
        .x_label_area_size(BOTTOM * FINE)
        .y_label_area_size(LEFT * FINE)
        .build_cartesian_2d(x.clone(), y.clone())?;
    let over_time = chart.x == XAxis::Time;
    if over_time {
        phases(&mut plane, timeline, &y)?;
    }
    mesh(&mut plane, &x, &y)?;
    for series in &chart.series {
        line(&mut plane, series, &y)?;
    }
    if over_time {
        marks(&mut plane, timeline, &y)?;
    }
    drop(plane);
    area.present()
}

fn axes(chart: &Chart, timeline: &Timeline) -> (Axis, Axis) {
    let points: Vec<_> = chart.series.iter().flat_map(Series::points).collect();
    let most_x = points.iter().map(|&(x, _)| x).fold(0.0, f64::max);
    let most_y = points.iter().map(|&(_, y)| y).fold(0.0, f64::max);
    let least_y = points.iter().map(|&(_, y)| y).fold(f64::INFINITY, f64::min);
    let x = match chart.x {
        XAxis::Time => Axis::time(timeline.end),
        XAxis::Percentile => Axis::percentiles(most_x),
        XAxis::Sockets => Axis::sockets(most_x),
    };
    (x, Axis::y(chart.y, least_y.min(most_y), most_y))
}

fn mesh(plane: &mut Plane, x: &Axis, y: &Axis) -> Drawn {
    let label = text(Colour::Muted, HPos::Left, VPos::Top, TEXT);
    plane
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(stroke(Colour::Grid, 1))
        .light_line_style(TRANSPARENT)
        .axis_style(stroke(Colour::Grid, 1))
        .set_all_tick_mark_size(4 * FINE)
        .label_style(label)
        .x_label_formatter(&|place| x.label(*place))
        .y_label_formatter(&|place| y.label(*place))
        .draw()
}

/// Every other phase has a tint; each has its name above the plot, where no line
/// runs through it.
fn phases(plane: &mut Plane, timeline: &Timeline, y: &Axis) -> Drawn {
    for (index, &(name, from, to)) in timeline.phases.iter().enumerate() {
        if index % 2 == 0 {
            let tint = Colour::Phase.placeholder().mix(0.10).filled();
            plane.draw_series([Rectangle::new([(from, y.from), (to, y.to)], tint)])?;
        }
        let (left, right) = (pixel(plane, from, y.to), pixel(plane, to, y.to));
        if (right.0 - left.0) / FINE > name.len() as i32 * LETTER {
            let style = text(Colour::Muted, HPos::Left, VPos::Bottom, TEXT - 1);
            let at = (left.0, left.1 - 3 * FINE);
            plane
                .plotting_area()
                .strip_coord_spec()
                .draw(&Text::new(name, at, style))?;
        }
    }
    Ok(())
}

fn marks(plane: &mut Plane, timeline: &Timeline, y: &Axis) -> Drawn {
    for (index, (at, name)) in timeline.marks.iter().enumerate() {
        let ends = vec![(*at, y.from), (*at, y.to)];
        plane.draw_series([PathElement::new(ends, stroke(Colour::Muted, 1))])?;
        let top = pixel(plane, *at, y.to);
        let row = index as i32 % MARK_ROWS;
        // To the left of its line where there is no room on the right.
        let width = name.len() as i32 * LETTER * FINE;
        let (side, anchor) = match top.0 + width > (WIDTH - LEFT - RIGHT) * FINE {
            true => (-4, HPos::Right),
            false => (4, HPos::Left),
        };
        let style = text(Colour::Ink, anchor, VPos::Top, TEXT - 1);
        let place = (top.0 + side * FINE, top.1 + (2 + row * 14) * FINE);
        let area = plane.plotting_area().strip_coord_spec();
        area.draw(&Text::new(name.as_str(), place, style))?;
    }
    Ok(())
}

fn line(plane: &mut Plane, series: &Series, y: &Axis) -> Drawn {
    let colour = series.colour;
    let placed = |&(x, value): &(f64, f64)| (x, y.place(value));
    match &series.shape {
        Shape::Line(pieces) => {
            for piece in pieces {
                plane.draw_series(LineSeries::new(piece.iter().map(placed), stroke(colour, 2)))?;
                if let [lonely] = piece.as_slice() {
                    dot(plane, placed(lonely), colour)?;
                }
            }
        }
        Shape::Dashed(pieces) => {
            for piece in pieces {
                let points: Vec<_> = piece.iter().map(placed).collect();
                let (dash, gap) = (6 * FINE, 4 * FINE);
                plane.draw_series(DashedLineSeries::new(points, dash, gap, stroke(colour, 2)))?;
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
            let tint = colour.placeholder().mix(0.25).filled();
            for piece in pieces {
                let low = piece.iter().map(|&(x, low, _)| (x, y.place(low)));
                let high = piece.iter().rev().map(|&(x, _, high)| (x, y.place(high)));
                let edge: Vec<_> = low.chain(high).collect();
                plane.draw_series([Polygon::new(edge, tint)])?;
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

/// Draws the legend below the title, in as many lines as it takes; its height.
fn legend(area: &Area, chart: &Chart) -> Result<i32, DrawingAreaErrorKind<std::io::Error>> {
    let (mut x, mut y) = (4, TITLE_HEIGHT);
    for series in chart
        .series
        .iter()
        .filter(|series| !series.label.is_empty())
    {
        let width = 30 + series.label.chars().count() as i32 * LETTER + 12;
        if x + width > WIDTH && x > 4 {
            (x, y) = (4, y + LEGEND_LINE);
        }
        key(area, series, x, y + LEGEND_LINE / 2)?;
        let style = text(Colour::Ink, HPos::Left, VPos::Center, TEXT);
        area.draw(&Text::new(
            series.label.as_str(),
            fine(x + 28, y + LEGEND_LINE / 2),
            style,
        ))?;
        x += width;
    }
    Ok(y + LEGEND_LINE - TITLE_HEIGHT)
}

fn key(area: &Area, series: &Series, x: i32, y: i32) -> Drawn {
    let colour = series.colour;
    let piece =
        |from, to| PathElement::new(vec![fine(x + from, y), fine(x + to, y)], stroke(colour, 2));
    match series.shape {
        Shape::Line(_) => area.draw(&piece(0, 22)),
        Shape::Dashed(_) => {
            area.draw(&piece(0, 6))?;
            area.draw(&piece(9, 15))?;
            area.draw(&piece(18, 22))
        }
        Shape::Dots(_) => {
            let style = colour.placeholder().filled();
            area.draw(&Circle::new(fine(x + 11, y), 4 * FINE, style))
        }
        Shape::Band(_) => {
            let tint = colour.placeholder().mix(0.25).filled();
            area.draw(&Rectangle::new([fine(x, y - 5), fine(x + 22, y + 5)], tint))
        }
    }
}

/// The drawing with its name and description for who cannot see it, and
/// without the size that the library wrote: the view box scales it.
fn framed(chart: &Chart, svg: &str) -> String {
    let body = svg.find('>').map_or("", |end| &svg[end + 1..]);
    let (width, height) = (WIDTH * FINE, HEIGHT * FINE);
    let name = chart.name;
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-labelledby=\"{name}-title {name}-desc\">\n\
         <title id=\"{name}-title\">{}</title>\n<desc id=\"{name}-desc\">{}</desc>{body}",
        escaped(chart.title),
        escaped(&chart.about)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Where a point of the plane lies within the plotting area.
fn pixel(plane: &Plane, x: f64, y: f64) -> (i32, i32) {
    let at = plane.backend_coord(&(x, y));
    let (left, top) = plane.plotting_area().get_base_pixel();
    (at.0 - left, at.1 - top)
}

fn fine(x: i32, y: i32) -> (i32, i32) {
    (x * FINE, y * FINE)
}

fn stroke(colour: Colour, width: u32) -> ShapeStyle {
    colour.placeholder().stroke_width(width * FINE as u32)
}

/// The SVG backend divides sizes by 1.24.
fn text<'a>(colour: Colour, h: HPos, v: VPos, size: i32) -> TextStyle<'a> {
    ("sans-serif", f64::from(size * FINE) * 1.24)
        .into_font()
        .color(&colour.placeholder())
        .pos(Pos::new(h, v))
}
