//! The request of a login, ready to be filled in.

use std::time::Duration;

use highwater_scenarios::{
    Diagnostic,
    frames::{AddressTemplate, Template, ValueNames, Values, push_encoded},
    plan::{LoginBody, LoginMethod, LoginSpec},
};
use reqwest::{
    Client, Method, Request,
    header::{CONTENT_TYPE, HeaderValue},
};

use super::{
    failure::{LoginError, LoginFailure},
    take::{CompiledTake, LoginAnswer},
    taken::TakenValues,
};
use crate::access::HeaderTemplates;

/// The login of a pool, compiled.
#[derive(Debug)]
pub struct CompiledLogin {
    /// The status of a login that succeeded.
    pub expect: u16,
    /// Most time for the whole answer.
    pub timeout: Duration,
    method: Method,
    url: AddressTemplate,
    headers: HeaderTemplates,
    body: CompiledBody,
    take: Vec<CompiledTake>,
}

/// The body of a login, compiled.
#[derive(Debug)]
enum CompiledBody {
    Absent,
    Json(Template),
    Form(Vec<(String, Template)>),
    Text(Template),
}

impl CompiledLogin {
    /// Compiles the login of a pool.
    ///
    /// # Errors
    /// If a text has a placeholder without a value.
    pub fn compile(login: &LoginSpec, names: &mut ValueNames) -> Result<Self, Diagnostic> {
        let headers = login.headers.iter();
        let headers = headers.map(|header| (header.name.as_str(), header.value.as_str()));
        Ok(Self {
            expect: login.expect,
            timeout: login.timeout,
            method: match login.method {
                LoginMethod::Get => Method::GET,
                LoginMethod::Post => Method::POST,
                LoginMethod::Put => Method::PUT,
            },
            url: AddressTemplate::parse(&login.url, names)?,
            headers: HeaderTemplates::compile(headers, names)?,
            body: CompiledBody::compile(login.body.as_ref(), names)?,
            take: login
                .take
                .iter()
                .map(CompiledTake::compile)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Returns the request of one device.
    ///
    /// # Errors
    /// If a value of the device cannot be sent in a header field.
    pub fn request(&self, client: &Client, values: &dyn Values) -> Result<Request, LoginFailure> {
        let headers = self.headers.fields(values);
        let mut headers = headers.map_err(|_| LoginFailure::InvalidValue)?;
        if let Some(content_type) = self.body.content_type() {
            let content_type = HeaderValue::from_static(content_type);
            // The scenario's own type stays.
            headers.entry(CONTENT_TYPE).or_insert(content_type);
        }
        let request = client.request(self.method.clone(), self.url.render(values));
        let request = request.headers(headers);
        let request = match self.body.render(values) {
            Some(body) => request.body(body),
            None => request,
        };
        // The address is valid: its form and its host were checked, and values are encoded.
        request.build().map_err(|_| LoginFailure::InvalidValue)
    }

    /// Takes the values of an answer.
    ///
    /// # Errors
    /// If a value is not there.
    pub fn take(&self, answer: &LoginAnswer) -> Result<TakenValues, LoginError> {
        let values = self.take.iter().map(|take| take.find(answer));
        let values: Option<Vec<String>> = values.collect();
        values
            .and_then(|values| TakenValues::pack(&values))
            .ok_or(LoginFailure::NoValue.into())
    }
}

impl CompiledLogin {
    /// Returns the values of an answer as texts.
    pub fn texts_of(&self, taken: &TakenValues) -> Vec<String> {
        let count = self.take.len();
        let texts = (0..count).filter_map(|number| taken.value(number, count));
        texts.map(str::to_owned).collect()
    }
}

impl CompiledBody {
    fn compile(body: Option<&LoginBody>, names: &mut ValueNames) -> Result<Self, Diagnostic> {
        Ok(match body {
            None => Self::Absent,
            Some(LoginBody::Json(json)) => Self::Json(Template::parse(&json.to_string(), names)?),
            Some(LoginBody::Text(text)) => Self::Text(Template::parse(text, names)?),
            Some(LoginBody::Form(fields)) => {
                let mut compiled = Vec::new();
                for (name, value) in fields {
                    let mut encoded = String::new();
                    push_encoded(name, &mut encoded);
                    compiled.push((encoded, Template::parse(value, names)?));
                }
                Self::Form(compiled)
            }
        })
    }

    fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Json(_) => Some("application/json"),
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::Absent | Self::Text(_) => None,
        }
    }

    fn render(&self, values: &dyn Values) -> Option<String> {
        let mut body = String::new();
        match self {
            Self::Absent => return None,
            Self::Json(text) | Self::Text(text) => text.render(values, &mut body),
            Self::Form(fields) => {
                for (name, value) in fields {
                    if !body.is_empty() {
                        body.push('&');
                    }
                    body.push_str(name);
                    body.push('=');
                    let mut raw = String::new();
                    value.render(values, &mut raw);
                    push_encoded(&raw, &mut body);
                }
            }
        }
        Some(body)
    }
}

#[cfg(test)]
mod tests {
    use highwater_scenarios::frames::ValueRef;
    use serde_json::json;

    use super::*;

    struct Sample;

    impl Values for Sample {
        fn append(&self, value: ValueRef, out: &mut String) {
            out.push_str(match value {
                ValueRef::Device => "home-1",
                ValueRef::Column(0) => "p\"1&2\n",
                _ => "",
            });
        }
    }

    fn rendered(body: LoginBody) -> String {
        let mut names = ValueNames {
            columns: vec!["pass".to_owned()],
            ..ValueNames::default()
        };
        let body = CompiledBody::compile(Some(&body), &mut names).unwrap();
        body.render(&Sample).unwrap()
    }

    #[test]
    fn values_are_escaped_as_the_body_needs() {
        let json = json!({"user": "{device}", "pass": "{pass}", "n": 3, "list": ["{device}"]});
        let text = rendered(LoginBody::Json(json));
        let sent: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            sent,
            json!({"user": "home-1", "pass": "p\"1&2\n", "n": 3, "list": ["home-1"]})
        );
        let fields = [("user name", "{device}"), ("pass", "a {pass}")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            rendered(LoginBody::Form(fields.to_vec())),
            "user%20name=home-1&pass=a%20p%221%262%0A"
        );
        assert_eq!(
            rendered(LoginBody::Text("u={device}".to_owned())),
            "u=home-1"
        );
    }
}
