//! Closed lists of words that several nouns use.

/// Declares an enum whose words are written in snake case everywhere, with `as_str`, `ALL` and `Display`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every word, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it is stored.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl apache_avro::serde::AvroSchemaComponent for $name {
            fn get_schema_in_ctxt(
                known: &mut std::collections::HashSet<apache_avro::schema::Name>,
                namespace: apache_avro::schema::NamespaceRef,
            ) -> apache_avro::Schema {
                $crate::avro::enum_schema(stringify!($name), &[$($word),+], known, namespace)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words!(
    /// A cloud.
    Provider {
        /// Amazon Web Services.
        Aws => "aws",
        /// Microsoft Azure and Entra.
        Azure => "azure",
        /// Google Cloud.
        Gcp => "gcp",
    }
);

words!(
    /// What kind of identity acts or holds a grant.
    IdentityKind {
        /// A person with a login of their own: IAM user, Entra user, Google account.
        User => "user",
        /// An AWS role, or a GCP role binding's convenience identity.
        Role => "role",
        /// A group of identities.
        Group => "group",
        /// An AWS account's root user.
        Root => "root",
        /// A GCP service account.
        ServiceAccount => "service_account",
        /// An Entra application's service principal.
        ServicePrincipal => "service_principal",
        /// An Azure managed identity.
        ManagedIdentity => "managed_identity",
        /// A person of AWS Identity Center, one over all `AWSReservedSSO_*` roles.
        Workforce => "workforce",
        /// Somebody an outside identity provider vouches for: SAML, OIDC, workload identity federation.
        Federated => "federated",
        /// The cloud's own service acting for itself.
        Service => "service",
        /// An identity of an account that is not ingested.
        External => "external",
        /// Nobody in particular: unauthenticated, `allUsers`.
        Anonymous => "anonymous",
        /// The record does not say.
        Unknown => "unknown",
    }
);

words!(
    /// What an action does to what it touches; AWS's own five levels, used for all clouds.
    AccessLevel {
        /// Names or lists things.
        List => "list",
        /// Reads content or settings.
        Read => "read",
        /// Changes tags only.
        Tag => "tag",
        /// Creates, changes or deletes.
        Write => "write",
        /// Grants or changes permissions.
        Permissions => "permissions",
    }
);

words!(
    /// How dangerous an action is, from harmless to worst.
    RiskClass {
        /// Names or lists things.
        List => "list",
        /// Reads settings.
        Read => "read",
        /// Changes tags only.
        Tag => "tag",
        /// Creates or changes.
        Write => "write",
        /// Destroys.
        Delete => "delete",
        /// Reads customers' data in bulk.
        DataExfiltration => "data_exfiltration",
        /// Grants or changes permissions.
        PermissionsManagement => "permissions_management",
        /// Hands out a credential or a secret.
        CredentialAccess => "credential_access",
        /// A step on a known path to administrator.
        Escalation => "escalation",
    }
);

words!(
    /// Which of a cloud's logs a record comes from.
    Category {
        /// Control plane: CloudTrail management events, Azure Administrative, GCP Admin Activity.
        Management => "management",
        /// Data plane: CloudTrail data events, Azure resource logs, GCP Data Access.
        Data => "data",
        /// Sign-ins and token issues.
        SignIn => "sign_in",
        /// Directory changes: Entra audit, Google Workspace admin.
        Directory => "directory",
        /// The cloud's own doings: GCP System Event, AWS service events.
        System => "system",
        /// Denials by policy: GCP Policy Denied.
        Policy => "policy",
    }
);

words!(
    /// Whether the cloud said that a permission was granted.
    Granted {
        /// Granted.
        Yes => "yes",
        /// Denied.
        No => "no",
        /// Not said.
        Unknown => "unknown",
    }
);

words!(
    /// What a score or a finding is about.
    ScopeKind {
        /// One identity in one account.
        Identity => "identity",
        /// All identities of a group.
        Group => "group",
        /// All who can assume a role.
        Role => "role",
        /// An account.
        Account => "account",
        /// A folder, an organizational unit or a management group.
        Folder => "folder",
        /// An organization or a tenant.
        Organization => "organization",
        /// A resource.
        Resource => "resource",
    }
);

words!(
    /// How soon somebody should look.
    Severity {
        /// For the record.
        Informational => "informational",
        /// When there is time.
        Low => "low",
        /// This week.
        Medium => "medium",
        /// Today.
        High => "high",
        /// Now.
        Critical => "critical",
    }
);
