//! Addresses that cannot be listened on or reached.

use std::net::TcpListener;

use expect_test::expect;

use super::{check, stderr_and_exit_code};

#[test]
fn unusable_listen_address_is_reported_with_a_hint() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let text = stderr_and_exit_code(&format!("serve node --id n1 --listen 127.0.0.1:{port}"));
    expect![[r#"
        error: cannot listen on 127.0.0.1:PORT
          = cause: Address already in use (os error 98)
          = hint: `ss -ltnp sport = :PORT` names who has it; port 0 takes a free one
        exit code 5
    "#]]
    .assert_eq(&text.replace(&port.to_string(), "PORT"));
    check(
        "serve node --id n1 --listen 192.0.2.1:7000",
        &expect![[r#"
        error: cannot listen on 192.0.2.1:7000
          = cause: Cannot assign requested address (os error 99)
          = hint: the address must be one of this machine's
        exit code 2
    "#]],
    );
}

#[test]
fn unusable_address_is_wrong_usage() {
    check(
        "serve broker --listen localhost",
        &expect![[r#"
        error: invalid value 'localhost' for '--listen <ADDR>': expected HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or localhost:8080

        For more information, try '--help'.
        exit code 2
    "#]],
    );
    check(
        "serve node --id n1 --listen 0.0.0.0:0 --backplane local://127.0.0.1:1",
        &expect![[r#"
        error: cannot advertise 0.0.0.0:0: to a gateway it is an address of its own host
          = hint: name an address of this host that gateways reach: --advertise HOST:PORT
        exit code 2
    "#]],
    );
}

#[test]
fn unreachable_coordinator_is_reported_with_a_hint() {
    check(
        "worker --connect 127.0.0.1:1",
        &expect![[r#"
            error: cannot reach the coordinator at 127.0.0.1:1
              = cause: Connection refused (os error 111)
              = hint: `highwater run` starts its own workers; others join over a bus: highwater worker --bus nats://HOST --run RUN
            exit code 5
        "#]],
    );
}
