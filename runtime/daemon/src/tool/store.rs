//! `playhouse tool keygen|sign|verify|pack|install|list|remove`: where tools come from, and whom to trust.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow, bail};
use playhouse_assembly::{
    tools::{Inspection, compiled, inspect_bytes},
    tools_folder,
};
use playhouse_ports::{Clock, SystemClock};
use playhouse_tools_store::{
    Artifact, Claims, Consent, Credentials, FetchConfig, Fetcher, Outcome, Package, Passphrase, SecretKey,
    Signature, Source, State, Store, StoreError, Trust, Verdict, decide, keygen as make_keys, signatures_of,
};

use super::{
    adapt::origin_of,
    component_of, page, plain,
    terminal::{self, answer},
};
use crate::cli::tool_store::{
    FolderArgs, InstallArgs, KeygenArgs, ListArgs, PackArgs, RemoveArgs, SignArgs, TrustArgs, VerifyArgs,
};

/// The trust list in the folder of installed tools.
const TRUST_NAME: &str = "trust.toml";

#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) fn keygen(args: &KeygenArgs) -> anyhow::Result<ExitCode> {
    let made = make_keys(&args.name, Passphrase::from_env().as_ref())?;
    println!("secret  {} (keep it to yourself)", made.secret.display());
    println!("public  {}", made.public.display());
    println!("trust   those who trust it write into their {TRUST_NAME}:\n");
    println!(
        "        required = true  # what none of these keys has signed is refused\n\n        [[key]]\n        name = \"who you are\"\n        key = \"{}\"\n        tools = [\"*\"]",
        made.line
    );
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) fn sign(args: &SignArgs) -> anyhow::Result<ExitCode> {
    let file = component_of(&args.file)?;
    let (bytes, claims) = looked_at(&file)?;
    let key = SecretKey::open(&args.key, Passphrase::from_env().as_ref())?;
    let signature = Signature::make(&key, &bytes, &claims, now())?;
    let mut all: Vec<_> = signatures_of(&file)?;
    // One of the same key takes its place.
    all.retain(|other| other.key_id() != signature.key_id());
    all.push(signature);
    let text: String = all.iter().map(|signature| format!("{}\n", signature.text().trim_end())).collect();
    let path = beside(&file);
    fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
    println!("{} {} is signed by {}: {}", claims.name, claims.version, key.id(), path.display());
    Ok(ExitCode::SUCCESS)
}

/// 0: somebody who is trusted signed it; 1: nobody did, or it would be refused.
#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let file = component_of(&args.file)?;
    let (bytes, claims) = looked_at(&file)?;
    let verdict = decide(&claims, &bytes, &signatures_of(&file)?, &trust(&args.trust)?, now());
    println!("{}", plain_lines(&verdict.explain()));
    Ok(if *verdict.outcome() == Outcome::Trusted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) async fn pack(args: PackArgs) -> anyhow::Result<ExitCode> {
    let file = component_of(&args.file)?;
    let (bytes, claims) = looked_at(&file)?;
    let Source::Oci(reference) = Source::parse(&args.to)? else {
        bail!("`{}` is no registry: write oci://registry/repository:tag", plain(&args.to));
    };
    let artifact = Artifact::pack(&bytes, &claims, &signatures_of(&file)?, now());
    eprintln!("pushing {} bytes to {reference} …", bytes.len());
    let pinned = fetcher()?.push(&reference, &artifact).await?;
    println!("{pinned}");
    Ok(ExitCode::SUCCESS)
}

/// 0: installed; 1: refused, or nobody agreed.
#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) async fn install(args: InstallArgs) -> anyhow::Result<ExitCode> {
    let path = Path::new(&args.source);
    let source = match path.is_dir() {
        true => component_of(path)?.display().to_string(),
        false => args.source,
    };
    let source = Source::parse(&source)?;
    eprintln!("fetching {source} …");
    let fetched = fetcher()?.fetch(&source).await?;
    let name = plain(&source.to_string());
    let found = terminal::patiently(&name, || inspect_bytes(&name, &fetched.bytes, compiled().as_deref()))?;
    let claims = claims(&found)?;
    let verdict = decide(&claims, &fetched.bytes, &fetched.signatures, &trust(&args.trust)?, now());
    eprintln!("{}", page(&fetched.pinned, &found));
    if let Some(line) = origin_of(&fetched.bytes) {
        eprintln!("{line}");
    }
    eprintln!();
    eprintln!("{}", plain_lines(&verdict.explain()));
    if !verdict.allows() {
        return Ok(ExitCode::FAILURE);
    }
    let store = Store::open(folder(&args.trust.folder)?)?;
    let package = Package {
        bytes: &fetched.bytes,
        verdict: &verdict,
        signatures: &fetched.signatures,
        source: Some(&fetched.source),
    };
    let Some(installed) = agreed(&store, package, &verdict, args.yes)? else {
        eprintln!("nothing was installed");
        return Ok(ExitCode::FAILURE);
    };
    let name = &installed.entry.name;
    println!("installed {name} {}", installed.entry.version);
    println!("to use it, write into playhouse.toml:\n");
    if let Some(folder) = &args.trust.folder.folder {
        let folder = toml::Value::String(std::path::absolute(folder)?.to_string_lossy().into_owned());
        println!("tools_folder = {folder}\n");
    }
    // By its name, and not by its file: so its digest is looked at, and an update is found.
    println!("[tools.{name}]\ncomponent = \"installed:{name}\"");
    Ok(ExitCode::SUCCESS)
}

/// Installs what somebody agrees to. A tool that is new here and touches nothing needs nobody.
fn agreed(
    store: &Store,
    package: Package<'_>,
    verdict: &Verdict,
    yes: bool,
) -> anyhow::Result<Option<playhouse_tools_store::Installed>> {
    let consent = if yes { Consent::Given } else { Consent::NotAsked };
    let is_new = store.compare(verdict)?.is_none();
    if is_new && !yes && !verdict.claims().imports.is_empty() && !said_yes("install it?")? {
        return Ok(None);
    }
    match store.install(package, consent) {
        Err(StoreError::NeedsConsent(difference)) => {
            eprintln!("{}", plain_lines(&difference.explain()));
            match said_yes("install this update?")? {
                true => Ok(Some(store.install(package, Consent::To(&difference))?)),
                false => Ok(None),
            }
        }
        other => Ok(Some(other?)),
    }
}

/// Whether whoever sits there says so.
fn said_yes(question: &str) -> anyhow::Result<bool> {
    let said = answer(&format!("{question} [y/N]"), "look at what it wants, and say --yes")?;
    Ok(matches!(said.as_str(), "y" | "Y" | "yes"))
}

/// 0: all are whole; 1: one is not.
#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) fn list(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let folder = folder(&args.trust.folder)?;
    let listing = Store::open(&folder)?.list()?;
    let trust = trust(&args.trust)?;
    let named =
        |id: &String| trust.key(id).map_or_else(|| id.clone(), |key| format!("{} ({id})", plain(&key.name)));
    if listing.tools.is_empty() {
        eprintln!("no tools are installed in {}", folder.display());
    }
    for tool in &listing.tools {
        let entry = &tool.entry;
        let signed = match entry.signed_by.len() {
            0 => "unsigned".to_owned(),
            _ => format!("signed by {}", entry.signed_by.iter().map(named).collect::<Vec<_>>().join(", ")),
        };
        let state = match &tool.state {
            State::Whole => String::new(),
            other => format!("  NOT WHOLE: its component {}", plain(&other.to_string())),
        };
        let from = entry.source.as_deref().unwrap_or("unknown");
        println!("{} {}  {signed}  from {}{state}", entry.name, entry.version, plain(from));
    }
    let whole = listing.tools.iter().all(|tool| tool.state == State::Whole);
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) fn remove(args: &RemoveArgs) -> anyhow::Result<ExitCode> {
    let folder = folder(&args.folder)?;
    let removed = Store::open(&folder)?.remove(&args.name)?;
    println!("removed {} {}", removed.name, removed.version);
    let file = folder.join(removed.file());
    if file.exists() {
        // What somebody changed is theirs.
        println!("its component had been changed, and was left: {}", file.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The component in `path`, and what it is.
fn looked_at(path: &Path) -> anyhow::Result<(Vec<u8>, Claims)> {
    let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    let file = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let found = terminal::patiently(&file, || inspect_bytes(&file, &bytes, compiled().as_deref()))?;
    let claims = claims(&found)?;
    Ok((bytes, claims))
}

fn claims(found: &Inspection) -> anyhow::Result<Claims> {
    let Some(about) = &found.about else {
        let first = found.imports.iter().find(|import| import.lets.is_none());
        let (name, remedy) =
            first.map_or(("", ""), |import| (&import.name, import.remedy.unwrap_or_default()));
        bail!("it imports `{}`, which this host does not have: {remedy}", plain(name));
    };
    // Why something is needed is prose; it is among the words that `text_sha256` is of.
    let wants = about.wants.iter().map(|(name, why)| (name.clone(), [why.clone()].into()));
    Ok(Claims {
        name: about.name.clone(),
        version: about.version.clone(),
        sha256: found.sha256.clone(),
        describe_sha256: about.describe_sha256.clone(),
        text_sha256: Some(about.text_sha256.clone()),
        effect: about.counts_as,
        imports: found.imports.iter().map(|import| import.name.clone()).collect(),
        wants: wants.collect(),
    })
}

fn fetcher() -> anyhow::Result<Fetcher> {
    let credentials = Credentials::load(None)?;
    Ok(Fetcher::new(FetchConfig { credentials, ..FetchConfig::default() })?)
}

fn trust(args: &TrustArgs) -> anyhow::Result<Trust> {
    let path = match &args.trust {
        Some(path) => path.clone(),
        None => folder(&args.folder)?.join(TRUST_NAME),
    };
    match fs::read(&path) {
        Ok(bytes) => Trust::parse(&bytes).with_context(|| format!("the trust list {}", path.display())),
        // A list that somebody named must be there.
        Err(error) if error.kind() == io::ErrorKind::NotFound && args.trust.is_none() => {
            Ok(Trust::nobody(false))
        }
        Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
    }
}

fn folder(args: &FolderArgs) -> anyhow::Result<PathBuf> {
    args.folder
        .clone()
        .or_else(tools_folder)
        .ok_or_else(|| anyhow!("there is no home folder: name one with --folder"))
}

fn beside(component: &Path) -> PathBuf {
    let mut path = component.as_os_str().to_owned();
    path.push(".minisig");
    path.into()
}

fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

fn now() -> i64 {
    i64::try_from(SystemClock.now_ms() / 1_000).unwrap_or(i64::MAX)
}
