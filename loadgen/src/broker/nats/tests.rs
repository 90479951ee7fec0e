//! The driver and a real server.

use async_nats::jetstream::stream::Config;
use highwater_services::{NatsOptions, NatsService};

use super::*;

/// Two ways to say who one is: a user with a password, and a token.
const ACCESS: [(&str, &str); 2] = [
    (
        "authorization { user: \"load@er\", password: \"p:w\" }",
        "load%40er:p%3Aw",
    ),
    ("authorization { token: \"t0ken\" }", "t0ken"),
];

#[tokio::test]
async fn user_of_the_address_is_let_in_and_a_stranger_is_not() {
    for (config, user) in ACCESS {
        let options = NatsOptions {
            jetstream: true,
            config,
        };
        let service = NatsService::start_with(options).expect("NATS starts");
        let address = |user: &str| {
            let address = service.url().replace("nats://", &format!("nats://{user}"));
            BrokerUrl::parse(&address).expect("an address")
        };
        let own = address(&format!("{user}@"));
        Nats.check_connection(&own).await.expect("the right user");
        for stranger in ["", "stranger@", "load%40er:wrong@"] {
            let refused = Nats.check_connection(&address(stranger)).await;
            let error = refused.expect_err(stranger);
            assert!(error.contains("authorization violation"), "{error}");
        }
        assert_cleanup_deletes_streams(&own).await;
    }
}

/// Asserts that streams of the run are deleted, and those of others are not.
async fn assert_cleanup_deletes_streams(url: &BrokerUrl) {
    let streams = jetstream::new(connect(url).await.expect("a connection"));
    for name in ["KV_highwater-run1-members", "KV_highwater-other-members"] {
        let config = Config {
            name: name.to_owned(),
            ..Config::default()
        };
        streams.create_stream(config).await.expect("a stream");
    }
    assert_eq!(Nats.cleanup(url, "run1").await, Ok(Vec::new()));
    let names: Result<Vec<String>, _> = streams.stream_names().try_collect().await;
    assert_eq!(names.expect("names"), ["KV_highwater-other-members"]);
}
