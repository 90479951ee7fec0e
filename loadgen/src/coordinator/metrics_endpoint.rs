//! The endpoint at which Prometheus scrapes a run that lasts.

use std::{convert::Infallible, future::ready, net::SocketAddr, sync::Arc, time::Duration};

use highwater_reports::live::{LiveMetrics, TextFormat};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::error::RunError;

/// Path of the metrics.
const PATH: &str = "/metrics";
/// Connections at once. A scrape takes milliseconds, and few systems scrape a run.
const MAX_CONNECTIONS: usize = 16;
/// Most bytes of a request; hyper's minimum.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// Time limit of a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Time limit of a connection, which carries one scrape.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after an accept that failed, for example because no file was free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The metrics of a run, which its recorder updates and scrapes read.
pub type SharedLiveMetrics = Arc<Mutex<LiveMetrics>>;

/// Listens at `address` and serves `metrics` until the runtime of the run ends. Returns the
/// address with its port.
pub async fn serve_metrics(
    address: SocketAddr,
    metrics: SharedLiveMetrics,
) -> Result<SocketAddr, RunError> {
    let error = |source| RunError::MetricsListen { address, source };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let bound = listener.local_addr().map_err(error)?;
    tokio::spawn(accept(listener, metrics));
    Ok(bound)
}

async fn accept(listener: TcpListener, metrics: SharedLiveMetrics) {
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // At the limit a new connection is closed: an old one may be of a client that is stuck.
        let Ok(permit) = free.clone().try_acquire_owned() else {
            continue;
        };
        let metrics = metrics.clone();
        tokio::spawn(async move {
            // A client that is too slow, or that sends no HTTP, is the client's problem.
            let _ = timeout(CONNECTION_TIMEOUT, serve(stream, metrics)).await;
            drop(permit);
        });
    }
}

async fn serve(stream: TcpStream, metrics: SharedLiveMetrics) -> hyper::Result<()> {
    let answer = service_fn(|request: Request<Incoming>| {
        let response = response(&request, &metrics);
        ready(Ok::<_, Infallible>(response))
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer)
        .await
}

fn response<B>(request: &Request<B>, metrics: &SharedLiveMetrics) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        return text(
            StatusCode::NOT_FOUND,
            PLAIN,
            format!("metrics are at {PATH}\n"),
        );
    }
    if request.method() != Method::GET {
        let reason = "only GET is allowed here\n".to_owned();
        return text(StatusCode::METHOD_NOT_ALLOWED, PLAIN, reason);
    }
    let accepted = request.headers().get(ACCEPT);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    let (format, kind) = match accepted.is_some_and(|text| text.contains("openmetrics-text")) {
        true => (TextFormat::OpenMetrics, OPEN_METRICS),
        false => (TextFormat::Prometheus, PROMETHEUS),
    };
    text(StatusCode::OK, kind, metrics.lock().text(format))
}

const PLAIN: &str = "text/plain; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> SharedLiveMetrics {
        let scenario = "name = \"m\"\nduration = \"1s\"\n[target]\nws = \"ws://h/?d={device}\"\n\
                        [[devices]]\nname = \"home\"\ncount = 1\nramp = \"1/s\"\n\
                        heartbeat = \"1s\"\n";
        let plan = highwater_scenarios::parse("m.toml", scenario, &[]).unwrap();
        Arc::new(Mutex::new(LiveMetrics::new("run", &plan)))
    }

    fn answer(method: &str, path: &str, accept: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(ACCEPT, accept).body(()).unwrap();
        let response = response(&request, &metrics());
        let kind = response.headers()[CONTENT_TYPE].to_str().unwrap();
        (response.status().as_u16(), kind.to_owned())
    }

    #[test]
    fn format_is_the_one_that_the_scrape_accepts() {
        let newer = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
        assert_eq!(answer("GET", "/metrics", "*/*"), (200, PROMETHEUS.into()));
        assert_eq!(answer("GET", "/metrics", newer), (200, OPEN_METRICS.into()));
        assert_eq!(answer("GET", "/", "*/*").0, 404);
        assert_eq!(answer("POST", "/metrics", "*/*").0, 405);
    }

    #[tokio::test]
    async fn silent_connections_are_closed_at_the_limit() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let address = serve_metrics(([127, 0, 0, 1], 0).into(), metrics())
            .await
            .unwrap();
        let mut silent = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut text = String::new();
        let mut one_more = TcpStream::connect(address).await.unwrap();
        // It is closed without an answer.
        let read = one_more.read_to_string(&mut text).await;
        assert!(text.is_empty(), "{read:?} {text}");
        silent.clear();
        let asked = async {
            loop {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let request = b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
                let mut text = String::new();
                // Until the server has seen that the silent ones are gone.
                if stream.write_all(request).await.is_ok()
                    && stream.read_to_string(&mut text).await.is_ok()
                    && text.contains("highwater_run_scenario")
                {
                    break;
                }
            }
        };
        timeout(Duration::from_secs(30), asked).await.unwrap();
    }
}
