//! [`Source`]: what gives the service tags of a cloud.

mod answer;
mod api;
mod error;
mod folder;
mod http;
mod page;
mod proxy;
mod token;

use std::path::PathBuf;

use jiff::civil::Date;
use reqwest::Url;
use reqwest::header::HeaderMap;

pub use answer::{Answer, Body};
pub use api::ApiSettings;
pub use http::{Http, HttpError, HttpSettings, Progress, Reply, Stray, Validators};
pub use proxy::{NoProxy, ProxyError, check_proxies};
pub use token::Credential;

use error::SourceError;

use crate::redact;
use crate::store::{Kind, date_in_name};
use crate::tags::Cloud;

/// What gives the service tags of a cloud.
#[derive(Debug, Clone)]
pub enum Source {
    /// Microsoft's download centre.
    Microsoft {
        /// Where its pages are: `https://www.microsoft.com`.
        pages: Url,
        /// Where its files are: `https://download.microsoft.com`.
        files: Url,
    },
    /// An address of the file; `{cloud}` in it stands for `Public`, `AzureGovernment` or `China`.
    Mirror(String),
    /// A file, or a folder with files under their published names.
    Path(PathBuf),
    /// The Service Tag Discovery API.
    Api(Box<ApiSettings>),
}

/// What is known of the last good data from the same kind of source.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Where it came from, without what may be a secret.
    pub from: String,
    /// Its date.
    pub date: Option<Date>,
    /// Its marks at the server.
    pub validators: Validators,
}

/// Why a source gave nothing: every way that was tried, and how it ended.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the service tags of the cloud {cloud} cannot be had{}", lines(.attempts))]
pub struct FetchError {
    /// The cloud.
    pub cloud: Cloud,
    /// What was tried.
    pub attempts: Vec<String>,
}

fn lines(attempts: &[String]) -> String {
    attempts.iter().map(|text| format!("\n  {text}")).collect()
}

impl Source {
    /// What kind of data it gives.
    pub fn kind(&self) -> Kind {
        match self {
            Source::Api(_) => Kind::Api,
            _ => Kind::File,
        }
    }

    /// Gets the newest data of `cloud`, if it is not that which is `known`. `today` bounds the search by date.
    ///
    /// # Errors
    /// [`FetchError`] with every attempt.
    pub async fn fetch(
        &self,
        http: &Http,
        cloud: Cloud,
        known: &Known,
        today: Date,
    ) -> Result<Answer, FetchError> {
        let failed = |attempts| FetchError { cloud, attempts };
        let one = |error: SourceError| failed(vec![error.to_string()]);
        match self {
            Source::Microsoft { pages, files } => {
                Centre { http, pages, files, cloud, known, today }.fetch().await.map_err(failed)
            }
            Source::Mirror(template) => mirror(http, template, cloud, known).await.map_err(one),
            Source::Path(path) => folder::read(path, cloud).map_err(one),
            Source::Api(settings) => api::read(http, settings, cloud).await.map_err(one),
        }
    }
}

async fn mirror(http: &Http, template: &str, cloud: Cloud, known: &Known) -> Result<Answer, SourceError> {
    let text = template.replace("{cloud}", cloud.file_code());
    let url = Url::parse(&text).map_err(|why| SourceError::Address { place: redact::address(&text), why })?;
    Ok(download(http, &url, known).await?)
}

/// Gets `url`, conditionally if the known data came from there. What the query of the known data's address was is kept
/// nowhere, since it may be a secret, and another query may ask for another file: then there is no condition.
async fn download(http: &Http, url: &Url, known: &Known) -> Result<Answer, HttpError> {
    let none = Validators::default();
    let from = redact::address(url.as_str());
    let validators = if known.from == from && url.query().is_none() { &known.validators } else { &none };
    let reply = http.get(url, validators, &HeaderMap::new()).await?;
    let Some(bytes) = reply.body else { return Ok(Answer::Unchanged) };
    let date = date_in_name(url.path()).or_else(|| day_of(reply.validators.last_modified.as_deref()?));
    Ok(Answer::Body(Body { bytes, from, date, validators: reply.validators }))
}

fn day_of(last_modified: &str) -> Option<Date> {
    jiff::fmt::rfc2822::parse(last_modified).ok().map(|time| time.date())
}

/// One search of the download centre. It has no stable address of the file, so several ways lead to it; each is only
/// gone if those before brought nothing.
struct Centre<'a> {
    http: &'a Http,
    pages: &'a Url,
    files: &'a Url,
    cloud: Cloud,
    known: &'a Known,
    today: Date,
}

impl Centre<'_> {
    async fn fetch(&self) -> Result<Answer, Vec<String>> {
        let mut search = Search::default();
        let details = self.page_url("details");
        match self.page(&details).await {
            Ok(html) => {
                let found = page::from_page_data(&html, &details, self.cloud);
                if let Some(answer) = self.follow("page data", &details, found, &mut search).await {
                    return Ok(answer);
                }
                let found = page::from_links(&html, &details, self.cloud);
                if let Some(answer) = self.follow("page links", &details, found, &mut search).await {
                    return Ok(answer);
                }
            }
            Err(error) => search.attempts.push(format!("download page: {error}")),
        }
        let confirmation = self.page_url("confirmation");
        match self.page(&confirmation).await {
            Ok(html) => {
                let found = page::from_links(&html, &confirmation, self.cloud);
                if let Some(answer) =
                    self.follow("confirmation page", &confirmation, found, &mut search).await
                {
                    return Ok(answer);
                }
            }
            Err(error) => search.attempts.push(format!("confirmation page: {error}")),
        }
        match self.probe(&mut search).await {
            Some(answer) => Ok(answer),
            None => Err(search.attempts),
        }
    }

    fn page_url(&self, name: &str) -> Url {
        let mut url = self.pages.clone();
        url.set_path(&format!("/en-us/download/{name}.aspx"));
        url.set_query(Some(&format!("id={}", page::page_id(self.cloud))));
        url
    }

    async fn page(&self, url: &Url) -> Result<String, HttpError> {
        let reply = self.http.get(url, &Validators::default(), &HeaderMap::new()).await?;
        Ok(String::from_utf8_lossy(&reply.body.unwrap_or_default()).into_owned())
    }

    /// Downloads what a page led to; `None` means that the next way is tried.
    async fn follow(
        &self,
        way: &str,
        page: &Url,
        link: Option<page::Link>,
        search: &mut Search,
    ) -> Option<Answer> {
        let Some(link) = link else {
            search.attempts.push(format!(
                "{way}: no link to a file of the cloud {} on {}",
                self.cloud,
                redact::address(page.as_str())
            ));
            return None;
        };
        if search.tried.contains(&link.url) {
            return None;
        }
        if let Err(why) = self.http.may_follow(page, &link.url) {
            let to = redact::address(link.url.as_str());
            search.attempts.push(format!("{way}: the link to {to} is not followed: {why}"));
            return None;
        }
        self.take(way, &link.url, search).await
    }

    async fn take(&self, way: &str, url: &Url, search: &mut Search) -> Option<Answer> {
        search.tried.push(url.clone());
        match download(self.http, url, self.known).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                search.broken |= !error.is_missing();
                search.attempts.push(format!("{way}: {error}"));
                None
            }
        }
    }

    /// Asks for the file of each likely day, in the folder where the known one was and in the usual one.
    async fn probe(&self, search: &mut Search) -> Option<Answer> {
        let mut days = page::likely_days(self.today, self.known.date);
        if search.broken {
            // There is a newer file that cannot be had; that the known one is still there is no comfort.
            days.retain(|&day| Some(day) != self.known.date);
        }
        let mut failures = 0;
        for folder in self.folders() {
            for &day in &days {
                let Ok(url) = folder.join(&page::file_name(self.cloud, day)) else { continue };
                if search.tried.contains(&url) {
                    continue;
                }
                match self.http.head(&url).await {
                    Ok(()) => return self.take("probing by date", &url, search).await,
                    Err(error) if error.is_missing() => {}
                    Err(error) => {
                        failures += 1;
                        // A host that does not answer will not answer for another day either.
                        if error.status.is_none() || failures == 3 {
                            search.attempts.push(format!("probing by date: {error}"));
                            return None;
                        }
                    }
                }
            }
        }
        let text = days.last().zip(days.first()).map_or_else(
            || "probing by date: no day to ask for".to_owned(),
            |(first, last)| format!("probing by date: no file from {first} to {last}"),
        );
        search.attempts.push(text);
        None
    }

    fn folders(&self) -> Vec<Url> {
        let usual = self.files.join(&format!("/download/{}/", page::folder(self.cloud))).ok();
        let known = Url::parse(&self.known.from).ok().and_then(|url| url.join(".").ok());
        let known = known.filter(|url| self.http.may_follow(self.files, url).is_ok());
        let mut folders: Vec<Url> = known.into_iter().chain(usual).collect();
        folders.dedup();
        folders
    }
}

#[derive(Default)]
struct Search {
    attempts: Vec<String>,
    tried: Vec<Url>,
    /// Whether a file is there, but could not be had.
    broken: bool,
}
