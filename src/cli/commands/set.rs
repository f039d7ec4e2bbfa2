//! `tagwall set`

use crate::addr::AddrSet;
use crate::cli::args::{Set, SetOperation};
use crate::cli::{Failure, lists};

pub(in crate::cli) fn run(args: &Set) -> Result<(), Failure> {
    let lists = lists::read_all(&args.files, args.relaxed)?;
    let entries = lists.iter().map(|list| list.entries).sum();
    let operation = match args.operation {
        SetOperation::Union => AddrSet::union,
        SetOperation::Intersect => AddrSet::intersection,
        SetOperation::Except => AddrSet::difference,
        SetOperation::Symdiff => AddrSet::symmetric_difference,
    };
    let mut sets = lists.into_iter().map(|list| list.set);
    let first = sets.next().expect("the arguments name two lists or more");
    let result = sets.fold(first, |so_far, next| operation(&so_far, &next));
    lists::print_exact(&result, entries, &args.printing)
}
