//! Records that somebody else put into a topic: nobody has looked at them yet.

use schemas::{AccountId, RawRecord, Time};

use crate::ValidConfig;
use crate::split::peek::peek;

/// Whose record it is and when it happened, as far as event time goes: `None` for those without account or time, those whose
/// time is ahead of their arrival by more than `max_ahead`, and, unless they are wanted, those that we put there ourselves.
#[must_use]
pub fn arrival(record: &RawRecord, with_ours: bool, config: &ValidConfig) -> Option<(AccountId, Time)> {
    if record.origin.file.is_some() && !with_ours {
        return None;
    }
    let glance = peek(record.provider, &record.body.0);
    let time = glance.time.filter(|time| *time <= record.ingested_at + config.max_ahead)?;
    Some((glance.account_id?, time))
}

#[cfg(test)]
mod tests {
    use schemas::{Body, Origin, Provider, example};

    use super::*;
    use crate::Config;

    #[test]
    fn others_records_count_unless_their_time_is_ahead() {
        let config = Config::default().validate().unwrap();
        let body = |time: &str| {
            Body(format!(r#"{{"eventTime":"{time}","recipientAccountId":"123456789012"}}"#).into_bytes().into())
        };
        let at = Time::parse("2026-10-31T12:00:00Z").unwrap();
        let foreign = |time: &str| RawRecord {
            provider: Provider::Aws,
            origin: Origin { file: None, ..Origin::default() },
            ingested_at: at,
            time: None,
            account_id: None,
            body: body(time),
            ..example::raw_record()
        };
        let of =
            |time: &str| arrival(&foreign(time), false, &config).map(|(account, time)| (account.to_string(), time));
        assert_eq!(of("2026-10-31T11:59:00Z"), Some(("123456789012".to_owned(), Time(at.0 - 60_000_000))));
        assert_eq!(of("2026-10-31T13:59:00Z"), None);
        assert_eq!(of("yesterday"), None);
        let ours = RawRecord {
            origin: Origin { file: Some("a.json".into()), ..Origin::default() },
            ..foreign("2026-10-31T11:59:00Z")
        };
        assert_eq!(arrival(&ours, false, &config), None);
        assert!(arrival(&ours, true, &config).is_some());
    }
}
