//! What the function says: description, arguments, result.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Expr, FnArg, GenericArgument, Ident, ItemFn, Lit, Meta, Pat, PathArguments, Result,
    ReturnType, Type,
};

use crate::options::{Options, check_name};

/// The one parameter that stands for all arguments.
const WHOLE: &str = "input";

/// A function that can be a tool.
pub(crate) struct Function {
    /// As it was written, without what only the macro reads.
    pub(crate) item: ItemFn,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) arguments: Arguments,
    pub(crate) output: TokenStream,
    /// Whether it returns a `Result`.
    pub(crate) may_fail: bool,
}

/// The two shapes.
pub(crate) enum Arguments {
    /// A type of the author.
    Whole(Box<Type>),
    /// One field each: attributes (docs, serde, schemars), name, type.
    Each(Vec<(Vec<Attribute>, Ident, Type)>),
}

impl Function {
    pub(crate) fn read(mut item: ItemFn, options: &Options) -> Result<Self> {
        refuse_what_no_tool_is(&item)?;
        let named = &item.sig.ident;
        let name = options.name.as_ref().map_or_else(|| named.to_string(), syn::LitStr::value);
        if options.name.is_none() {
            check_name(&name, named.span())?;
        }
        let description = docs(&item.attrs);
        if description.is_empty() {
            let message =
                "a tool needs a description: write a doc comment that says when to use it, with an example";
            return Err(Error::new(named.span(), message));
        }
        let (output, may_fail) = output(&item.sig.output, named.span())?;
        let arguments = arguments(&mut item)?;
        Ok(Self { item, name, description, arguments, output, may_fail })
    }
}

fn refuse_what_no_tool_is(item: &ItemFn) -> Result<()> {
    let signature = &item.sig;
    if let Some(word) = &signature.asyncness {
        return Err(Error::new(
            word.span(),
            "a tool is not async: calls of the host return when they are done",
        ));
    }
    if let Some(word) = &signature.unsafety {
        return Err(Error::new(word.span(), "a tool is called by the host and cannot be unsafe"));
    }
    if !signature.generics.params.is_empty() {
        let message = "a tool has no generic parameters: its schema must say what it takes";
        return Err(Error::new_spanned(&signature.generics, message));
    }
    Ok(())
}

/// The doc comment: lines of a paragraph joined, paragraphs apart.
fn docs(attributes: &[Attribute]) -> String {
    let line = |attribute: &Attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    };
    let text = attributes.iter().filter_map(line).collect::<Vec<_>>().join("\n");
    let trimmed: Vec<_> = text.lines().map(str::trim).collect();
    let text = trimmed.join("\n");
    let paragraphs = text.split("\n\n").map(|lines| lines.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// The type of the result, and whether it comes in a `Result`.
fn output(returned: &ReturnType, at: Span) -> Result<(TokenStream, bool)> {
    let ReturnType::Type(_, returned) = returned else {
        return Err(Error::new(at, "a tool answers something: `-> Result<String, Error>`"));
    };
    let Type::Path(path) = &**returned else { return Ok((quote!(#returned), false)) };
    let Some(last) = path.path.segments.last().filter(|last| last.ident == "Result") else {
        return Ok((quote!(#returned), false));
    };
    let PathArguments::AngleBracketed(inside) = &last.arguments else {
        return Err(Error::new(returned.span(), "say what the tool answers: `Result<String, Error>`"));
    };
    match inside.args.first() {
        Some(GenericArgument::Type(output)) => Ok((quote!(#output), true)),
        _ => Err(Error::new(returned.span(), "say what the tool answers: `Result<String, Error>`")),
    }
}

/// The arguments; takes the attributes off the parameters, where the compiler would not have them.
fn arguments(item: &mut ItemFn) -> Result<Arguments> {
    let only = item.sig.inputs.len() == 1;
    let mut each = Vec::new();
    for parameter in &mut item.sig.inputs {
        let FnArg::Typed(parameter) = parameter else {
            return Err(Error::new_spanned(parameter, "a tool is a plain function, without `self`"));
        };
        let attributes = std::mem::take(&mut parameter.attrs);
        if let Type::Reference(reference) = &*parameter.ty {
            let message =
                "a tool owns its arguments: take `String` instead of `&str`, `Vec<T>` instead of `&[T]`";
            return Err(Error::new_spanned(reference, message));
        }
        match &*parameter.pat {
            Pat::Struct(_) if only => return Ok(Arguments::Whole(parameter.ty.clone())),
            Pat::Ident(name) if only && name.ident == WHOLE => {
                return Ok(Arguments::Whole(parameter.ty.clone()));
            }
            Pat::Ident(name) => each.push((attributes, name.ident.clone(), (*parameter.ty).clone())),
            other => return Err(Error::new_spanned(other, "give the parameter a name: the model writes it")),
        }
        let (attributes, name, _) = each.last().expect("just pushed");
        if docs(attributes).is_empty() {
            let message = format!("say what `{name}` is, for the model: `/// …` above it");
            return Err(Error::new(name.span(), message));
        }
    }
    Ok(Arguments::Each(each))
}
