//! From a chart to SVG: the frame that all charts share.

use plotters::prelude::SVGBackend;
use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{PathElement, Rectangle, Text},
    prelude::Cartesian2d,
    style::{
        Color, IntoFont, ShapeStyle, TRANSPARENT, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    axis::Axis,
    chart::{Chart, Colour, Series, Stroke, XAxis},
    format::{BOTTOM, FINE, Format, ROW, TEXT},
    labels::{Label, Labels, labels},
    legend::{self, TITLE_HEIGHT},
    shapes,
    theme::themed,
    timeline::Timeline,
};

/// Above the plot where nothing stands there.
const LEAST_TOP: i32 = 8;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// The chart as an `<svg>` element whose colours are CSS variables.
pub(super) fn render(chart: &Chart, timeline: &Timeline, format: Format) -> Result<String, String> {
    let above = match chart.x {
        XAxis::Time => labels(timeline, format),
        _ => Labels::default(),
    };
    let head = match format.alone {
        true => TITLE_HEIGHT + legend::height(chart, format),
        false => 0,
    };
    let top = head + LEAST_TOP + above.rows as i32 * ROW;
    let mut svg = String::new();
    draw(chart, timeline, format, &above, (head, top), &mut svg)
        .map_err(|error| error.to_string())?;
    Ok(framed(chart, format, top, &themed(&svg)))
}

/// `head`: height of title and legend; `top`: of everything above the plot.
fn draw(
    chart: &Chart,
    timeline: &Timeline,
    format: Format,
    above: &Labels,
    (head, top): (i32, i32),
    svg: &mut String,
) -> Drawn {
    let size = ((format.width * FINE) as u32, (format.height * FINE) as u32);
    let area = SVGBackend::with_string(svg, size).into_drawing_area();
    if format.alone {
        legend::draw(&area, chart, format)?;
    }
    let (x, y) = axes(chart, timeline, format);
    let mut plane = ChartBuilder::on(&area)
        .margin_top(top * FINE)
        .margin_right(format.right * FINE)
        .x_label_area_size(BOTTOM * FINE)
        .y_label_area_size(format.left * FINE)
        .build_cartesian_2d(x.clone(), y.clone())?;
    if chart.x == XAxis::Time {
        phases(&mut plane, timeline, &y)?;
    }
    mesh(&mut plane, &x, &y)?;
    for series in &chart.series {
        shapes::draw(&mut plane, series, &y)?;
    }
    if chart.x == XAxis::Time {
        marks(&mut plane, timeline, &y)?;
        for label in above.events.iter() {
            name(&area, label, Colour::Ink, format, head)?;
        }
        for label in above.phases.iter() {
            name(&area, label, Colour::Muted, format, head)?;
        }
    }
    if let (true, Some(said)) = (chart.series.is_empty(), chart.when_empty) {
        let middle = (
            format.left + format.plot_width() / 2,
            (top + format.height - BOTTOM) / 2,
        );
        let style = text(Colour::Ink, HPos::Center, VPos::Center, TEXT + 2);
        area.draw(&Text::new(said, fine(middle.0, middle.1), style))?;
    }
    drop(plane);
    area.present()
}

fn axes(chart: &Chart, timeline: &Timeline, format: Format) -> (Axis, Axis) {
    let points: Vec<_> = chart.series.iter().flat_map(Series::points).collect();
    let most_x = points.iter().map(|&(x, _)| x).fold(0.0, f64::max);
    let most_y = points.iter().map(|&(_, y)| y).fold(chart.y.reach, f64::max);
    let above_zero = points.iter().map(|&(_, y)| y).filter(|&y| y > 0.0);
    let least_y = above_zero.fold(f64::INFINITY, f64::min);
    let (across, up) = format.marks;
    let x = match &chart.x {
        XAxis::Time => Axis::time(timeline.end, across),
        XAxis::Percentile => Axis::percentiles(most_x),
        XAxis::Sockets => Axis::sockets(most_x, across),
        XAxis::Groups(names) => Axis::groups(names),
    };
    let y = Axis::y(chart.y, least_y.min(most_y), most_y, up);
    (x.thinned(f64::from(format.plot_width())), y)
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

/// Every other phase has a tint.
fn phases(plane: &mut Plane, timeline: &Timeline, y: &Axis) -> Drawn {
    for &(_, from, to) in timeline.phases.iter().step_by(2) {
        let tint = Colour::Phase.placeholder().mix(0.12).filled();
        plane.draw_series([Rectangle::new([(from, y.from), (to, y.to)], tint)])?;
    }
    Ok(())
}

fn marks(plane: &mut Plane, timeline: &Timeline, y: &Axis) -> Drawn {
    for mark in &timeline.marks {
        let ends = vec![(mark.at, y.from), (mark.at, y.to)];
        let style = broken(Colour::Muted, Stroke::Dashed, 1);
        plane.draw_series([PathElement::new(ends, style)])?;
    }
    Ok(())
}

fn name(area: &Area, label: &Label, colour: Colour, format: Format, head: i32) -> Drawn {
    let x = format.left + label.left.round() as i32;
    let y = head + label.row as i32 * ROW + 3;
    let style = text(colour, HPos::Left, VPos::Top, TEXT);
    area.draw(&Text::new(label.text.as_str(), fine(x, y), style))
}

/// The drawing with its name and description for who cannot see it, and without
/// the size that the library wrote: the view box scales it. `data-plot` says
/// where the plot is, for the page's script.
fn framed(chart: &Chart, format: Format, top: i32, svg: &str) -> String {
    let body = svg.find('>').map_or("", |end| &svg[end + 1..]);
    let body = body.replace(" opacity=\"1\"", "");
    let (width, height) = (format.width * FINE, format.height * FINE);
    let plot = [
        format.left,
        top,
        format.width - format.right,
        format.height - BOTTOM,
    ];
    let [left, top, right, bottom] = plot.map(|pixels| pixels * FINE);
    let (class, id) = (format.name, format!("{}-{}", chart.name, format.name));
    format!(
        "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\" data-plot=\"{left} {top} {right} {bottom}\">\n\
         <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>{body}",
        escaped(&chart.title),
        escaped(&chart.about)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

pub(super) fn fine(x: i32, y: i32) -> (i32, i32) {
    (x * FINE, y * FINE)
}

pub(super) fn stroke(colour: Colour, width: u32) -> ShapeStyle {
    broken(colour, Stroke::Solid, width)
}

pub(super) fn broken(colour: Colour, dash: Stroke, width: u32) -> ShapeStyle {
    colour.dashed(dash).stroke_width(width * FINE as u32)
}

/// The SVG backend divides sizes by 1.24.
pub(super) fn text<'a>(colour: Colour, h: HPos, v: VPos, size: i32) -> TextStyle<'a> {
    ("sans-serif", f64::from(size * FINE) * 1.24)
        .into_font()
        .color(&colour.placeholder())
        .pos(Pos::new(h, v))
}
