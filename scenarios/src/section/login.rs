//! `login` of a pool: a request of each device before its first socket.

use std::time::Duration;

use highwater_types::duration::{MILLISECOND, MINUTE};

use super::Field;
use crate::{
    plan::{self, LoginBody, LoginMethod},
    value::{
        count, duration, form_body, http_takes, json_body, request_headers, request_url, text_body,
    },
};

section! {
    /// A request that each device of the pool sends before its first socket, and again after
    /// a handshake that is refused with 401 or 403. Texts have placeholders, as
    /// `docs/login.md` explains. No redirect is followed.
    pub(crate) struct LoginSection = "[devices.login]";

    /// Address of a login with POST. This, `get` or `put`.
    pub(crate) post: String = request_url(), optional;

    /// Address of a login with GET.
    pub(crate) get: String = request_url(), optional;

    /// Address of a login with PUT.
    pub(crate) put: String = request_url(), optional;

    /// The body as JSON. This, `form`, `body`, or no body.
    pub(crate) json: serde_json::Value = json_body(), optional;

    /// The body as the fields of a form.
    pub(crate) form: Vec<(String, String)> = form_body(), optional;

    /// The body as text; `headers` names its type.
    pub(crate) body: String = text_body(), optional;

    /// Header fields of the request, in place of those of `[target]`.
    pub(crate) headers: Vec<plan::HttpHeader> = request_headers(), optional;

    /// The status of a login that succeeded. A redirect that sets a cookie is `302`.
    expect: u32 = count(200, 599), default "200";

    /// Values to take from the answer. Each becomes a placeholder of its name, for addresses
    /// and header fields of `[target]` and for frames.
    pub(crate) take: Vec<plan::TakeSpec> = http_takes(), optional;

    /// Most time for the whole answer.
    timeout: Duration =
        duration(MILLISECOND.saturating_mul(10), MINUTE.saturating_mul(10)), default "10s";
}

impl LoginSection {
    pub(crate) fn resolve(self) -> Option<plan::LoginSpec> {
        // A rule reports several bodies.
        let json = self.json.value.map(LoginBody::Json);
        let form = self.form.value.map(LoginBody::Form);
        let text = self.body.value.map(LoginBody::Text);
        let methods = [
            (LoginMethod::Post, self.post.value),
            (LoginMethod::Get, self.get.value),
            (LoginMethod::Put, self.put.value),
        ];
        // A rule reports several addresses and none.
        let written = |(method, url): (LoginMethod, Option<String>)| Some((method, url?));
        let (method, url) = methods.into_iter().find_map(written)?;
        Some(plan::LoginSpec {
            method,
            url,
            body: json.or(form).or(text),
            headers: self.headers.value.unwrap_or_default(),
            expect: u16::try_from(self.expect.value?).ok()?,
            take: self.take.value.unwrap_or_default(),
            timeout: self.timeout.value?,
        })
    }

    /// Returns the fields of the addresses.
    pub(crate) fn urls(&self) -> [&Field<String>; 3] {
        [&self.post, &self.get, &self.put]
    }
}
