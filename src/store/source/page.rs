//! Finding the file on Microsoft's download page, in its present and older forms. Pure.

use jiff::civil::Date;
use regex_lite::Regex;
use reqwest::Url;
use serde_json::Value;

use crate::store::date_in_name;
use crate::tags::Cloud;

/// A link to a service-tags file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Where it leads.
    pub(super) url: Url,
    /// The date in its name.
    pub(super) date: Date,
}

/// Number of the cloud's page in the download centre.
///
/// Source: the pages themselves; service-tags overview page, 2025-07-15.
pub(super) fn page_id(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Public => "56519",
        Cloud::UsGov => "57063",
        Cloud::China => "57062",
        Cloud::Germany => "57064",
    }
}

/// The folder of the cloud's files on the download host. It has stood still for years, but nobody promises it.
pub(super) fn folder(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Public => "7/1/d/71d86715-5596-4529-9b13-da13a5de5b63",
        Cloud::UsGov => "6/4/d/64db03bf-895b-4173-a8b1-ba4ad5d4df22",
        Cloud::China => "9/d/0/9d03b7e2-4b80-4bf3-9b91-da8c7d3ee9f9",
        Cloud::Germany => "0/7/6/076274ab-4b0b-4246-a422-4baf1e03f974",
    }
}

/// Name of the cloud's file of one day.
pub(super) fn file_name(cloud: Cloud, date: Date) -> String {
    format!("ServiceTags_{}_{}.json", cloud.file_code(), date.strftime("%Y%m%d"))
}

/// The newest link in the page's own data: the JSON that its script reads.
pub(super) fn from_page_data(html: &str, page: &Url, cloud: Cloud) -> Option<Link> {
    let (_, rest) = html.split_once("__DLCDetails__")?;
    let json = &rest[rest.find('{')?..];
    let data: Value = serde_json::Deserializer::from_str(json).into_iter().next()?.ok()?;
    let mut texts = Vec::new();
    strings_of(&data, &mut texts);
    newest(texts.into_iter().filter_map(|text| link(text, page, cloud)))
}

/// The newest link anywhere in the page, as it stands or escaped.
pub(super) fn from_links(html: &str, page: &Url, cloud: Cloud) -> Option<Link> {
    let plain =
        html.replace("\\/", "/").replace("\\u002d", "-").replace("\\u002f", "/").replace("&amp;", "&");
    let pattern =
        Regex::new(r#"[^\s"'<>=;]*ServiceTags_[A-Za-z]+_[0-9]{8}\.json"#).expect("a constant pattern");
    let found = pattern.find_iter(&plain).map(|m| m.as_str());
    // A bare file name is the page's text, not a link.
    newest(found.filter(|text| text.contains('/')).filter_map(|text| link(text, page, cloud)))
}

fn link(text: &str, page: &Url, cloud: Cloud) -> Option<Link> {
    let url = page.join(text).ok()?;
    let name = url.path_segments()?.next_back()?.to_owned();
    let date = date_in_name(&name)?;
    (name == file_name(cloud, date)).then_some(Link { url, date })
}

fn newest(links: impl Iterator<Item = Link>) -> Option<Link> {
    links.max_by_key(|link| link.date)
}

fn strings_of<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(items) => items.iter().for_each(|v| strings_of(v, into)),
        Value::Object(members) => members.values().for_each(|v| strings_of(v, into)),
        _ => {}
    }
}

/// The days on which a file may have come out, newest first: every day of five weeks, then the Mondays and Tuesdays
/// of half a year. Never before `after`, the day of the last good file.
pub(super) fn likely_days(today: Date, after: Option<Date>) -> Vec<Date> {
    let mut days = Vec::new();
    for back in 0..182_i64 {
        let Ok(day) = today.checked_sub(jiff::Span::new().days(back)) else { break };
        if after.is_some_and(|after| day < after) {
            break;
        }
        let early = matches!(day.weekday(), jiff::civil::Weekday::Monday | jiff::civil::Weekday::Tuesday);
        if back < 35 || early {
            days.push(day);
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Url {
        Url::parse("https://www.microsoft.com/en-us/download/details.aspx?id=56519").unwrap()
    }

    const FILE: &str = "https://download.microsoft.com/download/7/1/d/x/ServiceTags_Public_20260622.json";

    #[test]
    fn page_data_is_read_also_where_it_is_escaped() {
        let html = r#"<script>window.__DLCDetails__={"a":{"files":[{"url":"https:\/\/download.microsoft.com\/download\/7\/1\/d\/x\/Release_Notes.pdf"},
            {"url":"https:\/\/download.microsoft.com\/download\/7\/1\/d\/x\/ServiceTags_Public_20260622.json"}]},"b":"<\/p>"}</script>"#;
        assert_eq!(from_page_data(html, &page(), Cloud::Public).unwrap().url.as_str(), FILE);
        assert_eq!(from_page_data(html, &page(), Cloud::China), None);
        assert_eq!(from_page_data("__DLCDetails__ = {cut off", &page(), Cloud::Public), None);
    }

    #[test]
    fn links_are_found_in_any_form() {
        let forms = [
            format!("<a href=\"{FILE}\">"),
            format!("<a href='{FILE}'>"),
            format!("<meta http-equiv=\"refresh\" content=\"0;url={FILE}\"/>"),
            FILE.replace('/', "\\/"),
        ];
        for html in forms {
            assert_eq!(from_links(&html, &page(), Cloud::Public).unwrap().url.as_str(), FILE, "{html}");
        }
        let relative = "<a href=/download/7/1/d/x/ServiceTags_Public_20260622.json>";
        let link = from_links(relative, &page(), Cloud::Public).unwrap();
        assert_eq!(
            link.url.as_str(),
            "https://www.microsoft.com/download/7/1/d/x/ServiceTags_Public_20260622.json"
        );
        assert_eq!(from_links("<p>ServiceTags_Public_20260622.json</p>", &page(), Cloud::Public), None);
    }

    #[test]
    fn the_newest_of_several_links_counts() {
        let html = format!("<a href=\"{}\"><a href=\"{FILE}\">", FILE.replace("0622", "0615"));
        assert_eq!(from_links(&html, &page(), Cloud::Public).unwrap().date.to_string(), "2026-06-22");
    }

    #[test]
    fn probing_begins_today_and_ends_at_the_known_file() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let days = likely_days(day("2026-06-24"), Some(day("2026-06-22")));
        assert_eq!(days, [day("2026-06-24"), day("2026-06-23"), day("2026-06-22")]);
        assert_eq!(likely_days(day("2026-06-24"), None).len(), 35 + 2 * 21);
    }
}
