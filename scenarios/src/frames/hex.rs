//! Bytes with placeholders: `c0 00`, `82 {device}`.

use super::{
    names::{ValueNames, ValueRef, Values},
    template::Template,
};
use crate::diagnostic::Diagnostic;

/// Bytes in hexadecimal, spaces between them as one likes, with placeholders whose text
/// stands as UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HexTemplate {
    parts: Box<[Part]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Bytes(Box<[u8]>),
    Value(Template),
}

impl HexTemplate {
    /// Compiles a text.
    ///
    /// # Errors
    ///
    /// Fails for anything but pairs of hexadecimal digits, spaces and known placeholders.
    pub fn parse(text: &str, names: &mut ValueNames) -> Result<Self, Diagnostic> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((bytes, after)) = rest.split_once('{') {
            // The dollar of `${NAME}` belongs to the placeholder.
            let (bytes, sign) = match bytes.strip_suffix('$') {
                Some(bytes) => (bytes, "$"),
                None => (bytes, ""),
            };
            let Some((name, after)) = after.split_once('}') else {
                return Err(Diagnostic::new("`{` without `}`"));
            };
            push_bytes(bytes, &mut parts)?;
            let value = Template::parse(&format!("{sign}{{{name}}}"), names)?;
            parts.push(Part::Value(value));
            rest = after;
        }
        push_bytes(rest, &mut parts)?;
        Ok(Self {
            parts: parts.into(),
        })
    }

    /// Whether the bytes have a placeholder for `value`.
    pub fn uses(&self, value: ValueRef) -> bool {
        let mut values = self.parts.iter();
        values.any(|part| matches!(part, Part::Value(template) if template.uses(value)))
    }

    /// Appends the bytes with their values to `out`.
    pub fn render(&self, values: &dyn Values, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
                Part::Value(value) => {
                    let mut text = String::new();
                    value.render(values, &mut text);
                    out.extend_from_slice(text.as_bytes());
                }
            }
        }
    }

    /// Whether `bytes` are the template with its values.
    pub fn equals(&self, bytes: &[u8], values: &dyn Values) -> bool {
        let mut expected = Vec::new();
        self.render(values, &mut expected);
        expected == bytes
    }
}

fn push_bytes(text: &str, parts: &mut Vec<Part>) -> Result<(), Diagnostic> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    if digits.is_empty() {
        return Ok(());
    }
    let expected = "pairs of hexadecimal digits, such as \"c0 00\"";
    let problem = || Diagnostic::new(format!("`{}` is not bytes", text.trim())).expected(expected);
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        // A sign would be a number to the parser.
        let is_pair = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
        is_pair.then(|| u8::from_str_radix(text, 16).ok())?
    };
    let bytes: Option<Box<[u8]>> = digits.chunks(2).map(byte).collect();
    parts.push(Part::Bytes(bytes.ok_or_else(problem)?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Values for Sample {
        fn append(&self, value: ValueRef, out: &mut String) {
            if value == ValueRef::Device {
                out.push_str("d7");
            }
        }
    }

    #[test]
    fn bytes_and_placeholders_are_written_in_order() {
        let hex = HexTemplate::parse("10 0E{device}ff", &mut ValueNames::default()).unwrap();
        let mut out = Vec::new();
        hex.render(&Sample, &mut out);
        assert_eq!(out, b"\x10\x0ed7\xff");
        assert!(hex.equals(&out, &Sample));
        assert!(!hex.equals(&out[1..], &Sample));
    }

    #[test]
    fn anything_but_pairs_of_digits_is_an_error() {
        for text in ["c", "c0 0", "xy", "+1", "c0 {device", "é0"] {
            let parsed = HexTemplate::parse(text, &mut ValueNames::default());
            assert!(parsed.is_err(), "{text}");
        }
    }
}
