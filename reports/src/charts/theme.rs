//! Colours by name. The drawing library writes fixed colours only, so charts
//! are drawn in placeholders, which [`themed`] replaces by CSS variables: the
//! page's, or those that a file of its own brings along.

use plotters::style::RGBColor;

use super::chart::Colour;

/// Series that can be told apart; with more, a band is drawn instead.
pub(crate) const SERIES: usize = 8;

/// The variables, for light and for dark. One line for the page and for files.
pub(crate) const VARIABLES: &str = include_str!("../../templates/chart-colours.css");

const PLACES: [Colour; SERIES + 4] = [
    Colour::Series(0),
    Colour::Series(1),
    Colour::Series(2),
    Colour::Series(3),
    Colour::Series(4),
    Colour::Series(5),
    Colour::Series(6),
    Colour::Series(7),
    Colour::Ink,
    Colour::Muted,
    Colour::Grid,
    Colour::Phase,
];

impl Colour {
    /// What stands for it until the chart is drawn.
    pub(super) fn placeholder(self) -> RGBColor {
        RGBColor(0xA0, 0x5E, self.code())
    }

    fn code(self) -> u8 {
        match self {
            Self::Series(index) => (index % SERIES) as u8,
            Self::Ink => 0x10,
            Self::Muted => 0x11,
            Self::Grid => 0x12,
            Self::Phase => 0x13,
        }
    }

    fn variable(self) -> String {
        match self {
            Self::Series(index) => format!("var(--series-{})", index % SERIES + 1),
            Self::Ink => "var(--chart-ink)".to_owned(),
            Self::Muted => "var(--chart-muted)".to_owned(),
            Self::Grid => "var(--chart-grid)".to_owned(),
            Self::Phase => "var(--chart-phase)".to_owned(),
        }
    }
}

/// The drawing with variables in place of placeholders.
pub(super) fn themed(svg: &str) -> String {
    PLACES.into_iter().fold(svg.to_owned(), |svg, colour| {
        let RGBColor(r, g, b) = colour.placeholder();
        svg.replace(&format!("#{r:02X}{g:02X}{b:02X}"), &colour.variable())
    })
}
