//! Proxies in front of a target.

use super::{plan, scenario_text, target};

#[test]
fn proxies_are_kept_or_rejected() {
    let scenario = |proxy: &str| format!("ws = \"ws://h/{{device}}\"\nproxy = {proxy:?}");
    for proxy in [
        "http://proxy:3128",
        "http://[::1]:8080",
        "http://user:${PASS}@proxy:3128",
        "http://${USER}:p@ss:w%2Ford@10.0.0.1:80",
    ] {
        assert_eq!(target(&scenario(proxy)).proxy.as_deref(), Some(proxy));
    }
    for (proxy, what) in [
        ("proxy:3128", "an address without a scheme"),
        ("https://proxy:3128", "a proxy that is reached over TLS"),
        ("socks5://proxy:1080", "unknown scheme `socks5`"),
        ("http://proxy", "a proxy without a port"),
        ("http://[::1]", "a proxy without a port"),
        ("http://proxy:0", "not a port from 1 to 65535"),
        ("http://proxy:3128/", "a proxy with a path"),
        ("http://@proxy:3128", "a proxy with `@` and without a user"),
        (
            "http://u:${PASS@proxy:3128",
            "the proxy has `${` without a variable and `}`",
        ),
        (
            "http://u:a/b@proxy:3128",
            "a user or password with `/`, `?` or a quote in it",
        ),
    ] {
        let diagnostics = crate::diagnostics_of(&scenario_text(&scenario(proxy), ""));
        assert!(
            diagnostics.contains(&format!("target.proxy: {what}"))
                && diagnostics.ends_with("1 problem in broken.toml"),
            "{proxy}: {diagnostics}"
        );
    }
}

#[test]
fn password_of_a_proxy_stays_out_of_records() {
    let with = |userinfo: &str| {
        let target = format!("ws = \"ws://h/{{device}}\"\nproxy = \"http://{userinfo}proxy:1\"");
        plan(&target, "")
    };
    for (userinfo, secrets) in [
        ("", 0),
        ("user@", 0),
        ("user:${PASS}@", 0),
        ("user:s3cr3t@", 1),
    ] {
        let plan = with(userinfo);
        assert_eq!(plan.literal_secrets().len(), secrets, "{userinfo}");
        let recorded = format!("{:?}", plan.without_secrets());
        assert!(!recorded.contains("s3cr3t"), "{recorded}");
    }
}
