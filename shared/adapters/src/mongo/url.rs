//! Where the database is. Laws: a URL is read once, into a value that can only be right; users and passwords in it
//! are never shown.

use std::fmt;
use std::str::FromStr;

use mongodb::options::ConnectionString;
use thiserror::Error;

/// The database where the URL names none.
const DATABASE: &str = "recap";

/// `mongodb://[user:password@]host[:port][,host…][/database][?options]`, with all options of the driver: TLS,
/// `replicaSet`, `authSource`, `directConnection`, pool sizes, timeouts. Or `mongodb+srv://[user:password@]name/…`, where
/// DNS knows the hosts, as hosted databases are named.
#[derive(Clone, PartialEq, Eq)]
pub struct MongoUrl {
    text: String,
    database: String,
    /// With the scheme, without who connects.
    hosts: String,
}

/// A text that is no such URL. Says nothing of the text itself, as that may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MongoUrlError {
    /// Another scheme.
    #[error("must be mongodb://host:27017/database, or mongodb+srv://name/database")]
    Scheme,
    /// DNS does not tell the hosts behind a `mongodb+srv` name, now.
    #[error("DNS does not tell the hosts of mongodb+srv://")]
    Unresolved,
    /// What the driver says of it.
    #[error("cannot be read: check hosts, percent-encoding of user and password, and the names of the options")]
    Syntax,
    /// A database name that servers refuse.
    #[error("the database's name must have 1 to 63 characters, none of them one of /\\. \"$*<>:|?")]
    Database,
}

impl MongoUrl {
    /// The whole URL, secrets included: for the driver only.
    pub(super) fn secret(&self) -> &str {
        &self.text
    }

    /// The database's name.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }
}

impl FromStr for MongoUrl {
    type Err = MongoUrlError;

    fn from_str(text: &str) -> Result<Self, MongoUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(MongoUrlError::Scheme)?;
        if !matches!(scheme, "mongodb" | "mongodb+srv") {
            return Err(MongoUrlError::Scheme);
        }
        let parsed = ConnectionString::parse(text).map_err(|_| MongoUrlError::Syntax)?;
        let database = parsed.default_database.unwrap_or_else(|| DATABASE.to_owned());
        let forbidden = |c: char| "/\\. \"$*<>:|?".contains(c) || c.is_control();
        if database.is_empty() || database.len() > 63 || database.contains(forbidden) {
            return Err(MongoUrlError::Database);
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let hosts = format!("{scheme}://{}", authority.rsplit('@').next().unwrap_or_default());
        Ok(Self { text: text.to_owned(), database, hosts })
    }
}

/// Hosts and database only.
impl fmt::Display for MongoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.hosts, self.database)
    }
}

impl fmt::Debug for MongoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_hosts_and_database_and_nothing_else() {
        let text = "mongodb://me:s3cr%40t@a:27017,b:27018/chats?replicaSet=rs0&authSource=admin&tls=true";
        let url: MongoUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), "mongodb://a:27017,b:27018/chats");
        assert_eq!(format!("{url:?}"), url.to_string());
        assert_eq!((url.secret(), url.database()), (text, "chats"));
        let named: MongoUrl =
            "mongodb+srv://me:s3cr%40t@c1.example.com/chats?retryWrites=true&w=majority".parse().unwrap();
        assert_eq!(named.to_string(), "mongodb+srv://c1.example.com/chats");
        let plain: MongoUrl = "mongodb://localhost".parse().unwrap();
        assert_eq!(plain.to_string(), "mongodb://localhost/recap");
    }

    #[test]
    fn refuses_without_repeating_the_text() {
        let cases = [
            ("", MongoUrlError::Scheme),
            ("postgres://u:hunter2@h/d", MongoUrlError::Scheme),
            ("mongodb+srv://u:hunter2@c1.example.com:27017/d", MongoUrlError::Syntax),
            ("mongodb+srv://u:hunter2@c1.example.com,c2.example.com/d", MongoUrlError::Syntax),
            ("mongodb://u:hunter2@/d", MongoUrlError::Syntax),
            ("mongodb://u:hunter2@h:port/d", MongoUrlError::Syntax),
            ("mongodb://u:hun@ter2@h/d", MongoUrlError::Syntax),
        ];
        for (text, expected) in cases {
            let refused = text.parse::<MongoUrl>().unwrap_err();
            assert_eq!(refused, expected, "{text}");
            assert!(!refused.to_string().contains("hunter2"));
        }
    }
}
