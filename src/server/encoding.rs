//! Accept-Encoding, as RFC 9110 (section 12.5.3) has it.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

/// Whether the client takes gzip, and likes it no less than plain text. Names are compared whatever their case,
/// `x-gzip` is gzip, what is named goes before `*`, and nothing is taken at a quality of 0.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let (mut gzip, mut any, mut identity) = (None, None, None);
    for (coding, quality) in values.flat_map(|value| value.split(',')).filter_map(weighted) {
        match coding.as_str() {
            "gzip" | "x-gzip" => gzip = Some(quality),
            "*" => any = Some(quality),
            "identity" => identity = Some(quality),
            _ => {}
        }
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

/// A coding in small letters, with its quality; `None` where the quality is no number from 0 to 1.
fn weighted(element: &str) -> Option<(String, f64)> {
    let mut parts = element.split(';').map(|part| part.trim().to_ascii_lowercase());
    let coding = parts.next().filter(|coding| !coding.is_empty())?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").map(|weight| weight.trim().to_string()));
    let quality = weight.map_or(Some(1.0), |weight| weight.parse().ok())?;
    (0.0..=1.0).contains(&quality).then_some((coding, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_only_where_it_is_taken() {
        let takes = |values: &[&'static str]| {
            takes_gzip(&values.iter().map(|value| (ACCEPT_ENCODING, value.parse().unwrap())).collect())
        };
        for taken in [
            &["gzip"][..],
            &["GZIP"],
            &["x-gzip"],
            &["deflate, Gzip;Q=0.5"],
            &["*"],
            &["br;q=0, *;q=0.1"],
            &["gzip;q=0.5, *;q=0"],
            &["identity;q=0.5, gzip"],
            &["br", "gzip;q=0.001"],
            &[" , gzip ; q=1.0"],
        ] {
            assert!(takes(taken), "{taken:?}");
        }
        for refused in [
            &[][..],
            &[""],
            &["br"],
            &["gzip;q=0"],
            &["gzip;q=0.000, *"],
            &["*;q=0"],
            &["identity"],
            &["identity, gzip;q=0.5"],
            &["gzipped"],
            &["gzip;q=high"],
            &["gzip;q=7"],
        ] {
            assert!(!takes(refused), "{refused:?}");
        }
    }
}
