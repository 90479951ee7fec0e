//! A proxy to a broker that can be cut, at once or after a number of bytes.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::AbortOnDropHandle;

/// A TCP proxy on a port of its own.
pub(super) struct TcpProxy {
    address: SocketAddr,
    state: Arc<ProxyState>,
    _accepting: AbortOnDropHandle<()>,
}

struct ProxyState {
    /// The bytes that may still go to the broker.
    allowance: AtomicI64,
    /// The number of cuts; each change ends the current connections.
    cuts: watch::Sender<u64>,
}

impl TcpProxy {
    pub(super) async fn start(url: &str) -> Self {
        let broker = authority(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(ProxyState {
            allowance: AtomicI64::new(i64::MAX),
            cuts: watch::Sender::new(0),
        });
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let broker = broker.clone();
                tokio::spawn(Arc::clone(&shared).forward(client, broker));
            }
        });
        Self {
            address,
            state,
            _accepting: AbortOnDropHandle::new(accepting),
        }
    }

    /// Returns the broker's URL through any of these proxies, or a server that is dead.
    pub(super) fn url_of_several(url: &str, proxies: &[Self]) -> String {
        let servers = proxies.iter().map(|proxy| proxy.address.to_string());
        let servers: Vec<String> = ["127.0.0.1:1".to_owned()]
            .into_iter()
            .chain(servers)
            .collect();
        url.replace(authority(url), &servers.join(","))
    }

    /// Whether a client is connected.
    pub(super) fn has_clients(&self) -> bool {
        // The proxy and its acceptor have the state, and so has each connection.
        Arc::strong_count(&self.state) > 2
    }

    /// Ends the proxy with all its connections.
    pub(super) fn end(self) {
        let Self {
            state, _accepting, ..
        } = self;
        drop(_accepting);
        state.cut();
    }

    /// Returns the broker's URL through this proxy.
    pub(super) fn url(&self, url: &str) -> String {
        url.replace(authority(url), &self.address.to_string())
    }

    /// Cuts when this many more bytes have gone to the broker, even within a message.
    pub(super) fn cut_after(&self, bytes: usize) {
        self.state.allowance.store(bytes as i64, Relaxed);
    }

    /// Whether further bytes would reach the broker.
    pub(super) fn has_allowance(&self) -> bool {
        self.state.allowance.load(Relaxed) > 0
    }

    /// Cuts the current connections. New ones are possible.
    pub(super) fn cut(&self) {
        self.state.cut();
    }
}

impl ProxyState {
    fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    async fn forward(self: Arc<Self>, client: TcpStream, broker: String) {
        let mut cuts = self.cuts.subscribe();
        let broker = TcpStream::connect(broker).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_broker, mut to_broker) = broker.into_split();
        let out = async {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                // It goes below zero with the first byte that must not pass.
                let allowed = self.allowance.fetch_sub(read as i64, Relaxed).max(0);
                let through = read.min(usize::try_from(allowed).unwrap());
                if to_broker.write_all(&buffer[..through]).await.is_err() {
                    break;
                }
                if through < read {
                    self.cut();
                }
            }
        };
        tokio::select! {
            () = out => {}
            _ = tokio::io::copy(&mut from_broker, &mut to_client) => {}
            _ = cuts.changed() => {}
        }
    }
}

/// Returns `HOST:PORT` of a URL.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").unwrap().1;
    let authority = rest.split('/').next().unwrap();
    authority.rsplit_once('@').map_or(authority, |(_, at)| at)
}
