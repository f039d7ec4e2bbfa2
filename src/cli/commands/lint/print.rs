//! Findings as text, JSON and Markdown.

use std::io::{self, Write};

use super::answer::Answer;
use crate::analyse::lint::Finding;
use crate::cli::args::{LintFormat, OutputFormat, Printing};
use crate::cli::{Failure, output};
use crate::report::document::{self, Block, Column, Line, Table};

pub(super) fn print(format: LintFormat, answer: &Answer<'_>) -> Result<(), Failure> {
    let json = format == LintFormat::Json;
    let printing = Printing { format: if json { OutputFormat::Json } else { OutputFormat::Text } };
    output::print(&printing, answer, |out| match format {
        LintFormat::Markdown => markdown(answer, out),
        _ => text(answer, out),
    })
}

/// `2 groups, 1 route table`.
fn read(answer: &Answer<'_>) -> String {
    let kinds = [
        ("nsg", "security group"),
        ("route-table", "route table"),
        ("rule-collection-group", "rule collection group"),
        ("firewall", "firewall"),
        ("firewall-policy", "firewall policy"),
        ("ip-group", "IP group"),
        ("vnet", "virtual network"),
        ("subnet", "subnet"),
        ("nic", "network interface"),
    ];
    let counted = kinds.iter().filter_map(|(kind, words)| {
        match answer.read.iter().filter(|resource| resource.kind == *kind).count() {
            0 => None,
            1 => Some(format!("1 {words}")),
            n if words.ends_with('y') => Some(format!("{n} {}ies", &words[..words.len() - 1])),
            n => Some(format!("{n} {words}s")),
        }
    });
    counted.collect::<Vec<_>>().join(", ")
}

fn summary(answer: &Answer<'_>) -> String {
    let count = |n: usize, word: &str| if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") };
    let counts = &answer.counts;
    let left_out = match answer.left_out {
        0 => String::new(),
        n => format!("; {n} left out"),
    };
    format!(
        "{}, {}, {}{left_out}",
        count(counts.error, "error"),
        count(counts.warning, "warning"),
        count(counts.info, "note")
    )
}

fn text(answer: &Answer<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "read: {}", read(answer))?;
    answer.assumptions.iter().try_for_each(|text| writeln!(out, "note: {text}"))?;
    answer.incomplete.iter().try_for_each(|text| writeln!(out, "incomplete: {text}"))?;
    for finding in answer.findings {
        let about = about(finding);
        writeln!(out, "\n{} {} {about}: {}", finding.severity.name(), finding.id, finding.message)?;
        writeln!(out, "  at {}", finding.place)?;
        if let Some(packet) = &finding.packet {
            writeln!(out, "  packet {packet}")?;
        }
        if let Some(fix) = &finding.fix {
            writeln!(out, "  fix: {fix}")?;
        }
    }
    writeln!(out, "\n{}", summary(answer))
}

/// Resource and rule.
fn about(finding: &Finding) -> String {
    match &finding.rule {
        Some(rule) => format!("{} / {rule}", finding.resource),
        None => finding.resource.clone(),
    }
}

fn markdown(answer: &Answer<'_>, out: &mut dyn Write) -> io::Result<()> {
    let head = Line::new().strong(summary(answer)).text(format_args!(" in {}", read(answer)));
    let assumed = answer.assumptions.iter().map(|text| Line::of(text));
    let incomplete = answer.incomplete.iter().map(|text| Line::of("incomplete: ").prose(text));
    let mut blocks = vec![Block::Paragraph(head)];
    blocks.extend(Block::bullets(assumed.chain(incomplete)));
    let rows = answer.findings.iter().map(|finding| {
        let fix = finding.fix.as_ref().map(|fix| format!("; {fix}")).unwrap_or_default();
        let at = format!("{} ({}:{})", about(finding), finding.place.file, finding.place.line);
        let what = Line::of(&finding.message.to_string()).prose(&fix);
        [finding.severity.name().into(), finding.id.into(), at.into(), what]
    });
    let table = Table::new(["", "id", "where", "what"].map(Column::words)).with(rows);
    blocks.extend((!table.is_empty()).then_some(Block::Table(table)));
    write!(out, "{}", document::markdown(&blocks))
}
