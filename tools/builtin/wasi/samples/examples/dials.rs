//! Opens sockets, which no tool may, and says what came of it.
#![allow(
    missing_docs,
    unsafe_code,
    dead_code,
    reason = "a component is no library, and only wasm has its exports"
)]

use wasi_samples::answer;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};
use wasip2::sockets::network::IpAddressFamily::Ipv4;
use wasip2::sockets::{
    instance_network::instance_network, ip_name_lookup::resolve_addresses,
    tcp_create_socket::create_tcp_socket, udp_create_socket::create_udp_socket,
};

struct Dials;

impl wasip2::exports::http::incoming_handler::Guest for Dials {
    fn handle(_: IncomingRequest, out: ResponseOutparam) {
        let found = resolve_addresses(&instance_network(), "example.com").map(drop);
        let opened = [create_tcp_socket(Ipv4).map(drop), create_udp_socket(Ipv4).map(drop)];
        answer(out, 200, &[], format!("{found:?} {opened:?}").as_bytes());
    }
}

#[cfg(target_arch = "wasm32")]
wasip2::http::proxy::export!(Dials);
