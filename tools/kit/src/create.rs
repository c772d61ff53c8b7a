//! `tool new`: a project from a template.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{KitError, Language, bounds, sdk, template};

/// The tool that every template is, under the two spellings in which its name occurs.
const MODEL: [&str; 2] = ["count_words", "CountWords"];
/// How the Rust template names the kit, inside this repository.
const KIT_IN_TEMPLATE: &str = "{ path = \"../../guest\" }";
/// Words that are no names in one of the languages.
const RESERVED: [&str; 16] = [
    "async", "await", "class", "def", "enum", "fn", "for", "if", "impl", "import", "in", "main", "new",
    "test", "tool", "while",
];

/// What was made.
#[derive(Debug)]
pub struct Created {
    /// The folder.
    pub folder: PathBuf,
    /// Its files, by their paths within.
    pub files: Vec<&'static str>,
    /// The folder within that holds a copy of the kit, if there is one.
    pub kit: Option<&'static str>,
}

/// Makes a project called `name` in `folder`, which must not be there, or be empty. A tool in Rust depends on the crate
/// in `kit`, if that is given, otherwise on the one of a checkout of Playhouse around `folder`, otherwise on a copy that it
/// is given.
///
/// # Errors
/// The name is none in every language, something is in the way, or the disk refuses.
pub fn create(
    folder: &Path,
    name: &str,
    language: Language,
    kit: Option<&Path>,
) -> Result<Created, KitError> {
    check_name(name)?;
    let is_free = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if !is_free {
        return Err(KitError::Exists(folder.to_owned()));
    }
    fs::create_dir_all(folder).map_err(KitError::io("create", folder))?;
    let folder = fs::canonicalize(folder).map_err(KitError::io("find", folder))?;
    let kit = found(&folder, kit)?;
    let dependency = dependency(kit.as_deref());
    let mut files = Vec::new();
    for (path, text) in template::files(language) {
        write(&folder.join(path), &rendered(text, name, &dependency))?;
        files.push(path);
    }
    let copied = (language == Language::Rust && kit.is_none()).then_some(sdk::FOLDER);
    for (path, text) in copied.iter().flat_map(|_| sdk::files()) {
        write(&folder.join(sdk::FOLDER).join(path), &text)?;
    }
    Ok(Created { folder, files, kit: copied })
}

fn write(file: &Path, text: &str) -> Result<(), KitError> {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).map_err(KitError::io("create", parent))?;
    }
    fs::write(file, text).map_err(KitError::io("write", file))
}

/// Whether `name` can be the name of a tool and of a function.
///
/// # Errors
/// It cannot; the error says why.
pub fn check_name(name: &str) -> Result<(), KitError> {
    let refused = |why| Err(KitError::Name { name: name.to_owned(), why });
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return refused("it must begin with a letter from a to z");
    }
    if !name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_')) {
        return refused("it is made of a to z, 0 to 9 and _, so that it is a name in every language");
    }
    if name.len() > bounds::NAME {
        return refused("it has more than 64 characters");
    }
    if RESERVED.contains(&name) {
        return refused("it means something in one of the languages");
    }
    Ok(())
}

fn rendered(text: &str, name: &str, kit: &str) -> String {
    text.replace(KIT_IN_TEMPLATE, kit).replace(MODEL[0], name).replace(MODEL[1], &camel_case(name))
}

fn camel_case(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    words.map(|word| format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..])).collect()
}

/// Where the kit is, if it is not to be copied.
fn found(folder: &Path, kit: Option<&Path>) -> Result<Option<PathBuf>, KitError> {
    let around = || folder.ancestors().map(|above| above.join("tools/guest"));
    match kit {
        Some(kit) => fs::canonicalize(kit).map(Some).map_err(KitError::io("find", kit)),
        None => Ok(around().find(|kit| kit.join("Cargo.toml").is_file())),
    }
}

/// How the project names the kit, as a value of TOML.
fn dependency(kit: Option<&Path>) -> String {
    let path = kit.map_or_else(|| sdk::CRATE.to_owned(), |kit| kit.to_string_lossy().into_owned());
    format!("{{ path = {} }}", toml::Value::String(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Project;

    #[test]
    fn every_template_becomes_a_project_of_its_new_name() {
        for language in Language::ALL {
            let place = tempfile::tempdir().unwrap();
            let folder = place.path().join("stock_of_parts");
            let created = create(&folder, "stock_of_parts", language, None).unwrap();
            let project = Project::open(&folder).unwrap();
            assert_eq!((project.name.as_str(), project.language), ("stock_of_parts", language));
            for wanted in ["README.md", "cases.json", ".gitignore", language.source()] {
                assert!(created.files.contains(&wanted), "{language} has no {wanted}");
            }
            for file in created.files {
                let text = fs::read_to_string(folder.join(file)).unwrap();
                assert!(!MODEL.iter().any(|model| text.contains(model)), "{language}: {file}");
                assert!(!text.contains("../../guest"), "{language}: {file}");
            }
        }
    }

    #[test]
    fn a_tool_in_rust_that_stands_alone_has_the_kit_with_it_and_others_have_not() {
        for language in Language::ALL {
            let place = tempfile::tempdir().unwrap();
            let created = create(&place.path().join("stock"), "stock", language, None).unwrap();
            let crate_of_it = created.folder.join("playhouse-tool/guest/src/lib.rs");
            assert_eq!(crate_of_it.is_file(), language == Language::Rust, "{language}");
            assert_eq!(created.kit.is_some(), language == Language::Rust, "{language}");
        }
    }

    #[test]
    fn what_is_there_is_never_overwritten() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("thesis.txt"), "years of work").unwrap();
        let error = create(place.path(), "stock", Language::C, None).unwrap_err();
        assert!(matches!(error, KitError::Exists(_)), "{error}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_name_is_one_in_every_language() {
        for name in ["count_words", "a", "x2"] {
            check_name(name).unwrap();
        }
        for name in ["", "2x", "Count", "count-words", "../up", "class", "é", &"a".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_checkout_around_the_project_gives_the_kit() {
        let place = tempfile::tempdir().unwrap();
        let guest = place.path().join("tools/guest");
        fs::create_dir_all(&guest).unwrap();
        fs::write(guest.join("Cargo.toml"), "").unwrap();
        let folder = place.path().join("mine/stock");
        create(&folder, "stock", Language::Rust, None).unwrap();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains(&*guest.canonicalize().unwrap().to_string_lossy()), "{manifest}");
    }
}
