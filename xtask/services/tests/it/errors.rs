//! Error texts for services that cannot start.

use highwater_services::ServiceKind;

#[test]
fn unknown_name_is_refused() {
    let error = "mqtt".parse::<ServiceKind>().unwrap_err().to_string();
    let names: Vec<_> = ServiceKind::ALL.iter().map(|kind| kind.name()).collect();
    let (last, others) = names.split_last().unwrap();
    let expected = format!("expected {} or {last}", others.join(", "));
    assert_eq!(error, format!("unknown service \"mqtt\": {expected}"));
    for kind in ServiceKind::ALL {
        assert_eq!(kind.name().parse::<ServiceKind>().unwrap(), *kind);
    }
}

#[test]
fn port_without_a_server_is_not_ready() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    for kind in ServiceKind::ALL {
        assert!(!kind.is_ready_at(&format!("x://{address}")));
        assert!(!kind.is_ready_at("not a URL"));
    }
}
