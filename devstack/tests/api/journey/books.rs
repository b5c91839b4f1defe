//! The PostgreSQL of a test: a database on the servers of the run, or servers of its own.

use devstack::stores::{Durability, Postgres};
use devstack::test_stores;

use crate::folder::Folder;

/// Where seats and money are.
pub(super) enum Books {
    /// A database on the servers of the test run.
    Shared { database: String },
    /// Servers that a test may kill.
    Own {
        primary: Box<Postgres>,
        replica: Box<Postgres>,
    },
}

impl Books {
    pub(super) async fn shared() -> Self {
        let database = format!("journey_{:08x}", rand::random::<u32>());
        create_database(&database).await;
        Self::Shared { database }
    }

    pub(super) fn own(folder: &Folder) -> Self {
        let servers = test_stores::servers();
        let (home, durability) = (folder.join("primary"), Durability::ProcessDeath);
        let primary = Postgres::start_primary(servers, home, durability).unwrap();
        let replica = Postgres::start_replica(servers, folder.join("replica"), &primary).unwrap();
        Self::Own {
            primary: Box::new(primary),
            replica: Box::new(replica),
        }
    }

    pub(super) fn primary_url(&self) -> String {
        match self {
            Self::Shared { database } => url_of(&test_stores::database_url(), database),
            Self::Own { primary, .. } => primary.url(),
        }
    }

    pub(super) fn replica_url(&self) -> String {
        match self {
            Self::Shared { database } => url_of(&test_stores::replica_url(), database),
            Self::Own { replica, .. } => replica.url(),
        }
    }
}

/// The URL of another database of the same server.
fn url_of(url: &str, database: &str) -> String {
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{database}")
}

async fn create_database(name: &str) {
    use sqlx::{Connection, Executor};
    let mut server = sqlx::PgConnection::connect(&test_stores::database_url())
        .await
        .unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    server.execute(create).await.unwrap();
}
