//! JSON against JSON Schemas that somebody else wrote: a tool, a server, an agent's author. Nothing in a schema can make
//! a check endless or let it reach out of the document, and what does not fit is told so that a model can act on it.
//!
//! ```text
//!   schema ─▶ shallow? few patterns? ─▶ references inside? ─▶ compiled ─▶ Schema
//!   value  ─▶ shallow? ─▶ what would a check visit? ─▶ checked ─▶ complaints: where, what, what would be right
//! ```

mod cost;
mod hint;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::cost::SchemaCost;

pub use cost::VISITS_MAX;
pub use hint::{kind, shape};

/// Complaints in one message: the model corrects these and learns of the rest next time.
const COMPLAINTS_MAX: usize = 3;
/// Characters of one complaint. It may quote the value, which may be long.
const COMPLAINT_CHARS_MAX: usize = 240;
/// Nesting of values; text deeper than this does not parse either.
pub const DEPTH_MAX: usize = 64;
/// Bytes of a pattern once it is compiled.
const PATTERN_BYTES_MAX: usize = 256 << 10;

/// How large a schema may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Levels of nesting, at most [`DEPTH_MAX`].
    pub depth: usize,
    /// Regular expressions in it: some 256 KiB each, once they are compiled.
    pub patterns: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { depth: DEPTH_MAX, patterns: 64 }
    }
}

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    cost: SchemaCost,
    /// `expression (string), digits (integer, optional)`: what should have been written.
    shape: String,
    /// What would do, as JSON text.
    example: Option<String>,
}

impl Schema {
    /// Compiles a schema. Patterns run in linear time and in bounded memory, references stay inside the document, and
    /// what a check may cost is counted before it is made.
    ///
    /// # Errors
    /// What is wrong with the schema, or which bound it does not keep.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        Self::compile_within(schema, Bounds::default())
    }

    /// The same within other bounds.
    ///
    /// # Errors
    /// As [`Schema::compile`].
    pub fn compile_within(schema: &Value, bounds: Bounds) -> Result<Self, String> {
        let depth = bounds.depth.min(DEPTH_MAX);
        if !is_shallow(schema, depth) {
            return Err(format!("it is nested more than {depth} levels deep"));
        }
        let (count, most) = (patterns(schema), bounds.patterns);
        if count > most {
            return Err(format!("it has {count} patterns, and {most} are allowed"));
        }
        let cost = SchemaCost::of(schema)?;
        let patterns =
            PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
        let options = jsonschema::options().with_pattern_options(patterns).should_validate_formats(true);
        let validator = options.build(schema).map_err(|error| clipped(&error.to_string()))?;
        let mut this = Self { validator, cost, shape: shape(schema), example: None };
        // Only if it is one: a pattern, or what depends on something else, is not made up.
        let fits = |it: &Value| this.check(it).is_ok();
        let example = [true, false].iter().find_map(|said| hint::example(schema, *said).filter(fits));
        // Where nothing is required, nothing is an example, and says nothing.
        let says =
            |it: &Value| this.shape.is_empty() || it.as_object().is_none_or(|fields| !fields.is_empty());
        this.example = example.filter(says).and_then(|it| hint::short(&it));
        Ok(this)
    }

    /// Whether `value` fits.
    ///
    /// # Errors
    /// What does not fit, and where.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        if !is_shallow(value, DEPTH_MAX) {
            return Err(format!("it is nested more than {DEPTH_MAX} levels deep"));
        }
        if !self.cost.allows(value) {
            return Err("checking it against the schema is too much work: make it smaller".to_owned());
        }
        // Complaints are collected before the first one is seen, and may be as many as there are items.
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let mut complaints = Vec::new();
        for error in self.validator.iter_errors(value).take(COMPLAINTS_MAX) {
            let place = clipped(error.instance_path().as_str().trim_start_matches('/'));
            let complaint = said(&error);
            complaints.push(if place.is_empty() { complaint } else { format!("`{place}`: {complaint}") });
        }
        if complaints.is_empty() { Ok(()) } else { Err(complaints.join("; ")) }
    }

    /// Whether `value` fits as the arguments of `tool`.
    ///
    /// # Errors
    /// For the model: what does not fit and where, what is expected, and an example.
    pub fn arguments(&self, tool: &str, value: &Value) -> Result<(), String> {
        self.check(value).map_err(|complaint| self.explain(tool, &complaint))
    }

    /// `complaint` about the arguments of `tool`, with what is expected, and an example.
    pub fn explain(&self, tool: &str, complaint: &str) -> String {
        let mut told = format!("the arguments of `{tool}` are not right: {complaint}");
        let wanted = (!self.shape.is_empty()).then(|| format!("It takes: {}", self.shape));
        let example = self.example.as_ref().map(|example| match &wanted {
            Some(wanted) => format!("{wanted}; for example {example}"),
            None => format!("For example {example}"),
        });
        if let Some(hint) = example.or(wanted) {
            told = format!("{told}. {hint}");
        }
        told
    }
}

/// What does not fit; of a value that is none of some, all that would.
fn said(error: &ValidationError<'_>) -> String {
    let ValidationErrorKind::Enum { options } = error.kind() else { return clipped(&error.to_string()) };
    let options: Vec<_> = options.as_array().into_iter().flatten().collect();
    match hint::any_of(&options) {
        Some(any) => format!("{} is not {any}", clipped(&error.instance().to_string())),
        None => clipped(&error.to_string()),
    }
}

/// Whether `value` is nested at most `levels` deep. Goes no deeper than that itself.
pub fn is_shallow(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_shallow(item, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|field| is_shallow(field, levels - 1)),
        _ => true,
    }
}

/// How many regular expressions a schema has at most. Called only for what is shallow.
fn patterns(schema: &Value) -> usize {
    let one = |(key, value): (&String, &Value)| {
        let here = match (key.as_str(), value) {
            ("pattern", Value::String(_)) => 1,
            ("patternProperties", Value::Object(named)) => named.len(),
            _ => 0,
        };
        here + patterns(value)
    };
    match schema {
        Value::Array(items) => items.iter().map(patterns).sum(),
        Value::Object(fields) => fields.iter().map(one).sum(),
        _ => 0,
    }
}

/// The beginning of `text`, marked if something is missing.
pub fn clipped(text: &str) -> String {
    clipped_at(text, COMPLAINT_CHARS_MAX)
}

fn clipped_at(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests;
