//! Far more of one risk class, of denials or of new containers in an hour than the identity usually has. Judged when
//! the hour closes, since it needs the whole hour.

use smol_str::SmolStr;

use crate::config::ValidConfig;
use crate::detector::rows::Candidate;
use crate::detector::volume::{DENIED, Excess, FRESH, class_of};
use crate::evidence::{self, Channel, Evidence};
use crate::law;

/// The candidate of an excess; `None` when it is likely enough.
pub(crate) fn candidate(config: &ValidConfig, who: &str, excess: &Excess) -> Option<Candidate> {
    let Excess { series, n, mean, nats } = excess;
    let class = class_of(*series);
    let (channel, what) = match *series {
        DENIED => (Channel::Denials, "refused calls".to_owned()),
        FRESH => (Channel::Volume, "resources never touched before".to_owned()),
        _ => (Channel::Volume, format!("uses of `{}` actions", class.map_or("other", schemas::RiskClass::as_str))),
    };
    let text = format!("{n} {what} of `{who}` in an hour, where {mean:.1} are usual");
    let mut evidence = vec![Evidence::new(channel, *nats, text)];
    if let Some(class) = class {
        let text = format!("each of them {}", law::in_words(class));
        evidence.push(Evidence::new(Channel::Risk, law::weight(class).ln(), text));
    }
    let p = evidence::p_value(evidence::together(evidence.iter()));
    (p <= config.given.candidate_p).then(|| Candidate {
        detector: "volume",
        subject: SmolStr::from(series.to_string()),
        action: None,
        risk_class: class,
        resource: None,
        evidence,
        n_tested: 1,
    })
}
