//! The files that settings name, and where they do: whoever cannot use one says which setting it was.

use super::file::{ConfigFile, IdentityFile, ListenerFile, TlsFile, UpstreamFile};
use crate::diag::Spanned;

/// A setting that names a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileNamed {
    /// The setting with the tables that it is in, such as `upstream.tls.key`.
    pub setting: String,
    /// The file.
    pub path: Spanned<String>,
}

type Path = Option<Spanned<String>>;

/// All of them, in the order of the file's tables.
pub(super) fn files(file: &ConfigFile) -> Vec<FileNamed> {
    let mut named = Vec::new();
    let mut name = |setting: String, path: &Path| {
        named.extend(path.clone().map(|path| FileNamed { setting, path }));
    };
    for tls in file.server.listeners.iter().filter_map(|ListenerFile { tls, .. }| tls.as_ref()) {
        let TlsFile { certificate, key, clients } = tls;
        name("server.listener.tls.certificate".to_owned(), certificate);
        name("server.listener.tls.key".to_owned(), key);
        if let Some(clients) = clients {
            name("server.listener.tls.clients.authorities".to_owned(), &clients.authorities);
        }
    }
    name("admin.modes_file".to_owned(), &file.admin.modes_file);
    let backend = file.upstream.iter().map(|upstream| ("upstream".to_owned(), upstream));
    let legacy = file.legacy.iter().map(|(name, upstream)| (format!("legacy.{}", name.value), upstream));
    for (table, upstream) in backend.chain(legacy) {
        let UpstreamFile { authorities, tls, .. } = upstream;
        name(format!("{table}.authorities"), authorities);
        if let Some(IdentityFile { header: _, certificate, key }) = tls {
            name(format!("{table}.tls.certificate"), certificate);
            name(format!("{table}.tls.key"), key);
        }
    }
    if let Some(backend) = &file.backend {
        name("backend.database".to_owned(), &backend.database);
    }
    name("ids.store".to_owned(), &file.ids.store);
    name("explain.key".to_owned(), &file.explain.key);
    name("usage.file".to_owned(), &file.usage.file);
    named
}
