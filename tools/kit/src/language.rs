//! The languages there are templates for.

use std::fmt;

use serde::Deserialize;

use crate::KitError;

/// A language there is a template for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// With cargo, and the target `wasm32-unknown-unknown` of rustup.
    Rust,
    /// With `componentize-py` from PyPI; `CPython` is in the component.
    Python,
    /// With `componentize-qjs` from npm; `QuickJS` is in the component.
    JavaScript,
    /// As JavaScript, after `esbuild` and the check of types by `typescript`.
    TypeScript,
    /// With clang and a linker for WebAssembly.
    C,
}

impl Language {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Rust, Self::Python, Self::JavaScript, Self::TypeScript, Self::C];

    /// The language of that name, or its usual short form.
    ///
    /// # Errors
    /// There is none; the error lists them.
    pub fn named(name: &str) -> Result<Self, KitError> {
        let short = match name.to_ascii_lowercase().as_str() {
            "rs" => "rust".to_owned(),
            "py" => "python".to_owned(),
            "js" => "javascript".to_owned(),
            "ts" => "typescript".to_owned(),
            other => other.to_owned(),
        };
        let found = Self::ALL.into_iter().find(|language| language.name() == short);
        found.ok_or_else(|| KitError::Language(name.to_owned()))
    }

    /// As it is written in `tool.toml`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::C => "c",
        }
    }

    /// The names of all, for a sentence.
    #[must_use]
    pub fn list() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// The file in which the author writes the tool.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::Python => "tool.py",
            Self::JavaScript => "tool.js",
            Self::TypeScript => "tool.ts",
            Self::C => "tool.c",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::C => "C",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_found_by_its_name_and_by_its_short_form() {
        for language in Language::ALL {
            assert_eq!(Language::named(language.name()).unwrap(), language);
        }
        assert_eq!(Language::named("TS").unwrap(), Language::TypeScript);
        let error = Language::named("cobol").unwrap_err().to_string();
        assert!(error.contains("rust, python, javascript, typescript, c"), "{error}");
    }
}
