//! The body of a login.

use std::collections::BTreeSet;

use crate::{
    mask::{MASK, is_literal_secret, mask_value},
    plan::LoginBody,
};

impl LoginBody {
    /// Puts `***` in place of every text that may be a secret.
    pub(super) fn mask(&mut self) {
        match self {
            Self::Json(json) => mask_json(json),
            Self::Form(fields) => fields.iter_mut().for_each(|(_, value)| mask_whole(value)),
            Self::Text(text) => mask_whole(text),
        }
    }

    /// Returns the names of the fields whose values are written out and look like secrets.
    pub(super) fn literal_fields(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        match self {
            Self::Json(json) => find_literal_fields("", json, &mut names),
            Self::Form(fields) => {
                let fields = fields.iter();
                let literal = fields.filter(|(name, value)| is_literal_secret(name, value));
                names.extend(literal.map(|(name, _)| name.as_str()));
            }
            // It has no fields.
            Self::Text(_) => {}
        }
        names
    }
}

/// Finds the fields below `name`. The items of a list go by its name.
fn find_literal_fields<'a>(
    name: &'a str,
    json: &'a serde_json::Value,
    names: &mut BTreeSet<&'a str>,
) {
    use serde_json::Value;
    let is_literal = match json {
        Value::String(text) => is_literal_secret(name, text),
        Value::Number(number) => is_literal_secret(name, &number.to_string()),
        Value::Array(items) => {
            items
                .iter()
                .for_each(|item| find_literal_fields(name, item, names));
            false
        }
        Value::Object(fields) => {
            fields
                .iter()
                .for_each(|(name, value)| find_literal_fields(name, value, names));
            false
        }
        Value::Bool(_) | Value::Null => false,
    };
    if is_literal {
        names.insert(name);
    }
}

fn mask_json(json: &mut serde_json::Value) {
    use serde_json::Value;
    match json {
        Value::String(text) => mask_whole(text),
        // A PIN may be written as a number.
        Value::Number(_) => *json = MASK.into(),
        Value::Array(items) => items.iter_mut().for_each(mask_json),
        Value::Object(fields) => fields.values_mut().for_each(mask_json),
        Value::Bool(_) | Value::Null => {}
    }
}

/// Puts `***` in place of a whole text; its placeholders stay.
pub(super) fn mask_whole(text: &mut String) {
    *text = mask_value(text, |_| MASK.to_owned());
}
