//! `report`: what is wrong at many places alike.

use super::hostile::{id, snapshot, target};
use super::{ran, scratch};
use serde_json::json;

/// So many accounts in which calls of the same model are refused, every one of them with other numbers.
const ACCOUNTS: usize = 30;

#[test]
fn what_is_wrong_at_many_places_is_told_once_with_all_of_them() {
    let account = |n: usize| {
        let minutes: Vec<usize> = (0..10).map(|minute| n + minute + 1).collect();
        let metrics =
            json!({"invocations": {"points": [[0, vec![100; 10]]]}, "throttles": {"points": [[0, minutes]]}});
        let mut shop = target(json!({
            "from": "2026-11-26T08:40:00Z", "until": "2026-11-26T08:50:00Z", "settled": "2026-11-26T08:50:00Z",
            "ids": [id("us.anthropic.claude-sonnet-4-6", metrics)],
        }));
        shop["account_id"] = format!("1111222233{n:02}").into();
        shop["account_name"] = format!("shop{n:02}").into();
        shop["troubles"] =
            json!([{"class": "access_denied", "message": "bedrock:ListImportedModels: denied"}]);
        shop
    };
    let path = snapshot("alike.jsonl", &(0..ACCOUNTS).map(account).collect::<Vec<_>>());
    let tables = scratch("alike");
    let (code, page, error) = ran(&["report", "--from", &path, "--csv", tables.to_str().unwrap()]);
    assert_eq!((code, error.as_str()), (0, ""));
    let wrong = page.split("<h2 id=\"wrong\">").nth(1).unwrap().split("<h2").next().unwrap();
    let headlines: Vec<&str> =
        wrong.split("<b>").skip(1).filter_map(|rest| rest.split("</b>").next()).collect();
    let of_all: Vec<&&str> =
        headlines.iter().filter(|line| line.contains("30 account and region pairs")).collect();
    // Refused, without a known quota, and not wholly read.
    assert_eq!(of_all.len(), 3, "{headlines:#?}");
    // The most refused first; of five everything is told.
    assert!(
        of_all[0].contains(
            "30 account and region pairs, such as shop29, us-east-1: 26 % of the calls were refused"
        ),
        "{headlines:#?}"
    );
    assert!(
        of_all[2].ends_with("30 account and region pairs: bedrock:ListImportedModels cannot be read wholly")
    );
    assert_eq!(headlines.iter().filter(|line| line.starts_with("shop")).count(), 15, "{headlines:#?}");
    for n in 0..ACCOUNTS {
        assert!(wrong.matches(&format!("shop{n:02}, us-east-1")).count() >= 3, "shop{n:02} is told of all");
        let refused: usize = (0..10).map(|minute| n + minute + 1).sum();
        assert!(wrong.contains(&format!("{refused} of 1,{:03} calls were refused", refused)), "{refused}");
    }
    let findings = std::fs::read_to_string(tables.join("findings.csv")).unwrap();
    assert_eq!(findings.lines().count(), 1 + 3 * ACCOUNTS, "a row each, as ever");
    let (_, out, _) = ran(&["diagnose", "--from", &path, "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["findings"].as_array().unwrap().len(), 3 * ACCOUNTS);
}
