//! Text in Markdown.

/// Text that cannot break a table or be read as markup.
pub(super) fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace(['\n', '\r'], " ")
        .replace('*', "\\*")
}
