//! Where clouds serve what a machine is, and the credentials it has.
//!
//! A request from a tool to one of these would act with the machine's own rights. Most lie in ranges that are
//! refused anyway, some do not, and `private = true` opens those ranges: so each is named.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Instance data and credentials over IPv4.
const V4: [Ipv4Addr; 8] = [
    // AWS, Google, Azure, DigitalOcean, OpenStack, Oracle, Hetzner and most others.
    Ipv4Addr::new(169, 254, 169, 254),
    // AWS: credentials of a container (ECS), then of a pod (EKS).
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    // Azure: the host's own agent, in a range that is public otherwise.
    Ipv4Addr::new(168, 63, 129, 16),
    // Alibaba.
    Ipv4Addr::new(100, 100, 100, 200),
    // Oracle, older machines.
    Ipv4Addr::new(192, 0, 0, 192),
    // Tencent.
    Ipv4Addr::new(169, 254, 0, 23),
    // Scaleway.
    Ipv4Addr::new(169, 254, 42, 42),
];

/// The same over IPv6.
const V6: [Ipv6Addr; 5] = [
    // AWS: instance, then pod.
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    // Google.
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    // Scaleway.
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
    // OpenStack.
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
];

/// Whether a metadata service is served at `address` by some cloud.
pub(crate) fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => V4.contains(&address),
        IpAddr::V6(address) => V6.contains(&address),
    }
}
