//! Certificates and keys for a target.

use expect_test::expect;
use highwater_scenarios::plan::CertificateTrust;

use super::{check_rejected, scenario_text, target};

#[test]
fn tls_keys_resolve_to_trust() {
    const ADDRESSES: &str = "ws = \"wss://h/{device}\"\nhttp = [\"https://h:8443\"]\n";
    let trust = |tls: &str| target(&format!("{ADDRESSES}{tls}")).trust;
    assert_eq!(trust(""), CertificateTrust::Machine);
    assert_eq!(trust("tls = { verify = true }"), CertificateTrust::Machine);
    assert_eq!(trust("tls = { verify = false }"), CertificateTrust::Anybody);
    assert_eq!(
        trust("tls = { ca = \"ca.pem\" }"),
        CertificateTrust::Authorities {
            file: "ca.pem".to_owned()
        }
    );
    check_rejected(
        &format!("{ADDRESSES}tls = {{ ca = \"ca.pem\", verify = false }}"),
        "",
        expect![[r#"
            broken.toml:6:33: target.tls.verify: an authority that nothing is verified against
              |
            6 | tls = { ca = "ca.pem", verify = false }
              |                                 ^^^^^
              = found: false (a truth value)
              = expected: `ca`, or `verify = false`

            1 problem in broken.toml"#]],
    );
    check_rejected(
        &format!("{ADDRESSES}tls = {{ ca = 5, verify = \"no\", cert = \"x\" }}"),
        "",
        expect![[r#"
            broken.toml:6:14: target.tls.ca: not text in quotes
              |
            6 | tls = { ca = 5, verify = "no", cert = "x" }
              |              ^
              = found: 5
              = expected: the path of a file, seen from the scenario's folder

            broken.toml:6:26: target.tls.verify: not a truth value
              |
            6 | tls = { ca = 5, verify = "no", cert = "x" }
              |                          ^^^^
              = found: "no"
              = expected: true or false

            broken.toml:6:32: target.tls.cert: unknown key
              |
            6 | tls = { ca = 5, verify = "no", cert = "x" }
              |                                ^^^^
              = expected: `ca`, `verify`, `certificate`, `key`, `server_name`

            3 problems in broken.toml"#]],
    );
}

#[test]
fn certificate_of_clients_needs_its_key() {
    let spec = target(
        "ws = \"wss://h/{device}\"\ntls = { certificate = \"c.pem\", key = \"k.pem\", server_name = \"home.example\" }",
    );
    let files = spec.client_certificate.unwrap();
    assert_eq!(
        (files.certificate.as_str(), files.key.as_str()),
        ("c.pem", "k.pem")
    );
    assert_eq!(spec.server_name.as_deref(), Some("home.example"));
    for (ws, more, place, what) in [
        (
            "wss://h",
            "tls = { certificate = \"c.pem\" }",
            "certificate",
            "a certificate without its key",
        ),
        (
            "wss://h",
            "tls = { key = \"k.pem\" }",
            "key",
            "a key without its certificate",
        ),
        (
            "ws://h",
            "tls = { server_name = \"n\" }",
            "server_name",
            "a server's name without TLS",
        ),
        (
            "wss://h",
            "tls = { server_name = \"10.0.0.1\" }",
            "server_name",
            "an IP address in place of a name",
        ),
        (
            "wss://h",
            "tls = { server_name = \"h:443\" }",
            "server_name",
            "not a host's name",
        ),
        (
            "wss://h",
            "tls = { server_name = \"a..b\" }",
            "server_name",
            "not a host's name",
        ),
        (
            "wss://h",
            "http = [\"https://a:1\", \"https://b\"]\ntls = { server_name = \"n\" }",
            "server_name",
            "one server's name for several ports of `http`",
        ),
        (
            "wss://h",
            "http = \"https://a:1\"\nproxy = \"http://p:1\"\ntls = { server_name = \"n\" }",
            "server_name",
            "a proxy would look up the server's name itself",
        ),
    ] {
        let target = format!("ws = \"{ws}/{{device}}\"\n{more}");
        let diagnostics = crate::diagnostics_of(&scenario_text(&target, ""));
        assert!(
            diagnostics.contains(&format!("target.tls.{place}: {what}"))
                && diagnostics.ends_with("1 problem in broken.toml"),
            "{more}: {diagnostics}"
        );
    }
    // Sockets alone may go through a proxy.
    let sockets =
        "ws = \"wss://h/{device}\"\nproxy = \"http://p:1\"\ntls = { server_name = \"n\" }";
    assert_eq!(target(sockets).server_name.as_deref(), Some("n"));
}
