//! The code that stands beside the function.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, LitStr};

use crate::function::{Arguments, Function};
use crate::options::Options;

/// The function, a type of its name, its `impl Tool`, and its export.
pub(crate) fn tool(function: &Function, options: &Options) -> TokenStream {
    let Function { item, name, description, output, .. } = function;
    let (visibility, called) = (&item.vis, &item.sig.ident);
    let this = camel_case(called);
    let about = about(name, description, options, output);
    let (declared, input, call) = input(function);
    let summary = format!("Tool `{name}`: see [`{called}`].");
    let kit = quote!(::playhouse_tool);
    let answer = if function.may_fail {
        quote!(#call.map_err(::core::convert::Into::into))
    } else {
        quote!(Ok(#call))
    };
    let (checkable, exported) = match &options.did_it_happen {
        None => (quote!(), quote!(#kit::export!(#this);)),
        Some(path) => (
            quote! {
                impl #kit::Checkable for #this {
                    fn did_it_happen(effect_id: &str) -> #kit::Result<Option<Self::Output>> {
                        #path(effect_id).map_err(::core::convert::Into::into)
                    }
                }
            },
            quote!(#kit::export!(#this, checkable);),
        ),
    };
    quote! {
        #item

        #[doc = #summary]
        #[derive(Debug, Clone, Copy)]
        #visibility struct #this;

        const _: () = {
            #declared

            impl #kit::Tool for #this {
                type Input = #input;
                type Output = #output;

                fn about() -> #kit::About {
                    #about
                }

                fn call(input: Self::Input) -> #kit::Result<Self::Output> {
                    #answer
                }
            }

            #checkable
        };

        #exported
    }
}

fn about(name: &str, description: &str, options: &Options, output: &TokenStream) -> TokenStream {
    let version = match &options.version {
        Some(version) => quote!(#version),
        None => quote!(env!("CARGO_PKG_VERSION")),
    };
    let effect = match options.effect.as_ref().map(LitStr::value).as_deref() {
        Some("pure") => quote!(Pure),
        Some("idempotent") => quote!(Idempotent),
        Some("checkable") => quote!(Checkable),
        _ => quote!(Once),
    };
    let wants = options.wants.iter().map(|(interface, why)| quote!(.wants(#interface, #why)));
    quote! {
        ::playhouse_tool::About::new(#name, #version, #description)
            .types::<Self::Input, #output>()
            .effect(::playhouse_tool::Effect::#effect)
            #(#wants)*
    }
}

/// What must be declared for the arguments, their type, and the call.
fn input(function: &Function) -> (TokenStream, TokenStream, TokenStream) {
    let called = &function.item.sig.ident;
    let fields = match &function.arguments {
        Arguments::Whole(input) => return (quote!(), quote!(#input), quote!(#called(input))),
        Arguments::Each(fields) => fields,
    };
    let (attributes, names, types): (Vec<_>, Vec<_>, Vec<_>) =
        fields.iter().map(|(attributes, name, kind)| (attributes, name, kind)).collect();
    let declared = quote! {
        #[doc(hidden)]
        #[derive(::playhouse_tool::serde::Deserialize, ::playhouse_tool::schemars::JsonSchema)]
        #[serde(crate = "::playhouse_tool::serde", deny_unknown_fields)]
        #[schemars(crate = "::playhouse_tool::schemars")]
        pub struct Arguments {
            #(#(#attributes)* #names: #types,)*
        }
    };
    (declared, quote!(Arguments), quote!(#called(#(input.#names),*)))
}

/// `word_count` as `WordCount`, at the place of the function's name.
fn camel_case(name: &Ident) -> Ident {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    };
    let text = name.to_string();
    let camel: String = text.trim_start_matches("r#").split('_').map(capital).collect();
    format_ident!("{camel}", span = name.span())
}
