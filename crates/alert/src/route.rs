//! Who is told of a change.

use crate::{Offer, Route, Settings};

/// The destinations for `offer`, in the order of `all`: those of every route that matches, all if none does.
pub(crate) fn destinations<'a>(settings: &Settings, all: &'a [String], offer: &Offer) -> Vec<&'a str> {
    let matching: Vec<&Route> = settings.routes.iter().filter(|route| matches(route, offer)).collect();
    all.iter()
        .map(String::as_str)
        .filter(|name| {
            matching.is_empty() || matching.iter().any(|route| route.destination == *name && reaches(route, offer))
        })
        .collect()
}

fn matches(route: &Route, offer: &Offer) -> bool {
    let is = |wanted: &Option<String>, found: &[Option<&str>]| {
        wanted.as_deref().is_none_or(|wanted| found.contains(&Some(wanted)))
    };
    is(&route.environment, &[offer.environment_before.as_deref(), offer.environment.as_deref()])
        && is(&route.account, &[Some(&offer.account_id), offer.account_name.as_deref()])
        && is(&route.owner, &[offer.owner.as_deref()])
        && route.severity.is_none_or(|least| offer.severity >= least)
        && route.tag.as_deref().is_none_or(|tag| has_tag(tag, offer))
}

fn has_tag(wanted: &str, offer: &Offer) -> bool {
    wanted.split_once('=').is_some_and(|(key, value)| {
        offer.tags.iter().any(|tag| tag.key == key && [tag.old.as_deref(), tag.new.as_deref()].contains(&Some(value)))
    })
}

fn reaches(route: &Route, offer: &Offer) -> bool {
    let bounds = route.threshold;
    let severe = bounds.severity.map(|least| offer.severity >= least);
    let unusual = bounds.percentile.map(|least| offer.percentile.is_some_and(|p| p >= least));
    match (severe, unusual) {
        (None, None) => true,
        (a, b) => a.unwrap_or(false) || b.unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use tagwarden_core::Severity;

    use super::destinations;
    use crate::message::sample::offer;
    use crate::{Route, Settings, Threshold};

    fn told(route: Route) -> Vec<String> {
        let all = ["soc".to_owned(), "ops".to_owned()];
        let settings = Settings { routes: vec![route], ..Settings::default() };
        destinations(&settings, &all, &offer("e.0", 0)).into_iter().map(str::to_owned).collect()
    }

    fn to_ops() -> Route {
        Route { destination: "ops".into(), ..Route::default() }
    }

    #[test]
    fn without_a_matching_route_everybody_is_told() {
        assert_eq!(told(Route { environment: Some("stage".into()), ..to_ops() }), ["soc", "ops"]);
        assert_eq!(told(Route { severity: Some(Severity::Critical), ..to_ops() }), ["soc", "ops"]);
        assert_eq!(told(Route { tag: Some("Environment=stage".into()), ..to_ops() }), ["soc", "ops"]);
        assert_eq!(told(Route { owner: Some("nobody".into()), ..to_ops() }), ["soc", "ops"]);
    }

    #[test]
    fn every_condition_can_match() {
        for environment in ["prod", "dev"] {
            assert_eq!(told(Route { environment: Some(environment.into()), ..to_ops() }), ["ops"]);
        }
        for account in ["286728141752", "nimbus-prd"] {
            assert_eq!(told(Route { account: Some(account.into()), ..to_ops() }), ["ops"]);
        }
        for tag in ["Environment=prd", "Environment=dev"] {
            assert_eq!(told(Route { tag: Some(tag.into()), ..to_ops() }), ["ops"]);
        }
        assert_eq!(told(Route { owner: Some("team-checkout".into()), ..to_ops() }), ["ops"]);
        assert_eq!(told(Route { severity: Some(Severity::High), ..to_ops() }), ["ops"]);
    }

    #[test]
    fn a_threshold_keeps_a_match_quiet() {
        let quiet = Threshold { severity: Some(Severity::Critical), percentile: Some(99.99) };
        assert_eq!(told(Route { threshold: quiet, ..to_ops() }), Vec::<String>::new());
        let either = Threshold { severity: Some(Severity::Critical), percentile: Some(99.0) };
        assert_eq!(told(Route { threshold: either, ..to_ops() }), ["ops"]);
    }
}
