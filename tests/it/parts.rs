//! Service tiers and projects: what is published of them, held against the simulated AWS's own points.

use crate::rig::Rig;
use bedrock_quota_exporter::sim::world::stream::{Demand, Endpoint, Stream, Tally, Tier};
use bedrock_quota_exporter::sim::world::{Account, Publishing, Region, World};

/// A Sunday at noon, UTC.
const NOON: i64 = 1_795_348_800;
const ACCOUNT: &str = "000000000000";
const NOVA: &str = "us.amazon.nova-pro-v1:0";
const OPUS: &str = "anthropic.claude-opus-5";

/// Of each minute another number of calls, so that the hour tells which minutes it is made of.
fn demand() -> Demand {
    let tally = |minute: i64| {
        let n = 100 + 20 * (minute % 7) as u64;
        Tally {
            invocations: n,
            throttles: n / 10,
            input: 100 * n,
            output: 20 * n,
            cache_read: 70 * n,
            ..Tally::default()
        }
    };
    Demand::Table((NOON / 60 - 180..NOON / 60 + 300).map(|minute| (minute, tally(minute))).collect())
}

fn runtime(tiers: Vec<Tier>, projects: Vec<(String, f64)>) -> Stream {
    Stream { model_id: NOVA.into(), demand: demand(), tiers, projects, ..Stream::default() }
}

fn mantle(project: &str) -> Stream {
    let endpoint = Endpoint::Mantle { project: project.into() };
    Stream { endpoint, model_id: OPUS.into(), demand: demand(), ..Stream::default() }
}

fn overflowing() -> Vec<Tier> {
    let overflow = Tier { resolved: "default".into(), ..Tier::new("reserved", 0.1) };
    vec![Tier::new("default", 0.5), Tier::new("flex", 0.1), Tier::new("reserved", 0.3), overflow]
}

fn world(streams: Vec<Stream>) -> World {
    let region = Region { name: "us-east-1".into(), streams, ..Region::default() };
    let account = Account { id: ACCOUNT.into(), regions: vec![region], ..Account::default() };
    let publishing = Publishing::at_once();
    World { accounts: vec![account], publishing, rates: false, rough_pages: false, ..World::default() }
}

/// What CloudWatch counts in the hour that ends four minutes before `now`.
fn truth(world: &World, (namespace, metric): (&str, &str), dimensions: &[(&str, &str)], now: i64) -> f64 {
    let view = world.view(ACCOUNT, "us-east-1", now).unwrap();
    let dimensions: Vec<_> = dimensions.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    let end = (now - 240) / 60 * 60;
    let tallies = Default::default();
    let points = view.read((namespace, metric), &dimensions, 60, end - 3600..end, &tallies);
    points.iter().map(|(_, point)| point.sum).sum()
}

async fn at(world: World, config: &str, rounds: &[i64]) -> Rig {
    let mut rig = Rig::start(world, config, NOON - 60).await;
    // The first round reads what decides.
    rig.round(NOON - 60).await;
    for after in rounds {
        rig.round(NOON + after).await;
    }
    rig
}

fn only(rig: &Rig, family: &str, labels: &[&str]) -> Option<f64> {
    let found = rig.find(family, labels);
    assert!(found.len() <= 1, "{found:?}");
    found.first().map(|sample| sample.1)
}

const COUNTS: [(&str, &str); 4] = [
    ("invocations", "Invocations"),
    ("throttles", "InvocationThrottles"),
    ("input_tokens", "InputTokenCount"),
    ("output_tokens", "OutputTokenCount"),
];

#[tokio::test]
async fn each_tier_has_its_hour_and_the_reserved_one_tells_what_it_left_to_others() {
    let world = world(vec![runtime(overflowing(), Vec::new())]);
    let rig = at(world.clone(), "", &[0, 60]).await;
    for (asked, served) in
        [("default", "default"), ("flex", "flex"), ("reserved", "reserved"), ("reserved", "default")]
    {
        let dimensions = [("ModelId", NOVA), ("ServiceTier", asked), ("ResolvedServiceTier", served)];
        let labels = [format!(",service_tier=\"{asked}\""), format!("resolved_service_tier=\"{served}\"")];
        for (count, metric) in COUNTS {
            let expected = truth(&world, ("AWS/Bedrock", metric), &dimensions, NOON);
            assert!(expected > 0.0);
            let family = format!("bedrock_tier_{count}");
            let labels = [&labels[0], &labels[1], "scope=\"cross_region\"", "window=\"1h\""];
            assert_eq!(only(&rig, &family, &labels), Some(expected), "{family} of {asked}, {served}");
        }
    }
    let calls = |served: &str| {
        let dimensions = [("ModelId", NOVA), ("ServiceTier", "reserved"), ("ResolvedServiceTier", served)];
        truth(&world, ("AWS/Bedrock", "Invocations"), &dimensions, NOON)
    };
    let expected = calls("default") / (calls("default") + calls("reserved"));
    assert!((expected - 0.25).abs() < 0.01, "{expected}");
    assert_eq!(only(&rig, "bedrock_reserved_tier_overflow_ratio", &[]), Some(expected));
    // The id's own series hold the same calls, once.
    let of_id = truth(&world, ("AWS/Bedrock", "Invocations"), &[("ModelId", NOVA)], NOON);
    let by_tier: f64 = rig.find("bedrock_tier_invocations", &[]).iter().map(|sample| sample.1).sum();
    assert!(by_tier <= of_id && by_tier > 0.97 * of_id, "{by_tier} of {of_id}");
    let total = only(&rig, "bedrock_invocations_total", &[]).unwrap();
    assert!(total <= of_id, "{total}");
}

#[tokio::test]
async fn a_project_has_its_share_and_what_is_left_is_said_on_either_endpoint() {
    let shares = vec![("proj_search".to_string(), 0.5), ("proj_evals".to_string(), 0.25)];
    let streams = vec![runtime(Vec::new(), shares), mantle("proj_checkout"), mantle("default")];
    let world = world(streams);
    let rig = at(world.clone(), "", &[0]).await;
    for (count, metric) in COUNTS {
        let family = format!("bedrock_project_{count}");
        let of = |dimensions: &[(&str, &str)]| truth(&world, ("AWS/Bedrock", metric), dimensions, NOON);
        let (search, evals) = (
            of(&[("ModelId", NOVA), ("Project", "proj_search")]),
            of(&[("ModelId", NOVA), ("Project", "proj_evals")]),
        );
        let rest = of(&[("ModelId", NOVA)]) - search - evals;
        assert!(evals > 0.0 && rest > 0.0);
        for (project, expected) in [("proj_search", search), ("proj_evals", evals), ("unattributed", rest)] {
            let labels = ["endpoint=\"runtime\"", &format!("project=\"{project}\"")];
            assert_eq!(only(&rig, &family, &labels), Some(expected), "{family} of {project}");
        }
    }
    for (count, metric) in [
        ("invocations", "Inferences"),
        ("input_tokens", "TotalInputTokens"),
        ("output_tokens", "TotalOutputTokens"),
    ] {
        let family = format!("bedrock_project_{count}");
        for project in ["proj_checkout", "default"] {
            let dimensions = [("Model", OPUS), ("Project", project)];
            let expected = truth(&world, ("AWS/BedrockMantle", metric), &dimensions, NOON);
            let labels = ["endpoint=\"mantle\"", &format!("project=\"{project}\"")];
            assert!(expected > 0.0);
            assert_eq!(only(&rig, &family, &labels), Some(expected), "{family} of {project}");
        }
        let rest = only(&rig, &family, &["endpoint=\"mantle\"", "project=\"unattributed\""]);
        assert_eq!(rest, Some(0.0), "every call of mantle has a project");
    }
    assert_eq!(rig.find("bedrock_project_throttles", &["endpoint=\"mantle\""]), []);
}

#[tokio::test]
async fn what_is_all_default_or_not_listed_changes_nothing_and_costs_nothing() {
    let plain = || world(vec![runtime(Vec::new(), Vec::new())]);
    let defaults =
        || world(vec![runtime(vec![Tier::new("default", 1.0)], vec![("default".to_string(), 1.0)])]);
    let rounds: Vec<i64> = (0..10).map(|minute| 60 * minute).collect();
    let off = at(plain(), "usage: {tiers_and_projects: false}", &rounds).await;
    for world in [plain(), defaults()] {
        let on = at(world, "", &rounds).await;
        assert_eq!(on.find("bedrock_tier_", &[]), []);
        assert_eq!(on.find("bedrock_project_", &[]), []);
        assert_eq!(on.telemetry.dollars(), off.telemetry.dollars());
    }
    let divided = || world(vec![runtime(overflowing(), Vec::new())]);
    let off = at(divided(), "usage: {tiers_and_projects: false}", &rounds).await;
    let on = at(divided(), "", &rounds).await;
    assert_eq!(off.find("bedrock_tier_", &[]), []);
    // Four tiers of four metrics, once.
    let more = on.telemetry.dollars() - off.telemetry.dollars();
    assert!((more - 16.0 * 1e-5).abs() < 1e-12, "{more}");
}

#[tokio::test]
async fn the_hour_moves_on_with_the_next_reading_and_goes_when_none_comes() {
    let world = world(vec![runtime(overflowing(), Vec::new())]);
    let mut rig = at(world.clone(), "", &[0]).await;
    let dimensions = [("ModelId", NOVA), ("ServiceTier", "flex"), ("ResolvedServiceTier", "flex")];
    let flex = |rig: &Rig| only(rig, "bedrock_tier_input_tokens", &["resolved_service_tier=\"flex\""]);
    let of = |now| Some(truth(&world, ("AWS/Bedrock", "InputTokenCount"), &dimensions, now));
    assert_eq!(flex(&rig), of(NOON));
    rig.round(NOON + 3540).await;
    assert_eq!(flex(&rig), of(NOON), "read an hour ago at most");
    rig.round(NOON + 3600).await;
    assert_eq!(flex(&rig), of(NOON + 3600));
    assert_ne!(of(NOON), of(NOON + 3600));
    let gone = bedrock_quota_exporter::model::time::Timestamp(NOON + 3600 + 3600 + 901);
    rig.snapshot = rig.snapshot.advance(&rig.plan.settings, Vec::new(), gone);
    assert_eq!(flex(&rig), None);
}

/// A project of the runtime endpoint has the team of its tag, which is read as soon as the project is listed; the config's
/// word goes first, and is the only one for a project of the mantle endpoint.
#[tokio::test]
async fn projects_have_the_names_and_teams_that_config_and_tags_tell() {
    const TAGGED: &str = "proj_crawler2n6tq4zk7wbvc";
    const UNTAGGED: &str = "proj_evals3k5rm2xjq7ht6dn";
    let shares =
        [(TAGGED, 0.3), (UNTAGGED, 0.2), ("proj_given", 0.2)].map(|(id, share)| (id.to_string(), share));
    let streams = vec![runtime(Vec::new(), shares.into()), mantle(TAGGED), mantle("proj_checkout")];
    let mut world = world(streams);
    let tags = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    world.accounts[0].regions[0].project_tags =
        [(TAGGED, tags(&[("team", "search"), ("env", "prod")])), (UNTAGGED, tags(&[]))]
            .map(|(id, tags)| (id.to_string(), tags))
            .into();
    let config = "catalog: {team_tag: team}\nprojects: {proj_given: {name: given, team: web}, \
                  proj_checkout: {name: checkout}}";
    let rig = at(world, config, &[0, 60, 120]).await;
    let told = |rig: &Rig, endpoint: &str, project: &str| {
        let labels = [format!("endpoint=\"{endpoint}\""), format!("project=\"{project}\"")];
        let found = rig.find("bedrock_project_info", &[&labels[0], &labels[1]]);
        assert_eq!(found.len(), 1, "{found:?}");
        let label = |name: &str| {
            let (_, rest) = found[0].0.split_once(&format!(",{name}=\"")).unwrap();
            rest.split_once('"').unwrap().0.to_string()
        };
        (label("project_name"), label("team"))
    };
    let pair = |name: &str, team: &str| (name.to_string(), team.to_string());
    assert_eq!(told(&rig, "runtime", TAGGED), pair("", "search"));
    assert_eq!(told(&rig, "runtime", UNTAGGED), pair("", "unattributed"));
    assert_eq!(told(&rig, "runtime", "proj_given"), pair("given", "web"));
    assert_eq!(told(&rig, "runtime", "unattributed"), pair("", "unattributed"));
    assert_eq!(told(&rig, "mantle", TAGGED), pair("", "unattributed"), "another service's project");
    assert_eq!(told(&rig, "mantle", "proj_checkout"), pair("checkout", "unattributed"));
    // Nobody asks for the tags of what can have none, and nothing is asked again before the hour is over.
    let up = |rig: &Rig| only(rig, "bedrock_exporter_target_up", &["collector=\"catalog\""]);
    assert_eq!(up(&rig), Some(1.0));
    let asked = rig.sim.calls().await;
    let asked = asked.iter().filter(|(call, _)| call.operation == "ListTagsForResource");
    assert_eq!(asked.map(|(_, count)| count.calls).sum::<u64>(), 2);
}
