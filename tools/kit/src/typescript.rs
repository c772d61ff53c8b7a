//! The capabilities as TypeScript sees them: a module for each, with the types of the contract.

use std::fmt::Write;

use wit_bindgen_core::wit_parser::{
    Function, Interface, InterfaceId, Resolve, Type, TypeDefKind, TypeId, WorldItem,
};

use crate::{KitError, world};

/// Declarations of the modules that a project imports.
///
/// How values cross is the builder's choice: an option is `T | null`, bytes are a `Uint8Array`, names are in camel case,
/// and a function whose result can be an error throws it.
pub(crate) fn declarations(uses: &[String]) -> Result<String, KitError> {
    let (resolve, world) = world::parsed(uses, false)?;
    let mut text = "// Made by `playhouse tool build`, of what `uses` in tool.toml lists.\n".to_owned();
    for item in resolve.worlds[world].imports.values() {
        if let WorldItem::Interface { id, .. } = item {
            module(&resolve, *id, &mut text);
        }
    }
    Ok(text)
}

fn module(resolve: &Resolve, id: InterfaceId, text: &mut String) {
    let interface = &resolve.interfaces[id];
    let name = resolve.id_of(id).unwrap_or_default();
    // A `String` takes whatever is written to it.
    let _ = writeln!(text, "\ndeclare module \"{name}\" {{");
    for (name, id) in &interface.types {
        declare(resolve, name, *id, text);
    }
    functions(resolve, interface, text);
    text.push_str("}\n");
}

fn declare(resolve: &Resolve, name: &str, id: TypeId, text: &mut String) {
    let definition = &resolve.types[id];
    documented(definition.docs.contents.as_deref(), "  ", text);
    let _ = write!(text, "  export type {} = ", pascal(name));
    match &definition.kind {
        TypeDefKind::Record(record) => {
            text.push_str("{\n");
            for field in &record.fields {
                documented(field.docs.contents.as_deref(), "    ", text);
                let _ = writeln!(text, "    {}: {};", camel(&field.name), shown(resolve, &field.ty));
            }
            text.push_str("  };\n");
        }
        TypeDefKind::Enum(cases) => {
            let names: Vec<_> = cases.cases.iter().map(|case| format!("\"{}\"", case.name)).collect();
            let _ = writeln!(text, "{};", names.join(" | "));
        }
        TypeDefKind::Type(other) => {
            let _ = writeln!(text, "{};", shown(resolve, other));
        }
        _ => text.push_str("unknown;\n"),
    }
}

fn functions(resolve: &Resolve, interface: &Interface, text: &mut String) {
    text.push_str("  const functions: {\n");
    for (name, function) in &interface.functions {
        documented(function.docs.contents.as_deref(), "    ", text);
        let parameter = |parameter: &wit_bindgen_core::wit_parser::Param| {
            format!("{}: {}", parameter_name(&parameter.name), shown(resolve, &parameter.ty))
        };
        let parameters: Vec<_> = function.params.iter().map(parameter).collect();
        let _ =
            writeln!(text, "    {}({}): {};", camel(name), parameters.join(", "), result(resolve, function));
    }
    text.push_str("  };\n  export default functions;\n");
}

fn result(resolve: &Resolve, function: &Function) -> String {
    let Some(Type::Id(id)) = function.result else {
        return function.result.as_ref().map_or_else(|| "void".into(), |ty| shown(resolve, ty));
    };
    match &resolve.types[id].kind {
        TypeDefKind::Result(result) => {
            result.ok.as_ref().map_or_else(|| "void".into(), |ok| shown(resolve, ok))
        }
        _ => shown(resolve, &Type::Id(id)),
    }
}

fn shown(resolve: &Resolve, ty: &Type) -> String {
    let id = match ty {
        Type::Bool => return "boolean".into(),
        Type::String | Type::Char => return "string".into(),
        Type::Id(id) => *id,
        _ => return "number".into(),
    };
    let definition = &resolve.types[id];
    if let Some(name) = &definition.name {
        return pascal(name);
    }
    match &definition.kind {
        TypeDefKind::Option(inner) => format!("{} | null", shown(resolve, inner)),
        TypeDefKind::List(Type::U8) => "Uint8Array".into(),
        TypeDefKind::List(inner) => format!("Array<{}>", shown(resolve, inner)),
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<_> = tuple.types.iter().map(|ty| shown(resolve, ty)).collect();
            format!("[{}]", types.join(", "))
        }
        _ => "unknown".into(),
    }
}

fn documented(docs: Option<&str>, indent: &str, text: &mut String) {
    if let Some(docs) = docs {
        let lines: Vec<_> = docs.lines().map(str::trim).collect();
        let _ = writeln!(text, "{indent}/** {} */", lines.join(" ").replace("*/", "* /"));
    }
}

fn camel(name: &str) -> String {
    let pascal = pascal(name);
    let mut letters = pascal.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// A name that is no word of the language.
fn parameter_name(name: &str) -> String {
    if name == "arguments" { "arguments_".into() } else { camel(name) }
}

fn pascal(name: &str) -> String {
    let words = name.split('-').filter(|word| !word.is_empty());
    words.map(|word| format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_declared_for_each_capability_that_is_used() {
        let text = declarations(&["kv".into(), "http".into()]).unwrap();
        for part in [
            "declare module \"playhouse:tool/kv@1.0.0\" {",
            "get(key: string): string | null;",
            "keys(prefix: string, after: string | null, limit: number): Array<string>;",
            "export type ErrorKind = \"not-granted\" | ",
            "headers: Array<[string, string]>;",
            "body: Uint8Array;",
            "fetch(request: Request): Response;",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("kv-write"));
    }

    #[test]
    fn every_type_of_the_contract_has_its_like() {
        let text = declarations(&world::capabilities()).unwrap();
        for untyped in ["unknown;", "unknown,", "unknown>", "unknown |"] {
            assert!(!text.contains(untyped), "{text}");
        }
        assert!(
            text.contains("call(name: string, arguments_: string)"),
            "a word of the language is no name: {text}"
        );
    }
}
