//! Whose numbers are these: every way to credentials, by the binary in an environment of its own, against a simulated
//! AWS that knows an account by the digits in its access keys.

use crate::rig::Rig;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post, put};
use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use bedrock_quota_exporter::sim::world::{Account, Publishing, Region, World};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

pub const FIRST: &str = "000000000001";
pub const SECOND: &str = "000000000002";

/// A machine with files and variables of its own, beside a simulated AWS.
pub struct Machine {
    pub folder: PathBuf,
    pub url: String,
    pub sim: Sim,
    variables: BTreeMap<String, String>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a run of `check --live` said.
pub struct Checked {
    pub code: i32,
    /// Standard output and standard error.
    pub text: String,
}

pub fn world() -> World {
    let region = |name: &str| Region {
        name: name.into(),
        codes: Some(vec!["L-4A6BFAB1".into()]),
        ..Region::default()
    };
    let account = |id: &str| Account {
        id: id.into(),
        regions: vec![region("us-east-1"), region("us-west-2")],
        sources: vec![SECOND.into()],
        ..Account::default()
    };
    World {
        accounts: vec![account(FIRST), account(SECOND)],
        publishing: Publishing::at_once(),
        rates: false,
        rough_pages: false,
        ..World::default()
    }
}

/// The access key of an account, long-lived.
pub fn key(account: &str) -> String {
    format!("AKIA{account}TEST")
}

/// A section of the AWS CLI's credentials or config file with an account's keys.
pub fn section(name: &str, account: &str) -> String {
    format!("[{name}]\naws_access_key_id = {}\naws_secret_access_key = secret\n", key(account))
}

impl Machine {
    pub async fn new(name: &str) -> Machine {
        Machine::at(name, world()).await
    }

    /// Beside a simulated AWS of this world.
    pub async fn at(name: &str, world: World) -> Machine {
        let (url, sim) = serve_world(world).await;
        let folder = std::env::temp_dir().join(format!("bqe-{name}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join(".aws")).unwrap();
        let machine = Machine { folder, url, sim, variables: BTreeMap::new() };
        let home = machine.folder.display().to_string();
        machine.with("HOME", &home).with("AWS_EC2_METADATA_DISABLED", "true")
    }

    pub fn with(mut self, variable: &str, value: &str) -> Machine {
        self.variables.insert(variable.to_string(), value.to_string());
        self
    }

    /// Keys of an account among the variables.
    pub fn with_keys(self, account: &str) -> Machine {
        self.with("AWS_ACCESS_KEY_ID", &key(account)).with("AWS_SECRET_ACCESS_KEY", "secret")
    }

    /// Writes a file, relative to the home folder.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The config with the simulated AWS's address in place of `{url}`.
    fn config(&self, text: &str) -> PathBuf {
        self.file("config.yaml", &text.replace("{url}", &self.url))
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"));
        command.args(arguments).env_clear().envs(&self.variables).stdin(Stdio::null());
        command
    }

    /// `check --live` of these accounts at the simulated AWS.
    pub async fn check(&self, accounts: &str) -> Checked {
        self.check_config(&format!("{accounts}{AT_SIM}")).await
    }

    pub async fn check_config(&self, text: &str) -> Checked {
        self.run_check(text, &[]).await
    }

    /// The same with variables more.
    pub async fn check_with(&self, accounts: &str, variables: &[(&str, String)]) -> Checked {
        self.run_check(&format!("{accounts}{AT_SIM}"), variables).await
    }

    async fn run_check(&self, text: &str, variables: &[(&str, String)]) -> Checked {
        let config = format!("--config.file={}", self.config(text).display());
        let mut command = self.command(&["check", "--live", &config]);
        command.envs(variables.iter().map(|(name, value)| (*name, value)));
        let mut command = tokio::process::Command::from(command);
        let run = command.kill_on_drop(true).output();
        let output = tokio::time::timeout(Duration::from_secs(60), run).await.expect("it ends").unwrap();
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        Checked { code: output.status.code().unwrap(), text }
    }
}

pub const AT_SIM: &str = "aws: {endpoint_url: '{url}', max_attempts: 1, attempt_timeout: 3s}\n";

impl Checked {
    /// Everything is allowed, with credentials of this account.
    #[track_caller]
    pub fn is_of(&self, account: &str) {
        assert!(
            self.text.contains(&format!("identity  account {account}, ")),
            "not {account}: {}",
            self.text
        );
        assert_eq!(self.code, 0, "{}", self.text);
        assert!(!self.text.contains("FAILED"), "{}", self.text);
    }

    /// It failed, and said all of this.
    #[track_caller]
    pub fn fails_with(&self, said: &[&str]) {
        assert_eq!(self.code, 1, "{}", self.text);
        for words in said {
            assert!(self.text.contains(words), "{words:?} is not in: {}", self.text);
        }
    }
}

pub async fn serve_world(world: World) -> (String, Sim) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sim = Sim::new(world);
    tokio::spawn(sim.clone().serve(listener, std::future::pending()));
    (url, sim)
}

/// Serves some other service on loopback; returns its URL.
pub async fn serve_router(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// Nobody calls anything in this world.
pub const UNSPENT: &str = "quotas: {export: all}\n";
pub const PROFILE: &str = "regions: [us-east-1]\naccounts: [{profile: research}]\n";
const CURRENT: &str = "regions: [us-east-1]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_is_named_is_the_only_source() {
    let machine = Machine::new("profile").await.with_keys(SECOND);
    machine.file(".aws/credentials", &section("research", FIRST));
    machine.check(PROFILE).await.is_of(FIRST);
    machine.check(CURRENT).await.is_of(SECOND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_does_not_exist_is_an_error_that_names_it() {
    let machine = Machine::new("typo").await.with_keys(SECOND);
    machine.file(".aws/credentials", &section("research", FIRST));
    let organization = "organization: {assume_role: reader, profile: reserch}\n";
    let monitoring = "accounts: [{profile: research}]\nmonitoring_account: {profile: reserch}\n";
    for config in ["accounts: [{profile: reserch}]\n", organization, monitoring] {
        let checked = machine.check(&format!("regions: [us-east-1]\n{config}")).await;
        let missing = "the profile reserch is neither in the AWS config file nor in the AWS credentials file";
        checked.fails_with(&["credentials of profile reserch: ", missing]);
        assert!(!checked.text.contains(SECOND), "what the environment holds is not used: {}", checked.text);
    }
    let machine = machine.with("AWS_PROFILE", "reserch");
    machine.check(CURRENT).await.fails_with(&["AWS_PROFILE: the profile reserch is neither in"]);
    machine.with("AWS_PROFILE", "").check(CURRENT).await.is_of(SECOND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_id_must_be_that_of_the_credentials() {
    let machine = Machine::new("account-id").await.with_keys(FIRST);
    let entry = |id: &str| format!("regions: [us-east-1]\naccounts: [{{account_id: '{id}'}}]\n");
    machine.check(&entry(FIRST)).await.is_of(FIRST);
    let other = machine.check(&entry(SECOND)).await;
    other.fails_with(&[&format!("the credentials are of account {FIRST}, expected {SECOND}")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credentials_at_all_are_said_to_be_none() {
    let machine = Machine::new("none").await;
    machine
        .check(CURRENT)
        .await
        .fails_with(&["credentials of the environment: none in the environment's variables"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_gives_credentials() {
    let machine = Machine::new("process").await.with("PATH", "/usr/bin:/bin");
    let answer = format!(
        "#!/bin/sh\necho '{{\"Version\": 1, \"AccessKeyId\": \"{}\", \"SecretAccessKey\": \"s\"}}'\n",
        key(FIRST)
    );
    let script = machine.file("give.sh", &answer);
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    machine.file(".aws/config", &format!("[profile research]\ncredential_process = {}\n", script.display()));
    machine.check(PROFILE).await.is_of(FIRST);
    machine.file("give.sh", "#!/bin/sh\necho no session >&2\nexit 3\n");
    machine.check(PROFILE).await.fails_with(&["credentials of profile research: "]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sso_session_gives_credentials_and_an_expired_one_does_not() {
    let portal = Router::new().route(
        "/federation/credentials",
        get(|headers: HeaderMap, Query(asked): Query<BTreeMap<String, String>>| async move {
            assert_eq!(headers["x-amz-sso_bearer_token"], "the-token");
            assert_eq!((asked["role_name"].as_str(), asked["account_id"].as_str()), ("reader", FIRST));
            let keys = format!(
                r#"{{"roleCredentials": {{"accessKeyId": "{}", "secretAccessKey": "s", "sessionToken": "t", "expiration": 4102444800000}}}}"#,
                key(FIRST)
            );
            ([("content-type", "application/json")], keys)
        }),
    );
    let machine = Machine::new("sso").await.with("AWS_ENDPOINT_URL_SSO", &serve_router(portal).await);
    machine.file(
        ".aws/config",
        &format!(
            "[profile research]\nsso_session = corp\nsso_account_id = {FIRST}\nsso_role_name = reader\n\
             [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n"
        ),
    );
    // The cache file is called after the SHA-1 of the session's name.
    let cache = ".aws/sso/cache/7e1a1f6e1d3e5b1e2e3a1a5b0f6d4f0a00000000.json";
    let name = sha1_of("corp").await;
    let cache = cache.replace("7e1a1f6e1d3e5b1e2e3a1a5b0f6d4f0a00000000", &name);
    let token = |expires: &str| {
        format!(
            r#"{{"accessToken": "the-token", "expiresAt": "{expires}", "region": "us-east-1", "startUrl": "https://corp.awsapps.com/start"}}"#
        )
    };
    machine.file(&cache, &token("2099-12-31T00:00:00Z"));
    machine.check(PROFILE).await.is_of(FIRST);
    machine.file(&cache, &token("2020-01-01T00:00:00Z"));
    machine.check(PROFILE).await.fails_with(&["credentials of profile research: "]);
    std::fs::remove_file(machine.folder.join(&cache)).unwrap();
    machine.check(PROFILE).await.fails_with(&["credentials of profile research: "]);
}

/// As `sha1sum` says it.
pub async fn sha1_of(text: &str) -> String {
    digest("sha1sum", text).await
}

pub async fn digest(program: &'static str, text: &str) -> String {
    let text = text.to_string();
    let output = tokio::task::spawn_blocking(move || {
        Command::new("sh").arg("-c").arg(format!("printf %s '{text}' | {program}")).output().unwrap()
    });
    let output = String::from_utf8(output.await.unwrap().stdout).unwrap();
    output.split_whitespace().next().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_session_of_aws_login_gives_credentials() {
    let machine = Machine::new("login").await;
    let session = format!("arn:aws:iam::{FIRST}:user/Admin");
    machine
        .file(".aws/config", &format!("[profile research]\nlogin_session = {session}\nregion = us-east-1\n"));
    let cache = format!(".aws/login/cache/{}.json", digest("sha256sum", &session).await);
    let token = format!(
        r#"{{"accessToken": {{"accessKeyId": "{}", "secretAccessKey": "s", "sessionToken": "t", "accountId": "{FIRST}", "expiresAt": "2099-12-25T21:30:00Z"}},
            "tokenType": "aws_sigv4", "refreshToken": "r", "idToken": "i", "clientId": "arn:aws:signin:::devtools/same-device",
            "dpopKey": "-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----\n"}}"#,
        key(FIRST)
    );
    machine.file(&cache, &token);
    machine.check(PROFILE).await.is_of(FIRST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_identity_is_exchanged_at_the_configured_sts() {
    let machine = Machine::new("token").await;
    let token = machine.file("token", "a-signed-token\n").display().to_string();
    let role = format!("arn:aws:iam::{FIRST}:role/pod");
    machine.file(
        ".aws/config",
        &format!("[profile research]\nrole_arn = {role}\nweb_identity_token_file = {token}\n"),
    );
    machine.check(PROFILE).await.is_of(FIRST);
    let machine = machine.with("AWS_WEB_IDENTITY_TOKEN_FILE", &token).with("AWS_ROLE_ARN", &role);
    machine.check(CURRENT).await.is_of(FIRST);
    let machine = machine.with("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token");
    machine.check(CURRENT).await.fails_with(&["sts:AssumeRoleWithWebIdentity: /nowhere/token: "]);
}

/// What an endpoint of credentials answers.
fn answer_of(account: &str) -> String {
    format!(
        r#"{{"Code": "Success", "AccessKeyId": "{}", "SecretAccessKey": "s", "Token": "t", "AccountId": "{account}", "Expiration": "2099-12-31T00:00:00Z"}}"#,
        key(account)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_gives_credentials_to_who_has_its_token() {
    let endpoint = Router::new().route(
        "/v1/credentials",
        get(|headers: HeaderMap| async move {
            let known = headers.get("authorization").is_some_and(|token| token == "pod-token");
            let status = if known { StatusCode::OK } else { StatusCode::FORBIDDEN };
            (status, answer_of(FIRST))
        }),
    );
    let machine = Machine::new("container").await;
    let token = machine.file("pod-token", "pod-token").display().to_string();
    let url = format!("{}/v1/credentials", serve_router(endpoint).await);
    let machine = machine
        .with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url)
        .with("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token)
        // A proxy that is not there must not be asked for what only this machine can see.
        .with("HTTP_PROXY", "http://127.0.0.1:9");
    machine.check(CURRENT).await.is_of(FIRST);
    machine.file(
        ".aws/config",
        &format!(
            "[profile research]\nrole_arn = arn:aws:iam::{SECOND}:role/r\ncredential_source = EcsContainer\n"
        ),
    );
    machine.check(PROFILE).await.is_of(SECOND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_gives_credentials_and_its_region() {
    let metadata = Router::new()
        .route(
            "/latest/api/token",
            put(|| async { ([("x-aws-ec2-metadata-token-ttl-seconds", "21600")], "token") }),
        )
        .route("/latest/meta-data/placement/region", get(|| async { "us-west-2" }))
        .route("/latest/meta-data/iam/security-credentials/", get(|| async { "role" }))
        .route("/latest/meta-data/iam/security-credentials/role", get(|| async { answer_of(FIRST) }))
        .route("/latest/meta-data/iam/security-credentials-extended/", get(|| async { "role" }))
        .route(
            "/latest/meta-data/iam/security-credentials-extended/role",
            get(|| async { answer_of(FIRST) }),
        );
    let url = serve_router(metadata).await;
    let machine = Machine::new("instance").await.with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url);
    let machine = machine.with("AWS_EC2_METADATA_DISABLED", "false");
    let checked = machine.check("").await;
    checked.is_of(FIRST);
    assert!(checked.text.contains("\n    us-west-2\n"), "{}", checked.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_are_chained_as_profiles_say() {
    let machine = Machine::new("chain").await;
    machine.file(".aws/credentials", &section("base", FIRST));
    let role = |profile: &str, account: &str, source: &str| {
        format!(
            "[profile {profile}]\nrole_arn = arn:aws:iam::{account}:role/{profile}\nsource_profile = {source}\n\
             external_id = x-{profile}\nrole_session_name = s-{profile}\nduration_seconds = 1800\n"
        )
    };
    let profiles =
        [role("research", SECOND, "middle"), role("middle", FIRST, "base"), role("loop", FIRST, "research")];
    machine.file(".aws/config", &profiles.concat());
    machine.check(PROFILE).await.is_of(SECOND);
    let assumed: u64 = machine
        .sim
        .calls()
        .await
        .iter()
        .filter(|(call, _)| call.operation == "AssumeRole")
        .map(|(_, count)| count.calls)
        .sum();
    assert_eq!(assumed, 2, "one role with the keys of the other");
    machine.file(
        ".aws/config",
        &[role("research", SECOND, "middle"), role("middle", FIRST, "research")].concat(),
    );
    machine
        .check(PROFILE)
        .await
        .fails_with(&["the profiles research, middle name each other as source_profile"]);
    machine.file(".aws/config", &role("research", SECOND, "gone"));
    machine
        .check(PROFILE)
        .await
        .fails_with(&["the profile gone, the source_profile of research, is neither"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_has_a_region_of_its_own() {
    let machine = Machine::new("region").await.with("AWS_REGION", "us-east-1");
    machine.file(".aws/credentials", &section("research", FIRST));
    machine.file(".aws/config", "[profile research]\nregion = us-west-2\n");
    let checked = machine.check("accounts: [{profile: research}]\n").await;
    checked.is_of(FIRST);
    assert!(
        checked.text.contains("\n    us-west-2\n") && !checked.text.contains("us-east-1"),
        "{}",
        checked.text
    );
}

/// What an STS was asked: the region of its signature, and the fields of the form.
type Asked = Arc<Mutex<Vec<(String, String)>>>;

/// An STS that writes down what it is asked, and answers for the second account.
async fn serve_sts() -> (String, Asked) {
    async fn answer(State(asked): State<Asked>, headers: HeaderMap, body: Bytes) -> String {
        let scope = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let region = scope.split('/').nth(2).unwrap_or_default().to_string();
        let form = String::from_utf8(body.to_vec()).unwrap();
        let by = if form.contains("Action=GetCallerIdentity") { "GetCallerIdentity" } else { "AssumeRole" };
        asked.lock().unwrap().push((region, form));
        let keys = format!(
            "<Credentials><AccessKeyId>ASIA{SECOND}TEST</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
             <SessionToken>t</SessionToken><Expiration>2099-12-31T00:00:00Z</Expiration></Credentials>\
             <AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId><Arn>arn:aws:sts::{SECOND}:assumed-role/r/s</Arn></AssumedRoleUser>"
        );
        let identity =
            format!("<Account>{SECOND}</Account><Arn>arn:aws:sts::{SECOND}:assumed-role/r/s</Arn>");
        let result = if by == "AssumeRole" { keys } else { identity };
        format!(
            "<{by}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{by}Result>{result}</{by}Result></{by}Response>"
        )
    }
    let asked = Asked::default();
    let router = Router::new().route("/", post(answer)).with_state(asked.clone());
    (serve_router(router).await, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sts_is_asked_where_and_as_the_config_says() {
    let (sts, asked) = serve_sts().await;
    let machine = Machine::new("sts").await.with_keys(FIRST).with("AWS_REGION", "eu-central-1");
    let role = format!("accounts: [{{role_arn: 'arn:aws:iam::{SECOND}:role/r', external_id: 'x y'}}]\n");
    let config = |more: &str| {
        format!(
            "regions: [us-west-2]\n{role}aws: {{endpoint_url: '{{url}}', endpoints: {{sts: '{sts}'}}, max_attempts: 1{more}}}\n"
        )
    };
    machine.check_config(&config("")).await.is_of(SECOND);
    let of = |action: &str| {
        let mut asked = asked.lock().unwrap();
        let found = asked.iter().find(|(_, form)| form.contains(action)).cloned();
        asked.clear();
        found.unwrap_or_else(|| panic!("no {action}"))
    };
    let (region, form) = of("Action=AssumeRole");
    assert_eq!(region, "eu-central-1", "the environment's region, not the first of the list");
    assert!(
        form.contains("RoleSessionName=bedrock-quota-exporter") && form.contains("ExternalId=x%20y"),
        "{form}"
    );

    let more =
        ", sts_region: us-west-2, session_name: quotas, session_duration: 30m, session_tags: {team: 'a b'}";
    machine.check_config(&config(more)).await.is_of(SECOND);
    let (region, form) = of("Action=AssumeRole");
    assert_eq!(region, "us-west-2");
    for field in [
        "RoleSessionName=quotas",
        "DurationSeconds=1800",
        "Tags.member.1.Key=team",
        "Tags.member.1.Value=a%20b",
    ] {
        assert!(form.contains(field), "{field} in {form}");
    }

    // A role of another partition is assumed in that one's home.
    let government = format!("regions: [us-gov-east-1]\n{}", role.replace("arn:aws:", "arn:aws-us-gov:"));
    let at_home = config("").replace(&format!("regions: [us-west-2]\n{role}"), &government);
    machine.check_config(&at_home).await;
    assert_eq!(of("Action=AssumeRole").0, "us-gov-west-1");

    // The same server for what other tools leave to AWS's own: a profile's role and a web identity.
    machine.file(".aws/credentials", &section("base", FIRST));
    let profile =
        format!("[profile research]\nrole_arn = arn:aws:iam::{SECOND}:role/r\nsource_profile = base\n");
    machine.file(".aws/config", &profile);
    let of_profile = config("").replace(&role, "accounts: [{profile: research}]\n");
    machine.check_config(&of_profile).await.is_of(SECOND);
    of("Action=AssumeRole");
    let token = machine.file("token", "a-token").display().to_string();
    let profile = format!(
        "[profile research]\nrole_arn = arn:aws:iam::{SECOND}:role/r\nweb_identity_token_file = {token}\n"
    );
    machine.file(".aws/config", &profile);
    machine.check_config(&of_profile).await;
    assert!(of("Action=AssumeRoleWithWebIdentity").1.contains("WebIdentityToken=a-token"));

    // Only where nothing tells a region, the first of the list is asked.
    let machine = machine.with("AWS_REGION", "");
    machine.check_config(&config("")).await.is_of(SECOND);
    assert_eq!(of("Action=AssumeRole").0, "us-west-2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sts_that_hangs_is_said_to_be_sts() {
    let machine = Machine::new("hang").await.with_keys(FIRST);
    let hang = Fault { service: Some("sts".into()), ..Fault::new(Kind::Timeout) };
    machine.sim.set_faults(vec![hang]).await;
    let role = format!("accounts: [{{role_arn: 'arn:aws:iam::{SECOND}:role/r'}}]\n");
    let impatient =
        "aws: {endpoint_url: '{url}', max_attempts: 1, connect_timeout: 1s, attempt_timeout: 1s}\n";
    let checked = machine.check_config(&format!("regions: [us-east-1]\n{role}{impatient}")).await;
    let host = machine.url.trim_start_matches("http://").to_string();
    checked.fails_with(&[&format!(
        "credentials of role arn:aws:iam::{SECOND}:role/r: sts:AssumeRole: no answer by {host} in time"
    )]);
    let others = machine.sim.calls().await.keys().filter(|call| call.service != "sts").count();
    assert_eq!(others, 0, "nothing else is asked without credentials");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denied_permission_is_named_with_what_it_costs() {
    let machine = Machine::new("denied").await.with_keys(FIRST);
    let denied = Fault { operation: Some("ListImportedModels".into()), ..Fault::new(Kind::AccessDenied) };
    machine.sim.set_faults(vec![denied]).await;
    let checked = machine.check(CURRENT).await;
    checked.fails_with(&[
        "bedrock:ListImportedModels                           FAILED   costs: imported models without names",
        "AccessDenied",
        "11 of 12 permissions tried are there.",
        "1 of what the config needs cannot be done",
    ]);
    assert!(
        checked.text.contains("bedrock:ListFoundationModels                         allowed"),
        "{}",
        checked.text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_some_configs_need_is_tried_where_they_do() {
    let machine = Machine::new("asked-for").await.with_keys(FIRST);
    let config = format!("{CURRENT}catalog: {{team_tag: team}}\nmonitoring_account: {{}}\n");
    let checked = machine.check(&config).await;
    checked.is_of(FIRST);
    let allowed = |permission: &str| checked.text.contains(&format!("{permission:<52} allowed"));
    for permission in ["bedrock:ListTagsForResource", "oam:ListSinks", "oam:ListAttachedLinks"] {
        assert!(allowed(permission), "{permission}: {}", checked.text);
    }
    let plain = machine.check(CURRENT).await.text;
    assert!(!plain.contains("ListTagsForResource") && !plain.contains("oam:"), "{plain}");

    let deny =
        |operation: &str| Fault { operation: Some(operation.into()), ..Fault::new(Kind::AccessDenied) };
    machine.sim.set_faults(vec![deny("ListTagsForResource"), deny("ListAttachedLinks")]).await;
    machine.check(&config).await.fails_with(&[
        "bedrock:ListTagsForResource                          FAILED   costs: no teams",
        "oam:ListAttachedLinks                                FAILED   costs: no usage of linked accounts",
        "2 of what the config needs cannot be done",
    ]);
    machine.sim.set_faults(vec![deny("ListSinks")]).await;
    machine.check(&config).await.fails_with(&["oam:ListSinks                                        FAILED"]);
}

/// `serve` on a machine; it does not outlive its test.
pub struct Serving {
    pub exporter: Child,
    pub url: String,
    pub log: Arc<Mutex<Vec<String>>>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.exporter.kill();
        let _ = self.exporter.wait();
    }
}

impl Serving {
    pub fn start(machine: &Machine, config: &str) -> Serving {
        let config = format!("--config.file={}", machine.config(config).display());
        let arguments = ["serve", "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle", &config];
        let mut exporter = machine.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(exporter.stderr.take().unwrap()).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.split_once("msg=listening address=").map(|(_, address)| address.trim().to_string())
        });
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let all = log.clone();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| all.lock().unwrap().push(line))
        });
        Serving { exporter, url: format!("http://{}", address.expect("it says where it listens")), log }
    }

    pub async fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        let mut text = String::new();
        for _ in 0..240 {
            ticks.tick().await;
            text = reqwest::get(format!("{}/metrics", self.url)).await.unwrap().text().await.unwrap();
            if wanted(&text) {
                return text;
            }
        }
        panic!("never: {what}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_changes_hands_is_never_shown_as_the_account_before() {
    let keys = |machine: &Machine, account: &str| {
        machine.file(".aws/credentials", &section("research", account));
    };
    changes_hands("hands", keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_roles_that_leads_elsewhere_is_never_shown_as_the_account_before() {
    let chain = |machine: &Machine, account: &str| {
        machine.file(".aws/credentials", &section("base", FIRST));
        let role = |profile: &str, account: &str, source: &str| {
            format!(
                "[profile {profile}]\nrole_arn = arn:aws:iam::{account}:role/r\nsource_profile = {source}\n"
            )
        };
        let roles = [role("research", account, "middle"), role("middle", FIRST, "base")];
        machine.file(".aws/config", &roles.concat());
    };
    changes_hands("chain-hands", chain).await;
}

/// The profile `research` is one account's, and after a reload another's. `lead` makes it so.
async fn changes_hands(name: &str, lead: impl Fn(&Machine, &str)) {
    let machine = Machine::new(name).await;
    lead(&machine, FIRST);
    let serving = Serving::start(&machine, &format!("{PROFILE}{UNSPENT}{AT_SIM}"));
    let limit = |account: &str| format!("bedrock_quota_limit{{account_id=\"{account}\"");
    serving.until("limits of the first account", |text| text.contains(&limit(FIRST))).await;
    let is_told =
        |_: &str| serving.log.lock().unwrap().iter().any(|line| line.contains("the first round is complete"));
    serving.until("the first complete round in the log", is_told).await;
    lead(&machine, SECOND);
    machine.sim.forget_calls().await;
    let sent = Command::new("kill").args(["-HUP", &serving.exporter.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let text = serving.until("limits of the second account", |text| text.contains(&limit(SECOND))).await;
    assert!(!text.contains(FIRST), "nothing of the first one is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_become_anothers_without_a_reload_are_refused_until_that_account_is_watched() {
    let machine = Machine::new("rotated").await;
    machine.file(".aws/credentials", &section("research", FIRST));
    // Read often enough for a test.
    let often = "usage: {interval: 10s, discovery_interval: 10s}\n";
    let serving = Serving::start(&machine, &format!("{PROFILE}{UNSPENT}{often}{AT_SIM}"));
    let limit = |account: &str| format!("bedrock_quota_limit{{account_id=\"{account}\"");
    serving.until("limits of the first account", |text| text.contains(&limit(FIRST))).await;
    machine.file(".aws/credentials", &section("research", SECOND));
    // The next call is told that its keys have expired, so new ones are asked for.
    let expired = Fault { service: Some("monitoring".into()), ..Fault::new(Kind::ExpiredToken) };
    machine.sim.set_faults(vec![expired]).await;
    let failures = |text: &str| {
        let lines = text.lines().filter(|line| line.contains("class=\"wrong_account\""));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>()
    };
    let text = serving.until("the other account's keys are refused", |text| failures(text) > 0.0).await;
    assert!(text.contains(&limit(FIRST)) && !text.contains(SECOND), "what is shown is the first account's");
    machine.sim.set_faults(Vec::new()).await;
    let text =
        serving.until("the other account under its own id", |text| text.contains(&limit(SECOND))).await;
    assert!(!text.contains(FIRST), "nothing of the first one is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_for_keys_are_counted_and_those_never_sent_are_not() {
    let machine = Machine::new("counted").await.with_keys(FIRST);
    let role = format!("regions: [us-east-1]\naccounts: [{{role_arn: 'arn:aws:iam::{SECOND}:role/r'}}]\n");
    let denied = Fault { service: Some("sts".into()), ..Fault::new(Kind::AccessDenied) };
    machine.sim.set_faults(vec![denied]).await;
    let serving = Serving::start(&machine, &format!("{role}{AT_SIM}"));
    let text = serving.until("every collector has failed", |text| {
        let down = |collector: &str| {
            text.lines().any(|line| {
                line.starts_with("bedrock_exporter_target_up{")
                    && line.contains(collector)
                    && line.ends_with(" 0")
            })
        };
        down("\"quotas\"") && down("\"catalog\"") && down("\"usage\"")
    });
    let text = text.await;
    let requests: Vec<&str> =
        text.lines().filter(|line| line.starts_with("bedrock_exporter_aws_requests_total{")).collect();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    for part in ["operation=\"AssumeRole\"", "outcome=\"access_denied\"", " 1"] {
        assert!(requests[0].contains(part), "{part} in {requests:?}: three collectors share one attempt");
    }
    let failed =
        |line: &&str| line.starts_with("bedrock_exporter_collection_errors_total{") && !line.ends_with(" 0");
    assert!(text.lines().filter(failed).all(|line| line.contains("access_denied")), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_identity_is_counted_as_a_call_of_its_own() {
    let machine = Machine::new("token-counted").await;
    let token = machine.file("token", "a-signed-token\n").display().to_string();
    let role = format!("arn:aws:iam::{FIRST}:role/pod");
    let machine = machine.with("AWS_WEB_IDENTITY_TOKEN_FILE", &token).with("AWS_ROLE_ARN", &role);
    let serving = Serving::start(&machine, &format!("{CURRENT}{AT_SIM}"));
    let counted =
        "bedrock_exporter_aws_requests_total{operation=\"AssumeRoleWithWebIdentity\",outcome=\"success\"";
    let once = |line: &str| line.starts_with(counted) && line.ends_with(" 1");
    serving.until("it is counted", |text| text.lines().any(once)).await;
}

/// What is logged while this is in scope.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A Sunday at noon, UTC.
const NOON: i64 = 1_795_348_800;

#[tokio::test]
async fn a_role_that_is_denied_for_three_hours_is_asked_for_rarely_and_said_once_an_hour() {
    let log = Log::default();
    let lines = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_writer(move || lines.clone()).with_ansi(false).without_time();
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let mut rig = Rig::start(world(), "aws: {max_attempts: 1}\n", NOON).await;
    let denied = Fault { service: Some("sts".into()), ..Fault::new(Kind::AccessDenied) };
    rig.sim.set_faults(vec![denied]).await;
    for minute in 0..180 {
        rig.round(NOON + 60 * minute).await;
    }
    let assumed: Vec<u64> = rig.sim.calls().await.values().map(|count| count.calls).collect();
    // Four targets, each with a session of its own in the rig.
    assert!(assumed.iter().sum::<u64>() <= 4 * 45, "{assumed:?}");
    rig.sim.set_faults(Vec::new()).await;
    for minute in 180..190 {
        rig.round(NOON + 60 * minute).await;
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let failed = text.lines().filter(|line| line.contains("credentials failed")).count();
    let works = text.lines().filter(|line| line.contains("credentials work again")).count();
    assert_eq!((failed, works), (4 * 3, 4), "{text}");
    assert!(text.contains("sts:AssumeRole: HTTP 403, AccessDenied"), "{text}");
}
