//! The name tables people, accounts, teams and places are drawn from.

use crate::calendar::Zone;
use crate::company::Stage;

pub(crate) const COMPANIES: &[&str] =
    &["larkhaven", "brightferry", "saltmarsh", "northquay", "tidewell", "ravenport", "oakstrand", "merrow"];

pub(crate) const GIVEN: &[&str] = &[
    "beatriz", "duarte", "ines", "tiago", "marta", "rui", "catarina", "nuno", "joana", "vasco", "leonor", "filipe",
    "owen", "claire", "mathieu", "priya", "jonah", "nadia", "gareth", "sylvie", "devon", "maude", "callum", "amara",
    "wei", "siti", "farhan", "meiling", "kavya", "hock", "aisyah", "ravi", "yifan", "nurul", "jia", "daryl",
];

pub(crate) const FAMILY: &[&str] = &[
    "moura",
    "pacheco",
    "teles",
    "fontes",
    "barros",
    "quintela",
    "salgado",
    "valente",
    "tremblay",
    "okafor",
    "macleod",
    "fraser",
    "bouchard",
    "sidhu",
    "whitcombe",
    "laurier",
    "tan",
    "lim",
    "rahman",
    "subramaniam",
    "goh",
    "chua",
    "ismail",
    "iyer",
    "ferraz",
    "novais",
    "haddad",
    "koh",
    "pelletier",
    "brisbane",
];

/// Name, organisational unit, stage.
pub(crate) const ACCOUNTS: &[(&str, &str, Stage)] = &[
    ("root-payer", "Root", Stage::Shared),
    ("log-archive", "Security", Stage::Security),
    ("audit-tools", "Security", Stage::Security),
    ("network-hub", "Infrastructure", Stage::Shared),
    ("build", "Infrastructure", Stage::Shared),
    ("booking-prod", "Workloads/Production", Stage::Prod),
    ("booking-stage", "Workloads/Staging", Stage::Staging),
    ("booking-dev", "Workloads/Development", Stage::Dev),
    ("fleet-prod", "Workloads/Production", Stage::Prod),
    ("fleet-stage", "Workloads/Staging", Stage::Staging),
    ("fleet-dev", "Workloads/Development", Stage::Dev),
    ("insight-prod", "Workloads/Production", Stage::Prod),
    ("insight-dev", "Workloads/Development", Stage::Dev),
    ("playground", "Sandbox", Stage::Sandbox),
];

pub(crate) const ROOT_ACCOUNT: usize = 0;
pub(crate) const AUDIT_ACCOUNT: usize = 2;
pub(crate) const BUILD_ACCOUNT: usize = 4;

/// A team as the tables know it.
pub(crate) struct TeamRow {
    pub(crate) name: &'static str,
    pub(crate) zone: Zone,
    pub(crate) size: usize,
    /// Indexes into [`ACCOUNTS`].
    pub(crate) accounts: &'static [usize],
    pub(crate) source_identity: bool,
    pub(crate) apps: &'static [&'static str],
}

const fn team(
    name: &'static str,
    zone: Zone,
    size: usize,
    accounts: &'static [usize],
    source_identity: bool,
    apps: &'static [&'static str],
) -> TeamRow {
    TeamRow { name, zone, size, accounts, source_identity, apps }
}

pub(crate) const TEAMS: &[TeamRow] = &[
    team("quay", Zone::Lisbon, 7, &[3, 4], true, &["runner-pool", "registry"]),
    team("lighthouse", Zone::Lisbon, 5, &[1, 2], true, &["findings", "evidence"]),
    team("booking-web", Zone::Lisbon, 9, &[5, 6, 7], false, &["checkout", "seatmap", "fares"]),
    team("booking-api", Zone::Toronto, 8, &[5, 6, 7], true, &["reservations", "payments", "vouchers"]),
    team("voyage", Zone::Toronto, 8, &[8, 9, 10], false, &["routing", "telemetry"]),
    team("freight", Zone::Singapore, 7, &[8, 9, 10], true, &["manifest", "customs", "tracking"]),
    team("insight", Zone::Singapore, 8, &[11, 12, 13], false, &["lake", "forecast", "reports"]),
    team("ledger", Zone::Lisbon, 4, &[0], false, &[]),
];

pub(crate) const PLATFORM: usize = 0;
pub(crate) const SECURITY: usize = 1;
pub(crate) const FINANCE: usize = 7;

pub(crate) const PERMISSION_SETS: &[&str] =
    &["ReadOnlyAccess", "EngineerAccess", "OperationsAccess", "SecurityAdmin", "CostSteward", "PlatformOwner"];

pub(crate) const AUTOMATIONS: &[&str] = &["tag-steward", "night-watch", "snapshot-janitor"];

pub(crate) const VENDORS: &[&str] = &["skyprobe", "spendlens", "patchwise"];

/// First two octets of where people live and of the offices, by city.
pub(crate) const CITIES: &[(&str, Zone, &[&str])] = &[
    ("Lisbon", Zone::Lisbon, &["85.243", "94.62", "188.81"]),
    ("Porto", Zone::Lisbon, &["2.83", "89.153"]),
    ("Toronto", Zone::Toronto, &["99.232", "174.112", "142.116"]),
    ("Singapore", Zone::Singapore, &["116.87", "121.6", "220.255"]),
];

/// First two octets of addresses nobody in the company has ever used.
pub(crate) const FOREIGN: &[&str] = &["45.148", "185.220", "193.142", "91.240", "103.145", "179.43"];

pub(crate) const BROWSERS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:134.0) Gecko/20100101 Firefox/134.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
];

pub(crate) const SHELLS: &[&str] = &[
    "aws-cli/2.22.7 md/awscrt#0.23.4 ua/2.0 os/macos#24.1.0 md/arch#arm64 lang/python#3.12.7 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off",
    "aws-cli/2.21.3 md/awscrt#0.22.0 ua/2.0 os/linux#6.8.0-49-generic md/arch#x86_64 lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/distrib#ubuntu.24 md/prompt#off",
    "aws-cli/2.18.0 md/awscrt#0.21.5 ua/2.0 os/windows#11 md/arch#amd64 lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off",
    "Boto3/1.35.76 md/Botocore#1.35.76 ua/2.0 os/macos#24.1.0 md/arch#arm64 lang/python#3.12.4 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.35.76",
];

pub(crate) const STRANGE_SHELLS: &[&str] = &[
    "aws-cli/1.18.69 Python/3.8.10 Linux/5.15.0-kali3-amd64 botocore/1.16.19",
    "Boto3/1.26.90 Python/3.9.2 Linux/5.10.0-21-amd64 Botocore/1.29.90",
    "aws-sdk-go/1.44.122 (go1.19.4; linux; amd64)",
];

pub(crate) const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.81.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#amd64";

pub(crate) const LAMBDA_PYTHON: &str = "Boto3/1.34.145 md/Botocore#1.34.145 ua/2.0 os/linux#5.10.228-238.880.amzn2.x86_64 md/arch#x86_64 lang/python#3.12.7 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12 cfg/retry-mode#legacy Botocore/1.34.145";
