//! What kind of place each address is.

use std::net::IpAddr;

use playhouse_core::egress::{HttpGrant, HttpRule};
use playhouse_tools_policy::{Allowed, Class, Decision, Reach, Target, address_class};

const TABLE: &[(Class, &[&str])] = &[
    (
        Class::Public,
        &[
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860::8888",
            "2a00::1",
            "2400:cb00::1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "2001:0:808:808::f7f7:f7f7",
        ],
    ),
    (Class::Loopback, &["127.0.0.1", "127.0.0.2", "127.255.255.255", "::1"]),
    (Class::Loopback, &["::ffff:127.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1"]),
    // 6to4; Teredo by its client (turned bits), then by its server; ISATAP on a public prefix.
    (
        Class::Loopback,
        &["2002:7f00:1::", "2001:0:808:808::80ff:fffe", "2001:0:7f00:1::f7f7:f7f7", "2400:cb00::5efe:7f00:1"],
    ),
    (Class::Loopback, &["64:ff9b:1::7f00:1", "64:ff9b:1:7f00:0:100::"]),
    (Class::Private, &["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1"]),
    (Class::Private, &["fc00::1", "fdff::1", "fec0::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"]),
    // A network's own NAT64 is never public, whatever is inside.
    (Class::Private, &["64:ff9b:1::808:808"]),
    (Class::Shared, &["100.64.0.1", "100.127.255.255", "::ffff:100.64.0.1"]),
    (Class::LinkLocal, &["169.254.0.1", "169.254.169.253", "fe80::1", "febf::1"]),
    (Class::Benchmarking, &["198.18.0.1", "198.19.255.255", "2001:2::1"]),
    (
        Class::Documentation,
        &["192.0.2.1", "198.51.100.1", "203.0.113.1", "233.252.0.1", "2001:db8::1", "3fff::1"],
    ),
    (Class::Reserved, &["192.0.0.1", "192.88.99.1", "240.0.0.1", "255.255.255.254", "100::1", "2001:20::1"]),
    (Class::Reserved, &["3ffe::1", "4000::1", "5f00::1", "e000::1", "1::1", "::2:0:0:1"]),
    (Class::Multicast, &["224.0.0.1", "239.255.255.255", "ff02::1", "::ffff:224.0.0.1"]),
    (Class::Broadcast, &["255.255.255.255", "::ffff:255.255.255.255"]),
    (Class::Unspecified, &["0.0.0.0", "0.0.0.1", "0.255.255.255", "::", "::ffff:0.0.0.0", "64:ff9b::"]),
    (
        Class::Metadata,
        &[
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fe80::a9fe:a9fe",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "64:ff9b:1::a9fe:a9fe",
        ],
    ),
];

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn every_address_is_of_the_kind_that_registries_and_clouds_say() {
    for (class, addresses) in TABLE {
        for text in *addresses {
            assert_eq!(address_class(address(text)), *class, "{text}");
        }
    }
}

#[test]
fn only_public_addresses_are_within_reach_unless_private_ones_are_granted() {
    let (public, private) = (Reach::of_names(false), Reach::of_names(true));
    for (class, addresses) in TABLE {
        for text in *addresses {
            assert_eq!(public.admits(address(text)).is_ok(), *class == Class::Public, "{text}");
            let is_open = matches!(
                class,
                Class::Public
                    | Class::Private
                    | Class::Shared
                    | Class::LinkLocal
                    | Class::Loopback
                    | Class::Benchmarking
            );
            assert_eq!(private.admits(address(text)).is_ok(), is_open, "{text}");
        }
    }
}

#[test]
fn a_metadata_service_is_reached_only_by_a_private_rule_that_is_its_address() {
    let reach = |origin: &str, private, url: &str| {
        let rules = vec![HttpRule { private, ..HttpRule::reading(origin) }];
        let allowed = Allowed::by("operator", &HttpGrant { rules, ..HttpGrant::default() }).unwrap();
        match allowed.decide("GET", &Target::parse(url).unwrap()) {
            Decision::Allowed { reach, .. } => reach,
            Decision::Denied { .. } => panic!("{url} is denied"),
        }
    };
    let metadata = address("169.254.169.254");
    assert!(reach("http://169.254.169.254", true, "http://169.254.169.254/latest").admits(metadata).is_ok());
    assert!(
        reach("http://169.254.169.254", false, "http://169.254.169.254/latest").admits(metadata).is_err()
    );
    assert!(reach("http://metadata.test", true, "http://metadata.test/latest").admits(metadata).is_err());
    assert!(reach("http://0.0.0.0", true, "http://0.0.0.0/").admits(address("0.0.0.0")).is_err());
}

#[test]
fn what_is_out_of_reach_says_what_it_is_and_what_to_ask_for() {
    let words = |text| Reach::of_names(false).admits(address(text)).unwrap_err().to_string();
    assert_eq!(words("10.0.0.1"), "`10.0.0.1` is a private address; ask for `private = true` in the rule");
    assert!(words("169.254.169.254").contains("only a rule whose `origin` is this address"));
    assert!(words("224.0.0.1").contains("it is never connected to"));
}
