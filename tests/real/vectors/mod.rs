//! Every shared test vector, solved through the public interface and judged by plain means.
//!
//! The vectors lie outside the repository, in `$TAGWALL_SHARED/vectors`. Without that variable nothing is tested,
//! and the tests say so; with it, a missing file is a failure.

mod budget;
mod routes;

use std::io::Write as _;
use std::path::PathBuf;

use crate::problems::{index, list, text};
use serde_json::Value;

/// The function that answers a case.
type Solver = fn(&Value) -> Value;

/// The cases of a vector file and their solver, or `None` if there are no vectors here.
fn cases(name: &str) -> Option<(Value, Solver)> {
    let Some(shared) = std::env::var_os("TAGWALL_SHARED") else {
        // Straight to the stream: what the print macros write is hidden when a test passes.
        let _ = writeln!(std::io::stderr(), "skipped {name}: TAGWALL_SHARED is not set");
        return None;
    };
    let path = PathBuf::from(shared).join("vectors").join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_slice(&bytes).expect("vectors are JSON");
    let solve = crate::problems::solver(text(&file["problem"])).expect("a known problem");
    Some((file, solve))
}

/// Solves every case of a file and hands case and answer to `judge`, which panics if the answer is wrong.
fn judge_all(name: &str, judge: impl Fn(&Value, &Value)) {
    let Some((file, solve)) = cases(name) else { return };
    let cases = list(&file["cases"]);
    assert!(!cases.is_empty(), "{name} has no cases");
    for case in cases {
        // Shown by the test harness only if the judge panics.
        #[allow(clippy::print_stdout)]
        let () = println!("{} {}", text(&case["id"]), case["note"]);
        judge(case, &solve(case));
    }
}

/// The answer to one of several questions of a case: same place, same question.
fn paired<'a>(expected: &'a Value, answers: &'a Value, key: &str) -> Vec<(&'a Value, &'a Value)> {
    let (expected, answers) = (list(expected), list(answers));
    assert_eq!(expected.len(), answers.len());
    assert!(expected.iter().zip(answers).all(|(e, a)| e[key] == a[key]));
    expected.iter().zip(answers).collect()
}

/// Whether an answer says that `k` is too few, which must agree with the vector.
fn is_infeasible(expected: &Value, answer: &Value) -> bool {
    let infeasible = expected["feasible"] == Value::Bool(false);
    assert_eq!(answer["infeasible"] == Value::Bool(true), infeasible, "k = {}", index(&expected["k"]));
    infeasible
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn cover() {
    judge_all("cover.json", |case, answer| assert_eq!(answer, &case["expect"]));
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn budgets() {
    judge_all("budget.json", |case, answer| {
        budget::judge(case, answer);
        budget::judge_both_ends(std::slice::from_ref(case));
    });
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn joint_budgets() {
    judge_all("joint.json", |case, answer| {
        budget::judge_joint(case, answer);
        budget::judge_both_ends(list(&case["sets"]));
    });
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn route_tables() {
    judge_all("routes.json", routes::judge);
}
