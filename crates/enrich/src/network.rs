//! Where a call came from, by address range.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tagwarden_core::NetworkClass;

/// Address ranges flattened into disjoint, sorted spans; the longest prefix wins where ranges overlap.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    first: u128,
    last: u128,
    class: NetworkClass,
}

/// IPv4 addresses lie in the block that RFC 4291 maps them to, so that one table serves both families.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// First and last address and prefix length (of 128) of a CIDR range or a single address.
fn range(text: &str) -> Option<(u128, u128, u32)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.trim().parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let length = length.unwrap_or(bits);
    if length > bits {
        return None;
    }
    let host = bits - length;
    let mask = if host == 128 { u128::MAX } else { (1 << host) - 1 };
    let first = number(address) & !mask;
    Some((first, first | mask, 128 - host))
}

impl Networks {
    /// Compiles ranges given with the path they stand at. Of two equal ranges the first one listed wins.
    pub(crate) fn build(ranges: &[(String, &str, NetworkClass)], faults: &mut Vec<String>) -> Self {
        let mut parsed = Vec::new();
        for (path, text, class) in ranges {
            match range(text) {
                Some((first, last, length)) => parsed.push((length, Span { first, last, class: *class })),
                None => faults.push(format!("{path}: found `{text}`, wanted a range such as 192.0.2.0/24")),
            }
        }
        // Broad ranges first, so that narrow ones cut their part out of them.
        parsed.sort_by_key(|(length, span)| (*length, span.first));
        parsed.dedup_by(|later, earlier| later.1.first == earlier.1.first && later.1.last == earlier.1.last);
        let mut spans: Vec<Span> = Vec::new();
        for (_, new) in parsed {
            // Prefixes nest or are disjoint, so at most one span holds the new one whole.
            let at = spans.partition_point(|span| span.last < new.first);
            match spans.get(at).copied() {
                Some(old) if old.first <= new.first && new.last <= old.last => {
                    let before = (old.first < new.first).then(|| Span { last: new.first - 1, ..old });
                    let after = (new.last < old.last).then(|| Span { first: new.last + 1, ..old });
                    spans.splice(at..=at, before.into_iter().chain([new]).chain(after));
                }
                _ => spans.insert(at, new),
            }
        }
        Self { spans }
    }

    /// The class of a `sourceIPAddress`; `None` for text that is neither an address nor a service's name.
    pub(crate) fn class(&self, source: &str) -> Option<NetworkClass> {
        let Ok(address) = source.parse::<IpAddr>() else {
            let service = source.ends_with(".amazonaws.com")
                || source.ends_with(".amazonaws.com.cn")
                || source.ends_with(".amazon.com")
                || source == "AWS Internal";
            return service.then_some(NetworkClass::Service);
        };
        let number = number(address);
        let at = self.spans.partition_point(|span| span.last < number);
        if let Some(span) = self.spans.get(at).filter(|span| span.first <= number) {
            return Some(span.class);
        }
        let private = match Ipv6Addr::from(number).to_ipv4_mapped() {
            Some(v4) => private_v4(v4),
            None => match address {
                IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
                IpAddr::V4(v4) => private_v4(v4),
            },
        };
        Some(if private { NetworkClass::Private } else { NetworkClass::Internet })
    }
}

/// RFC 1918, loopback, link-local and the shared space of RFC 6598.
fn private_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private() || address.is_loopback() || address.is_link_local() || (a == 100 && (64..128).contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn build(ranges: &[(&str, NetworkClass)]) -> Networks {
        let listed: Vec<_> = ranges.iter().map(|(text, class)| (String::new(), *text, *class)).collect();
        let mut faults = Vec::new();
        let networks = Networks::build(&listed, &mut faults);
        assert_eq!(faults, Vec::<String>::new());
        networks
    }

    #[test]
    fn the_longest_prefix_wins() {
        let networks = build(&[
            ("52.0.0.0/8", NetworkClass::Aws),
            ("52.57.91.127/32", NetworkClass::Vpn),
            ("52.57.0.0/16", NetworkClass::Internal),
            ("2001:db8::/32", NetworkClass::Office),
            ("10.1.0.0/16", NetworkClass::Office),
            ("203.0.113.9", NetworkClass::Office),
        ]);
        for (source, class) in [
            ("52.1.1.1", NetworkClass::Aws),
            ("52.57.91.127", NetworkClass::Vpn),
            ("52.57.91.128", NetworkClass::Internal),
            ("52.58.0.0", NetworkClass::Aws),
            ("53.0.0.0", NetworkClass::Internet),
            ("2001:db8:1::1", NetworkClass::Office),
            ("2001:db9::1", NetworkClass::Internet),
            ("10.1.2.3", NetworkClass::Office),
            ("10.2.2.3", NetworkClass::Private),
            ("100.64.0.1", NetworkClass::Private),
            ("fd00::1", NetworkClass::Private),
            ("203.0.113.9", NetworkClass::Office),
            ("203.0.113.8", NetworkClass::Internet),
            ("ec2.amazonaws.com", NetworkClass::Service),
            ("AWS Internal", NetworkClass::Service),
        ] {
            assert_eq!(networks.class(source), Some(class), "{source}");
        }
        assert_eq!(networks.class("HIDDEN_DUE_TO_SECURITY_REASONS"), None);
    }

    #[test]
    fn bad_ranges_are_all_named() {
        let mut faults = Vec::new();
        let listed = ["10.0.0.0/33", "x", "::/129", "1.2.3.4/8"].map(|t| (format!("vpn.{t}"), t, NetworkClass::Vpn));
        Networks::build(&listed, &mut faults);
        assert_eq!(faults.len(), 3);
        assert!(faults[0].starts_with("vpn.10.0.0.0/33: found"), "{}", faults[0]);
    }

    proptest! {
        #[test]
        fn agrees_with_a_linear_search(ranges in prop::collection::vec((0u32..=255, 24u32..=32, 0usize..4), 0..12), probe in 0u32..=255) {
            let classes = [NetworkClass::Office, NetworkClass::Vpn, NetworkClass::Internal, NetworkClass::Aws];
            let texts: Vec<_> = ranges.iter().map(|(host, length, class)| (format!("8.8.8.{host}/{length}"), classes[*class])).collect();
            let networks = build(&texts.iter().map(|(t, c)| (t.as_str(), *c)).collect::<Vec<_>>());
            let inside = |host: u32, length: u32| (host ^ probe) >> (32 - length) == 0;
            let mut best: Option<(u32, NetworkClass)> = None;
            for (host, length, class) in &ranges {
                if inside(*host, *length) && best.is_none_or(|(longest, _)| *length > longest) {
                    best = Some((*length, classes[*class]));
                }
            }
            let wanted = best.map_or(NetworkClass::Internet, |(_, class)| class);
            prop_assert_eq!(networks.class(&format!("8.8.8.{probe}")), Some(wanted));
        }
    }
}
