//! Files that AWS's tools and SDK read, where they are no files: each is refused by its name, and none holds up the
//! process.

use crate::credentials::{AT_SIM, FIRST, Machine, PROFILE, Serving, UNSPENT, digest, section, sha1_of};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const CURRENT: &str = "regions: [us-east-1]\n";

/// What stands where a file should.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Thing {
    Pipe,
    Folder,
    Huge,
    Nothing,
}

impl Thing {
    fn put(self, path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(path);
        let _ = std::fs::remove_dir(path);
        match self {
            Thing::Pipe => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
            Thing::Folder => std::fs::create_dir(path).unwrap(),
            // Takes no room on the disk.
            Thing::Huge => File::create(path).unwrap().set_len(1 << 30).unwrap(),
            Thing::Nothing => {}
        }
    }

    fn said(self) -> &'static str {
        match self {
            Thing::Pipe => "found a pipe, expected a file",
            Thing::Folder => "found a folder, expected a file",
            Thing::Huge => "larger than 1",
            Thing::Nothing => "cannot be read: No such file or directory",
        }
    }
}

/// A file that is read for credentials: how a machine is made to read it, and by which config.
struct Read {
    name: &'static str,
    path: PathBuf,
    variables: Vec<(&'static str, String)>,
    profile: Option<String>,
    /// Whether it is an error where it is not there.
    is_told: bool,
}

impl Read {
    fn config(&self) -> &'static str {
        if self.profile.is_some() { PROFILE } else { CURRENT }
    }
}

const SESSION: &str = "arn:aws:iam::000000000001:user/Admin";

/// Each file that is read for credentials, by ours or by the SDK.
async fn all(folder: &Path) -> Vec<Read> {
    let at = |name: &str| folder.join(name);
    let told = |name, variable: &'static str, more: &[(&'static str, &str)]| {
        let path = folder.join(name);
        let mut variables = vec![(variable, path.display().to_string())];
        variables.extend(more.iter().map(|(variable, value)| (*variable, value.to_string())));
        Read { name, path, variables, profile: None, is_told: true }
    };
    let usual = |name, path: &str| Read {
        name,
        path: at(path),
        variables: Vec::new(),
        profile: None,
        is_told: false,
    };
    let of_profile = |name, path: PathBuf, profile: String| {
        let profile = Some(format!("[profile research]\n{profile}"));
        Read { name, path, variables: Vec::new(), profile, is_told: true }
    };
    let role = "role_arn = arn:aws:iam::000000000001:role/pod\n";
    let sso = "sso_account_id = 000000000001\nsso_role_name = reader\n";
    let portal = "sso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n";
    let cache = |name: String| at(&format!(".aws/sso/cache/{name}.json"));
    let login = digest("sha256sum", SESSION).await;
    vec![
        usual("the AWS config file", ".aws/config"),
        usual("the AWS credentials file", ".aws/credentials"),
        told("config", "AWS_CONFIG_FILE", &[]),
        told("credentials", "AWS_SHARED_CREDENTIALS_FILE", &[]),
        told("pod", "AWS_WEB_IDENTITY_TOKEN_FILE", &[("AWS_ROLE_ARN", "arn:aws:iam::000000000001:role/pod")]),
        told(
            "container",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/v1/credentials")],
        ),
        told("authorities.pem", "AWS_CA_BUNDLE", &[]),
        told("system.pem", "SSL_CERT_FILE", &[]),
        of_profile(
            "a web identity of a profile",
            at("token"),
            format!("{role}web_identity_token_file = {}\n", at("token").display()),
        ),
        of_profile(
            "an SSO session",
            cache(sha1_of("corp").await),
            format!("sso_session = corp\n{sso}[sso-session corp]\n{portal}"),
        ),
        of_profile(
            "a profile of SSO without a session",
            cache(sha1_of("https://corp.awsapps.com/start").await),
            format!("{sso}{portal}"),
        ),
        of_profile(
            "a console session",
            at(&format!(".aws/login/cache/{login}.json")),
            format!("login_session = {SESSION}\n"),
        ),
        Read {
            variables: vec![("AWS_LOGIN_CACHE_DIRECTORY", at("logins").display().to_string())],
            ..of_profile(
                "a console session elsewhere",
                at(&format!("logins/{login}.json")),
                format!("login_session = {SESSION}\n"),
            )
        },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_file_where_credentials_are_read_is_refused_by_its_name() {
    for thing in [Thing::Pipe, Thing::Folder, Thing::Huge, Thing::Nothing] {
        let machine = Machine::new("no-files").await;
        for read in all(&machine.folder).await {
            if thing == Thing::Nothing && !read.is_told {
                continue;
            }
            let _ = std::fs::remove_dir_all(machine.folder.join(".aws"));
            if let Some(profile) = &read.profile {
                machine.file(".aws/config", profile);
            }
            thing.put(&read.path);
            let checked = machine.check_with(read.config(), &read.variables).await;
            let named = format!("{}: {}", read.path.display(), thing.said());
            assert_eq!(checked.code, 1, "{thing:?} as {}: {}", read.name, checked.text);
            assert!(
                checked.text.contains(&named),
                "{thing:?} as {}: {named:?} is not in: {}",
                read.name,
                checked.text
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_in_variables_need_no_file_and_a_named_profile_does() {
    let machine = Machine::new("variables").await.with_keys(FIRST);
    let config = machine.folder.join(".aws/config");
    Thing::Pipe.put(&config);
    machine.check(CURRENT).await.is_of(FIRST);
    let said = format!("{}: found a pipe", config.display());
    machine.check(PROFILE).await.fails_with(&["credentials of profile research: ", &said]);
    machine.with("AWS_PROFILE", "research").check(CURRENT).await.fails_with(&[&said]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipes_in_the_place_of_files_hold_up_neither_others_nor_the_end() {
    let machine = Machine::new("pipes").await;
    let reads = all(&machine.folder).await;
    let profiles = ["a web identity of a profile", "an SSO session", "a console session"];
    let reads: Vec<&Read> = reads.iter().filter(|read| profiles.contains(&read.name)).collect();
    let mut config = String::new();
    let mut accounts = vec!["{profile: good}".to_string()];
    for (number, read) in reads.iter().enumerate() {
        Thing::Pipe.put(&read.path);
        config += &read.profile.as_ref().unwrap().replace("research", &format!("p{number}"));
        accounts.push(format!("{{profile: p{number}}}"));
    }
    machine.file(".aws/config", &config);
    machine.file(".aws/credentials", &section("good", FIRST));
    let config = format!("{CURRENT}accounts: [{}]\n{UNSPENT}{AT_SIM}", accounts.join(", "));
    let mut serving = Serving::start(&machine, &config);
    let limit = format!("bedrock_quota_limit{{account_id=\"{FIRST}\"");
    serving.until("the other account is read", |text| text.contains(&limit)).await;
    for (number, read) in reads.iter().enumerate() {
        let said = format!("{}: found a pipe", read.path.display());
        let told = ["credentials failed", &format!("credentials of profile p{number}: "), &said];
        serving.until(read.name, |_| serving.logged(&told).len() == 1).await;
    }
    let stopped = Instant::now();
    assert!(Command::new("kill").arg(serving.exporter.id().to_string()).status().unwrap().success());
    let end =
        tokio::task::spawn_blocking(move || serving.exporter.wait().map(|status| (status.code(), serving)));
    let (code, _) =
        tokio::time::timeout(Duration::from_secs(20), end).await.expect("it ends").unwrap().unwrap();
    assert_eq!(code, Some(0));
    assert!(stopped.elapsed() < Duration::from_secs(5), "{:?}", stopped.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_that_may_tell_the_region_is_named_where_no_other_place_tells_one() {
    let machine = Machine::new("region-pipe").await.with("AWS_EC2_METADATA_DISABLED", "false");
    let machine = machine.with("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9");
    let config = machine.folder.join(".aws/config");
    Thing::Pipe.put(&config);
    let file = machine.file("config.yaml", &AT_SIM.replace("{url}", &machine.url));
    let mut command = machine.command(&["serve", "--web.listen-address=127.0.0.1:0"]);
    command.arg(format!("--config.file={}", file.display()));
    let run = tokio::process::Command::from(command).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(60), run).await.expect("it ends").unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("no region: set `regions` in the config"), "{text}");
    assert!(text.contains(&format!("; {}: found a pipe", config.display())), "{text}");
}
