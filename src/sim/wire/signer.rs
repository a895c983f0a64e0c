//! Signatures: who asks, in which region, for which service. They are not verified.

use super::protocol::Protocol;
use super::refusal::Refusal;
use crate::sim::world::{Account, World};
use axum::http::{HeaderMap, header};

/// What a signature says of its maker.
pub struct Signer<'a> {
    pub access_key: &'a str,
    pub region: &'a str,
    pub service: &'a str,
}

/// The code of a refusal for keys that AWS does not know.
pub fn invalid_token(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Query => "InvalidClientTokenId",
        _ => "UnrecognizedClientException",
    }
}

/// What the signature of a request says.
pub fn signer(headers: &HeaderMap, protocol: Protocol) -> Result<Signer<'_>, Refusal> {
    let suffix = if protocol == Protocol::Query { "" } else { "Exception" };
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        let code = format!("MissingAuthenticationToken{suffix}");
        return Err(Refusal::new(403, &code, "Missing Authentication Token"));
    };
    parse_signer(authorization.to_str().unwrap_or_default()).ok_or_else(|| {
        let code = format!("IncompleteSignature{suffix}");
        Refusal::new(403, &code, "Authorization header is no complete AWS4-HMAC-SHA256 signature.")
    })
}

fn parse_signer(authorization: &str) -> Option<Signer<'_>> {
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let field = |name: &str| fields.split(',').find_map(|f| f.trim().strip_prefix(name));
    field("SignedHeaders=")?;
    let signature = field("Signature=")?;
    let hexadecimal = signature.len() == 64 && signature.bytes().all(|b| b.is_ascii_hexdigit());
    let scope: Vec<&str> = field("Credential=")?.split('/').collect();
    match scope[..] {
        [access_key, _date, region, service, "aws4_request"] if hexadecimal => {
            Some(Signer { access_key, region, service })
        }
        _ => None,
    }
}

/// The temporary key of an account.
pub fn access_key(account: &str) -> String {
    format!("ASIA{account}SIMU")
}

/// The account in an access key, if it has one: 12 digits after the first four letters.
fn account_in(access_key: &str) -> Option<&str> {
    access_key.get(4..16).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Whose an access key is: the account's that it spells, the first one's if it spells none. `None`: the account
/// that it spells does not exist.
pub fn account_of<'a>(world: &'a World, access_key: &str) -> Option<&'a Account> {
    match account_in(access_key) {
        Some(id) => world.account(id),
        None => world.accounts.first(),
    }
}
