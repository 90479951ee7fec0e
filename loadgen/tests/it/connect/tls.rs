//! Certificates of clients, and the server's name.

use std::{net::SocketAddr, sync::Arc};

use highwater_loadgen::access::{
    CertVerification, ClientAccess, ClientIdentity, ClientOptions, ServerNameOverride,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig, crypto::ring, pki_types::PrivateKeyDer,
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use super::fixture::{Heads, listen, open, read_head, switching_protocols};

/// The server's name, which no resolver knows.
const NAME: &str = "home.invalid";

/// An authority, and what it has signed.
struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        Self {
            certificate,
            issuer,
        }
    }

    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// Returns the settings of a server that demands a certificate of clients.
    fn server_config(&self) -> ServerConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let (certificate, key) = self.sign(NAME);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }

    /// Returns the access of a client that shows a certificate.
    fn access(&self, hosts: &[&str]) -> ClientAccess {
        let (certificate, key) = self.sign("device");
        ClientAccess {
            tls_verify: CertVerification::CaCertificates {
                pem: self.certificate.pem(),
            },
            identity: Some(ClientIdentity {
                certificate_pem: certificate.pem(),
                key_pem: key.serialize_pem().into(),
            }),
            server_name: Some(ServerNameOverride {
                name: NAME.to_owned(),
                https_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            }),
            ..ClientAccess::default()
        }
    }
}

/// Runs a server that opens sockets and answers commands, and notes the name of each TLS
/// handshake before the head of its request.
async fn listen_with_tls(authority: &Authority, heads: Heads) -> SocketAddr {
    let acceptor = TlsAcceptor::from(Arc::new(authority.server_config()));
    listen("127.0.0.1", move |stream: TcpStream| {
        let (acceptor, heads) = (acceptor.clone(), heads.clone());
        async move {
            // An error says that the client showed no valid certificate.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let name = stream
                .get_ref()
                .1
                .server_name()
                .unwrap_or("none")
                .to_owned();
            let head = read_head(&mut stream).await;
            let answer = match head.starts_with("GET") {
                true => switching_protocols(&head, ""),
                false => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
            };
            heads.lock().push(format!("{name}\n{head}"));
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.read_u8().await;
        }
    })
    .await
}

#[tokio::test]
async fn sockets_and_commands_show_a_certificate_and_ask_for_the_servers_name() {
    let (authority, heads) = (Authority::new(), Heads::default());
    let port = listen_with_tls(&authority, heads.clone()).await.port();
    let access = authority.access(&["127.0.0.1"]);
    let _socket = open(&access, &format!("wss://127.0.0.1:{port}/"))
        .await
        .unwrap();
    let expected = format!("Host: {NAME}:{port}\r\n").to_ascii_lowercase();
    let take_head = || heads.lock().pop().unwrap().to_ascii_lowercase();
    let head = take_head();
    assert!(head.starts_with(NAME) && head.contains(&expected), "{head}");

    let options = ClientOptions::new(&access).unwrap();
    let client = options.http_client(0, 1, |client| client).unwrap();
    let server_name = access.server_name.unwrap();
    let address = format!("https://127.0.0.1:{port}");
    let base = server_name.apply_to(&address, &address.parse().unwrap());
    let response = client.post(format!("{base}/commands")).send().await;
    assert_eq!(response.unwrap().status(), 200);
    let head = take_head();
    assert!(head.starts_with(NAME) && head.contains(&expected), "{head}");
}

#[tokio::test]
async fn client_without_its_certificate_or_another_name_fails_in_tls() {
    let (authority, heads) = (Authority::new(), Heads::default());
    let port = listen_with_tls(&authority, heads.clone()).await.port();
    let address = format!("wss://127.0.0.1:{port}/");
    let anonymous = ClientAccess {
        identity: None,
        ..authority.access(&[])
    };
    let unnamed = ClientAccess {
        server_name: None,
        ..authority.access(&[])
    };
    let stranger = ClientAccess {
        identity: Authority::new().access(&[]).identity,
        ..authority.access(&[])
    };
    for access in [anonymous, unnamed, stranger] {
        let failure = open(&access, &address).await.unwrap_err();
        assert_eq!(failure, "tls");
    }
    assert!(heads.lock().is_empty());
}
