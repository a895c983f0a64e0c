//! Texts of others without what may be secret. AWS repeats the request that it refuses, servers repeat what they were
//! sent, and URLs hold passwords.

/// What stands where something was left out.
const CUT: char = '…';
/// More of a text is not even looked at: it is cut far below that.
const LONGEST: usize = 64 << 10;
/// How names end that stand before a secret, in lower case, without `-` and `_`: of headers, forms, JSON, XML, and the
/// fields of the SDK.
const NAMES: [&str; 13] = [
    "accesstoken",
    "authorization",
    "authorizationtoken",
    "bearertoken",
    "clientsecret",
    "externalid",
    "metadatatoken",
    "password",
    "refreshtoken",
    "secretaccesskey",
    "securitytoken",
    "sessiontoken",
    "webidentitytoken",
];
/// What begins the repetition of a whole request or answer, in lower case: the string that AWS would have signed, and the
/// SDK's own form of both.
const REPETITIONS: [&str; 9] = [
    "canonical string",
    "canonicalstring",
    "canonical request",
    "canonicalrequest",
    "string-to-sign",
    "stringtosign",
    "failed to apply endpoint",
    "request { ",
    "response { ",
];
/// So long are texts without a blank that can only be tokens.
const OPAQUE: usize = 128;

/// A message without secrets. What has none is as before.
pub fn redacted(text: &str) -> String {
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LONGEST).last();
    let text = before_repetition(&text[..end.unwrap_or_default()]);
    without_tokens(&without_named(&without_constrained(&text)))
}

/// A URL, or what stands in its place, for a message: without user, password, query and fragment.
pub fn url(text: &str) -> String {
    const SHOWN: usize = 120;
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("…@", rest));
    let (rest, query) = match rest.find(['?', '#']) {
        Some(at) => (&rest[..at], format!("{}{CUT}", &rest[at..=at])),
        None => (rest, String::new()),
    };
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    let shown = format!("{scheme}{user}{rest}{query}");
    match shown.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}{CUT}", &shown[..end]),
        None => shown,
    }
}

/// What stands before the repetition of a request, to the end of its line or sentence.
fn before_repetition(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let Some(at) = REPETITIONS.iter().filter_map(|words| lower.find(words)).min() else { return text.into() };
    let before = &text[..at];
    let line = before.rfind('\n').or_else(|| before.rfind("\\n"));
    let sentence = line.or_else(|| before.rfind(". ").map(|at| at + 1));
    format!("{} {CUT}", before[..sentence.unwrap_or(at)].trim_end())
}

/// Without the values that AWS found unfit for a secret's field: `Value 'x' at 'externalId' failed to satisfy constraint`.
fn without_constrained(text: &str) -> String {
    const FIELD: &str = "' at '";
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(FIELD) {
        let field = after.split('\'').next().unwrap_or_default();
        match before.rfind("alue '").filter(|_| is_secret(field)) {
            Some(at) => {
                done.push_str(&before[..at + "alue '".len()]);
                done.push(CUT);
            }
            None => done.push_str(before),
        }
        done.push_str(FIELD);
        rest = after;
    }
    done + rest
}

/// Without what follows the name of a secret.
fn without_named(text: &str) -> String {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while !rest.is_empty() {
        let name = &rest[..rest.find(|c| !is_of_name(c)).unwrap_or(rest.len())];
        let after = &rest[name.len()..];
        let value = if name.eq_ignore_ascii_case("bearer") {
            credentials(after)
        } else if is_secret(name) {
            assigned(after)
        } else {
            None
        };
        done.push_str(name);
        rest = after;
        if let Some(value) = value {
            let (between, value) = after.split_at(value);
            // A header of authorization has blanks: its scheme, and lists.
            let end = |c: char| "\"'`<>\\\n\r}".contains(c);
            let is_header = name.to_ascii_lowercase().ends_with("authorization");
            let is_end = |c: char| end(c) || !is_header && (c.is_whitespace() || "&;)]".contains(c));
            rest = &value[value.find(is_end).unwrap_or(value.len())..];
            done.push_str(between);
            done.push(CUT);
        } else if let Some(other) = rest.chars().next() {
            done.push(other);
            rest = &rest[other.len_utf8()..];
        }
    }
    done
}

fn is_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| !"-_".contains(*c)).collect::<String>().to_ascii_lowercase();
    NAMES.iter().any(|known| plain.ends_with(known))
}

/// Where the value begins behind a name, if one is given it: `name: x`, `name=x`, `"name":"x"`, `<name>x`,
/// `name: Some("x")`, `name%3Dx`.
fn assigned(after: &str) -> Option<usize> {
    let blank = |c: char| c.is_whitespace() || "\"'`\\".contains(c);
    let sign = after.trim_start_matches(blank);
    let sign = sign.strip_prefix("header").unwrap_or(sign).trim_start_matches(blank);
    let lower = sign.get(..3).map(str::to_ascii_lowercase);
    let value = match lower.as_deref() {
        Some("%3a" | "%3d") => &sign[3..],
        _ => sign.strip_prefix([':', '=', '>'])?,
    };
    let value = value.trim_start_matches(blank);
    let value = value.strip_prefix("Some(").unwrap_or(value).trim_start_matches(blank);
    let value = value.trim_start_matches(['[', '{']).trim_start_matches(blank);
    (!value.is_empty() && !value.starts_with([CUT, '<', '>'])).then(|| after.len() - value.len())
}

/// Where the token begins behind `Bearer`.
fn credentials(after: &str) -> Option<usize> {
    let value = after.trim_start();
    let is_there = value.len() < after.len() && value.starts_with(|c: char| c.is_ascii_graphic());
    let is_prose = value.to_ascii_lowercase().starts_with("token");
    (is_there && !is_prose).then(|| after.len() - value.len())
}

/// Without users of URLs, and without words that can only be tokens.
fn without_tokens(text: &str) -> String {
    let is_of_word = |c: char| !c.is_whitespace() && !"\"'`<>".contains(c);
    with_runs(text, is_of_word, |word| without_opaque(&without_user(word)))
}

/// The text with each run of such characters replaced.
fn with_runs(text: &str, is_of_run: impl Fn(char) -> bool, replaced: impl Fn(&str) -> String) -> String {
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while !rest.is_empty() {
        let run = &rest[..rest.find(|c| !is_of_run(c)).unwrap_or(rest.len())];
        done.push_str(&replaced(run));
        rest = &rest[run.len()..];
        if let Some(other) = rest.chars().next() {
            done.push(other);
            rest = &rest[other.len_utf8()..];
        }
    }
    done
}

fn without_user(word: &str) -> String {
    match word.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://{CUT}@{host}"),
            None => word.into(),
        },
        None => word.into(),
    }
}

fn without_opaque(word: &str) -> String {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || "+/=_.%-".contains(c);
    with_runs(word, is_of_token, |run| if is_token(run) { CUT.to_string() } else { run.to_string() })
}

/// A web identity, or a text as long and as mixed as only tokens are; no path.
fn is_token(run: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| run.bytes().any(|b| kind(&b));
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let is_web_identity = run.starts_with("eyJ") && run.contains('.');
    is_web_identity || run.len() >= OPAQUE && is_mixed && !run.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each with the secret HUSH, or one that begins so.
    const TEXTS: [&str; 36] = [
        "does not match.\n\nThe Canonical String for this request should have been\n'GET\n/\n\nx-amz-security-token:HUSH\n'",
        "does not match. The Canonical String for this request should have been 'GET / HUSH'",
        "does not match.\\n\\nThe canonical string should have been\\n'HUSH'",
        "<Message>no</Message><CanonicalRequest>GET HUSH</CanonicalRequest>",
        "<StringToSign>HUSH</StringToSign>",
        "x-amz-security-token:HUSH\nhost:a",
        "X-Amz-Security-Token: HUSH",
        "?X-Amz-Security-Token=HUSH&X-Amz-Date=1",
        "x-amz-security-token%3AHUSH%0Ahost",
        "headers: {\"x-amz-sso_bearer_token\": \"HUSH\"}",
        "Authorization: AWS4-HMAC-SHA256 Credential=A/1/us-east-1/sts/aws4_request, Signature=HUSH",
        "not a valid key=value pair in Authorization header: 'HUSH more of HUSH'",
        "\"authorization\": \"Bearer HUSH\"",
        "proxy-authorization=Basic HUSH",
        "a Bearer HUSH was sent",
        "bearer\tHUSH",
        "Action=AssumeRole&ExternalId=HUSH&Version=1",
        "external_id: Some(\"HUSH\"), role",
        "ExternalId = HUSH,with.all+of=it@here:and/there-HUSH",
        "1 validation error detected: Value 'HUSH' at 'externalId' failed to satisfy constraint: Member must",
        "2 validation errors: Value 'a' at 'roleArn' failed; Value 'HUSH HUSH' at 'webIdentityToken' failed",
        "WebIdentityToken=HUSH",
        "{\"SessionToken\":\"HUSH\",\"Expiration\":1}",
        "{\\\"SecretAccessKey\\\": \\\"HUSH\\\"}",
        "<SessionToken>HUSH</SessionToken>",
        "aws_session_token = HUSH",
        "AWS_SECRET_ACCESS_KEY=HUSH",
        "accessToken='HUSH'",
        "cannot reach http://operator:HUSH@host:1/x",
        "http://HUSH@host, and https://a:HUSH@b",
        "HTTP://a:HUSH/HUSH@b",
        "endpoint must be one: failed to apply endpoint `u:HUSH@h` to request `Request { body: HUSH }`: no scheme",
        "to request `Request { headers: {\"a\": \"HUSH\"} }`",
        "error response from IMDS (code: 500). Response { status: StatusCode(500), body: HUSH }",
        "x-aws-ec2-metadata-token: HUSH",
        "token eyJHUSH.eyJHUSH.HUSH is expired",
    ];

    #[test]
    fn no_text_keeps_its_secret_and_doing_it_again_changes_nothing() {
        for text in TEXTS {
            let shown = redacted(text);
            assert!(text.contains("HUSH") && !shown.contains("HUSH"), "{text}\n{shown}");
            assert!(shown.contains(CUT), "{text}\n{shown}");
            assert_eq!(redacted(&shown), shown, "{text}");
            let within = redacted(&format!("sts:AssumeRole: HTTP 403, Code: {text}"));
            assert!(
                within.starts_with("sts:AssumeRole: HTTP 403, Code: ") && !within.contains("HUSH"),
                "{within}"
            );
        }
        let long = format!("token {} is old", "IQoJb3JpZ2luX2VjEPr/".repeat(20));
        assert_eq!(redacted(&long), "token … is old");
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "",
            "User: arn:aws:sts::111122223333:assumed-role/demo/alice@example.com is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/r",
            "The security token included in the request is invalid.",
            "The security token included in the request is expired",
            "credentials of role arn:aws:iam::111122223333:role/r: no answer from sts.us-east-1.amazonaws.com:443: it timed out",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
            "host;x-amz-date;x-amz-security-token",
            "bearer token expired, ExternalId is missing",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: /var/run/token: found a pipe, expected a file",
            "1 validation error detected: Value 'a' at 'roleArn' failed to satisfy constraint: Member must have length 20",
            "see https://docs.aws.amazon.com/IAM/latest/UserGuide/x.html and aws.endpoint_url",
            "é … ü",
        ] {
            assert_eq!(redacted(text), text);
        }
        let path = format!("/tmp/{}: cannot be read", "Aa1/".repeat(100));
        assert_eq!(redacted(&path), path);
    }

    #[test]
    fn a_url_is_shown_without_user_and_query() {
        for (text, shown) in [
            ("localhost:4566", "localhost:4566"),
            ("http://user:HUSH@host:1/x", "http://…@host:1/x"),
            ("user:HUSH@host", "…@host"),
            ("http://user:HU?SH@host?token=HUSH#HUSH", "http://…@host?…"),
            ("\"http://host\"", "\"http://host\""),
        ] {
            assert_eq!(url(text), shown);
        }
        assert_eq!(url(&"é".repeat(1000)).chars().count(), 121);
    }
}
