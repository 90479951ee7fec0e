//! The addresses of a target, and its dialect.

use expect_test::expect;
use highwater_scenarios::plan::Dialect;

use super::{check_rejected, scenario_text, target};

#[test]
fn target_takes_one_address_or_several() {
    let one = target("ws = \"ws://host:8080/ws?device={device}\"");
    assert_eq!(one.ws, ["ws://host:8080/ws?device={device}"]);
    assert_eq!(
        (one.dialect, one.http.len(), one.observe.len()),
        (Dialect::Highwater, 0, 0)
    );
    let two = target(
        "ws = [\"ws://[::1]:80/{device}\", \"ws://10.0.0.1/{device}\"]\nhttp = \"http://host/base/\"",
    );
    assert_eq!(two.ws.len(), 2);
    assert_eq!(two.http, ["http://host/base"]);
}

#[test]
fn plain_dialect_needs_no_device_placeholder() {
    assert_eq!(
        target("ws = \"ws://host\"\ndialect = \"plain\"").dialect,
        Dialect::Plain
    );
    check_rejected(
        "ws = \"ws://host/ws\"",
        "",
        expect![[r#"
        broken.toml:4:6: target.ws: the highwater dialect needs `{device}` in every address
          |
        4 | ws = "ws://host/ws"
          |      ^^^^^^^^^^^^^^
          = found: "ws://host/ws"
          = hint: did you mean "ws://host/ws?device={device}"? dialect = "plain" needs none

        1 problem in broken.toml"#]],
    );
}

#[test]
fn invalid_addresses_are_rejected() {
    for address in [
        "host:80",
        "wss//host/{device}",
        "http://host/{device}",
        "ws://",
        "ws://:80",
        "ws://host:0",
        "ws://host:99999",
        "ws://ho st",
        "ws://user@host",
        "ws://[::1",
        "ws://[no]:80",
        "ws://host/{device",
        "ws://host/{id}",
        "ws://host/#top",
        "ws://{device}/ws",
        "ws://host:+80",
        "",
    ] {
        let target = format!("ws = {address:?}\ndialect = \"plain\"");
        let diagnostics = crate::diagnostics_of(&scenario_text(&target, ""));
        assert!(
            diagnostics.contains("target.ws: ")
                && diagnostics.ends_with("1 problem in broken.toml"),
            "{diagnostics}"
        );
    }
}
