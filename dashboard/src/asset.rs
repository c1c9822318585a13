//! The files of `dist/`, embedded. Law: a name always stands for one content, known by its hash.

use bytes::Bytes;
use http::HeaderValue;
use sha2::{Digest, Sha256};

use crate::encoding::Encoding;

/// 64 bits: enough to tell the builds of one project apart.
const VERSION_DIGITS: usize = 16;

/// One file of the page.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Under `/assets/`; the page itself is `index.html`.
    pub(crate) name: &'static str,
    pub(crate) content_type: HeaderValue,
    /// The beginning of its SHA-256 in hexadecimal: the `v` by which the page asks for it.
    pub(crate) version: String,
    plain: Bytes,
    brotli: Bytes,
    gzip: Bytes,
}

macro_rules! asset {
    ($name:literal, $content_type:literal) => {
        Asset::new(
            $name,
            HeaderValue::from_static($content_type),
            include_bytes!(concat!("../dist/", $name)),
            include_bytes!(concat!("../dist/", $name, ".br")),
            include_bytes!(concat!("../dist/", $name, ".gz")),
        )
    };
}

/// All files that are served.
pub(crate) fn all() -> [Asset; 4] {
    [
        asset!("index.html", "text/html; charset=utf-8"),
        asset!("app.js", "text/javascript; charset=utf-8"),
        asset!("app.css", "text/css; charset=utf-8"),
        asset!("icon.svg", "image/svg+xml"),
    ]
}

impl Asset {
    fn new(
        name: &'static str,
        content_type: HeaderValue,
        plain: &'static [u8],
        brotli: &'static [u8],
        gzip: &'static [u8],
    ) -> Self {
        let mut version = format!("{:x}", Sha256::digest(plain));
        version.truncate(VERSION_DIGITS);
        Self {
            name,
            content_type,
            version,
            plain: Bytes::from_static(plain),
            brotli: Bytes::from_static(brotli),
            gzip: Bytes::from_static(gzip),
        }
    }

    /// Its bytes in that encoding; shared, never copied.
    pub(crate) fn bytes(&self, encoding: Encoding) -> Bytes {
        match encoding {
            Encoding::Identity => self.plain.clone(),
            Encoding::Brotli => self.brotli.clone(),
            Encoding::Gzip => self.gzip.clone(),
        }
    }

    /// The entity tag of one encoding: other bytes, other tag (RFC 9110 §8.8.3.3).
    pub(crate) fn etag(&self, encoding: Encoding) -> String {
        match encoding.token() {
            None => format!("\"{}\"", self.version),
            Some(token) => format!("\"{}-{token}\"", self.version),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    const UI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ui");
    const TOP: [&str; 6] =
        ["build.mjs", "icon.svg", "index.html", "package-lock.json", "package.json", "tsconfig.json"];

    fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files_under(&path, found) } else { found.push(path) }
        }
    }

    /// The hash that `build.mjs` writes: each file's path, length and bytes, in the order of the paths.
    fn source_hash() -> String {
        let root = Path::new(UI);
        let mut found: Vec<PathBuf> = TOP.iter().map(|name| root.join(name)).collect();
        files_under(&root.join("src"), &mut found);
        let name = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        let mut named: Vec<(String, PathBuf)> = found.iter().map(|path| (name(path), path.clone())).collect();
        named.sort();
        let mut hash = Sha256::new();
        for (name, path) in named {
            let bytes = fs::read(path).unwrap();
            hash.update(format!("{name}\n{}\n", bytes.len()));
            hash.update(&bytes);
        }
        format!("{:x}", hash.finalize())
    }

    #[test]
    fn dist_is_what_the_source_gives() {
        let built_from = include_str!("../dist/sources.sha256").trim();
        assert_eq!(built_from, source_hash(), "ui/ has changed since dist/ was built: run dashboard/ui/build.sh");
    }

    #[test]
    fn the_page_asks_for_exactly_these_assets_in_this_version() {
        let assets = all();
        let page = std::str::from_utf8(&assets[0].plain).unwrap();
        for asset in &assets[1..] {
            let link = format!("/assets/{}?v={}", asset.name, asset.version);
            assert!(page.contains(&link), "{link} is not in the page: {page}");
        }
        assert_eq!(page.matches("/assets/").count(), assets.len() - 1);
    }

    #[test]
    fn the_page_names_no_other_origin_and_runs_nothing_inline() {
        for asset in &all()[..1] {
            let page = std::str::from_utf8(&asset.plain).unwrap();
            assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("onclick"), "{page}");
            assert_eq!(page.matches("<script").count(), page.matches("<script type=\"module\" src=\"/").count());
            assert!(!page.contains("https://") && !page.contains("src=\"//"), "{page}");
        }
    }

    #[test]
    fn all_assets_together_stay_small() {
        let assets = all();
        let compressed: usize = assets.iter().map(|asset| asset.gzip.len()).sum();
        assert!(compressed <= 150 * 1024, "{compressed} bytes");
        for asset in &assets {
            assert!(asset.brotli.len() < asset.plain.len(), "{}", asset.name);
        }
    }
}
