//! Roles, compiled once for every assignment of them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use roaring::RoaringBitmap;
use schemas::Text;
use serde_json::Value;
use smol_str::SmolStr;

use super::actions::{Action, ActionSet, patterns};
use super::condition::Condition;
use super::json::Object;
use crate::azure::{RoleDefinition, builtin_role};
use crate::catalogue::Plane;
use crate::truth::{Doubts, Truth};

/// A role that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct CompiledRole {
    name: Text,
    blocks: Vec<Block>,
}

/// One entry of `permissions`, of a role or of a deny assignment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    control: ActionSet,
    data: ActionSet,
    condition: Option<Condition>,
}

impl CompiledRole {
    /// A built-in role by its GUID, the id of its definition, or its name.
    #[must_use]
    pub fn builtin(id: &str) -> Option<Arc<Self>> {
        static COMPILED: LazyLock<Mutex<HashMap<SmolStr, Arc<CompiledRole>>>> = LazyLock::new(Mutex::default);
        let definition = builtin_role(id)?;
        let Ok(mut compiled) = COMPILED.lock() else { return Some(Arc::new(Self::of_definition(definition))) };
        let role = compiled.entry(definition.guid.clone()).or_insert_with(|| Arc::new(Self::of_definition(definition)));
        Some(Arc::clone(role))
    }

    /// Compiles a role definition as `az role definition list` prints it or as Azure Resource Manager returns it. What
    /// cannot be read grants nothing and is in `errors`, with `place` before it.
    #[must_use]
    pub fn compile(definition: &Value, place: &str, errors: &mut Vec<Text>) -> Self {
        let mut wrong = |why: String| errors.push(Text::from(format!("{place}: {why}")));
        let object = match Object::new(definition) {
            Ok(object) => object,
            Err(why) => {
                wrong(why);
                return Self { name: Text::from(place), blocks: Vec::new() };
            }
        };
        let name = Text::from(object.name(&["roleName"]).unwrap_or(place));
        let blocks = object.list("permissions").unwrap_or_else(|why| {
            wrong(why);
            &[]
        });
        let blocks = blocks.iter().enumerate().map(|(at, block)| Block::compile(block, at, &mut wrong)).collect();
        Self { name, blocks }
    }

    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// The actions of the catalogue that it grants, some of them perhaps on a condition.
    #[must_use]
    pub fn actions(&self) -> RoaringBitmap {
        let blocks = self.blocks.iter();
        blocks.fold(RoaringBitmap::new(), |found, block| {
            found | block.control.known(Plane::Control) | block.data.known(Plane::Data)
        })
    }

    /// Whether an action is in the role at all, whatever its conditions say.
    pub(super) fn names(&self, action: &Action) -> bool {
        self.blocks.iter().any(|block| block.set(action).holds(action) == Truth::True)
    }

    /// Whether it grants an action. What could not be read grants nothing.
    pub(super) fn grants<'r>(&'r self, action: &Action, doubts: &mut Doubts<'r>) -> Truth {
        doubts.any(&self.blocks, |block, doubts| match block.set(action).holds(action) {
            Truth::True => block.condition.as_ref().map_or(Truth::True, |condition| condition.is_met(action, doubts)),
            Truth::Unknown | Truth::False => Truth::False,
        })
    }

    fn of_definition(definition: &RoleDefinition) -> Self {
        let blocks = definition.statements.iter().map(|statement| {
            let set = |named: &[schemas::Action], except: &[schemas::Action]| ActionSet {
                named: patterns(named.iter().map(|action| action.as_str()), false),
                except: patterns(except.iter().map(|action| action.as_str()), false),
            };
            Block {
                control: set(&statement.actions, &statement.not_actions),
                data: set(&statement.data_actions, &statement.not_data_actions),
                condition: statement.condition.as_deref().map(|text| Condition::parse(text).0),
            }
        });
        Self { name: Text::from(definition.name.as_str()), blocks: blocks.collect() }
    }
}

impl Block {
    /// Compiles an entry of `permissions`; `wrong` is told what cannot be read.
    pub(super) fn compile(block: &Value, at: usize, wrong: &mut impl FnMut(String)) -> Self {
        let object = Object::new(block);
        let mut read = |key: &str| {
            let list = match object.as_ref().map_err(Clone::clone).and_then(|object| object.list(key)) {
                Ok(list) => list,
                Err(why) => {
                    wrong(format!("`permissions[{at}]`: {why}"));
                    return patterns([], true);
                }
            };
            let is_flawed = list.iter().any(|entry| !entry.is_string());
            if is_flawed {
                wrong(format!("`permissions[{at}].{key}` has an entry that is not a string"));
            }
            patterns(list.iter().filter_map(Value::as_str), is_flawed)
        };
        let control = ActionSet { named: read("actions"), except: read("notActions") };
        let data = ActionSet { named: read("dataActions"), except: read("notDataActions") };
        let condition =
            object.ok().and_then(|object| condition(object, &mut |why| wrong(format!("`permissions[{at}]`: {why}"))));
        Self { control, data, condition }
    }

    /// What it says of the plane that an action is of.
    pub(super) fn set(&self, action: &Action) -> &ActionSet {
        if action.is_data() { &self.data } else { &self.control }
    }

    pub(super) fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }
}

/// The condition of an assignment or a block. One that cannot be read is kept and never known.
pub(super) fn condition(object: Object<'_>, wrong: &mut impl FnMut(String)) -> Option<Condition> {
    let text = match object.text("condition") {
        Ok(text) => text.filter(|text| !text.trim().is_empty())?,
        Err(why) => {
            wrong(why);
            return Some(Condition::parse("").0);
        }
    };
    let (condition, why) = Condition::parse(text);
    if let Some(why) = why {
        wrong(format!("`condition`: {why}"));
    }
    Some(condition)
}
