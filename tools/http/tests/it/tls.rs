//! TLS: a server proves who it is, or nothing is said to it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use playhouse_ports::egress::{Egress, EgressErrorKind as Kind};
use playhouse_tools_http::{GuardedHttp, HttpConfig, Roots};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    ask::{answered, asks, local, origin, refused, rule},
    names::Script,
    server::{self, Answer, Server, go, reply},
};

/// Someone who vouches for servers.
struct Authority {
    der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(key.serialize_der()).unwrap()
}

impl Authority {
    fn new() -> Self {
        let mut params = params("authority.test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { der, issuer: Issuer::new(params, key) }
    }

    fn signs(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: vec![certificate.der().clone()], key: private(&key) }
    }

    /// A guard that trusts this one, and for which `a.test` and `b.test` are this machine.
    fn guard(&self) -> GuardedHttp {
        let script = Script::of([("a.test", "127.0.0.1"), ("b.test", "127.0.0.1")]);
        GuardedHttp::new(HttpConfig {
            resolver: Arc::new(script),
            roots: Roots::Only(vec![self.der.clone()]),
            proxy: None,
        })
        .unwrap()
    }
}

fn self_signed(name: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = params(name).self_signed(&key).unwrap();
    Identity { chain: vec![certificate.der().clone()], key: private(&key) }
}

/// A TLS server that counts the requests it gets to read.
struct Secure {
    port: u16,
    requests: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Secure {
    async fn new(identity: Identity, protocol: &str, answer: Answer) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(identity.chain, identity.key);
        let mut config = config.unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let (count, mut tasks) = (requests.clone(), JoinSet::new());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, count, answer) = (acceptor.clone(), count.clone(), answer.clone());
                connections.spawn(async move {
                    // Guards that do not believe us hang up here.
                    let Ok(stream) = acceptor.accept(socket).await else { return };
                    match stream.get_ref().1.alpn_protocol() {
                        Some(b"h2") => serve_2(stream, &count).await,
                        _ => serve_1(stream, &count, answer).await,
                    }
                });
            }
        });
        Self { port, requests, _tasks: tasks }
    }

    fn url(&self, name: &str) -> String {
        format!("https://{name}:{}/", self.port)
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn serve_1(mut stream: TlsStream<TcpStream>, count: &AtomicUsize, answer: Answer) {
    while server::read(&mut stream).await.is_some() {
        count.fetch_add(1, Ordering::SeqCst);
        if server::write(&mut stream, answer.clone()).await.is_err() {
            return;
        }
    }
}

async fn serve_2(stream: TlsStream<TcpStream>, count: &AtomicUsize) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        count.fetch_add(1, Ordering::SeqCst);
        let response = http::Response::builder().status(207).body(()).unwrap();
        respond.send_response(response, true).unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_vouched_for_is_spoken_to_in_either_version() {
    let authority = Authority::new();
    let guard = authority.guard();
    for (protocol, status) in [("http/1.1", 200), ("h2", 207)] {
        let server = Secure::new(authority.signs(&params("a.test")), protocol, reply(200, "", b"ok")).await;
        let answer = answered(&guard, local("GET", &server.url("a.test"))).await;
        assert_eq!((answer.status, server.requests()), (status, 1), "{protocol}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_prove_who_it_is_hears_nothing() {
    let authority = Authority::new();
    let guard = authority.guard();
    let mut expired = params("a.test");
    expired.not_after = date_time_ymd(2020, 1, 1);
    let mut early = params("a.test");
    early.not_before = date_time_ymd(2999, 1, 1);
    for (why, identity) in [
        ("signed by itself", self_signed("a.test")),
        ("signed by another", Authority::new().signs(&params("a.test"))),
        ("for another name", authority.signs(&params("b.test"))),
        ("for names below", authority.signs(&params("*.a.test"))),
        ("over", authority.signs(&expired)),
        ("not yet", authority.signs(&early)),
    ] {
        let server = Secure::new(identity, "http/1.1", reply(200, "", b"ok")).await;
        let error = refused(&guard, local("GET", &server.url("a.test")), Kind::Tls).await;
        assert!(error.message.contains("did not prove who it is"), "{why}: {error}");
        assert_eq!(server.requests(), 0, "{why}");
    }
}

#[tokio::test]
async fn a_server_without_tls_hears_nothing_of_an_https_request() {
    let server = Server::ok().await;
    let request = local("GET", &format!("https://a.test:{}/", server.port()));
    let error = Authority::new().guard().fetch(request).await.unwrap_err();
    assert!(matches!(error.kind, Kind::Tls | Kind::Network), "{error}");
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_not_followed() {
    let authority = Authority::new();
    let open = Server::ok().await;
    let there = open.url("b.test", "/");
    let server = Secure::new(authority.signs(&params("a.test")), "http/1.1", go(302, &there)).await;
    let here = server.url("a.test");
    let rules = vec![rule(&origin(&here), true), rule(&origin(&there), true)];
    let error = refused(&authority.guard(), asks("GET", &here, rules), Kind::NotGranted).await;
    assert!(error.message.contains("from `https` to `http`"), "{error}");
    assert_eq!((server.requests(), open.connects().await), (1, 0));
}
