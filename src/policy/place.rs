//! [`Path`]: a place in a policy, and [`PolicyErrors`]: what is wrong there, with the text that said it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::text::visible;

/// One step of a path into the policy file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A key of a table.
    Key(String),
    /// An item of a list, from 0.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Step::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Step::Index(index)
    }
}

/// A place in the policy file, as `allow[1].to[0]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Path(Vec<Step>);

impl Path {
    /// The file's top.
    pub fn top() -> Self {
        Path::default()
    }

    /// The place `step` below this one.
    #[must_use]
    pub fn at(&self, step: impl Into<Step>) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.into());
        Path(steps)
    }

    /// The steps from the top.
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The place one up; `None` at the top.
    pub(super) fn parent(&self) -> Option<Path> {
        let (_, rest) = self.0.split_last()?;
        Some(Path(rest.to_vec()))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if index == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(at) => write!(f, "[{at}]")?,
            }
        }
        Ok(())
    }
}

/// A text that says something of a policy: a file, or one row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceText {
    /// The file as the user named it.
    pub file: String,
    /// The text: the whole file, or the line or lines of a row.
    pub text: String,
    /// The line of the file at which the text begins; from 1.
    pub first_line: usize,
    /// Which row of a table the text is, where it is one.
    pub row: Option<Row>,
}

impl SourceText {
    /// A whole file.
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        SourceText { file: file.into(), text: text.into(), first_line: 1, row: None }
    }

    /// How a message about `span` of the text begins: nothing, or row and column.
    fn words(&self, span: &Range<usize>) -> impl fmt::Display + '_ {
        let start = span.start;
        fmt::from_fn(move |f| {
            let Some(row) = &self.row else { return Ok(()) };
            match row.cells.iter().find(|(_, cell)| cell.start <= start && start <= cell.end) {
                Some((name, _)) => write!(f, "row {}, column `{name}`: ", row.number),
                None => write!(f, "row {}: ", row.number),
            }
        })
    }
}

/// A row of a table of environments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which one, from 1; the header is none.
    pub number: usize,
    /// The names of its columns, and where their cells are in the text.
    pub cells: Vec<(String, Range<usize>)>,
}

/// One thing that is wrong in a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblem {
    /// Where, as a path.
    pub place: Path,
    /// Where, as bytes of the text.
    pub span: Range<usize>,
    /// What is wrong, with the way out.
    pub message: String,
    /// The text that said it, where that is not the policy's own: a file that it extends, a row of a table.
    pub said_in: Option<Arc<SourceText>>,
}

impl PolicyProblem {
    /// What is wrong at a place of the policy's own text; here its sentence is made.
    pub(crate) fn new(place: Path, span: Range<usize>, problem: impl fmt::Display) -> Self {
        PolicyProblem { place, span, message: problem.to_string(), said_in: None }
    }

    /// The same of the text that said it, where that is another one.
    pub(crate) fn of(self, said_in: Option<Arc<SourceText>>) -> Self {
        PolicyProblem { said_in, ..self }
    }
}

/// All that is wrong in a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyErrors {
    /// The file as the user named it.
    pub file: String,
    /// The file's text.
    pub text: String,
    /// What is wrong, in order of place.
    pub problems: Vec<PolicyProblem>,
}

impl fmt::Display for PolicyErrors {
    /// Each problem with its line of the file, marked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
        let renderer = Renderer::plain();
        for (index, problem) in self.problems.iter().enumerate() {
            let annotation = AnnotationKind::Primary.span(problem.span.clone());
            let (file, text, first_line, title) = match problem.said_in.as_deref() {
                Some(said) => {
                    let title = format!("{}{}", said.words(&problem.span), problem.message);
                    (&said.file, &said.text, said.first_line, Cow::Owned(title))
                }
                None => (&self.file, &self.text, 1, Cow::Borrowed(&problem.message)),
            };
            let snippet = Snippet::source(text).line_start(first_line).path(file).annotation(annotation);
            let report = [Level::ERROR.primary_title(&*title).element(snippet)];
            let newline = if index == 0 { "" } else { "\n" };
            // The renderer writes some hidden characters as they are.
            write!(f, "{newline}{}", visible(&renderer.render(&report)))?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyErrors {}
