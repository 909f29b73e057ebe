//! Where calls come from and with which client. All addresses are of the ranges kept for documentation, or private.

use crate::{
    calls::{Call, Session},
    ids::{mix, pick},
    world::{Cloud, Identity, Start, Subject},
};

/// The three documentation ranges; each person lives in one of the last two, the office is in the first.
const RANGES: [&str; 3] = ["198.51.100", "203.0.113", "192.0.2"];

/// The browser of console work.
pub(crate) const BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

const AWS_TOOLS: [&str; 4] = [
    "aws-cli/2.31.11 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 md/pyimpl#CPython cfg/retry-mode#standard",
    "aws-cli/2.28.4 md/awscrt#0.27.2 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.4 md/pyimpl#CPython",
    "APN/1.0 HashiCorp/1.0 Terraform/1.13.3 (+https://www.terraform.io) terraform-provider-aws/6.15.0 aws-sdk-go-v2/1.39.2 os/macos lang/go#1.24.6 md/GOOS#darwin",
    "Boto3/1.40.45 md/Botocore#1.40.45 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.3 md/pyimpl#CPython",
];
const AZURE_TOOLS: [&str; 3] = [
    "AZURECLI/2.77.0 azsdk-python-core/1.35.0 Python/3.12.10 (Linux)",
    "AzurePowershell/v14.4.0",
    "HashiCorp Terraform/1.13.3",
];
const GCP_TOOLS: [&str; 4] = [
    "google-cloud-sdk gcloud/541.0.0 command/gcloud.compute.instances.list environment/None interactive/True,gzip(gfe)",
    "google-api-python-client/2.184 (gzip),gzip(gfe)",
    "google-api-go-client/0.250 gl-go/1.24.6,gzip(gfe)",
    "grpc-python/1.75 grpc-c/44.0.0 (linux; chttp2),gzip(gfe)",
];

fn home_range(me: &Identity) -> usize {
    1 + pick(me.noise, 0x1f, 2)
}

/// The address and user agent of a call.
pub(crate) fn of_call(me: &Identity, session: &Session, call: &Call, cloud: Cloud) -> (String, &'static str) {
    if session.stolen {
        // Elsewhere: the range this person is never in, an address of the session's own, another client.
        let range = RANGES[3 - home_range(me)];
        return (format!("{range}.{}", 1 + pick(session.noise, 1, 254)), stolen_tool(me, cloud));
    }
    (address(me, session, call, cloud), agent(me, session, cloud))
}

fn address(me: &Identity, session: &Session, call: &Call, cloud: Cloud) -> String {
    let private = |salt: u64| format!("10.40.{}.{}", pick(me.noise, salt, 32), 10 + pick(me.noise, salt + 1, 200));
    match me.persona.start {
        Start::Person | Start::Saml | Start::Chain if me.persona.subject != Subject::ManagedIdentity => {
            let owner =
                if me.persona.start == Start::Saml { mix(me.noise, session.name.len() as u64) } else { me.noise };
            if session.noise.is_multiple_of(3) {
                return format!("{}.{}", RANGES[0], 10 + pick(owner, 3, 4));
            }
            format!("{}.{}", RANGES[home_range(me)], 1 + pick(owner, 4, 254))
        }
        Start::Web => format!("{}.{}", RANGES[0], 100 + pick(session.noise, 5, 100)),
        Start::Vendor => format!("{}.{}", RANGES[2], 40 + pick(session.noise, 6, 4)),
        Start::Service("ec2") | Start::Service("app") => private(7),
        Start::Service(name) if cloud == Cloud::Aws && name != "lambda" => {
            format!("{name}.amazonaws.com")
        }
        Start::Service(_) if cloud == Cloud::Gcp => "gce-internal-ip".to_owned(),
        _ => format!("{}.{}", RANGES[1], 200 + pick(mix(me.noise, call.noise % 3), 9, 50)),
    }
}

fn agent(me: &Identity, session: &Session, cloud: Cloud) -> &'static str {
    if session.console {
        return if me.noise.is_multiple_of(4) { FIREFOX } else { BROWSER };
    }
    match (cloud, me.persona.start) {
        (Cloud::Aws, Start::Service("lambda")) => {
            "Boto3/1.40.45 md/Botocore#1.40.45 ua/2.1 os/linux#5.10 md/arch#aarch64 lang/python#3.12.11 exec-env/AWS_Lambda_python3.12"
        }
        (Cloud::Aws, Start::Service("ec2")) => {
            "aws-sdk-java/2.34.7 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1 lang/java#21.0.8"
        }
        (Cloud::Aws, Start::Service("backup")) => "backup.amazonaws.com",
        (Cloud::Aws, Start::Service(_)) => "states.amazonaws.com",
        (Cloud::Aws, Start::Web) => "configure-aws-credentials-for-github-actions",
        (Cloud::Aws, Start::Vendor) => {
            "Boto3/1.39.9 md/Botocore#1.39.9 ua/2.1 os/linux#6.1 lang/python#3.11.13 collector/7.2"
        }
        // One of two neighbouring clients; a thief has the one after those.
        (Cloud::Aws, _) => AWS_TOOLS[(habit(me, 4) + usize::from(session.noise.is_multiple_of(5))) % 4],
        (Cloud::Azure, _) => AZURE_TOOLS[habit(me, 3)],
        (Cloud::Gcp, _) => GCP_TOOLS[(habit(me, 4) + usize::from(session.noise.is_multiple_of(5))) % 4],
    }
}

/// The client an identity prefers, of `n`.
fn habit(me: &Identity, n: usize) -> usize {
    pick(me.noise, 0x74, n)
}

/// A client this identity does not use itself, but others do.
fn stolen_tool(me: &Identity, cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Aws => AWS_TOOLS[(habit(me, 4) + 2) % 4],
        Cloud::Azure => AZURE_TOOLS[(habit(me, 3) + 1) % 3],
        Cloud::Gcp => GCP_TOOLS[(habit(me, 4) + 2) % 4],
    }
}
