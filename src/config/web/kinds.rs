//! What the text of each value of a web configuration may be.

use super::super::kinds::Kind;
use crate::model::ids::words;
use std::time::Duration;

words! {
    /// Whether clients are asked for a certificate, and what it must be.
    ClientAuth {
        None = "NoClientCert",
        /// It is asked for, and neither needed nor verified.
        Request = "RequestClientCert",
        /// Any will do, verified by nobody.
        RequireAny = "RequireAnyClientCert",
        /// None is needed; one that is given must be good.
        VerifyIfGiven = "VerifyClientCertIfGiven",
        RequireAndVerify = "RequireAndVerifyClientCert",
    }
}

words! {
    TlsVersion {
        Tls12 = "TLS12",
        Tls13 = "TLS13",
    }
}

words! {
    /// An elliptic curve of the key exchange.
    Curve {
        P256 = "CurveP256",
        P384 = "CurveP384",
        X25519 = "X25519",
    }
}

/// By the names of RFC 8446 and of IANA. Those of TLS 1.3 may be listed, but are there anyway.
pub(crate) const CIPHER_SUITES: [&str; 9] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];

pub(super) const CIPHER_SUITE: Kind<&str> = Kind {
    expected: "TLS_ECDHE_ECDSA_ or TLS_ECDHE_RSA_WITH_ and one of AES_128_GCM_SHA256, AES_256_GCM_SHA384 or \
               CHACHA20_POLY1305_SHA256; suites with CBC or the key exchange of RSA are not to be had",
    parse: |t| CIPHER_SUITES.into_iter().find(|name| *name == t),
};

pub(super) const CURVE: Kind<Curve> =
    Kind { expected: "X25519, CurveP256 or CurveP384; CurveP521 is not to be had", parse: Curve::from_word };

pub(super) const VERSION: Kind<TlsVersion> =
    Kind { expected: "TLS12 or TLS13; TLS10 and TLS11 are not to be had", parse: TlsVersion::from_word };

pub(super) const CLIENT_AUTH: Kind<ClientAuth> = Kind {
    expected: "NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or \
               RequireAndVerifyClientCert",
    parse: |t| match t {
        "" => Some(ClientAuth::None),
        // Its old name.
        "RequireClientCert" => Some(ClientAuth::RequireAny),
        _ => ClientAuth::from_word(t),
    },
};

/// Empty is as if it were not there, as in all these files.
pub(super) const ANY_TEXT: Kind<String> = Kind { expected: "a text", parse: |t| Some(t.into()) };

pub(super) const SAN: Kind<String> = Kind {
    expected: "a DNS name, an IP address, an e-mail address or a URI",
    parse: |t| (!t.trim().is_empty()).then(|| t.into()),
};

/// With the words of YAML 1.1, in which other exporters read these files.
pub(super) const SWITCH: Kind<bool> = Kind {
    expected: "true or false",
    parse: |t| match t.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Some(true),
        "false" | "no" | "off" | "n" => Some(false),
        _ => None,
    },
};

/// Basic authentication ends the name at its first colon.
pub(super) const USER: Kind<String> = Kind {
    expected: "a user's name, without a colon",
    parse: |t| (!t.is_empty() && !t.contains(':')).then(|| t.into()),
};

pub(super) const PASSWORD_HASH: Kind<String> = Kind {
    expected: "a password hashed by bcrypt, which begins with $2y$, $2b$ or $2a$ (htpasswd -nBC 10 \"\" makes one)",
    parse: |t| {
        let is_known = ["$2a$", "$2b$", "$2y$"].iter().any(|version| t.starts_with(version));
        let parts = t.parse::<bcrypt::HashParts>().ok().filter(|_| is_known);
        parts.filter(|parts| (4..=31).contains(&parts.get_cost())).map(|_| t.into())
    },
};

/// The headers that may be set, and to what.
pub(super) const HEADERS: [(&str, &Kind<String>); 5] = [
    ("Content-Security-Policy", &HEADER),
    ("Strict-Transport-Security", &HEADER),
    ("X-Content-Type-Options", &NOSNIFF),
    ("X-Frame-Options", &FRAMES),
    ("X-XSS-Protection", &HEADER),
];

const HEADER: Kind<String> = Kind {
    expected: "a header's value: visible ASCII and spaces",
    parse: |t| t.bytes().all(|b| b == b' ' || b.is_ascii_graphic()).then(|| t.into()),
};

const NOSNIFF: Kind<String> = Kind { expected: "nosniff", parse: |t| (t == "nosniff").then(|| t.into()) };

const FRAMES: Kind<String> =
    Kind { expected: "deny or sameorigin", parse: |t| ["deny", "sameorigin"].contains(&t).then(|| t.into()) };

pub(super) const BURST: Kind<u32> =
    Kind { expected: "a whole number of requests, 0 or more, such as 20", parse: |t| t.parse().ok() };

pub(super) const PERIOD: Kind<Duration> =
    Kind { expected: "0, or a duration such as 100ms, 1s or 1m30s", parse: period };

/// A duration as Go writes it: numbers with units, none negative.
fn period(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let (_, length) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        seconds += number.parse::<f64>().ok()? * length;
        rest = after;
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|_| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_as_go_reads_them() {
        for (text, milliseconds) in [
            ("0", 0),
            ("0s", 0),
            ("1s", 1000),
            ("100ms", 100),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            ("2h1ms", 7_200_001),
        ] {
            assert_eq!(period(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for bad in ["", "1", "s", "1 s", "-1s", "1d", ".s", "1.2.3s", "1s1", "1e300h", "NaNs", "1sm"] {
            assert_eq!(period(bad), None, "{bad}");
        }
    }

    #[test]
    fn hashes_of_bcrypt_and_nothing_else() {
        let hash = (PASSWORD_HASH.parse)("$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq");
        assert!(hash.is_some());
        for bad in [
            "",
            "doe",
            "$2y$03$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq",
            "$2y$32$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq",
            "$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmX",
            "$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLm!q",
            "$3y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq",
        ] {
            assert_eq!((PASSWORD_HASH.parse)(bad), None, "{bad}");
        }
    }
}
