//! Kinds of resources, and how many of each an account holds.

/// A kind of resource. Objects, blobs and rows are counted by their container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    None,
    Bucket,
    Object,
    Function,
    Table,
    Instance,
    Volume,
    SecurityGroup,
    Secret,
    Key,
    Queue,
    LogGroup,
    Parameter,
    Repo,
    Stack,
    Workgroup,
    GlueDb,
    GlueJob,
    Db,
    Trail,
    User,
    Role,
    Policy,
    Vm,
    Disk,
    Nsg,
    WebApp,
    Group,
    Storage,
    Blob,
    SqlDb,
    Registry,
    Diag,
    Assignment,
    Vault,
    VaultSecret,
    Project,
    Gce,
    GcsBucket,
    GcsObject,
    Topic,
    Subscription,
    Dataset,
    BqTable,
    RunService,
    Cluster,
    GcpSecret,
    Sink,
    ServiceAccount,
    Artifact,
}

impl Kind {
    /// The kind a word of the operation tables names; an unknown word is [`Kind::None`], and a test forbids that.
    pub(crate) fn from_word(word: &str) -> Self {
        KINDS.iter().find(|(_, name, _)| *name == word).map_or(Self::None, |(kind, _, _)| *kind)
    }

    /// How many of this kind each account holds.
    pub(crate) fn pool(self) -> u16 {
        KINDS.iter().find(|(kind, _, _)| *kind == self).map_or(1, |(_, _, n)| *n)
    }

    /// How many of them ordinary work touches: the last bucket of an account is an archive that nobody opens.
    pub(crate) fn everyday(self) -> u16 {
        match self {
            Self::Bucket | Self::Object | Self::GcsBucket | Self::GcsObject => self.pool() - 1,
            _ => self.pool(),
        }
    }

    /// The kind whose pool an object is drawn from: its container.
    pub(crate) fn container(self) -> Self {
        match self {
            Self::Object => Self::Bucket,
            Self::GcsObject => Self::GcsBucket,
            other => other,
        }
    }
}

/// Kind, word in the operation tables, number in each account.
const KINDS: [(Kind, &str, u16); 50] = [
    (Kind::None, "none", 1),
    (Kind::Bucket, "bucket", 24),
    (Kind::Object, "object", 24),
    (Kind::Function, "function", 22),
    (Kind::Table, "table", 14),
    (Kind::Instance, "instance", 26),
    (Kind::Volume, "volume", 18),
    (Kind::SecurityGroup, "sg", 10),
    (Kind::Secret, "secret", 18),
    (Kind::Key, "key", 6),
    (Kind::Queue, "queue", 9),
    (Kind::LogGroup, "loggroup", 22),
    (Kind::Parameter, "parameter", 16),
    (Kind::Repo, "repo", 8),
    (Kind::Stack, "stack", 10),
    (Kind::Workgroup, "workgroup", 3),
    (Kind::GlueDb, "gluedb", 5),
    (Kind::GlueJob, "gluejob", 6),
    (Kind::Db, "db", 5),
    (Kind::Trail, "trail", 1),
    (Kind::User, "user", 1),
    (Kind::Role, "role", 1),
    (Kind::Policy, "policy", 1),
    (Kind::Vm, "vm", 12),
    (Kind::Disk, "disk", 12),
    (Kind::Nsg, "nsg", 5),
    (Kind::WebApp, "webapp", 9),
    (Kind::Group, "group", 7),
    (Kind::Storage, "storage", 7),
    (Kind::Blob, "blob", 7),
    (Kind::SqlDb, "sqldb", 5),
    (Kind::Registry, "registry", 2),
    (Kind::Diag, "diag", 7),
    (Kind::Assignment, "assignment", 1),
    (Kind::Vault, "vault", 4),
    (Kind::VaultSecret, "vaultsecret", 32),
    (Kind::Project, "project", 1),
    (Kind::Gce, "gce", 14),
    (Kind::GcsBucket, "gcsbucket", 14),
    (Kind::GcsObject, "gcsobject", 14),
    (Kind::Topic, "topic", 9),
    (Kind::Subscription, "subscription", 9),
    (Kind::Dataset, "dataset", 5),
    (Kind::BqTable, "bqtable", 20),
    (Kind::RunService, "runservice", 9),
    (Kind::Cluster, "cluster", 2),
    (Kind::GcpSecret, "gcpsecret", 12),
    (Kind::Sink, "sink", 2),
    (Kind::ServiceAccount, "sa", 1),
    (Kind::Artifact, "artifact", 4),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_once() {
        for (at, (kind, word, _)) in KINDS.iter().enumerate() {
            assert_eq!(Kind::from_word(word), *kind);
            assert_eq!(*kind as usize, at, "`{word}` is out of order");
        }
    }
}
