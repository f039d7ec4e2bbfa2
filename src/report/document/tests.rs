//! Both writers, held against each other: what a reader of Markdown makes of the one is what the other writes.

use proptest::prelude::*;
use pulldown_cmark::{Options, Parser};

use super::*;

const HERE: Anchor = Anchor { id: "here", title: "Here" };

/// What a reader makes of Markdown.
fn read(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES;
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, Parser::new_ext(markdown, options));
    out.replace(" style=\"text-align: right\"", " class=\"right\"")
        .replace("<thead><tr><th></th><th></th></tr></thead>", "")
        .replace("<th></th>", "<td></td>")
}

/// What the other writer makes of the same, without what only a page has.
fn page(blocks: &[Block]) -> String {
    let out = html(blocks).replace("&quot;", "\"").replace("&#39;", "'");
    out.replace("<div class=\"table\" tabindex=\"0\">", "")
        .replace("</table></div>", "</table>")
        .replace(" id=\"here\"", "")
        .replace("<a href=\"#here\">", "")
        .replace("</a>", "")
}

/// White space means nothing beside an element, and as much as one space elsewhere; an empty paragraph is none.
fn loose(html: &str) -> String {
    let words: Vec<&str> = html.split_whitespace().collect();
    let mut html = words.join(" ");
    for (from, to) in [("> ", ">"), (" <", "<"), ("<p></p>", "")] {
        while html.contains(from) {
            html = html.replace(from, to);
        }
    }
    html
}

#[track_caller]
fn assert_same(blocks: &[Block]) {
    let text = markdown(blocks);
    assert_eq!(loose(&read(&text)), loose(&page(blocks)), "{text}");
}

#[test]
fn every_block_is_written_and_read_back() {
    let line = Line::of("Use `a|b` or ").strong("c").text(", ").aside("(d)").text(" in ").reference(HERE);
    let table = Table::new([Column::words(""), Column::words("Words"), Column::numbers("Numbers")]);
    let table =
        table.with([[Line::from(1), line.clone(), 12_345.into()], [Line::new(), Line::new(), 0.into()]]);
    let items = || vec![Item::with(line.clone().next_line().code("x y"), vec![line.clone(), "e".into()])];
    let blocks = [
        Block::Heading(1, "Title".into()),
        Block::Section(HERE),
        Block::Paragraph(line.clone()),
        Block::Bullets(items()),
        Block::Paragraph("between".into()),
        Block::Numbers(items()),
        Block::Table(table),
        Block::Table(Table::new([Column::words(""); 2]).with([[Line::from("a"), "b".into()]])),
    ];
    assert_same(&blocks);
    let text = markdown(&blocks);
    assert_eq!(
        text,
        "# Title\n\n## Here\n\nUse `a|b` or **c**, _(d)_ in *Here*\n\n\
         - Use `a|b` or **c**, _(d)_ in *Here*\n  `x y`\n  - Use `a|b` or **c**, _(d)_ in *Here*\n  - e\n\n\
         between\n\n\
         1. Use `a|b` or **c**, _(d)_ in *Here*\n   `x y`\n   - Use `a|b` or **c**, _(d)_ in *Here*\n   - e\n\n\
         | | Words | Numbers |\n|---|---|--:|\n| 1 | Use `a\\|b` or **c**, _(d)_ in *Here* | 12345 |\n|  |  | 0 |\n\n\
         | | |\n|---|---|\n| a | b |\n"
    );
    let page = html(&blocks);
    assert!(
        page.contains("<h2 id=\"here\">") && page.contains("<a href=\"#here\"><em>Here</em></a>"),
        "{page}"
    );
    assert!(
        page.contains("<td class=\"right\">12345</td>") && page.contains("<td></td><th>Words</th>"),
        "{page}"
    );
}

#[test]
fn items_under_the_tenth_are_under_it() {
    let items = (1..=12).map(|n| Item::with(n.into(), vec!["under".into()]));
    let blocks = [Block::Numbers(items.collect())];
    assert_same(&blocks);
    assert!(markdown(&blocks).contains("\n10. 10\n    - under\n"));
}

#[test]
fn prose_has_code_between_two_backticks() {
    let line = |text| markdown(&[Block::Paragraph(Line::of(text))]);
    assert_eq!(line("a `b*c` d"), "a `b*c` d\n");
    assert_eq!(line("a `b"), "a \\`b\n");
    assert_eq!(line("a `` b"), "a \\`\\` b\n");
}

#[test]
fn words_are_escaped_only_where_they_mean_something() {
    let line = |text: &str| markdown(&[Block::paragraph(text)]);
    for same in
        ["a_b (c) [d], R&D, 3. x & y #1 > 2 - 3", "10.0.0.0/8", "-7", "*"].map(|s| s.replace('*', "x"))
    {
        assert_eq!(line(&same), format!("{same}\n"));
    }
    for (text, written) in [
        ("- a", "\\- a"),
        ("1. a", "1\\. a"),
        ("# a", "\\# a"),
        ("    a", "a"),
        ("[a](b)", "\\[a\\](b)"),
        ("x [a](b)", "x [a\\](b)"),
        ("<b>&lt;", "&lt;b>&amp;lt;"),
        ("_a_", "\\_a\\_"),
        ("a\u{202e}b", "a\\\\u{202e}b"),
    ] {
        assert_eq!(line(text), format!("{written}\n"));
    }
}

/// Texts made of what has a meaning to some reader, around a word: where there is none, there is nothing to say.
fn nasty() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "`",
        "``",
        "*",
        "**",
        "_",
        "__",
        "[",
        "]",
        "](",
        "]:",
        "(",
        ")",
        "<",
        ">",
        "<b>",
        "</td>",
        "<!--",
        "-->",
        "<script>",
        "&",
        "&lt;",
        "&#60;",
        "|",
        "\\",
        "\\|",
        "#",
        "##",
        "+",
        "-",
        "---",
        "|---|",
        "1",
        "7.",
        "7)",
        "!",
        "~",
        "~~",
        "=",
        "===",
        ":",
        "http://e.example",
        "'",
        "\"",
        "$",
        "^",
        "a",
        "b c",
        "é",
        "…",
        "\u{a0}",
        "\u{2003}",
        "\u{0}",
        "\u{1b}",
        "\u{7f}",
        "\u{85}",
        "\u{ad}",
        "\u{200b}",
        "\u{202e}",
        "\u{2028}",
        "\u{2066}",
        "\u{feff}",
        "\u{e0041}",
    ]);
    let some = || prop::collection::vec(pieces.clone(), 0..6).prop_map(|pieces| pieces.concat());
    (some(), some()).prop_map(|(before, after)| format!("{before}w{after}"))
}

/// A document in which texts stand in every place that takes one.
fn document(texts: &[String], code: &str) -> Vec<Block> {
    let [a, b, c, d] = texts else { panic!("four texts") };
    let line = || {
        let line = Line::from(a).text(" ").strong(b).text(" ").code(code).text(" ").aside(c);
        line.text(" ").prose(d).text(" ").reference(HERE)
    };
    let items = || vec![Item::with(Line::from(a).next_line().text(b), vec![c.into(), line()]), line().into()];
    let cell = |text: &String| Line::from(text).text(" ").strong(text).text(" ").aside(text);
    let columns = [Column::words(""), Column::words("x"), Column::numbers("y")];
    vec![
        Block::Heading(1, line()),
        Block::Paragraph(line()),
        Block::Paragraph(Line::new().code(code).next_line().text(a)),
        Block::Bullets(items()),
        Block::paragraph("between"),
        Block::Numbers(items()),
        Block::Table(Table::new(columns).with([[cell(a), cell(b), cell(c)], [d.into(), c.into(), 1.into()]])),
        Block::Heading(3, d.into()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// No text gets out of its place: both writers say the same, and the elements are those of harmless words.
    #[test]
    fn no_text_gets_out_of_its_place(texts in prop::collection::vec(nasty(), 4), code in nasty()) {
        let blocks = document(&texts, &code);
        let (text, page_html) = (markdown(&blocks), html(&blocks));
        prop_assert_eq!(loose(&read(&text)), loose(&page(&blocks)), "{}", text);
        for written in [&text, &page_html] {
            prop_assert_eq!(crate::text::hidden(written), None, "{:?}", written);
            prop_assert!(!written.contains('\t') && !written.contains('\r'), "{:?}", written);
        }
    }

    /// The elements of a page are those that it has with harmless words.
    #[test]
    fn no_text_makes_an_element(texts in prop::collection::vec(nasty(), 4), code in nasty()) {
        // Prose chooses its own code.
        let without: Vec<String> = texts.iter().map(|text| text.replace('`', "")).collect();
        let harmless = document(&["a", "b", "c", "d"].map(str::to_owned), "e");
        let (page, wanted) = (html(&document(&without, &code)), html(&harmless));
        prop_assert_eq!(elements(&page), elements(&wanted));
    }

    /// Bars and backslashes of code stay in their cell.
    #[test]
    fn code_stays_in_its_cell(code in nasty(), after in nasty()) {
        let cells = [Line::new().code(&code), Line::from(&after), "z".into()];
        let columns = [Column::words("x"), Column::words("y"), Column::words("z")];
        let blocks = [Block::Table(Table::new(columns).with([cells]))];
        let read = loose(&read(&markdown(&blocks)));
        // In code that cannot be said the words are no code.
        let plain = |html: &str| html.replace("<code>", "").replace("</code>", "");
        prop_assert_eq!(loose(&plain(&read)), loose(&plain(&page(&blocks))), "{}", markdown(&blocks));
    }
}

fn elements(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|part| part.split('>').next().unwrap_or_default()).collect()
}
