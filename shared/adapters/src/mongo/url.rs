//! Where the database is. Laws: a URL is read once, into a value that can only be right; users and passwords in it
//! are never shown.

use std::fmt;
use std::str::FromStr;

use mongodb::options::ConnectionString;
use thiserror::Error;

/// The database where the URL names none.
const DATABASE: &str = "recap";

/// `mongodb://[user:password@]host[:port][,host…][/database][?options]`, with all options of the driver: TLS,
/// `replicaSet`, `authSource`, `directConnection`, pool sizes, timeouts.
#[derive(Clone, PartialEq, Eq)]
pub struct MongoUrl {
    text: String,
    database: String,
    hosts: String,
}

/// A text that is no such URL. Says nothing of the text itself, as that may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MongoUrlError {
    /// Another scheme.
    #[error("must be mongodb://host:27017/database")]
    Scheme,
    /// Names of hosts by DNS.
    #[error("mongodb+srv:// is not supported: name the hosts, as in mongodb://a:27017,b:27017/database?replicaSet=rs0")]
    Srv,
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
        if text.starts_with("mongodb+srv://") {
            return Err(MongoUrlError::Srv);
        }
        let rest = text.strip_prefix("mongodb://").ok_or(MongoUrlError::Scheme)?;
        let parsed = ConnectionString::parse(text).map_err(|_| MongoUrlError::Syntax)?;
        let database = parsed.default_database.unwrap_or_else(|| DATABASE.to_owned());
        let forbidden = |c: char| "/\\. \"$*<>:|?".contains(c) || c.is_control();
        if database.is_empty() || database.len() > 63 || database.contains(forbidden) {
            return Err(MongoUrlError::Database);
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let hosts = authority.rsplit('@').next().unwrap_or_default().to_owned();
        Ok(Self { text: text.to_owned(), database, hosts })
    }
}

/// Hosts and database only.
impl fmt::Display for MongoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mongodb://{}/{}", self.hosts, self.database)
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
        let plain: MongoUrl = "mongodb://localhost".parse().unwrap();
        assert_eq!(plain.to_string(), "mongodb://localhost/recap");
    }

    #[test]
    fn refuses_without_repeating_the_text() {
        let cases = [
            ("", MongoUrlError::Scheme),
            ("postgres://u:hunter2@h/d", MongoUrlError::Scheme),
            ("mongodb+srv://u:hunter2@cluster.example.com/d", MongoUrlError::Srv),
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
