//! Content coding by `Accept-Encoding` (RFC 9110 §12.5.3). Law: what a client did not accept is not sent.

use http::{HeaderMap, header};

/// How the bytes of a reply are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Brotli,
}

impl Encoding {
    /// Its name in `Content-Encoding`; none for the plain bytes.
    pub(crate) const fn token(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    /// The smallest of those that the client takes.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let takes = |token: &str| {
            let mut named = None;
            let mut any = None;
            for value in headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()) {
                for item in value.split(',') {
                    let mut parts = item.split(';');
                    let name = parts.next().unwrap_or_default().trim();
                    let allowed = !parts.any(is_zero_weight);
                    if name.eq_ignore_ascii_case(token) {
                        named = Some(allowed);
                    } else if name == "*" {
                        any = Some(allowed);
                    }
                }
            }
            named.or(any).unwrap_or(false)
        };
        if takes("br") {
            Self::Brotli
        } else if takes("gzip") {
            Self::Gzip
        } else {
            Self::Identity
        }
    }
}

/// `q=0`, `q=0.000`: not acceptable.
fn is_zero_weight(parameter: &str) -> bool {
    let Some((name, weight)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q") && weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_accepted_coding_is_taken() {
        for (accept, wanted) in [
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("gzip, deflate", Encoding::Gzip),
            ("GZIP;q=0.5", Encoding::Gzip),
            ("br;q=0, gzip;q=1.0", Encoding::Gzip),
            ("br; q=0.000", Encoding::Identity),
            ("*", Encoding::Brotli),
            ("*;q=0", Encoding::Identity),
            ("br;q=0, *", Encoding::Gzip),
            ("identity", Encoding::Identity),
            ("brotli, xgzip", Encoding::Identity),
            ("", Encoding::Identity),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accept.parse().unwrap());
            assert_eq!(Encoding::accepted(&headers), wanted, "{accept}");
        }
        assert_eq!(Encoding::accepted(&HeaderMap::new()), Encoding::Identity);
    }

    #[test]
    fn several_header_lines_count_together() {
        let mut headers = HeaderMap::new();
        headers.append(header::ACCEPT_ENCODING, "deflate".parse().unwrap());
        headers.append(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
        assert_eq!(Encoding::accepted(&headers), Encoding::Gzip);
    }
}
