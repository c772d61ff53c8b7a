//! What kind of place an address is.
//!
//! From the special-purpose registries of IANA, and the addresses at which clouds serve credentials. An IPv6
//! address that carries an IPv4 address is judged by the one inside, since that is where the packet may end.
//! What no registry calls reachable is not: IPv6 is public only within `2000::/3`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::metadata;

/// The kind of an address. The order is from reachable to not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The public internet.
    Public,
    /// Measurements between routers, `198.18.0.0/15`; labs use it as a private network.
    Benchmarking,
    /// Between a provider and its customers (CGNAT), `100.64.0.0/10`.
    Shared,
    /// A private network, unique-local and the former site-local included.
    Private,
    /// The same cable.
    LinkLocal,
    /// This machine.
    Loopback,
    /// Only for examples in papers.
    Documentation,
    /// Set aside; nothing should answer.
    Reserved,
    /// Many machines at once.
    Multicast,
    /// All machines of a cable.
    Broadcast,
    /// No address at all; connecting to it reaches this machine.
    Unspecified,
    /// A service that hands this machine's credentials to whoever asks.
    Metadata,
}

impl Class {
    /// Whether a rule with `private = true` may reach it.
    pub fn is_private(self) -> bool {
        matches!(self, Self::Benchmarking | Self::Shared | Self::Private | Self::LinkLocal | Self::Loopback)
    }

    /// As in "`10.0.0.1` is a private address".
    pub fn words(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Benchmarking => "an address for benchmarks",
            Self::Shared => "an address shared by a provider's customers",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local address",
            Self::Loopback => "an address of this machine",
            Self::Documentation => "an address for documentation",
            Self::Reserved => "a reserved address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "a broadcast address",
            Self::Unspecified => "no address of any machine",
            Self::Metadata => "a metadata service, which hands out credentials",
        }
    }
}

/// What kind of place `address` is.
pub fn address_class(address: IpAddr) -> Class {
    if metadata::is_metadata(address) {
        return Class::Metadata;
    }
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

/// Network, bits of its prefix, class. The first that holds the address decides.
const V4: [(Ipv4Addr, u32, Class); 18] = [
    (Ipv4Addr::UNSPECIFIED, 8, Class::Unspecified),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Class::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Class::Shared),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Class::Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Class::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Class::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Class::Reserved),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Class::Documentation),
    // Relays of 6to4, withdrawn: the packet leaves for a place that nobody chose.
    (Ipv4Addr::new(192, 88, 99, 0), 24, Class::Reserved),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Class::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Class::Benchmarking),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Class::Documentation),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Class::Documentation),
    (Ipv4Addr::new(233, 252, 0, 0), 24, Class::Documentation),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Class::Multicast),
    (Ipv4Addr::BROADCAST, 32, Class::Broadcast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Class::Reserved),
    (Ipv4Addr::UNSPECIFIED, 0, Class::Public),
];

fn v4(address: Ipv4Addr) -> Class {
    let within = |network: Ipv4Addr, bits: u32| {
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        address.to_bits() & mask == network.to_bits()
    };
    let found = V4.iter().find(|(network, bits, _)| within(*network, *bits));
    found.map_or(Class::Reserved, |(_, _, class)| *class)
}

const fn net(a: u16, b: u16, c: u16, d: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
}

/// As [`V4`], for addresses that carry no IPv4 address.
const V6: [(Ipv6Addr, u32, Class); 13] = [
    (Ipv6Addr::UNSPECIFIED, 128, Class::Unspecified),
    (Ipv6Addr::LOCALHOST, 128, Class::Loopback),
    (net(0xfc00, 0, 0, 0), 7, Class::Private),
    (net(0xfec0, 0, 0, 0), 10, Class::Private),
    (net(0xfe80, 0, 0, 0), 10, Class::LinkLocal),
    (net(0xff00, 0, 0, 0), 8, Class::Multicast),
    (net(0x2001, 0x0002, 0, 0), 48, Class::Benchmarking),
    // Protocols of the IETF, none of which is a web server.
    (net(0x2001, 0, 0, 0), 23, Class::Reserved),
    (net(0x2001, 0x0db8, 0, 0), 32, Class::Documentation),
    (net(0x3fff, 0, 0, 0), 20, Class::Documentation),
    // The test network of the 1990s.
    (net(0x3ffe, 0, 0, 0), 16, Class::Reserved),
    (net(0x2000, 0, 0, 0), 3, Class::Public),
    (Ipv6Addr::UNSPECIFIED, 0, Class::Reserved),
];

fn v6(address: Ipv6Addr) -> Class {
    let within = |network: Ipv6Addr, bits: u32| {
        let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
        address.to_bits() & mask == network.to_bits()
    };
    let outside = || V6.iter().find(|(network, bits, _)| within(*network, *bits));
    let outside = || outside().map_or(Class::Reserved, |(_, _, class)| *class);
    let worst = |inside: &[Ipv4Addr]| {
        inside.iter().map(|address| address_class((*address).into())).max().unwrap_or(Class::Reserved)
    };
    let [a, b, c, d, e, f, g, h] = address.segments();
    let last = v4_of(g, h);
    match (a, b, c, d, e, f) {
        _ if address.is_unspecified() || address.is_loopback() => outside(),
        // Mapped, compatible, translated (SIIT), and the well-known prefix of NAT64.
        (0, 0, 0, 0, 0, 0xffff | 0) | (0, 0, 0, 0, 0xffff, 0) | (0x64, 0xff9b, 0, 0, 0, 0) => worst(&[last]),
        // NAT64 of one network: which of two places holds the IPv4, only that network knows.
        (0x64, 0xff9b, 1, ..) => {
            let both = [last, v4_of(d, e << 8 | f >> 8)];
            let written: Vec<_> = both.into_iter().filter(|address| !address.is_unspecified()).collect();
            worst(&written).max(Class::Private)
        }
        // 6to4.
        (0x2002, ..) => worst(&[v4_of(b, c)]),
        // Teredo: the server, and the client with every bit turned.
        (0x2001, 0, ..) => worst(&[v4_of(c, d), v4_of(!g, !h)]),
        // ISATAP: a tunnel whose far end is written into the address.
        (_, _, _, _, 0 | 0x200, 0x5efe) => worst(&[last]).max(outside()),
        _ => outside(),
    }
}

fn v4_of(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}
