//! Tokens for the Discovery API. Where they come from is decided by the caller; nothing here reads the environment.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue};
use serde::Deserialize;

use super::error::SourceError;
use super::http::{Http, Validators};
use crate::redact;

/// How a token is had.
#[derive(Clone)]
pub enum Credential {
    /// A token as it is.
    Token(String),
    /// A file that holds one, read anew each time.
    File(PathBuf),
    /// A service principal with a secret.
    Secret {
        /// `https://login.microsoftonline.com` or that of the cloud.
        authority: Url,
        /// Tenant.
        tenant: String,
        /// Client.
        client: String,
        /// Its secret.
        secret: String,
    },
    /// Workload identity: a signed statement in a file takes the secret's place.
    Federated {
        /// `https://login.microsoftonline.com` or that of the cloud.
        authority: Url,
        /// Tenant.
        tenant: String,
        /// Client.
        client: String,
        /// The file with the statement.
        file: PathBuf,
    },
    /// The identity of the machine or service.
    Managed {
        /// Its endpoint.
        endpoint: Url,
        /// The secret header of App Service's form; virtual machines have none.
        header: Option<String>,
        /// The client, where there are several.
        client: Option<String>,
    },
}

impl fmt::Debug for Credential {
    /// Says which kind it is and keeps what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credential::Token(_) => "token",
            Credential::File(_) => "token file",
            Credential::Secret { .. } => "client secret",
            Credential::Federated { .. } => "workload identity",
            Credential::Managed { .. } => "managed identity",
        })
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

impl Credential {
    /// A token for `resource`, such as `https://management.azure.com`.
    pub(super) async fn token(&self, http: &Http, resource: &str) -> Result<String, SourceError> {
        match self {
            Credential::Token(token) => Ok(token.trim().to_owned()),
            Credential::File(path) => read_text(path),
            Credential::Secret { authority, tenant, client, secret } => {
                let proof = [("client_secret", secret.as_str())];
                Application { authority, tenant, client }.grant(http, &proof, resource).await
            }
            Credential::Federated { authority, tenant, client, file } => {
                let statement = read_text(file)?;
                let proof = [
                    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                    ("client_assertion", statement.as_str()),
                ];
                Application { authority, tenant, client }.grant(http, &proof, resource).await
            }
            Credential::Managed { endpoint, header, client } => {
                managed(http, endpoint, header.as_deref(), client.as_deref(), resource).await
            }
        }
    }
}

/// An application that is registered in a tenant, and where it asks for tokens.
struct Application<'a> {
    authority: &'a Url,
    tenant: &'a str,
    client: &'a str,
}

impl Application<'_> {
    /// A token for `resource`, with fields that prove who asks.
    async fn grant(
        &self,
        http: &Http,
        proof: &[(&str, &str)],
        resource: &str,
    ) -> Result<String, SourceError> {
        let Application { authority, tenant, client } = self;
        let url = authority
            .join(&format!("/{tenant}/oauth2/v2.0/token"))
            .map_err(|why| SourceError::Address { place: redact::address(authority.as_str()), why })?;
        let scope = format!("{}/.default", resource.trim_end_matches('/'));
        let mut form =
            vec![("grant_type", "client_credentials"), ("client_id", *client), ("scope", scope.as_str())];
        form.extend_from_slice(proof);
        let reply = http.post_form(&url, &form).await.map_err(SourceError::NoToken)?;
        token_of(reply.body.as_deref())
    }
}

async fn managed(
    http: &Http,
    endpoint: &Url,
    header: Option<&str>,
    client: Option<&str>,
    resource: &str,
) -> Result<String, SourceError> {
    let mut url = endpoint.clone();
    let version = if header.is_some() { "2019-08-01" } else { "2018-02-01" };
    url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", resource);
    if let Some(client) = client {
        url.query_pairs_mut().append_pair("client_id", client);
    }
    let mut headers = HeaderMap::new();
    match header.map(HeaderValue::from_str) {
        Some(Ok(value)) => headers.insert("x-identity-header", value),
        Some(Err(_)) => return Err(SourceError::IdentityHeader),
        None => headers.insert("metadata", HeaderValue::from_static("true")),
    };
    let reply = http.get(&url, &Validators::default(), &headers).await.map_err(SourceError::NoToken)?;
    token_of(reply.body.as_deref())
}

fn token_of(body: Option<&[u8]>) -> Result<String, SourceError> {
    let granted: Granted =
        serde_json::from_slice(body.unwrap_or_default()).map_err(|_| SourceError::OddToken)?;
    Ok(granted.access_token)
}

fn read_text(path: &PathBuf) -> Result<String, SourceError> {
    let text = fs::read_to_string(path).map_err(SourceError::file(path))?;
    Ok(text.trim().to_owned())
}
