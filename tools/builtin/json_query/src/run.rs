//! Running a filter: jaq at work.

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, RcIter};
use jaq_json::Val;
use playhouse_tool::Error;
use serde_json::{Number, Value};
use shared::{ANSWER_BYTES_MAX, shown};

/// Results of one filter.
const RESULTS_MAX: usize = 1_000;
/// Functions of jq that ask the machine, or end the program: there is neither here.
const ABSENT: [&str; 4] = ["now", "env", "halt", "halt_error"];

/// The results of a filter on a value, and what was left out.
pub(crate) fn filter(code: &str, json: Value) -> Result<(Vec<Value>, Option<String>), Error> {
    let arena = Arena::default();
    let defs = jaq_std::defs().chain(jaq_json::defs());
    let loader = Loader::new(defs.filter(|def| !ABSENT.contains(&def.name)));
    let modules = loader.load(&arena, File { code, path: () }).map_err(|_| {
        let message = format!(
            "`filter` cannot be read: `{}`; write it as for jq, for example `.items[].name`",
            shown(code)
        );
        Error::invalid_input(message)
    })?;
    let funs = jaq_std::funs().chain(jaq_json::funs());
    let compiler = Compiler::default().with_funs(funs.filter(|(name, _, _)| !ABSENT.contains(name)));
    let filter = compiler.compile(modules).map_err(|errors| {
        let name = errors
            .iter()
            .flat_map(|(_, errors)| errors.iter())
            .map(|(name, _)| *name)
            .next()
            .unwrap_or_default();
        let why = match ABSENT.contains(&name) {
            true => "which there is not here: a filter sees `json` alone, no clock and no environment",
            false => "which there is not: use functions of jq",
        };
        Error::invalid_input(format!("`filter` uses `{}`, {why}", shown(name)))
    })?;
    let inputs = RcIter::new(core::iter::empty());
    let (mut results, mut bytes) = (Vec::new(), 0);
    for result in filter.run((Ctx::new([], &inputs), Val::from(json))) {
        let result = result.map_err(|wrong| {
            let said: String = wrong.to_string().chars().take(500).collect();
            // What the filter raised by itself needs no advice.
            let advice =
                if said.starts_with("cannot ") { "; look at the data with `keys` or `type`" } else { "" };
            Error::invalid_input(format!("the filter failed: {said}{advice}"))
        })?;
        let result = plain(Value::from(result));
        bytes += result.to_string().len() + 1;
        if results.len() == RESULTS_MAX || bytes > ANSWER_BYTES_MAX {
            let more = format!(
                "cut after {} results: pick fewer fields, or pass over some with `.[100:200]`",
                results.len()
            );
            return Ok((results, Some(more)));
        }
        results.push(result);
    }
    Ok((results, None))
}

/// The largest whole number that a float holds exactly.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Whole floats as whole numbers: the interpreter's integers have 32 bits here and 64 elsewhere.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT_MAX);
            let is_float = number.to_string().ends_with(".0");
            Value::Number(whole.filter(|_| is_float).map_or(number, |whole| Number::from(whole as i64)))
        }
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        other => other,
    }
}
