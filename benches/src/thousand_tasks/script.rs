//! What the tasks ask and what the model says. Pure, and the same for the mock and for the model in process.
//!
//! Task `n` begins with `n`; in round `r` the model asks for `sum + r`, where `sum` is what the tool said
//! before. So the answer is right only if every result reached the model in its turn.

use serde_json::{Value, json};

const BEGIN: &str = "begin with ";

/// What the model does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Calls the tool with this expression.
    Call(String),
    /// Ends the task.
    Answer(String),
}

/// What task `n` is told.
pub(crate) fn input(n: usize) -> String {
    format!("Take the numbers from 1 on, one at a time, and add them up; {BEGIN}{n}")
}

/// What task `n` must answer.
pub(crate) fn answer(n: usize, rounds: u32) -> String {
    said(n as u64 + u64::from(rounds) * (u64::from(rounds) + 1) / 2)
}

fn said(sum: u64) -> String {
    format!("The sum is {sum}.")
}

/// The task that was told `input`.
pub(crate) fn task(input: &str) -> Option<usize> {
    input.rsplit_once(BEGIN)?.1.parse().ok()
}

/// The model's next move for task `n`, after these results of the tool.
pub(crate) fn next(n: usize, results: &[&str], rounds: u32) -> Result<Move, String> {
    let sum = match results.last() {
        None => n as u64,
        Some(result) => number(result).ok_or_else(|| format!("task {n} got this from its tool: {result}"))?,
    };
    let round = u32::try_from(results.len()).unwrap_or(u32::MAX) + 1;
    Ok(if round > rounds { Move::Answer(said(sum)) } else { Move::Call(format!("{sum} + {round}")) })
}

/// The number in `{"result": "…"}`, as both tools write it.
fn number(result: &str) -> Option<u64> {
    serde_json::from_str::<Value>(result).ok()?.get("result")?.as_str()?.parse().ok()
}

/// The native tool: `{"expression": "3 + 4"}` gives `{"result": "7"}`.
pub(crate) fn add(arguments: &Value) -> Option<Value> {
    let (left, right) = arguments.get("expression")?.as_str()?.split_once(" + ")?;
    let sum = left.parse::<u64>().ok()?.checked_add(right.parse().ok()?)?;
    Some(json!({ "result": sum.to_string() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_played_to_its_end_gives_the_answer_that_is_expected() {
        let (n, rounds) = (task(&input(40)).unwrap(), 10);
        let mut results: Vec<String> = Vec::new();
        loop {
            let so_far: Vec<_> = results.iter().map(String::as_str).collect();
            match next(n, &so_far, rounds).unwrap() {
                Move::Call(expression) => {
                    results.push(add(&json!({ "expression": expression })).unwrap().to_string())
                }
                Move::Answer(text) => {
                    assert_eq!((text, results.len()), (answer(40, rounds), 10));
                    return;
                }
            }
        }
    }

    #[test]
    fn a_result_that_is_no_sum_is_noticed() {
        assert!(next(1, &[r#"{"error":"no"}"#], 3).is_err());
    }
}
