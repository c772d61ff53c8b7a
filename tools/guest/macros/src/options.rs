//! What stands in the parentheses of `#[tool(…)]`.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, LitStr, Path, Result, Token, parenthesized};

/// Classes of effect, in the spelling of the contract.
const EFFECTS: [&str; 4] = ["pure", "idempotent", "checkable", "once"];
/// Capabilities that are granted; the others every tool may have.
const GRANTED: [&str; 8] = ["kv", "kv-write", "files", "files-write", "http", "secrets", "tools", "model"];
/// Bytes of the longest name.
const NAME_BYTES_MAX: usize = 64;

/// All that an author may say besides the function.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<LitStr>,
    pub(crate) effect: Option<LitStr>,
    pub(crate) did_it_happen: Option<Path>,
    /// Interface, in the spelling of the contract, and why.
    pub(crate) wants: Vec<(String, LitStr)>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            options.read(&key, input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        options.fit()?;
        Ok(options)
    }
}

impl Options {
    fn read(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        match key.to_string().as_str() {
            "name" => self.name = Some(text(key, input)?),
            "version" => self.version = Some(text(key, input)?),
            "effect" => self.effect = Some(one_of(text(key, input)?, &EFFECTS)?),
            "did_it_happen" => {
                input.parse::<Token![=]>()?;
                self.did_it_happen = Some(input.parse()?);
            }
            "wants" => {
                let inside;
                parenthesized!(inside in input);
                let wishes = Punctuated::<Wish, Token![,]>::parse_terminated(&inside)?;
                self.wants.extend(wishes.into_iter().map(|Wish { interface, why }| (interface, why)));
            }
            other => {
                let known = "`name`, `version`, `effect`, `wants` and `did_it_happen`";
                return Err(Error::new(
                    key.span(),
                    format!("there is no option `{other}`; there are {known}"),
                ));
            }
        }
        Ok(())
    }

    /// What must go together.
    fn fit(&self) -> Result<()> {
        if let Some(name) = &self.name {
            check_name(&name.value(), name.span())?;
        }
        let Some(effect) = &self.effect else {
            return match &self.did_it_happen {
                Some(path) => Err(Error::new_spanned(path, "`did_it_happen` needs `effect = \"checkable\"`")),
                None => Ok(()),
            };
        };
        let is = |class: &str| effect.value() == class;
        match (&self.did_it_happen, self.wants.first()) {
            (None, _) if is("checkable") => Err(Error::new(
                effect.span(),
                "a checkable tool can be asked: add `did_it_happen = …`, a function \
                 `fn(effect_id: &str) -> Result<Option<Output>, Error>`",
            )),
            (Some(path), _) if !is("checkable") => {
                Err(Error::new_spanned(path, "`did_it_happen` needs `effect = \"checkable\"`"))
            }
            (_, Some((interface, _))) if is("pure") => Err(Error::new(
                effect.span(),
                format!(
                    "a tool that wants `{interface}` is not pure: its result depends on more than its arguments"
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// `http = "reads api.example.com"`
struct Wish {
    interface: String,
    why: LitStr,
}

impl Parse for Wish {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key: Ident = input.parse()?;
        let interface = key.to_string().replace('_', "-");
        if !GRANTED.contains(&interface.as_str()) {
            let known = GRANTED.map(|name| format!("`{}`", name.replace('-', "_"))).join(", ");
            let message = format!("`{key}` is not a capability that is granted; there are {known}");
            return Err(Error::new(key.span(), message));
        }
        let why = text(&key, input)?;
        if why.value().trim().is_empty() {
            return Err(Error::new(why.span(), "say what it is for, to the person who decides about it"));
        }
        Ok(Self { interface, why })
    }
}

/// `= "…"`
fn text(key: &Ident, input: ParseStream<'_>) -> Result<LitStr> {
    input.parse::<Token![=]>()?;
    match input.parse::<Expr>()? {
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Ok(text),
        other => Err(Error::new_spanned(other, format!("`{key}` is text: `{key} = \"…\"`"))),
    }
}

fn one_of(text: LitStr, known: &[&str]) -> Result<LitStr> {
    if known.contains(&text.value().as_str()) {
        return Ok(text);
    }
    let list = known.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    Err(Error::new(text.span(), format!("there is no effect class \"{}\"; there are {list}", text.value())))
}

/// Names are typed by models, and are part of paths and metrics.
pub(crate) fn check_name(name: &str, at: proc_macro2::Span) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(plain) {
        return Ok(());
    }
    let message =
        format!("the name of a tool is 1 to {NAME_BYTES_MAX} of a-z, 0-9, `_` and `-`, not `{name}`");
    Err(Error::new(at, message))
}
