//! The lists, pages and feeds as files, so that any web server or blob container hands them out.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use super::answer::Answer;
use super::changes::ChangeFeed;
use super::cloud::CloudFeed;
use super::consumer::{Consumer, View};
use super::list::Family;
use super::pages::{Medium, asset};
use super::paths::Query;
use super::publication::Publication;
use super::shards;
use super::world::World;
use crate::text::{joined, sha256_hex};

/// Files by their path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The name of the list of digests, in the form of `sha256sum`.
pub const DIGESTS: &str = "SHA256SUMS";

/// Everything that is answered without a question, as files: `tags/public/Storage/` is `tags/public/Storage/index.html`. Lists
/// that would be empty, and those that are more than a consumer takes, are left out.
pub fn export(world: &World, consumers: &[Consumer]) -> Files {
    let mut files = Files::new();
    pages(world, &mut files);
    shards::add(world, &mut files);
    for (_, feed) in world.clouds() {
        cloud(world, feed, consumers, &mut files);
    }
    if let Some(published) = world.published() {
        environments(world, published, &mut files);
    }
    let mut digests = String::new();
    for (path, bytes) in &files {
        writeln!(digests, "{}  {path}", sha256_hex(bytes)).expect("memory does not fail");
    }
    files.insert(DIGESTS.to_owned(), digests.into_bytes());
    files
}

/// A digest of everything that decides what is in the files, but for the consumers: the program, data and generation.
pub fn inputs(world: &World, consumers: &[Consumer]) -> String {
    let mut text = format!("tagwall {} files 2\n", env!("CARGO_PKG_VERSION"));
    for (cloud, feed) in world.clouds() {
        let weeks: Vec<&str> = feed.history().weeks().iter().map(|week| week.digest.as_str()).collect();
        writeln!(text, "{} {}", cloud.name(), joined(&weeks, " ")).expect("memory does not fail");
    }
    if let Some(published) = world.published() {
        let record = published.record();
        writeln!(text, "generation {} {}", record.number, record.inputs).expect("memory does not fail");
    }
    let names: Vec<&str> = consumers.iter().map(|consumer| consumer.name()).collect();
    write!(text, "{}", joined(&names, " ")).expect("as above");
    sha256_hex(text.as_bytes())
}

/// Adds an answer that is good, under its path.
fn add(files: &mut Files, path: impl Display, answer: &Answer) {
    if answer.status == 200 {
        files.insert(path.to_string(), answer.body.bytes().to_vec());
    }
}

fn pages(world: &World, files: &mut Files) {
    for name in ["style.css", "page.js"] {
        add(files, format_args!("assets/{name}"), &asset(name));
    }
    add(files, "index.html", &world.lookup_page(&Query::default(), Medium::Files(0)));
    add(files, "tags/index.html", &world.tags_page(Medium::Files(1)));
    add(files, "changes/index.html", &world.changes_page(Medium::Files(1)));
    add(files, "environments/index.html", &world.environments_page(Medium::Files(1)));
}

fn cloud(world: &World, feed: &CloudFeed, consumers: &[Consumer], files: &mut Files) {
    let cloud = feed.snapshot().cloud().name();
    let query = Query::new([("cloud".to_owned(), cloud.to_owned())]);
    add(files, format_args!("v1/tags.{cloud}.json"), &world.tags(&query));
    both(files, format_args!("v1/changes/{cloud}"), &ChangeFeed::cloud(feed));
    for tag in feed.snapshot().tags() {
        let name = tag.name().as_str();
        add(
            files,
            format_args!("tags/{cloud}/{name}/index.html"),
            &world.tag_page(cloud, name, Medium::Files(3)),
        );
        add(files, format_args!("v1/history/{name}.{cloud}.json"), &world.history_of(name, &query));
        both(files, format_args!("v1/changes/{cloud}/{name}"), &ChangeFeed::tag(feed, tag));
        for family in Family::ALL {
            let list = format!("{name}.{}.txt", family.name());
            add(files, format_args!("v1/feeds/{cloud}/{list}"), &world.list(cloud, &list, &query));
            for &consumer in consumers {
                let view = View { consumer, tag: name, family, max: None };
                add(files, format_args!("v1/edl/{}/{cloud}/{list}", consumer.name()), &view.whole(feed));
            }
        }
    }
}

fn both(files: &mut Files, path: impl Display, changes: &ChangeFeed<'_>) {
    add(files, format_args!("{path}.atom"), &changes.atom());
    add(files, format_args!("{path}.json"), &changes.json());
}

fn environments(world: &World, published: &Publication, files: &mut Files) {
    add(files, "v1/environments.json", &world.environments());
    for (name, environment) in published.environments() {
        let page = world.environment_page(name, Medium::Files(2));
        add(files, format_args!("environments/{name}/index.html"), &page);
        both(
            files,
            format_args!("v1/changes/environments/{name}"),
            &ChangeFeed::environment(published, name),
        );
        for file in &environment.files {
            add(
                files,
                format_args!("v1/environments/{name}/{}", file.name),
                &published.file(name, &file.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{AddrSet, IpPrefix};
    use crate::feed::{History, Week};
    use crate::tags::{Cloud, Snapshot, sample};

    fn world() -> World {
        let snapshot = Snapshot::parse(&sample::sample_json(Cloud::UsGov).unwrap()).unwrap();
        let week = Week {
            date: jiff::civil::Date::constant(2026, 3, 2),
            change_number: snapshot.change_number(),
            digest: snapshot.digest().to_owned(),
            first_published: jiff::Timestamp::from_second(1_772_409_600).unwrap(),
            tags: snapshot.tags().len(),
        };
        let history = History::new(vec![week], Vec::new(), &snapshot);
        World::of(CloudFeed::new(snapshot, history))
    }

    #[test]
    fn every_link_between_the_pages_leads_to_a_file() {
        let files = export(&world(), &[Consumer::Panos]);
        assert!(files.contains_key("v1/edl/panos/usgov/Storage.v4.txt"));
        assert!(files.contains_key("lookup/wide.json"));
        let mut links = 0;
        for (path, bytes) in files.iter().filter(|(path, _)| path.ends_with(".html")) {
            let text = std::str::from_utf8(bytes).unwrap();
            for attribute in ["href=\"", "src=\""] {
                for link in text.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()) {
                    if link.starts_with('#') || link.starts_with("data:") {
                        continue;
                    }
                    let mut place: Vec<&str> = path.split('/').collect();
                    place.pop();
                    for part in link.split('/') {
                        match part {
                            "." => {}
                            ".." => drop(place.pop().expect("never above the first page")),
                            part => place.push(part),
                        }
                    }
                    let target = place.join("/");
                    let file = if target.is_empty() || target.ends_with('/') {
                        format!("{target}index.html")
                    } else {
                        target
                    };
                    assert!(files.contains_key(&file), "{path} leads to {link}, which is {file}");
                    links += 1;
                }
            }
        }
        assert!(links > 1_000, "{links}");
    }

    /// What static pages look up in: no prefix is lost, none is wider, and none is another tag's.
    #[test]
    fn the_files_of_prefixes_together_hold_each_tag_exactly() {
        let mut held: BTreeMap<String, Vec<IpPrefix>> = BTreeMap::new();
        for (_, bytes) in export(&world(), &[]).iter().filter(|(path, _)| path.starts_with("lookup/")) {
            let rows: Vec<(String, String, Vec<String>)> = serde_json::from_slice(bytes).unwrap();
            for (prefix, cloud, tags) in rows {
                assert_eq!(cloud, "usgov");
                let prefix: IpPrefix = prefix.parse().unwrap();
                tags.into_iter().for_each(|tag| held.entry(tag).or_default().push(prefix));
            }
        }
        assert!(held.len() > 50, "{}", held.len());
        let snapshot = Snapshot::parse(&sample::sample_json(Cloud::UsGov).unwrap()).unwrap();
        for tag in snapshot.tags() {
            let own = held.remove(tag.name().as_str()).unwrap_or_default();
            assert_eq!(own.into_iter().collect::<AddrSet>(), *tag.set(), "{}", tag.name());
        }
        assert!(held.is_empty(), "{held:?}");
    }

    #[test]
    fn digests_are_those_of_the_files_and_nothing_is_empty() {
        let files = export(&world(), &[]);
        let digests = std::str::from_utf8(&files[DIGESTS]).unwrap();
        assert_eq!(digests.lines().count(), files.len() - 1);
        for line in digests.lines() {
            let (sum, path) = line.split_once("  ").unwrap();
            assert_eq!(sha256_hex(&files[path]), sum, "{path}");
            assert!(!files[path].is_empty(), "{path}");
        }
        assert_eq!(export(&world(), &[]), files, "same input, same bytes");
    }
}
