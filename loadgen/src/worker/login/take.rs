//! The values that a device takes from the answer to its login.

use std::cell::OnceCell;

use cookie::Cookie;
use highwater_scenarios::{
    Diagnostic,
    data::MAX_VALUE_BYTES,
    frames::JsonPath,
    plan::{TakeSource, TakeSpec},
};
use regex::Regex;
use reqwest::header::{HeaderMap, SET_COOKIE};
use serde_json::Value;

/// The place of a value in an answer.
#[derive(Debug)]
pub struct CompiledTake(Place);

#[derive(Debug)]
enum Place {
    Cookie(String),
    Header(String),
    Json(JsonPath),
    Regex(Box<Regex>),
}

/// An answer: its header fields, and the beginning of its body.
#[derive(Debug)]
pub struct LoginAnswer {
    /// Header fields.
    pub headers: HeaderMap,
    /// The beginning of the body.
    pub body: Vec<u8>,
    json: OnceCell<Option<Value>>,
}

impl CompiledTake {
    /// Compiles the place of a value.
    ///
    /// # Errors
    /// If a place in JSON or a regular expression is invalid.
    pub fn compile(take: &TakeSpec) -> Result<Self, Diagnostic> {
        Ok(Self(match &take.from {
            TakeSource::Cookie(name) => Place::Cookie(name.clone()),
            TakeSource::Header(name) => Place::Header(name.clone()),
            TakeSource::Json(path) => Place::Json(JsonPath::parse(path)?),
            TakeSource::Regex(text) => {
                let regex = Regex::new(text).map_err(|error| Diagnostic {
                    message: error.to_string(),
                    expected: None,
                    hint: None,
                })?;
                Place::Regex(Box::new(regex))
            }
        }))
    }

    /// Returns the value in an answer; `None` where it is absent, empty or too long. An empty
    /// cookie is one that the server takes back.
    pub fn find(&self, answer: &LoginAnswer) -> Option<String> {
        let value = match &self.0 {
            Place::Cookie(name) => answer.cookie(name),
            Place::Header(name) => {
                let value = answer.headers.get(name)?;
                Some(value.to_str().ok()?.to_owned())
            }
            Place::Json(path) => scalar_text(path.find(answer.json()?)?),
            Place::Regex(regex) => {
                let captures = regex.captures(answer.text()?)?;
                Some(captures.get(1)?.as_str().to_owned())
            }
        };
        value.filter(|value| (1..=MAX_VALUE_BYTES).contains(&value.len()))
    }
}

impl LoginAnswer {
    /// Makes an answer of its parts.
    pub fn new(headers: HeaderMap, body: Vec<u8>) -> Self {
        Self {
            headers,
            body,
            json: OnceCell::new(),
        }
    }

    /// Returns the value of a cookie; the last counts, as in a browser.
    fn cookie(&self, name: &str) -> Option<String> {
        let fields = self.headers.get_all(SET_COOKIE).iter();
        let texts = fields.filter_map(|field| field.to_str().ok());
        let cookies = texts.filter_map(|text| Cookie::parse(text).ok());
        let mut named = cookies.filter(|cookie| cookie.name() == name);
        named.next_back().map(|cookie| cookie.value().to_owned())
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    fn json(&self) -> Option<&Value> {
        let parse = || serde_json::from_slice(&self.body).ok();
        self.json.get_or_init(parse).as_ref()
    }
}

/// Returns a text, and a number or truth value as it is written.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn find(from: TakeSource, answer: &LoginAnswer) -> Option<String> {
        let name = "value".to_owned();
        let take = CompiledTake::compile(&TakeSpec { name, from }).unwrap();
        take.find(answer)
    }

    fn cookie(name: &str) -> TakeSource {
        TakeSource::Cookie(name.to_owned())
    }

    #[test]
    fn cookie_is_the_last_of_its_name() {
        let mut all = HeaderMap::new();
        for field in [
            "session=old; Path=/",
            "gone=; Max-Age=0",
            "nonsense",
            "session=a=b%20c; HttpOnly",
        ] {
            all.append(SET_COOKIE, HeaderValue::from_static(field));
        }
        let answer = LoginAnswer::new(all, Vec::new());
        assert_eq!(find(cookie("session"), &answer).as_deref(), Some("a=b%20c"));
        assert_eq!(find(cookie("gone"), &answer), None);
        assert_eq!(find(cookie("Session"), &answer), None);
    }

    #[test]
    fn body_and_header_fields_give_values() {
        let mut headers = HeaderMap::new();
        headers.insert("x-csrf", HeaderValue::from_static("c1"));
        let body = r#"{"data": {"token": "t 1", "id": 7, "none": null}}"#;
        let answer = LoginAnswer::new(headers, body.as_bytes().to_vec());
        let json = |path: &str| find(TakeSource::Json(path.to_owned()), &answer);
        assert_eq!(json("/data/token").as_deref(), Some("t 1"));
        assert_eq!(json("data.id").as_deref(), Some("7"));
        assert_eq!(json("/data/none"), None);
        assert_eq!(json("/data"), None);
        let header = TakeSource::Header("X-Csrf".to_owned());
        assert_eq!(find(header, &answer).as_deref(), Some("c1"));
        let regex = TakeSource::Regex(r#""token": "([^"]+)""#.to_owned());
        assert_eq!(find(regex, &answer).as_deref(), Some("t 1"));
        let regex = TakeSource::Regex("absent=(.*)".to_owned());
        assert_eq!(find(regex, &answer), None);
    }

    #[test]
    fn value_that_is_too_long_is_absent() {
        let body = format!("{{\"t\": \"{}\"}}", "x".repeat(MAX_VALUE_BYTES + 1));
        let answer = LoginAnswer::new(HeaderMap::new(), body.into_bytes());
        assert_eq!(find(TakeSource::Json("t".to_owned()), &answer), None);
        let cut = LoginAnswer::new(HeaderMap::new(), b"{\"t\": \"x".to_vec());
        assert_eq!(find(TakeSource::Json("t".to_owned()), &cut), None);
    }
}
