//! The frames whose headers both ends interpret.

use highwater_stomp::{
    AckId, AckMode, Command, Connect, Connected, Frame, HeartBeat, Version, header,
};

const HEART_BEAT: HeartBeat = HeartBeat {
    can_send_ms: 10,
    wants_ms: 20,
};

#[test]
fn connect_is_read_as_it_is_written() {
    let connect = Connect {
        versions: vec![Version::V1_2, Version::V1_1],
        host: Some("home".to_owned()),
        login: Some("me".to_owned()),
        passcode: None,
        heart_beat: HEART_BEAT,
    };
    let frame = connect.to_frame();
    assert_eq!(frame.get(header::ACCEPT_VERSION), Some("1.1,1.2"));
    assert_eq!(frame.get(header::HEART_BEAT), Some("10,20"));
    assert_eq!(Connect::from_frame(&frame), Ok(connect));
}

#[test]
fn connect_without_headers_is_of_1_0() {
    let connect = Connect::from_frame(&Frame::new(Command::Connect)).unwrap();
    assert_eq!(connect.versions, [Version::V1_0]);
    assert_eq!(connect.heart_beat, HeartBeat::default());
}

#[test]
fn connect_with_unknown_versions_is_refused() {
    let frame = Frame::new(Command::Stomp).with(header::ACCEPT_VERSION, "2.0");
    assert_eq!(
        Connect::from_frame(&frame).unwrap_err().name(),
        header::ACCEPT_VERSION
    );
}

#[test]
fn connected_is_read_as_it_is_written() {
    let connected = Connected {
        version: Version::V1_1,
        session: Some("s".to_owned()),
        server: Some("highwater/1".to_owned()),
        heart_beat: HEART_BEAT,
    };
    assert_eq!(Connected::from_frame(&connected.to_frame()), Ok(connected));
    let old = Connected::from_frame(&Frame::new(Command::Connected)).unwrap();
    assert_eq!(old.version, Version::V1_0);
}

#[test]
fn acknowledgement_names_the_message_as_the_version_does() {
    let message = Frame::new(Command::Message)
        .with(header::MESSAGE_ID, "m")
        .with(header::SUBSCRIPTION, "s")
        .with(header::ACK, "a");
    for (version, id, subscription) in [
        (Version::V1_0, "m", Some("s")),
        (Version::V1_1, "m", Some("s")),
        (Version::V1_2, "a", None),
    ] {
        let ack_id = AckId::of_message(&message, version).unwrap();
        assert_eq!((ack_id.message, ack_id.subscription), (id, subscription));
        let frame = ack_id.to_frame(Command::Nack, version);
        assert_eq!(AckId::from_frame(&frame, version), Ok(ack_id));
    }
}

#[test]
fn acknowledgement_without_an_id_names_the_header() {
    let frame = Frame::new(Command::Ack);
    for (version, name) in [
        (Version::V1_0, header::MESSAGE_ID),
        (Version::V1_1, header::MESSAGE_ID),
        (Version::V1_2, header::ID),
    ] {
        assert_eq!(AckId::from_frame(&frame, version).unwrap_err().name(), name);
    }
    let frame = frame.with(header::MESSAGE_ID, "m");
    assert!(AckId::from_frame(&frame, Version::V1_0).is_ok());
    let error = AckId::from_frame(&frame, Version::V1_1).unwrap_err();
    assert_eq!(error.name(), header::SUBSCRIPTION);
}

#[test]
fn mode_of_acknowledgement_has_three_names() {
    for mode in [AckMode::Auto, AckMode::Client, AckMode::ClientIndividual] {
        assert_eq!(AckMode::parse(Some(mode.name())), Ok(mode));
    }
    assert_eq!(AckMode::parse(None), Ok(AckMode::Auto));
    assert_eq!(
        AckMode::parse(Some("each")).unwrap_err().to_string(),
        "invalid header ack \"each\": expected auto, client or client-individual"
    );
}
