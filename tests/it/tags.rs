//! Tags of application profiles, against a Bedrock that refuses them for one of several.

use axum::extract::Json;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bedrock_quota_exporter::aws::{Connection, Environment};
use bedrock_quota_exporter::config;
use bedrock_quota_exporter::model::ids::Target;
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::plan::{self, Credentials};
use bedrock_quota_exporter::telemetry::{Build, Telemetry};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::net::TcpListener;

const PROFILES: [&str; 3] = ["aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"];

const IDENTITY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
    <Arn>arn:aws:iam::000000000001:user/x</Arn><UserId>x</UserId><Account>000000000001</Account>\
    </GetCallerIdentityResult></GetCallerIdentityResponse>";

fn arn(id: &str) -> String {
    format!("arn:aws:bedrock:us-east-1:000000000001:application-inference-profile/{id}")
}

/// Both filters of the list get all profiles: each is of the type that the answer says.
fn profiles() -> Value {
    let model = json!({"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"});
    let profile = |id: &&str| {
        json!({
            "inferenceProfileId": id, "inferenceProfileArn": arn(id), "inferenceProfileName": id,
            "models": [model], "status": "ACTIVE", "type": "APPLICATION",
        })
    };
    json!({"inferenceProfileSummaries": PROFILES.iter().map(profile).collect::<Vec<_>>()})
}

/// `refused` says of which profiles the tags are refused.
async fn connect(refused: fn(&str) -> bool) -> Connection {
    let answer = move |uri: Uri, body: String| async move {
        match uri.path() {
            "/inference-profiles" => return Json(profiles()).into_response(),
            // Whose credentials these are is asked of STS, which speaks the Query protocol.
            "/" => return IDENTITY.into_response(),
            _ => {}
        }
        let body: Option<Value> = serde_json::from_str(&body).ok();
        let resource = body.and_then(|body| body["resourceARN"].as_str().map(str::to_string));
        match resource {
            Some(arn) if !refused(&arn) => {
                let team = arn.rsplit('/').next().unwrap_or_default();
                Json(json!({"tags": [{"key": "team", "value": team}, {"key": "cost", "value": "1"}]}))
                    .into_response()
            }
            _ => denied(),
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    let text = format!("regions: [us-east-1]\naws: {{endpoint_url: '{url}'}}\n");
    let mut plan = plan::plan(&config::parse("test", &text)).unwrap();
    plan.aws.simulated_keys = Some("AKIASIMULATED".to_string());
    let telemetry = Telemetry::new(Build { version: "test", revision: "", mode: "test" }, Timestamp(0));
    let environment = Environment::load(&plan.aws, Some("us-east-1"), &telemetry).await.unwrap();
    environment.session(&Credentials::Default).await.connect(&Target::new("000000000001", "us-east-1"))
}

fn denied() -> Response {
    let head = [("x-amzn-errortype", "AccessDeniedException")];
    (StatusCode::FORBIDDEN, head, Json(json!({"message": "not authorized"}))).into_response()
}

/// Profile and team of every profile whose tags were read, and what was said of the tags that were not.
async fn teams(refused: fn(&str) -> bool) -> (Option<Vec<(String, String)>>, Vec<String>) {
    let (catalog, errors) = connect(refused).await.catalog(&["team".to_string()], BTreeSet::new()).await;
    let catalog = catalog.unwrap_or_else(|| panic!("the profiles are not listed: {errors:?}"));
    assert_eq!(catalog.profiles.iter().flatten().count(), PROFILES.len(), "each once");
    let teams = catalog.tags.map(|tags| {
        let team = |(arn, tags): (String, std::collections::BTreeMap<String, String>)| {
            assert_eq!(tags.keys().collect::<Vec<_>>(), ["team"], "only what the config names");
            (arn, tags["team"].clone())
        };
        tags.into_iter().map(team).collect()
    });
    let said = errors.into_iter().map(|error| error.message);
    (teams, said.filter(|message| message.contains("ListTagsForResource")).collect())
}

#[tokio::test]
async fn tags_refused_for_one_profile_leave_the_others_their_teams() {
    let (teams, said) = teams(|arn| arn.ends_with("bbbbbbbbbbbb")).await;
    let expected = ["aaaaaaaaaaaa", "cccccccccccc"].map(|id| (arn(id), id.to_string()));
    assert_eq!(teams.as_deref(), Some(&expected[..]));
    assert_eq!(said.len(), 1, "{said:?}");
}

#[tokio::test]
async fn tags_refused_for_all_are_a_list_that_was_not_read() {
    let (teams, said) = teams(|_| true).await;
    assert_eq!(teams, None);
    assert_eq!(said.len(), 1, "failures alike are said once: {said:?}");
    assert!(said[0].ends_with("(3 times)"), "{said:?}");
}
