//! The address of an HTTP proxy.

use super::{
    FixedForm,
    address::{check_authority, check_characters, strip_scheme},
    text::checked_text,
    variables::check_variables,
};
use crate::diagnostic::Diagnostic;

/// Accepts `http://[USER:PASSWORD@]HOST:PORT`, with `${NAME}` in user and password.
pub(crate) const fn proxy_address() -> FixedForm<String> {
    FixedForm {
        expected: || "an address such as \"http://user:${PASSWORD}@proxy:3128\"".to_owned(),
        read: |item| checked_text(item, check_proxy),
    }
}

fn check_proxy(text: &str) -> Result<(), Diagnostic> {
    if text.starts_with("https://") {
        let message = "a proxy that is reached over TLS";
        return Err(Diagnostic::new(message).hint("proxies are reached over http://"));
    }
    // `https` was handled above.
    let rest = strip_scheme(text, "http", "http")?;
    check_characters(rest)?;
    // The last `@`: a password may contain others.
    let (userinfo, authority) = match rest.rsplit_once('@') {
        Some((userinfo, authority)) => (Some(userinfo), authority),
        None => (None, rest),
    };
    if let Some(userinfo) = userinfo {
        check_userinfo(userinfo)?;
    }
    if authority.contains(['/', '?']) {
        return Err(Diagnostic::new("a proxy with a path").hint("write http://HOST:PORT"));
    }
    check_authority(authority)?;
    let (_, port) = authority.rsplit_once(']').unwrap_or(("", authority));
    match port.contains(':') {
        true => Ok(()),
        // Proxies have no usual port: 80 would rarely be meant.
        false => Err(Diagnostic::new("a proxy without a port").hint("write http://HOST:PORT")),
    }
}

fn check_userinfo(userinfo: &str) -> Result<(), Diagnostic> {
    check_variables("the proxy", userinfo)?;
    if userinfo.is_empty() || userinfo.starts_with(':') {
        return Err(Diagnostic::new("a proxy with `@` and without a user"));
    }
    // Records find a password by its address, which such a character would end.
    match userinfo.find(['/', '?', '\'']) {
        Some(_) => {
            let message = "a user or password with `/`, `?` or a quote in it";
            Err(Diagnostic::new(message).hint("write %2F, %3F or %27, or ${NAME}"))
        }
        None => Ok(()),
    }
}
