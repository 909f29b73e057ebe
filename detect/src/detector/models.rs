//! The peer models that have arrived, asked for by event time.

use std::collections::BTreeMap;

use schemas::{DeadLetter, Model, Origin, Text, Time};
use serde::{Deserialize, Serialize};

use crate::peers::body::{Body, FORMAT};

/// How long before the slowest account's time a model may hold and still be asked for, by late events.
const KEPT_US: i64 = 6 * Time::DAY;
/// Models kept, at most: one a day. Past it the oldest go. Whoever catches up has them all before he scores the first hour.
const MAX_MODELS: usize = 512;

/// One model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PeerModel {
    pub id: Text,
    pub body: Body,
}

/// The newest models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Models {
    by_start: BTreeMap<Time, PeerModel>,
}

impl Models {
    /// Takes a model in; other kinds are not ours. Returns whether it was taken.
    ///
    /// # Errors
    /// A dead letter when it cannot be read.
    pub(crate) fn put(&mut self, model: &Model) -> Result<bool, Box<DeadLetter>> {
        if *model.kind != *"peers" {
            return Ok(false);
        }
        let body = match model.format {
            FORMAT => Body::read(&model.body),
            other => Err(format!("it has format {other}, and this release reads {FORMAT}")),
        };
        match body {
            Ok(body) => {
                self.by_start.insert(model.effective_from, PeerModel { id: model.model_id.clone(), body });
                while self.by_start.len() > MAX_MODELS {
                    self.by_start.pop_first();
                }
                Ok(true)
            }
            Err(why) => {
                let reason = format!("model `{}` cannot be read: {why}", model.model_id);
                let file = Some(model.model_id.clone());
                let origin = Origin { topic: "model.v1".into(), partition: 0, offset: 0, file };
                let bytes = schemas::Body(model.body.as_bytes().to_vec().into());
                Err(Box::new(DeadLetter::of("detect", reason, None, origin, model.time, &bytes)))
            }
        }
    }

    /// Forgets the models that no event is scored by any more, once the slowest account has come to a time.
    pub(crate) fn forget(&mut self, low: Time) {
        let before = Time(low.0.saturating_sub(KEPT_US));
        if let Some((start, _)) = self.by_start.range(..=before).next_back() {
            self.by_start = self.by_start.split_off(&start.clone());
        }
    }

    /// The model for an event: the newest that is effective at the start of its hour.
    pub(crate) fn at(&self, time: Time) -> Option<&PeerModel> {
        self.by_start.range(..=time.floor(Time::HOUR)).next_back().map(|(_, model)| model)
    }

    /// The newest model of all.
    pub(crate) fn newest(&self) -> Option<&PeerModel> {
        self.by_start.last_key_value().map(|(_, model)| model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(start: i64) -> Model {
        let body = serde_json::to_string(&Body { day: start, ..Body::default() }).unwrap_or_default();
        let effective_from = Time(start * Time::DAY);
        Model {
            effective_from,
            body: body.into(),
            model_id: format!("peers@{start}").into(),
            ..schemas::example::model()
        }
    }

    #[test]
    fn a_model_holds_from_its_hour_on() {
        let mut models = Models::default();
        for start in [3, 1, 2] {
            assert!(models.put(&model(start)).is_ok());
        }
        let at = |hours: i64| models.at(Time(hours * Time::HOUR + 1)).map(|m| m.body.day);
        assert_eq!([at(23), at(24), at(47), at(48), at(1000)], [None, Some(1), Some(1), Some(2), Some(3)]);
        for start in 4..1000 {
            assert!(models.put(&model(start)).is_ok());
        }
        assert_eq!(models.by_start.len(), MAX_MODELS);
        models.forget(Time(900 * Time::DAY + 1));
        let day = |day: i64| models.at(Time(day * Time::DAY)).map(|m| m.body.day);
        assert_eq!((day(893), day(894), day(999)), (None, Some(894), Some(999)), "who is behind has his");
    }

    #[test]
    fn a_broken_model_is_a_dead_letter_and_another_kind_is_let_by() {
        let mut models = Models::default();
        let broken = Model { body: "{".into(), ..model(1) };
        let said = models.put(&broken).map_err(|letter| letter.reason.to_string());
        assert!(said.is_err_and(|text| text.starts_with("model `peers@1` cannot be read: EOF")));
        assert_eq!(models.put(&Model { kind: "other".into(), ..broken }), Ok(false));
    }
}
