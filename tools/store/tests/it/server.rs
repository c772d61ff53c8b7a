//! A server on loopback, in the open or with a certificate of its own, that answers by a function and keeps a log.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Method, Request, Response, StatusCode, Uri},
};
use futures_util::stream;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

/// A request, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub(crate) type Play = Arc<dyn Fn(&Asked) -> Response<Body> + Send + Sync>;

/// A running server; dropping it ends it.
pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Asked>>>,
    _tasks: JoinSet<()>,
}

/// Someone who vouches for servers, and one server's papers.
pub(crate) struct Papers {
    pub(crate) root: Vec<u8>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Papers {
    /// For the host `name`.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(vec!["authority.test".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().to_vec();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let chain = vec![params.signed_by(&key, &issuer).unwrap().der().clone()];
        Self { root, chain, key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
    }

    fn acceptor(self) -> TlsAcceptor {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        TlsAcceptor::from(Arc::new(config.with_single_cert(self.chain, self.key).unwrap()))
    }
}

impl Server {
    /// In the open.
    pub(crate) async fn new(play: impl Fn(&Asked) -> Response<Body> + Send + Sync + 'static) -> Self {
        Self::start(None, Arc::new(play)).await
    }

    /// With TLS.
    pub(crate) async fn secure(
        papers: Papers,
        play: impl Fn(&Asked) -> Response<Body> + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(papers.acceptor()), Arc::new(play)).await
    }

    async fn start(acceptor: Option<TlsAcceptor>, play: Play) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, mut tasks) = (Arc::<Mutex<Vec<Asked>>>::default(), JoinSet::new());
        let log = seen.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, play, log) = (acceptor.clone(), play.clone(), log.clone());
                connections.spawn(async move {
                    let Some(acceptor) = acceptor else { return serve(socket, play, log).await };
                    // Clients that do not believe us hang up here.
                    if let Ok(socket) = acceptor.accept(socket).await {
                        serve(socket, play, log).await;
                    }
                });
            }
        });
        Self { port, seen, _tasks: tasks }
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().clone()
    }

    /// Method and path of the requests so far.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen().iter().map(|asked| format!("{} {}", asked.method, asked.uri.path())).collect()
    }
}

async fn serve(socket: impl AsyncRead + AsyncWrite + Unpin, play: Play, log: Arc<Mutex<Vec<Asked>>>) {
    let service = service_fn(|request: Request<Incoming>| {
        let (play, log) = (play.clone(), log.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.unwrap_or_default();
            let asked = Asked { method: parts.method, uri: parts.uri, headers: parts.headers, body };
            log.lock().unwrap().push(asked.clone());
            Ok::<_, Infallible>(play(&asked))
        }
    });
    // A client that leaves in the middle is the client's affair.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

pub(crate) fn reply(status: u16, body: impl Into<Body>) -> Response<Body> {
    Response::builder().status(status).body(body.into()).unwrap()
}

pub(crate) fn not_found() -> Response<Body> {
    reply(StatusCode::NOT_FOUND.as_u16(), "no such thing")
}

pub(crate) fn redirect(to: &str) -> Response<Body> {
    Response::builder().status(307).header("location", to).body(Body::empty()).unwrap()
}

/// A body without an end.
pub(crate) fn endless() -> Response<Body> {
    let chunk = || Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 64 << 10]));
    reply(200, Body::from_stream(stream::repeat_with(chunk)))
}

/// A body that comes one byte at a time, never silent for long.
pub(crate) fn drip() -> Response<Body> {
    let drops = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), ()))
    });
    reply(200, Body::from_stream(drops))
}

/// A head, and then nothing for ever.
pub(crate) fn hang() -> Response<Body> {
    reply(200, Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()))
}
