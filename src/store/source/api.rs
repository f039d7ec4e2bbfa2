//! The Service Tag Discovery API: the same tags as the file, later and not all of them.
//!
//! Source: Azure/azure-rest-api-specs, network stable 2023-11-01, `serviceTags.json`.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};

use super::error::SourceError;
use super::http::{Http, Validators};
use super::token::Credential;
use super::{Answer, Body};
use crate::redact;
use crate::tags::Cloud;

/// How the API is asked.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// `https://management.azure.com`, or that of another cloud.
    pub endpoint: Url,
    /// The subscription in whose name is asked; it needs no more than reading rights.
    pub subscription: String,
    /// Which regional copy of the list is asked for. It does not limit the list to that region.
    pub location: String,
    /// Where the token comes from.
    pub credential: Credential,
    /// The client for tokens: an identity endpoint on the machine is not to be asked through a proxy.
    pub token_http: Http,
}

const VERSION: &str = "2024-05-01";
/// Real answers have one page; a server that never ends is not listened to for ever.
const MOST_PAGES: usize = 1000;

impl ApiSettings {
    /// The endpoint of a cloud.
    pub fn endpoint_of(cloud: Cloud) -> &'static str {
        match cloud {
            Cloud::Public => "https://management.azure.com",
            Cloud::UsGov => "https://management.usgovcloudapi.net",
            Cloud::China => "https://management.chinacloudapi.cn",
            Cloud::Germany => "https://management.microsoftazure.de",
        }
    }

    /// The sign-in address of a cloud.
    pub fn authority_of(cloud: Cloud) -> &'static str {
        match cloud {
            Cloud::Public => "https://login.microsoftonline.com",
            Cloud::UsGov => "https://login.microsoftonline.us",
            Cloud::China => "https://login.chinacloudapi.cn",
            Cloud::Germany => "https://login.microsoftonline.de",
        }
    }

    /// A location of a cloud to ask, where none is named.
    pub fn location_of(cloud: Cloud) -> &'static str {
        match cloud {
            Cloud::Public => "westeurope",
            Cloud::UsGov => "usgovvirginia",
            Cloud::China => "chinanorth2",
            Cloud::Germany => "germanycentral",
        }
    }

    fn url(&self) -> Result<Url, SourceError> {
        let path = format!(
            "/subscriptions/{}/providers/Microsoft.Network/locations/{}/serviceTags?api-version={VERSION}",
            self.subscription, self.location
        );
        self.endpoint.join(&path).map_err(|why| SourceError::Address { place: path, why })
    }
}

/// Reads all pages and puts them together in the form of the published file.
pub(super) async fn read(http: &Http, settings: &ApiSettings, cloud: Cloud) -> Result<Answer, SourceError> {
    let resource = settings.endpoint.as_str().trim_end_matches('/');
    let token = settings.credential.token(&settings.token_http, resource).await?;
    let mut headers = HeaderMap::new();
    let mut bearer =
        HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| SourceError::TokenCharacters)?;
    bearer.set_sensitive(true);
    headers.insert(AUTHORIZATION, bearer);
    let start = settings.url()?;
    let (mut next, mut seen) = (Some(start.clone()), Vec::new());
    let mut whole = Whole::default();
    while let Some(url) = next.take() {
        if seen.contains(&url) || seen.len() == MOST_PAGES {
            return Err(SourceError::Circles { at: redact::address(url.as_str()) });
        }
        http.may_follow(&start, &url)
            .map_err(|why| SourceError::NextPage { to: redact::address(url.as_str()), why })?;
        let reply = http.get(&url, &Validators::default(), &headers).await?;
        let bytes = reply.body.unwrap_or_default();
        match whole.add(&bytes)? {
            Page::Next(text) => {
                let link = text.map(|text| url.join(&text)).transpose();
                next =
                    link.map_err(|why| SourceError::Address { place: redact::address(url.as_str()), why })?;
            }
            // What is no page is handed on as it is, for the guard to say what it is.
            Page::Unknown => return Ok(Answer::Body(body(bytes, &start))),
        }
        seen.push(url);
    }
    Ok(Answer::Body(body(whole.finish(cloud), &start)))
}

fn body(bytes: Vec<u8>, url: &Url) -> Body {
    Body { bytes, from: redact::address(url.as_str()), date: None, validators: Validators::default() }
}

#[derive(Default)]
struct Whole {
    number: Option<Value>,
    cloud: Option<Value>,
    values: Vec<Value>,
}

enum Page {
    Next(Option<String>),
    Unknown,
}

impl Whole {
    fn add(&mut self, bytes: &[u8]) -> Result<Page, SourceError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let Ok(Value::Object(mut page)) = serde_json::from_slice(bytes) else { return Ok(Page::Unknown) };
        // The list of tags calls them `values`, that of their details `value`.
        let Some(Value::Array(values)) = page.remove("values").or_else(|| page.remove("value")) else {
            return Ok(Page::Unknown);
        };
        let number = page.remove("changeNumber").or_else(|| number_of_first(&values));
        keep_same(&mut self.number, number)?;
        keep_same(&mut self.cloud, page.remove("cloud"))?;
        self.values.extend(values);
        Ok(Page::Next(next_link(&page)))
    }

    fn finish(self, cloud: Cloud) -> Vec<u8> {
        let whole = json!({
            "changeNumber": self.number.unwrap_or(Value::from(0)),
            "cloud": self.cloud.unwrap_or(Value::from(cloud.file_code())),
            "values": self.values,
        });
        whole.to_string().into_bytes()
    }
}

fn number_of_first(values: &[Value]) -> Option<Value> {
    values.first()?.get("serviceTagChangeNumber").cloned()
}

fn next_link(page: &Map<String, Value>) -> Option<String> {
    page.get("nextLink")?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The list may be renewed while its pages are read; halves of two lists are no list.
fn keep_same(kept: &mut Option<Value>, now: Option<Value>) -> Result<(), SourceError> {
    match (&kept, now) {
        (Some(before), Some(now)) if *before != now => {
            Err(SourceError::Changed { before: before.to_string(), now: now.to_string() })
        }
        (None, now) => {
            *kept = now;
            Ok(())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_both_forms_are_put_together() {
        let mut whole = Whole::default();
        let first =
            br#"{"changeNumber": "7", "cloud": "Public", "values": [{"name": "A"}], "nextLink": "/b"}"#;
        assert!(matches!(whole.add(first).unwrap(), Page::Next(Some(link)) if link == "/b"));
        assert!(matches!(whole.add(br#"{"value": [{"name": "B"}]}"#).unwrap(), Page::Next(None)));
        let file: Value = serde_json::from_slice(&whole.finish(Cloud::Public)).unwrap();
        assert_eq!(
            file,
            json!({"changeNumber": "7", "cloud": "Public", "values": [{"name": "A"}, {"name": "B"}]})
        );
    }

    #[test]
    fn a_list_that_changes_meanwhile_is_no_list() {
        let mut whole = Whole::default();
        whole.add(br#"{"changeNumber": "7", "cloud": "Public", "values": []}"#).unwrap();
        assert!(whole.add(br#"{"changeNumber": "8", "cloud": "Public", "values": []}"#).is_err());
        assert!(matches!(whole.add(b"<html>").unwrap(), Page::Unknown));
    }
}
