//! Header fields, subprotocols and compression of the handshakes with a target.

use highwater_scenarios::plan::Compression;

use super::{scenario_text, target};

#[test]
fn header_fields_are_kept_or_rejected() {
    let plan = target(
        "ws = \"ws://h/{device}\"\nheaders = { Authorization = \"Bearer ${TOKEN}\", X-Tenant = \"a b\" }",
    );
    let fields: Vec<_> = plan
        .headers
        .iter()
        .map(|header| (header.name.as_str(), header.value.as_str()))
        .collect();
    assert_eq!(
        fields,
        [("Authorization", "Bearer ${TOKEN}"), ("X-Tenant", "a b")]
    );
    for (headers, what) in [
        ("\"a field\"", "not a table"),
        ("{ Host = \"h\" }", "`Host` is the host of the address"),
        (
            "{ Upgrade = \"h\" }",
            "`Upgrade` is written by the harness itself",
        ),
        (
            "{ Proxy-Authorization = \"h\" }",
            "`Proxy-Authorization` is meant for a proxy",
        ),
        ("{ \"a b\" = \"h\" }", "no header field is called `a b`"),
        (
            "{ Sec-WebSocket-Protocol = \"mqtt\" }",
            "`Sec-WebSocket-Protocol` has a key of its own",
        ),
        (
            "{ Sec-WebSocket-Extensions = \"permessage-deflate\" }",
            "`Sec-WebSocket-Extensions` has a key of its own",
        ),
        (
            "{ A = \"{token}\" }",
            "an unknown placeholder `{token}` in the value of `A`",
        ),
        ("{ A = 5 }", "the value of `A` is not text in quotes"),
        (
            "{ A = \"x\\r\\nB: y\" }",
            "the value of `A` is not printable ASCII without spaces around it",
        ),
        (
            "{ A = \"${TOKEN\" }",
            "the value of `A` has `${` without a variable and `}`",
        ),
        (
            "{ A = \"${}\" }",
            "the value of `A` has `${` without a variable and `}`",
        ),
    ] {
        let target = format!("ws = \"ws://h/{{device}}\"\nheaders = {headers}");
        let diagnostics = crate::diagnostics_of(&scenario_text(&target, ""));
        assert!(
            diagnostics.contains(&format!("target.headers: {what}"))
                && diagnostics.ends_with("1 problem in broken.toml"),
            "{headers}: {diagnostics}"
        );
    }
}

#[test]
fn fields_of_browsers_are_kept() {
    let plan = target(
        "ws = \"ws://h/{device}\"\nheaders = { Origin = \"https://h\", User-Agent = \"k6\", Cookie = \"a=b; c=d\" }",
    );
    let names: Vec<_> = plan.headers.iter().map(|header| &header.name).collect();
    assert_eq!(names, ["Origin", "User-Agent", "Cookie"]);
}

#[test]
fn compression_is_none_unless_it_is_asked_for() {
    let compression = |key: &str| target(&format!("ws = \"ws://h/{{device}}\"\n{key}")).compression;
    assert_eq!(compression(""), Compression::None);
    for (word, expected) in [
        ("none", Compression::None),
        ("permessage-deflate", Compression::PermessageDeflate),
        (
            "permessage-deflate-context",
            Compression::PermessageDeflateContext,
        ),
    ] {
        assert_eq!(compression(&format!("compression = {word:?}")), expected);
    }
}

#[test]
fn subprotocols_are_kept_or_rejected() {
    let names = |value: &str| {
        target(&format!(
            "ws = \"ws://h/{{device}}\"\nsubprotocol = {value}"
        ))
    };
    assert_eq!(names("\"mqtt\"").subprotocol, ["mqtt"]);
    assert_eq!(names("[\"v2.a\", \"v1.a\"]").subprotocol, ["v2.a", "v1.a"]);
    assert_eq!(target("ws = \"ws://h/{device}\"").subprotocol.len(), 0);
    for (value, what) in [
        ("[]", "0 names in place of 1 to 8"),
        ("\"a b\"", "`a b` is not a subprotocol's name"),
        ("[\"a\", \"a\"]", "`a` is listed twice"),
        ("5", "not text in quotes"),
    ] {
        let target = format!("ws = \"ws://h/{{device}}\"\nsubprotocol = {value}");
        let diagnostics = crate::diagnostics_of(&scenario_text(&target, ""));
        assert!(
            diagnostics.contains(&format!("target.subprotocol: {what}")),
            "{value}: {diagnostics}"
        );
    }
}
