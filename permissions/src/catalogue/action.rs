//! One action of a catalogue.

use std::sync::Arc;

use schemas::{AccessLevel, RiskClass};
use smol_str::SmolStr;

/// An action's number in its provider's catalogue. Numbers are stable for one catalogue version only: store names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionIdx(pub u32);

/// Why an action has its risk class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RiskSource {
    /// From the access level that the provider publishes.
    AccessLevel,
    /// From the structure of its name, by our rules.
    Name,
    /// From the published list of sensitive actions.
    SensitiveList,
    /// It stands alone on a path to administrator.
    EscalationPath,
}

/// Whether the use of an action is ever recorded, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Logged {
    /// In the log that is on by default: CloudTrail management events, Azure Activity, GCP Admin Activity.
    Management,
    /// In a log that is off by default: CloudTrail data events, Azure resource logs, GCP Data Access.
    DataOffByDefault,
    /// In no log.
    Never,
}

/// Which plane of a cloud an action belongs to; Azure's role definitions list the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plane {
    /// Manages resources.
    Control,
    /// Acts on what resources hold.
    Data,
    /// Acts on the Entra directory.
    Directory,
}

/// What the catalogue knows of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionInfo {
    /// The provider's spelling, such as `s3:GetObject`.
    pub name: SmolStr,
    /// The service: the part before the colon, the resource provider, the first segment.
    pub service: SmolStr,
    /// What it does.
    pub level: AccessLevel,
    /// How dangerous it is.
    pub risk: RiskClass,
    /// Why.
    pub risk_source: RiskSource,
    /// Whether its use is recorded.
    pub logged: Logged,
    /// Its plane.
    pub plane: Plane,
    /// The kinds of grantable container that it acts on, in the words of `schemas::Inventory::kind`: `s3:bucket` for
    /// `s3:GetObject`. Empty when it acts on no particular resource.
    pub containers: Arc<[SmolStr]>,
}

impl ActionInfo {
    /// Whether its use would have been seen; `data_logged` says whether the logs that are off by default are ingested.
    #[must_use]
    pub fn knowable(&self, data_logged: bool) -> bool {
        match self.logged {
            Logged::Management => true,
            Logged::DataOffByDefault => data_logged,
            Logged::Never => false,
        }
    }
}
