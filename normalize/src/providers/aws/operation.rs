//! What an operation needs: computed once per event source and operation.

use std::sync::Arc;

use permissions::aws::{ActionUse, OperationActions, iam_prefix, operation_actions};
use permissions::{Catalogue, Logged, ProviderCatalogue};
use schemas::{AccessLevel, Action, ActionKnown, Provider, Text};
use smol_str::SmolStr;

use super::parameters::{self, Parameter};

/// One action with what the catalogue knows of it.
#[derive(Clone, Debug)]
pub(super) struct OperationAction {
    pub(super) action: Action,
    pub(super) level: Option<AccessLevel>,
    /// Whether only some parameters call for it.
    pub(super) implied: bool,
    /// The kinds of container it acts on, such as `s3:bucket`.
    pub(super) containers: Arc<[SmolStr]>,
}

/// An operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) service: Text,
    pub(super) name: Text,
    pub(super) actions: Vec<OperationAction>,
    pub(super) known: ActionKnown,
    /// Whether its calls are in the management log, which is always on.
    pub(super) is_management: bool,
    /// Whether a role in its parameters is handed to the service: a writing call that does not take roles away, and is
    /// not about roles itself.
    pub(super) may_pass_role: bool,
    /// The parameters that name resources.
    pub(super) parameters: &'static [Parameter],
}

impl Operation {
    pub(super) fn of(source: &str, name: &str) -> Self {
        let catalogue = Catalogue::bundled().provider(Provider::Aws);
        let OperationActions { actions, known } = operation_actions(source, name);
        let actions: Vec<OperationAction> = actions.iter().map(|used| known_of(catalogue, used)).collect();
        let service = iam_prefix(source).or_else(|| source.split('.').next()).unwrap_or(source);
        let first = actions.first();
        let writes = first.is_none_or(|used| !matches!(used.level, Some(AccessLevel::List | AccessLevel::Read)));
        let takes = ["Remove", "Delete", "Disassociate", "Detach", "Describe", "Get", "List"];
        let logged = first.and_then(|used| catalogue.find(&used.action)).map(|info| info.logged);
        Self {
            service: Text::from(service),
            name: Text::from(name),
            known,
            is_management: logged == Some(Logged::Management),
            may_pass_role: writes
                && !matches!(service, "iam" | "sts" | "sso")
                && !takes.iter().any(|verb| name.starts_with(verb)),
            parameters: parameters::of_service(service),
            actions,
        }
    }
}

fn known_of(catalogue: &ProviderCatalogue, used: &ActionUse) -> OperationAction {
    let info = used.idx.and_then(|idx| catalogue.get(idx));
    OperationAction {
        action: used.action.clone(),
        level: info.map(|info| info.level),
        implied: used.implied,
        containers: info.map(|info| Arc::clone(&info.containers)).unwrap_or_default(),
    }
}
