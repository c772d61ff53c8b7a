//! The world of a project: it exports the tool, and whether a call happened if that can be asked, and imports what `uses`
//! lists and nothing else.
//!
//! Interpreters import all of the world they are built for, used or not, and a component's imports are its wishes. So
//! each project has a world of its own, made when it is built, from the contract inside this crate.

use std::path::Path;

use wit_bindgen_core::wit_parser::{Resolve, WorldId, WorldItem};

use crate::{KitError, project::write_if_new};

/// The contract, file by file.
const CONTRACT: [(&str, &str); 2] = [
    ("tool.wit", include_str!("../../wit/v1/tool.wit")),
    ("host.wit", include_str!("../../wit/v1/host.wit")),
];
/// The name of a project's world.
pub(crate) const WORLD: &str = "project";

/// The interfaces that a tool may import, as the contract lists them in its world `everything`.
pub(crate) fn capabilities() -> Vec<String> {
    let (resolve, _) = parsed(&[], false).expect("the contract inside this crate parses, as a test shows");
    let package = resolve.packages.iter().next().expect("it has one package").1;
    let everything = &resolve.worlds[package.worlds["everything"]];
    let names = everything.imports.values().filter_map(|item| match item {
        WorldItem::Interface { id, .. } => resolve.interfaces[*id].name.clone(),
        _ => None,
    });
    names.collect()
}

/// The contract with the world of a project that uses these, and can be asked about its calls if it is `checkable`.
pub(crate) fn parsed(uses: &[String], checkable: bool) -> Result<(Resolve, WorldId), KitError> {
    let failed = |error| KitError::component("reading the contract", &error);
    let mut text: String = CONTRACT.iter().map(|(_, text)| format!("{text}\n")).collect();
    text += &world(uses, checkable);
    let mut resolve = Resolve::default();
    let package = resolve.push_str("contract.wit", &text).map_err(failed)?;
    let world = resolve.select_world(&[package], Some(WORLD)).map_err(failed)?;
    Ok((resolve, world))
}

/// Writes the same into `folder`, for builders that read files.
pub(crate) fn write(folder: &Path, uses: &[String], checkable: bool) -> Result<(), KitError> {
    for (name, text) in CONTRACT {
        write_if_new(&folder.join(name), text.as_bytes())?;
    }
    write_if_new(&folder.join("project.wit"), world(uses, checkable).as_bytes())
}

fn world(uses: &[String], checkable: bool) -> String {
    let imports: String = uses.iter().map(|name| format!("  import {name};\n")).collect();
    let asked = if checkable { "  export checkable;\n" } else { "" };
    format!("world {WORLD} {{\n{imports}  export tool;\n{asked}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_imports_what_is_used_and_nothing_else() {
        let (resolve, world) = parsed(&["kv".into()], true).unwrap();
        assert_eq!((resolve.worlds[world].imports.len(), resolve.worlds[world].exports.len()), (1, 2));
        let (resolve, world) = parsed(&[], false).unwrap();
        assert!(resolve.worlds[world].imports.is_empty() && resolve.worlds[world].exports.len() == 1);
    }

    #[test]
    fn the_contract_names_its_capabilities() {
        let names = capabilities();
        assert!(names.contains(&"kv-write".to_owned()) && names.contains(&"http".to_owned()), "{names:?}");
        assert!(!names.contains(&"tool".to_owned()));
    }
}
