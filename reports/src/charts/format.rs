//! The sizes that charts are drawn in. Text keeps its size on the screen only
//! if the drawing is about as wide as its place, so a page has each chart
//! twice, for wide and for narrow places, and shows one of them.

/// Coordinates are whole numbers: drawn this much larger and scaled down again
/// by the view box, lines are smooth.
pub(super) const SCALE: i32 = 4;

/// Measures of a drawing in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    /// Class in the page, part of the ids.
    pub(super) name: &'static str,
    pub(super) width: i32,
    pub(super) height: i32,
    /// Room for the labels of the upward axis.
    pub(super) left: i32,
    /// Room right of the plot.
    pub(super) right: i32,
    /// Whether title and legend are part of the drawing.
    pub(super) standalone: bool,
    /// Most marks on an axis from left to right, and on one upwards.
    pub(super) marks: (f64, f64),
}

/// From about 850 CSS pixels on, and on paper.
pub(super) const WIDE: Format = Format {
    name: "wide",
    width: 860,
    height: 270,
    left: 72,
    right: 30,
    standalone: false,
    marks: (10.0, 5.0),
};

/// On a phone.
pub(super) const NARROW: Format = Format {
    name: "narrow",
    width: 372,
    height: 250,
    left: 62,
    right: 26,
    standalone: false,
    marks: (5.0, 5.0),
};

/// As a file of its own.
pub(super) const FILE: Format = Format {
    name: "file",
    height: 340,
    standalone: true,
    ..WIDE
};

/// Room below the plot.
pub(super) const BOTTOM: i32 = 26;
/// Height of text.
pub(super) const TEXT: i32 = 12;
/// How wide a letter of text is on average; nothing here knows the font.
pub(super) const LETTER: f64 = 6.6;
/// Of phases' and events' names above the plot.
pub(super) const ROW: i32 = 16;

impl Format {
    /// Width of the plot.
    pub(super) fn plot_width(self) -> i32 {
        self.width - self.left - self.right
    }
}

/// How wide a text is, about.
pub(super) fn width_of(text: &str) -> f64 {
    text.chars().count() as f64 * LETTER
}
