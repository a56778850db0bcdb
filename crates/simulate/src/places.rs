//! Where the company may be: zones with their cities, regions and addresses.

use crate::calendar::Zone;

/// A zone with what belongs to it.
pub(crate) struct Place {
    pub(crate) zone: Zone,
    pub(crate) region: &'static str,
    /// City and the first two octets of where people live there; the office is in the first.
    pub(crate) cities: &'static [(&'static str, &'static [&'static str])],
    /// First two octets of the office, the VPN's exit, and the NAT gateways in the region.
    pub(crate) office: &'static str,
    pub(crate) vpn: &'static str,
    pub(crate) nat: [&'static str; 2],
    pub(crate) runner: &'static str,
}

pub(crate) const PLACES: &[Place] = &[
    Place {
        zone: Zone::Lisbon,
        region: "eu-west-1",
        cities: &[("Lisbon", &["85.243", "94.62", "188.81"]), ("Porto", &["2.83", "89.153"])],
        office: "62.28",
        vpn: "34.249",
        nat: ["54.77", "54.78"],
        runner: "52.210",
    },
    Place {
        zone: Zone::Toronto,
        region: "ca-central-1",
        cities: &[("Toronto", &["99.232", "174.112", "142.116"]), ("Ottawa", &["72.140", "99.245"])],
        office: "207.164",
        vpn: "15.222",
        nat: ["3.96", "3.97"],
        runner: "35.182",
    },
    Place {
        zone: Zone::Singapore,
        region: "ap-southeast-1",
        cities: &[("Singapore", &["116.87", "121.6", "220.255"])],
        office: "203.116",
        vpn: "13.228",
        nat: ["18.138", "18.139"],
        runner: "13.250",
    },
    Place {
        zone: Zone::Berlin,
        region: "eu-central-1",
        cities: &[("Berlin", &["77.180", "91.64", "93.218"]), ("Leipzig", &["84.182", "79.223"])],
        office: "62.96",
        vpn: "18.196",
        nat: ["3.64", "3.65"],
        runner: "52.28",
    },
    Place {
        zone: Zone::Chicago,
        region: "us-east-2",
        cities: &[("Chicago", &["24.12", "73.44", "98.213"]), ("Milwaukee", &["65.29", "72.133"])],
        office: "38.104",
        vpn: "3.128",
        nat: ["3.12", "3.13"],
        runner: "18.216",
    },
    Place {
        zone: Zone::Tokyo,
        region: "ap-northeast-1",
        cities: &[("Tokyo", &["126.94", "133.32", "219.102"])],
        office: "202.221",
        vpn: "54.95",
        nat: ["13.112", "13.113"],
        runner: "52.192",
    },
    Place {
        zone: Zone::SaoPaulo,
        region: "sa-east-1",
        cities: &[("Sao Paulo", &["177.32", "189.62", "201.6"])],
        office: "200.142",
        vpn: "18.228",
        nat: ["18.229", "18.230"],
        runner: "54.94",
    },
    Place {
        zone: Zone::Kolkata,
        region: "ap-south-1",
        cities: &[("Bengaluru", &["49.207", "106.51", "122.172"])],
        office: "115.113",
        vpn: "13.126",
        nat: ["13.232", "13.233"],
        runner: "15.206",
    },
];
