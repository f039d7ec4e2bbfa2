//! `report.html` as a browser takes it: one style, which its policy names by digest, and the verdict first.

use crate::support;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tagwall::tags::Cloud;

/// What stands between two texts, the first time.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("{from} is missing"));
    rest.split_once(to).unwrap_or_else(|| panic!("{to} is missing")).0
}

#[test]
fn the_page_takes_its_own_style_only_and_says_the_verdict_first() {
    let text = format!(
        "{}\n[output]\nreport = [\"markdown\", \"html\"]\n",
        "schema = 1\nname = \"page\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
         network.firewall = \"10.20.255.4\"\nsubnets.a.prefixes = [\"10.20.1.0/24\"]\n\
         [[allow]]\nto = \"Storage.WestEurope\"\nprotocol = \"tcp\"\nports = 443\nwhy = \"<b style='x'>&\"\n"
    );
    let made = support::generate("page.toml", &text, &support::sample(Cloud::Public));
    let page = support::text_of(&made, "report.html");
    let style = between(page, "<style>", "</style>");
    let named = between(page, "style-src '", "'");
    assert_eq!(named, format!("sha256-{}", STANDARD.encode(Sha256::digest(style.as_bytes()))));
    assert!(!between(page, "<body>", "</body>").contains(" style=\""), "a style that the policy refuses");
    assert!(page.contains("class=\"right\""), "numbers are aligned");
    assert!(page.contains("&lt;b style="), "what others wrote is shown as text");
    let markdown = support::text_of(&made, "report.md");
    let first = between(page, "<h2 id=\"verdict\">", "</h2>");
    assert!(page.find(first) < page.find("<h2>"), "no other heading is before it");
    assert_eq!(first, between(markdown, "\n## ", "\n"), "the page begins as the report does");
    assert!(page.len() < 300_000, "{}", page.len());
}

/// What leads to another section of the page finds it there.
#[test]
fn every_reference_has_its_section() {
    let mut found = 0;
    for (name, text) in support::policies("examples/policies") {
        let text = format!("{text}\n[output]\nreport = [\"html\"]\n");
        let made = support::generate_on_sample(&name, &text);
        let page = support::text_of(&made, "report.html");
        for part in page.split("<a href=\"#").skip(1) {
            let id = part.split('"').next().unwrap();
            assert!(page.contains(&format!("<h2 id=\"{id}\">")), "{name}: {id}");
            found += 1;
        }
    }
    assert!(found > 20, "{found}");
}

/// The picture of a list that was widened says what was written, and what its neighbours on the curve would be.
#[test]
fn what_shorter_lists_cost_is_drawn_and_said() {
    let text = std::fs::read_to_string("tests/policies/widened.toml").unwrap();
    let text = format!("{text}\n[output]\nreport = [\"markdown\", \"html\"]\n");
    let made = support::generate("widened.toml", &text, &support::sample(Cloud::Public));
    let page = support::text_of(&made, "report.html");
    let part = between(page, "<h2>What shorter lists cost</h2>", "<h2>");
    let captions: Vec<&str> =
        part.split("<figcaption>").skip(1).map(|p| p.split("</figcaption>").next().unwrap()).collect();
    assert!(captions.len() > 1, "{part}");
    for caption in captions {
        let digits = |text: &str| -> Vec<u128> {
            text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
        };
        let said = caption.split("</strong>").nth(1).unwrap();
        let (taken, rest) = said.split_once(" were taken.").unwrap();
        let [prefixes, extra] = digits(taken)[..] else { panic!("{caption}") };
        let widened = made.plan.extras.iter().any(|own| {
            u128::try_from(own.written).unwrap() == prefixes
                && own.addresses.count().to_string() == extra.to_string()
        });
        assert!(widened, "{caption}: no list of the plan is like this");
        if let Some((_, fewer)) = rest.split_once("with fewer: ") {
            let next = digits(fewer.split('.').next().unwrap());
            assert!(next[0] < prefixes && next[1] >= extra, "{caption}");
        }
        if let Some((_, more)) = rest.split_once("with more: ") {
            let next = digits(more.split('.').next().unwrap());
            assert!(next[0] > prefixes && next[1] < extra, "{caption}");
        }
        assert!(rest.contains("with fewer") && rest.contains("with more"), "{caption}");
    }
    assert!(page.len() < 300_000, "{}", page.len());
}
