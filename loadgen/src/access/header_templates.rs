//! Header fields with placeholders, compiled.

use std::fmt::Write;

use highwater_scenarios::{
    Diagnostic,
    frames::{Template, ValueNames, ValueRef, Values},
};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// Header fields with placeholders, in the order of the scenario.
#[derive(Debug, Default)]
pub struct HeaderTemplates(Vec<HeaderTemplate>);

#[derive(Debug)]
struct HeaderTemplate {
    name: String,
    value: Template,
    /// Whether the value is the same for every device.
    is_same_for_all: bool,
}

/// A value that no header field can carry: it has a line end or another control character,
/// which would end the field and begin another one (RFC 9110, section 5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid value of a header field: expected no control characters")]
pub struct UnsendableValue;

impl HeaderTemplates {
    /// Compiles names and values.
    ///
    /// # Errors
    /// If a value has a placeholder that is not known.
    pub fn compile<'h>(
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
        names: &mut ValueNames,
    ) -> Result<Self, Diagnostic> {
        let headers = headers.into_iter().map(|(name, value)| {
            let value = Template::parse(value, names)?;
            let is_variable = |value| matches!(value, ValueRef::Environment(_));
            let is_same_for_all = value.values().all(is_variable);
            Ok(HeaderTemplate {
                name: name.to_owned(),
                value,
                is_same_for_all,
            })
        });
        headers.collect::<Result<_, _>>().map(Self)
    }

    /// Appends all fields as header lines, each with its CR LF.
    ///
    /// # Errors
    /// If a value cannot be sent.
    pub fn write_lines(
        &self,
        values: &dyn Values,
        lines: &mut String,
    ) -> Result<(), UnsendableValue> {
        for header in &self.0 {
            // Writing to a String cannot fail.
            let _ = write!(lines, "{}: {}\r\n", header.name, header.rendered(values)?);
        }
        Ok(())
    }

    /// Returns all fields.
    ///
    /// # Errors
    /// If a value cannot be sent.
    pub fn fields(&self, values: &dyn Values) -> Result<HeaderMap, UnsendableValue> {
        collect(self.0.iter(), values)
    }

    /// Returns the fields that differ from device to device.
    ///
    /// # Errors
    /// If a value cannot be sent.
    pub fn device_fields(&self, values: &dyn Values) -> Result<HeaderMap, UnsendableValue> {
        collect(
            self.0.iter().filter(|header| !header.is_same_for_all),
            values,
        )
    }

    /// Returns the fields that are the same for every device.
    ///
    /// # Errors
    /// If a value cannot be sent.
    pub fn common_fields(&self, values: &dyn Values) -> Result<HeaderMap, UnsendableValue> {
        collect(
            self.0.iter().filter(|header| header.is_same_for_all),
            values,
        )
    }
}

impl HeaderTemplate {
    fn rendered(&self, values: &dyn Values) -> Result<String, UnsendableValue> {
        let mut value = String::new();
        self.value.render(values, &mut value);
        match value.chars().any(char::is_control) {
            true => Err(UnsendableValue),
            false => Ok(value),
        }
    }
}

fn collect<'h>(
    headers: impl Iterator<Item = &'h HeaderTemplate>,
    values: &dyn Values,
) -> Result<HeaderMap, UnsendableValue> {
    let mut fields = HeaderMap::new();
    for header in headers {
        let value = header.rendered(values)?;
        insert_header(&mut fields, &header.name, &value)?;
    }
    Ok(fields)
}

/// Inserts a header field whose value is hidden from the HTTP client's own logs.
pub(crate) fn insert_header(
    headers: &mut HeaderMap,
    name: &str,
    value: &str,
) -> Result<(), UnsendableValue> {
    // The scenario's check has made sure of the name.
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| UnsendableValue)?;
    // Bytes above ASCII are allowed; a line end and other control characters are not.
    let value = HeaderValue::from_bytes(value.as_bytes());
    let mut value = value.map_err(|_| UnsendableValue)?;
    value.set_sensitive(true);
    headers.append(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample(&'static str);

    impl Values for Sample {
        fn append(&self, value: ValueRef, out: &mut String) {
            out.push_str(match value {
                ValueRef::Device => self.0,
                ValueRef::Environment(0) => "{device}",
                _ => "",
            });
        }
    }

    fn templates() -> HeaderTemplates {
        let headers = [("X-Key", "k-{device}"), ("X-Tenant", "t ${TENANT}")];
        HeaderTemplates::compile(headers, &mut ValueNames::default()).unwrap()
    }

    #[test]
    fn lines_and_fields_have_the_values_of_their_device() {
        let (templates, values) = (templates(), Sample("home-1"));
        let mut lines = String::new();
        templates.write_lines(&values, &mut lines).unwrap();
        // A variable's value is text, whatever braces it has.
        assert_eq!(lines, "X-Key: k-home-1\r\nX-Tenant: t {device}\r\n");
        assert_eq!(templates.fields(&values).unwrap().len(), 2);
        let device = templates.device_fields(&values).unwrap();
        assert_eq!(
            (device.len(), &device["x-key"]),
            (1, &HeaderValue::from_static("k-home-1"))
        );
        assert!(device["x-key"].is_sensitive());
        let common = templates.common_fields(&values).unwrap();
        assert_eq!(common["x-tenant"], "t {device}");
    }

    #[test]
    fn value_with_a_line_end_is_refused() {
        for value in ["a\r\nCookie: x", "a\nb", "a\0", "a\u{7f}"] {
            let values = Sample(value);
            let mut lines = String::new();
            assert_eq!(
                templates().write_lines(&values, &mut lines),
                Err(UnsendableValue)
            );
            assert!(!lines.contains(value));
            assert!(templates().device_fields(&values).is_err());
        }
        assert!(templates().fields(&Sample("é")).is_ok());
    }
}
