//! What every tag held in every known week, and which tag a list of addresses is.

mod fit;
mod pieces;
mod weeks;

pub use fit::{Fit, UnionFit};
pub use pieces::Piece;
pub use weeks::{PrefixSpan, Run, TagHistory, Timeline, Week};
