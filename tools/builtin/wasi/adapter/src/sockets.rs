//! `wasi:sockets`: none is ever opened. Interpreters import all of it, whether a program wants any or not.

use crate::Adapter;
use crate::bindings::exports::wasi::io::poll::Pollable;
use crate::bindings::exports::wasi::io::streams::{InputStream, OutputStream};
use crate::bindings::exports::wasi::sockets::network::{self, ErrorCode};
use crate::bindings::exports::wasi::sockets::{
    instance_network, ip_name_lookup, tcp, tcp_create_socket, udp, udp_create_socket,
};
use crate::outgoing::note;

/// Says no, and whoever looks at the answer why.
fn refuse<T>(what: &str) -> Result<T, ErrorCode> {
    note(format!("{what}: no tool opens sockets; requests go by `wasi:http`"));
    Err(ErrorCode::AccessDenied)
}

/// A network, in which there is nobody.
pub(crate) struct Network;

impl network::GuestNetwork for Network {}

impl network::Guest for Adapter {
    type Network = Network;
}

impl instance_network::Guest for Adapter {
    fn instance_network() -> network::Network {
        network::Network::new(Network)
    }
}

impl tcp_create_socket::Guest for Adapter {
    fn create_tcp_socket(_: network::IpAddressFamily) -> Result<tcp::TcpSocket, ErrorCode> {
        refuse("a TCP socket")
    }
}

impl udp_create_socket::Guest for Adapter {
    fn create_udp_socket(_: network::IpAddressFamily) -> Result<udp::UdpSocket, ErrorCode> {
        refuse("a UDP socket")
    }
}

impl ip_name_lookup::Guest for Adapter {
    type ResolveAddressStream = Addresses;

    fn resolve_addresses(
        _: network::NetworkBorrow<'_>,
        name: String,
    ) -> Result<ip_name_lookup::ResolveAddressStream, ErrorCode> {
        refuse(&format!("the address of `{}`", name.escape_debug()))
    }
}

/// There are none.
pub(crate) enum Addresses {}
/// There are none.
pub(crate) enum Tcp {}
/// There are none.
pub(crate) enum Udp {}
/// There are none.
pub(crate) enum Received {}
/// There are none.
pub(crate) enum Sending {}

/// What a method of one gives.
type Given<T> = Result<T, ErrorCode>;

impl ip_name_lookup::GuestResolveAddressStream for Addresses {
    never! {
        resolve_next_address() -> Given<Option<network::IpAddress>>;
        subscribe() -> Pollable;
    }
}

impl tcp::Guest for Adapter {
    type TcpSocket = Tcp;
}

impl tcp::GuestTcpSocket for Tcp {
    never! {
        start_bind(network::NetworkBorrow<'_>, network::IpSocketAddress) -> Given<()>;
        finish_bind() -> Given<()>;
        start_connect(network::NetworkBorrow<'_>, network::IpSocketAddress) -> Given<()>;
        finish_connect() -> Given<(InputStream, OutputStream)>;
        start_listen() -> Given<()>;
        finish_listen() -> Given<()>;
        accept() -> Given<(tcp::TcpSocket, InputStream, OutputStream)>;
        local_address() -> Given<network::IpSocketAddress>;
        remote_address() -> Given<network::IpSocketAddress>;
        is_listening() -> bool;
        address_family() -> network::IpAddressFamily;
        set_listen_backlog_size(u64) -> Given<()>;
        keep_alive_enabled() -> Given<bool>;
        set_keep_alive_enabled(bool) -> Given<()>;
        keep_alive_idle_time() -> Given<u64>;
        set_keep_alive_idle_time(u64) -> Given<()>;
        keep_alive_interval() -> Given<u64>;
        set_keep_alive_interval(u64) -> Given<()>;
        keep_alive_count() -> Given<u32>;
        set_keep_alive_count(u32) -> Given<()>;
        hop_limit() -> Given<u8>;
        set_hop_limit(u8) -> Given<()>;
        receive_buffer_size() -> Given<u64>;
        set_receive_buffer_size(u64) -> Given<()>;
        send_buffer_size() -> Given<u64>;
        set_send_buffer_size(u64) -> Given<()>;
        subscribe() -> Pollable;
        shutdown(tcp::ShutdownType) -> Given<()>;
    }
}

impl udp::Guest for Adapter {
    type UdpSocket = Udp;
    type IncomingDatagramStream = Received;
    type OutgoingDatagramStream = Sending;
}

impl udp::GuestUdpSocket for Udp {
    never! {
        start_bind(network::NetworkBorrow<'_>, network::IpSocketAddress) -> Given<()>;
        finish_bind() -> Given<()>;
        stream(Option<network::IpSocketAddress>) -> Given<(udp::IncomingDatagramStream, udp::OutgoingDatagramStream)>;
        local_address() -> Given<network::IpSocketAddress>;
        remote_address() -> Given<network::IpSocketAddress>;
        address_family() -> network::IpAddressFamily;
        unicast_hop_limit() -> Given<u8>;
        set_unicast_hop_limit(u8) -> Given<()>;
        receive_buffer_size() -> Given<u64>;
        set_receive_buffer_size(u64) -> Given<()>;
        send_buffer_size() -> Given<u64>;
        set_send_buffer_size(u64) -> Given<()>;
        subscribe() -> Pollable;
    }
}

impl udp::GuestIncomingDatagramStream for Received {
    never! {
        receive(u64) -> Given<Vec<udp::IncomingDatagram>>;
        subscribe() -> Pollable;
    }
}

impl udp::GuestOutgoingDatagramStream for Sending {
    never! {
        check_send() -> Given<u64>;
        send(Vec<udp::OutgoingDatagram>) -> Given<u64>;
        subscribe() -> Pollable;
    }
}
