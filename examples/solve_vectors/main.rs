//! Answers files of test vectors: `solve_vectors VECTORS.json ANSWERS.json`.
//!
//! Reads `{"problem":...,"cases":[...]}` and writes `{"answers":{id: answer}}`. Each problem is one function in a
//! module of its own under `problems`, and calls nothing but the library's public interface.

mod problems;

use std::error::Error;

use serde_json::{Map, Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [vectors, answers] = arguments.as_slice() else {
        return Err("usage: solve_vectors VECTORS.json ANSWERS.json".into());
    };
    let file: Value = serde_json::from_slice(&std::fs::read(vectors)?)?;
    let problem = file["problem"].as_str().ok_or("the file names no problem")?;
    let solve = problems::solver(problem).ok_or_else(|| format!("unknown problem: {problem}"))?;
    let mut solved = Map::new();
    for case in file["cases"].as_array().ok_or("the file has no cases")? {
        let id = case["id"].as_str().ok_or("a case has no id")?;
        solved.insert(id.to_owned(), solve(case));
    }
    std::fs::write(answers, serde_json::to_string(&json!({ "answers": solved }))? + "\n")?;
    Ok(())
}
