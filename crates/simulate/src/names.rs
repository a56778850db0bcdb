//! The name tables people, accounts, teams and clients are drawn from.

use crate::company::Stage;

pub(crate) const COMPANIES: &[&str] = &[
    "larkhaven",
    "brightferry",
    "saltmarsh",
    "northquay",
    "tidewell",
    "ravenport",
    "oakstrand",
    "merrow",
    "cinderby",
    "halcott",
    "quillon",
    "fenwright",
    "ostrava-pay",
    "kestrelworks",
    "lumenfold",
    "pinebarrow",
    "sundrift",
    "marlowgate",
    "vantor",
    "thistledown",
];

pub(crate) const GIVEN: &[&str] = &[
    "beatriz", "duarte", "ines", "tiago", "marta", "rui", "catarina", "nuno", "joana", "vasco", "leonor", "filipe",
    "owen", "claire", "mathieu", "priya", "jonah", "nadia", "gareth", "sylvie", "devon", "maude", "callum", "amara",
    "wei", "siti", "farhan", "meiling", "kavya", "hock", "aisyah", "ravi", "yifan", "nurul", "jia", "daryl", "lena",
    "jonas", "anke", "emre", "haruto", "yui", "kenji", "caio", "livia", "rafael", "deepa", "arjun", "nell", "tobias",
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
    "vogel",
    "brandt",
    "yilmaz",
    "sato",
    "mori",
    "prado",
    "menezes",
    "nair",
    "hartmann",
    "okonkwo",
];

/// The accounts that every company has: name, organisational unit, stage.
pub(crate) const CORE_ACCOUNTS: [(&str, &str, Stage); 5] = [
    ("root-payer", "Root", Stage::Shared),
    ("log-archive", "Security", Stage::Security),
    ("audit-tools", "Security", Stage::Security),
    ("network-hub", "Infrastructure", Stage::Shared),
    ("build", "Infrastructure", Stage::Shared),
];

pub(crate) const ROOT_ACCOUNT: usize = 0;
pub(crate) const AUDIT_ACCOUNT: usize = 2;
pub(crate) const BUILD_ACCOUNT: usize = 4;

/// The teams that every company has, by the names they go under, and what each runs.
pub(crate) const CORE_TEAMS: [(&[&str], &[usize], &[&str]); 3] = [
    (&["quay", "platform", "groundworks", "cloud-core"], &[3, 4], &["runner-pool", "registry"]),
    (&["lighthouse", "security", "trust", "blue-shield"], &[1, 2], &["findings", "evidence"]),
    (&["ledger", "finops", "controlling", "spend-office"], &[0], &[]),
];

pub(crate) const PLATFORM: usize = 0;
pub(crate) const SECURITY: usize = 1;
pub(crate) const FINANCE: usize = 2;

/// A line of business: its name, and the teams that may work on it with what they run.
pub(crate) type Product = (&'static str, [(&'static str, &'static [&'static str]); 2]);

pub(crate) const PRODUCTS: &[Product] = &[
    (
        "booking",
        [
            ("booking-web", &["checkout", "seatmap", "fares"]),
            ("booking-api", &["reservations", "payments", "vouchers"]),
        ],
    ),
    ("fleet", [("voyage", &["routing", "telemetry"]), ("freight", &["manifest", "customs", "tracking"])]),
    ("insight", [("insight", &["lake", "forecast", "reports"]), ("signals", &["ingest", "scoring"])]),
    ("claims", [("intake", &["forms", "triage", "uploads"]), ("payouts", &["settlement", "fraud-check"])]),
    ("stream", [("playback", &["player", "drm", "captions"]), ("catalog", &["titles", "search"])]),
    ("clinic", [("charting", &["records", "imaging"]), ("visits", &["calendar", "reminders", "video"])]),
    ("grid", [("metering", &["readings", "tariffs", "alarms"]), ("dispatch", &["crews", "outages"])]),
    ("store", [("shopfront", &["basket", "pricing", "reviews"]), ("fulfilment", &["picking", "parcels"])]),
    ("lend", [("origination", &["applications", "decisions"]), ("servicing", &["accounts", "statements", "dunning"])]),
    ("maps", [("tiles", &["render", "cache"]), ("places", &["geocode", "imports", "edits"])]),
];

pub(crate) const VENDORS: &[&str] = &["skyprobe", "spendlens", "patchwise", "cloudhawk", "costwell", "sentryline"];

/// First two octets of addresses nobody in the company has ever used.
pub(crate) const FOREIGN: &[&str] =
    &["45.148", "185.220", "193.142", "91.240", "103.145", "179.43", "5.188", "194.26", "80.94", "141.98"];

/// First two octets of hotels, trains and mobile networks that travellers come from.
pub(crate) const ROAMING: &[&str] = &["31.94", "37.169", "49.180", "72.143", "109.249", "151.57", "176.83", "202.45"];

/// Regions where no company here has anything.
pub(crate) const FAR_REGIONS: &[&str] = &["af-south-1", "ap-northeast-3", "eu-north-1", "me-south-1", "us-west-1"];

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
    "aws-cli/2.15.30 Python/3.11.8 Windows/10 exe/AMD64 prompt/off",
    "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#6.1.0-18-amd64 md/arch#x86_64 lang/python#3.11.2 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.51",
];

pub(crate) const STRANGE_SHELLS: &[&str] = &[
    "aws-cli/1.18.69 Python/3.8.10 Linux/5.15.0-kali3-amd64 botocore/1.16.19",
    "Boto3/1.26.90 Python/3.9.2 Linux/5.10.0-21-amd64 Botocore/1.29.90",
    "aws-sdk-go/1.44.122 (go1.19.4; linux; amd64)",
    "aws-cli/2.15.30 Python/3.11.8 Windows/10 exe/AMD64 prompt/off",
    "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#6.1.0-18-amd64 md/arch#x86_64 lang/python#3.11.2 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.51",
];

pub(crate) const TERRAFORMS: &[&str] = &[
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.81.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#amd64",
    "APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) terraform-provider-aws/5.31.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.23.5 os/linux lang/go#1.20.11 md/GOOS#linux md/GOARCH#amd64",
    "APN/1.0 HashiCorp/1.0 Terraform/1.10.2 (+https://www.terraform.io) terraform-provider-aws/5.80.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.5 ua/2.1 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#arm64",
];

pub(crate) const LAMBDA_PYTHON: &str = "Boto3/1.34.145 md/Botocore#1.34.145 ua/2.0 os/linux#5.10.228-238.880.amzn2.x86_64 md/arch#x86_64 lang/python#3.12.7 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12 cfg/retry-mode#legacy Botocore/1.34.145";
