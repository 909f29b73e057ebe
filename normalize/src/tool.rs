//! The tool that a user agent tells of.

use schemas::{AccessEvent, Text};

use crate::cache::{Cache, MAX_CACHED};

/// What a user agent holds, in lower case, and the tool it tells of. The first that matches wins, so the specific ones
/// come before the libraries they are built on.
const TOOLS: &[(&str, &str)] = &[
    ("terraform", "terraform"),
    ("opentofu", "opentofu"),
    ("pulumi", "pulumi"),
    ("crossplane", "crossplane"),
    ("ansible", "ansible"),
    ("aws-cdk", "aws-cdk"),
    ("cloudformation", "cloudformation"),
    ("stratus-red-team", "stratus-red-team"),
    ("pacu", "pacu"),
    ("cloudfox", "cloudfox"),
    ("scoutsuite", "scoutsuite"),
    ("scout suite", "scoutsuite"),
    ("prowler", "prowler"),
    ("cloudsploit", "cloudsploit"),
    ("steampipe", "steampipe"),
    ("cloudcustodian", "cloud-custodian"),
    ("c7n/", "cloud-custodian"),
    ("eksctl", "eksctl"),
    ("kubectl", "kubectl"),
    ("helm/", "helm"),
    ("aws-cli", "aws-cli"),
    ("awspowershell", "aws-powershell"),
    ("aws-tools-for-powershell", "aws-powershell"),
    ("azurecli", "az-cli"),
    ("az-cli", "az-cli"),
    ("azurepowershell", "az-powershell"),
    ("az.accounts", "az-powershell"),
    ("google-cloud-sdk gcloud", "gcloud"),
    ("gcloud/", "gcloud"),
    ("gsutil", "gsutil"),
    ("command/bq", "bq"),
    ("cloudshell", "cloudshell"),
    ("boto3", "boto3"),
    ("botocore", "boto3"),
    ("boto/", "boto3"),
    ("s3fs", "s3fs"),
    ("s3cmd", "s3cmd"),
    ("s3 browser", "s3-browser"),
    ("cyberduck", "cyberduck"),
    ("winscp", "winscp"),
    ("rclone", "rclone"),
    ("aws-sdk-go", "aws-sdk-go"),
    ("aws-sdk-java", "aws-sdk-java"),
    ("aws-sdk-js", "aws-sdk-js"),
    ("aws-sdk-nodejs", "aws-sdk-js"),
    ("aws-sdk-dotnet", "aws-sdk-dotnet"),
    ("aws-sdk-php", "aws-sdk-php"),
    ("aws-sdk-ruby", "aws-sdk-ruby"),
    ("aws-sdk-rust", "aws-sdk-rust"),
    ("aws-sdk-cpp", "aws-sdk-cpp"),
    ("aws-sdk-swift", "aws-sdk-swift"),
    ("aws-sdk-kotlin", "aws-sdk-kotlin"),
    ("azsdk-", "azure-sdk"),
    ("azure-sdk", "azure-sdk"),
    ("msal", "azure-sdk"),
    ("google-api-", "google-sdk"),
    ("google-cloud-", "google-sdk"),
    ("gl-", "google-sdk"),
    ("gccl/", "google-sdk"),
    ("gax/", "google-sdk"),
    ("grpc-", "grpc"),
    ("signin.amazonaws.com", "console"),
    ("console.amazonaws.com", "console"),
    ("console.ec2.amazonaws.com", "console"),
    ("s3console", "console"),
    ("aws internal", "aws-internal"),
    ("aws-internal", "aws-internal"),
    ("curl/", "curl"),
    ("wget/", "wget"),
    ("python-requests", "python"),
    ("python-urllib", "python"),
    ("python/", "python"),
    ("go-http-client", "go"),
    ("okhttp", "java"),
    ("java/", "java"),
    ("axios", "node"),
    ("node-fetch", "node"),
    ("powershell", "powershell"),
    ("postmanruntime", "postman"),
    ("mozilla/", "browser"),
    ("opera/", "browser"),
];

/// The longest part of a user agent that is looked at; real ones stay under 500 bytes and CloudTrail cuts at 1 KB.
const MAX_LOOKED_AT: usize = 1024;

/// Names the tool: `aws-cli`, `console`, `terraform`, `boto3`, `gcloud`, `az-cli`, `browser` …; `None` when the user
/// agent tells of none. A cloud service's host name there is the service and no tool.
fn of_user_agent(user_agent: &str) -> Option<&'static str> {
    let lower = user_agent.get(..MAX_LOOKED_AT).unwrap_or(user_agent).to_ascii_lowercase();
    TOOLS
        .iter()
        .find(|(part, _)| memchr::memmem::find(lower.as_bytes(), part.as_bytes()).is_some())
        .map(|(_, tool)| *tool)
}

/// User agents with their tools, since few are new and each is looked through for every name of the table.
#[derive(Debug)]
pub(crate) struct Agents(Cache<(Text, Option<Text>)>);

impl Default for Agents {
    fn default() -> Self {
        Self(Cache::new(MAX_CACHED))
    }
}

impl Agents {
    /// The user agent as a field of an event, with its tool.
    pub(crate) fn read(&mut self, user_agent: &str) -> (Text, Option<Text>) {
        let make = || (Text::from(user_agent), of_user_agent(user_agent).map(Text::from));
        self.0.get_or_make(&[user_agent], make).clone()
    }

    /// Fills in the tool of an event that has its user agent.
    pub(crate) fn fill(&mut self, event: &mut AccessEvent) {
        event.tool = event.user_agent.as_deref().and_then(|user_agent| self.read(user_agent).1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_agents_name_tools() {
        for (user_agent, tool) in [
            (
                "aws-cli/2.15.0 Python/3.11.6 Linux/5.10 exe/x86_64.amzn.2 prompt/off command/iam.list-users",
                Some("aws-cli"),
            ),
            ("APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) aws-sdk-go-v2/1.21", Some("terraform")),
            ("[Boto3/1.26.3 Python/3.10.6 Linux/5.15 Botocore/1.29.3]", Some("boto3")),
            ("[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12]", Some("aws-sdk-java")),
            ("console.amazonaws.com", Some("console")),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120", Some("browser")),
            ("google-cloud-sdk gcloud/455.0.0 command/gcloud.iam.list", Some("gcloud")),
            ("AZURECLI/2.55.0 (DEB) azsdk-python-core/1.28.0", Some("az-cli")),
            ("ec2.amazonaws.com", None),
            ("", None),
        ] {
            assert_eq!(of_user_agent(user_agent), tool, "{user_agent}");
        }
    }
}
