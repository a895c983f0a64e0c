//! Live calls: what quotas hold for an id that the runtime is asked for, and how its calls enter CloudWatch's minutes.

use super::admission::Limit;
use super::lists::Quota;
use super::names;
use super::stream::{Charge, Demand, Per, Stream, Tally};
use super::{Account, Region, World};

/// How the names of the rows begin that calls of a kind are held to.
const ON_DEMAND: &str = "on-demand model inference ";
const GEOGRAPHIC: &str = "cross-region model inference ";
const GLOBAL: &str = "global cross-region model inference ";
const DEPLOYMENT: &str = "(model customization) sum of on demand custom model deployment ";
/// Calls on demand and across a geography share a row of tokens per day.
const DAY: &str = "model invocation max tokens per day ";

/// An id that can be invoked.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocable {
    /// CloudWatch's ModelId for it.
    pub metered_as: String,
    /// The foundation model that answers in the end.
    pub model: String,
    pub charges: Vec<Charge>,
    /// How many tokens of quota one output token settles to.
    pub burndown: f64,
}

impl World {
    /// What a caller means by a modelId: a model, a system or application profile, a custom-model deployment, by id or
    /// ARN. `None`: nothing of the kind is in the region.
    pub fn invocable(&self, account: &Account, region: &Region, asked: &str) -> Option<Invocable> {
        let last = asked.rsplit('/').next().unwrap_or(asked);
        if let Some(profile) = region.profiles.iter().find(|profile| profile.id == last) {
            let source = self.invocable(account, region, &profile.source)?;
            return Some(Invocable { metered_as: profile.id.clone(), ..source });
        }
        if let Some(deployment) = region.deployments.iter().find(|deployment| deployment.id == last) {
            let metered_as = format!(
                "arn:aws:bedrock:{}:{}:custom-model-deployment/{}",
                region.name, account.id, deployment.id
            );
            return Some(self.charged(region, metered_as, &deployment.base_model_id, DEPLOYMENT));
        }
        if let Some(profile) = self.lists.profiles.iter().find(|profile| profile.id == last) {
            let head = if profile.prefix == "global" { GLOBAL } else { GEOGRAPHIC };
            let here = profile.source_regions.contains(&region.name);
            return here.then(|| self.charged(region, profile.id.clone(), &profile.model_id, head));
        }
        let model = self.lists.models.iter().find(|model| model.id == last)?;
        let here = model.on_demand_regions.contains(&region.name);
        here.then(|| self.charged(region, model.id.clone(), &model.id, ON_DEMAND))
    }

    /// An id with its charges: as the world's own traffic of that id has them, else by the rows that name its model.
    fn charged(&self, region: &Region, metered_as: String, model: &str, head: &str) -> Invocable {
        let told =
            region.streams.iter().find(|stream| stream.model_id == metered_as && !stream.charges.is_empty());
        let (charges, burndown) = match told {
            Some(stream) => (stream.charges.clone(), stream.burndown),
            None => (self.charges_of(region, model, head), burndown(model)),
        };
        Invocable { metered_as, model: model.into(), charges, burndown }
    }

    /// The charges to the rows that name exactly the model, by its id or its name.
    fn charges_of(&self, region: &Region, model: &str, head: &str) -> Vec<Charge> {
        let name = self.lists.models.iter().find(|m| m.id == model).and_then(|m| m.name.as_deref());
        let known = [Some(names::words_of_id(model)), name.map(names::words)];
        let charge = |quota: &&Quota| {
            let row = quota.name.to_ascii_lowercase();
            let daily = row.starts_with(DAY) && [ON_DEMAND, GEOGRAPHIC].contains(&head);
            let (_, subject) = names::subject(&quota.name).filter(|_| daily || row.starts_with(head))?;
            // Rows of a variant, such as 1M context, say more than the model.
            let whole = daily || quota.name.ends_with(subject);
            let per = per(&row).filter(|_| whole && known.contains(&Some(names::words(subject))))?;
            Some(Charge { code: quota.code.clone(), per })
        };
        self.quota_rows(region).iter().filter_map(charge).collect()
    }

    /// The limits that live calls are held to in a minute: what the world's own traffic leaves of them.
    pub fn limits_left(
        &self,
        account: &Account,
        region: &Region,
        charges: &[Charge],
        now: i64,
    ) -> Vec<Limit> {
        let left = |charge: &Charge| {
            let limit = self.limit(region, &charge.code, now)?;
            let spent = self.charge_of(account, region, charge, now.div_euclid(60), |stream| !stream.live);
            let spent = if charge.per == Per::TokenOfTheDay { 0.0 } else { spent };
            Some(Limit { charge: charge.clone(), value: (limit - spent).max(0.0) })
        };
        charges.iter().filter_map(left).collect()
    }

    /// Counts a call that ended, well or not, in a minute of its id.
    pub fn record(&mut self, account: &str, region: &str, id: &Invocable, minute: i64, call: &Tally) {
        let Some(region) = self.region_mut(account, region) else { return };
        let known = region.streams.iter().position(|s| s.live && s.model_id == id.metered_as);
        let at = known.unwrap_or_else(|| {
            region.streams.push(Stream {
                model_id: id.metered_as.clone(),
                demand: Demand::Table(Default::default()),
                charges: id.charges.clone(),
                burndown: id.burndown,
                live: true,
                ..Stream::default()
            });
            region.streams.len() - 1
        });
        if let Demand::Table(minutes) = &mut region.streams[at].demand {
            let tally = minutes.entry(minute).or_default();
            *tally = tally.and(call);
        }
    }
}

/// What a row of model inference counts; `None`: nothing that the runtime holds calls to.
fn per(name: &str) -> Option<Per> {
    match name {
        n if n.contains("requests per minute") => Some(Per::Request),
        n if n.contains("tokens per minute") => Some(Per::Token),
        n if n.contains("tokens per day") => Some(Per::TokenOfTheDay),
        _ => None,
    }
}

/// The tokens of quota that one output token costs, as AWS's page of 2026-10 has it.
fn burndown(model: &str) -> f64 {
    let named = |parts: &[&str]| parts.iter().any(|part| model.contains(part));
    match model {
        m if m.contains("claude-opus-4-8") => 15.0,
        _ if named(&["claude-opus-5", "claude-sonnet-5", "claude-fable-5", "gpt-5.6"]) => 10.0,
        m if m.starts_with("anthropic.") => 5.0,
        _ => 1.0,
    }
}

/// The most output tokens that a model makes, which are reserved when a call gives no max_tokens.
pub fn most_output(model: &str) -> u64 {
    let size = |part: &str| model.contains(part);
    match model {
        _ if size("claude-3") => 4096,
        _ if size("claude-opus-4-") => 32_000,
        _ if size("claude") => 64_000,
        _ if size("nova") => 10_000,
        _ if size("llama") => 8192,
        _ => 4096,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::lists::Lists;

    fn world() -> (World, String) {
        let world = World::demo(1, 1_795_176_000);
        (world, "000000000000".into())
    }

    fn names(world: &World, account: &str, region: &str, id: &str) -> Option<Vec<String>> {
        let (account, region) = (world.account(account)?, world.region(account, region)?);
        let id = world.invocable(account, region, id)?;
        let name = |charge: &Charge| world.lists.quota(&charge.code).map(|quota| quota.name.clone());
        Some(id.charges.iter().filter_map(name).collect())
    }

    #[test]
    fn an_id_is_held_to_the_rows_that_name_its_model() {
        let (world, account) = world();
        let of = |id: &str| names(&world, &account, "us-east-1", id).unwrap();
        let rows = ["requests", "tokens"];
        let row = |head: &str, what: &str, model: &str| {
            format!("{head} model inference {what} per minute for {model}")
        };
        let mut micro = of("us.amazon.nova-micro-v1:0");
        micro.sort();
        assert_eq!(micro, rows.map(|what| row("Cross-region", what, "Amazon Nova Micro")));
        // A profile spends what it was copied from, by id or ARN.
        let haiku = of("us.anthropic.claude-haiku-4-5-20251001-v1:0");
        assert!(haiku.len() == 2 && haiku.iter().all(|name| name.ends_with("Claude Haiku 4.5")), "{haiku:?}");
        let arn = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/srch7f3k2m9q";
        assert_eq!(of(arn), haiku);
        // No row of the 1M variant, and no requests row.
        assert_eq!(of("global.anthropic.claude-opus-5").len(), 1);
        assert_eq!(names(&world, &account, "us-east-1", "eu.amazon.nova-pro-v1:0"), None);
        assert_eq!(names(&world, &account, "us-east-1", "us.acme.nothing-v1:0"), None);
    }

    #[test]
    fn most_models_are_held_to_some_row() {
        let (world, account) = world();
        let region = world.region(&account, "us-east-1").unwrap();
        let profiles = Lists::public();
        let here = profiles.profiles.iter().filter(|p| p.source_regions.contains(&region.name));
        let held: Vec<bool> = here
            .map(|p| names(&world, &account, "us-east-1", &p.id).unwrap_or_default())
            .map(|rows| !rows.is_empty())
            .collect();
        let share = held.iter().filter(|held| **held).count() as f64 / held.len() as f64;
        assert!(share > 0.85, "{share} of {}", held.len());
    }

    #[test]
    fn calls_enter_the_minutes_of_their_id_and_the_truth() {
        let (mut world, account) = world();
        let minute = 1_795_176_000 / 60;
        let before = world.clone();
        let id = {
            let (account, region) =
                (world.account(&account).unwrap(), world.region(&account, "us-east-1").unwrap());
            world.invocable(account, region, "us.amazon.nova-micro-v1:0").unwrap()
        };
        let call = Tally {
            invocations: 1,
            input: 100,
            output: 20,
            estimated: Some(120),
            latency_ms: 300.0,
            ..Tally::default()
        };
        world.record(&account, "us-east-1", &id, minute, &call);
        world.record(&account, "us-east-1", &id, minute, &Tally { latency_ms: 500.0, ..call });
        world.record(&account, "us-east-1", &id, minute, &Tally { throttles: 1, ..Tally::default() });
        let charge = |world: &World, code: &str| {
            world.charge(
                world.account(&account).unwrap(),
                world.region(&account, "us-east-1").unwrap(),
                code,
                minute,
            )
        };
        for Charge { code, per } in &id.charges {
            let more = charge(&world, code) - charge(&before, code);
            assert_eq!(more, if *per == Per::Request { 2.0 } else { 240.0 });
        }
        let live = world.region(&account, "us-east-1").unwrap().streams.last().unwrap();
        let Demand::Table(minutes) = &live.demand else { panic!("{live:?}") };
        let sum = minutes[&minute];
        assert_eq!((sum.invocations, sum.throttles, sum.input, sum.estimated), (2, 1, 200, Some(240)));
        assert_eq!(sum.latency_ms, 400.0);
    }
}
