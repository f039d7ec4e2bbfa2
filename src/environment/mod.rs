//! [`Environment`]: a policy with all that belongs to it: what it extends, its catalogue, and the earlier generation
//! that it stands upon. The commands that make or prove anything get one here, and nowhere else. [`Fleet`] is many of
//! them, from templates and tables.

mod catalogs;
mod fleet;
mod one;
mod text;

pub use fleet::{Fleet, FleetError, SameName, schema as fleet_schema, shard_of};
pub use one::{Environment, EnvironmentError, LIMITS, read_layers, tags_of};
pub use text::{TextError, read_text};
