//! The choice of a response's form by `Accept` (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};

/// Whether the caller accepts an event stream and does not prefer JSON to it. A caller without
/// a preference gets the stream only if it names the type.
pub(crate) fn accepts_event_stream(headers: &HeaderMap) -> bool {
    let stream = quality(headers, "text", "event-stream");
    let json = quality(headers, "application", "json");
    stream.weight > 0
        && (stream.weight > json.weight || (stream.weight == json.weight && stream.is_named()))
}

/// The weight of a media type, and how precisely a range names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Quality {
    /// 0 for the range `*/*`, 1 for `TYPE/*`, 2 for `TYPE/SUBTYPE`.
    precision: u8,
    /// The weight in thousandths. 0 is "not accepted".
    weight: u16,
}

impl Quality {
    fn is_named(self) -> bool {
        self.precision == 2
    }
}

/// Returns the quality of a media type: that of the most precise range.
fn quality(headers: &HeaderMap, kind: &str, subtype: &str) -> Quality {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range_quality(range, kind, subtype))
        .max_by_key(|quality| (quality.precision, quality.weight))
        .unwrap_or_default()
}

/// Returns the quality that one media range gives the type; `None` if it is another type's.
fn range_quality(range: &str, kind: &str, subtype: &str) -> Option<Quality> {
    let mut parts = range.split(';').map(str::trim);
    let (range_kind, range_subtype) = parts.next()?.split_once('/')?;
    let is = |range: &str, name: &str| range.eq_ignore_ascii_case(name);
    let precision = match (range_kind, range_subtype) {
        ("*", "*") => 0,
        (range, "*") if is(range, kind) => 1,
        (range, sub) if is(range, kind) && is(sub, subtype) => 2,
        _ => return None,
    };
    // Other parameters do not select: both types are sent without any.
    let weight = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(Some(1000), |(_, weight)| parse_weight(weight.trim()))?;
    Some(Quality { precision, weight })
}

/// Parses a weight of 0 to 1 with up to three decimals, in thousandths.
fn parse_weight(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_weight = matches!(whole, "0" | "1")
        && decimals.len() <= 3
        && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths: u16 = format!("{whole}{decimals:0<3}").parse().ok()?;
    (is_weight && thousandths <= 1000).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn event_stream_is_chosen_by_type_precision_and_weight() {
        for (accept, expected) in [
            ("", false),
            ("*/*", false),
            ("application/json", false),
            ("text/event-stream", true),
            ("TEXT/Event-Stream", true),
            ("text/event-stream;charset=utf-8", true),
            ("text/event-stream, */*", true),
            ("application/json, text/event-stream", true),
            ("text/*", true),
            ("text/html, */*;q=0.1", false),
            ("text/event-stream;q=0", false),
            ("text/event-stream; Q=0.000, */*", false),
            ("*/*, text/event-stream;q=0.0", false),
            ("text/*, text/event-stream;q=0", false),
            ("text/event-stream;q=0.5, application/json", false),
            ("text/event-stream;q=0.5, application/json;q=0.4", true),
            ("text/event-stream, application/json;q=0.999", true),
            // Names that only contain the type.
            ("text/event-streams", false),
            ("application/x; note=\"text/event-stream\"", false),
            // Weights that are not valid.
            ("text/event-stream;q=2", false),
            ("text/event-stream;q=x", false),
            ("text/event-stream;q=0.1234", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepts_event_stream(&headers), expected, "{accept}");
        }
        let mut headers = HeaderMap::new();
        for value in ["application/json;q=0.1", "text/event-stream"] {
            headers.append(header::ACCEPT, HeaderValue::from_static(value));
        }
        assert!(accepts_event_stream(&headers));
    }
}
