//! All of it once, as a command line does it: a publisher makes a key, signs, packs and pushes; an operator installs,
//! updates after being asked, lists and removes.

use playhouse_tools_store::{
    Artifact, Claims, Consent, Fetched, Package, SecretKey, Signature, Source, State, Store, StoreError,
    Trust, Verdict, decide, keygen,
};
use tempfile::tempdir;

use crate::{
    kit::{NOW, claims, fetcher, wants},
    registry::{Door, Registry},
};

/// What an engine would find out about a component; here, by its first letter.
fn look_at(bytes: &[u8]) -> Claims {
    match bytes {
        b"1st" => claims("acme-adder", "1.0.0", bytes),
        b"2nd" => {
            Claims { wants: wants(&[("kv", &["read", "write"])]), ..claims("acme-adder", "1.1.0", bytes) }
        }
        other => panic!("{other:?}"),
    }
}

fn judge(fetched: &Fetched, trust: &Trust) -> Verdict {
    decide(&look_at(&fetched.bytes), &fetched.bytes, &fetched.signatures, trust, NOW)
}

#[tokio::test]
async fn a_tool_goes_from_its_publisher_to_an_operator_and_on() {
    let (registry, publisher) = (Registry::new(Door::Open).await, tempdir().unwrap());
    let made = keygen(&publisher.path().join("acme"), None).unwrap();
    let key = SecretKey::open(&made.secret, None).unwrap();
    let publish = async |bytes: &[u8]| {
        let claims = look_at(bytes);
        let signature = Signature::make(&key, bytes, &claims, NOW).unwrap();
        let artifact = Artifact::pack(bytes, &claims, &[signature], NOW);
        fetcher().push(&registry.reference(":latest"), &artifact).await.unwrap();
    };

    let operator = tempdir().unwrap();
    let text =
        format!("required = true\n[[key]]\nname = \"acme\"\nkey = \"{}\"\ntools = [\"acme-*\"]\n", made.line);
    let trust = Trust::parse(text.as_bytes()).unwrap();
    let store = Store::open(operator.path().join("tools")).unwrap();
    let written = registry.reference(":latest").to_string();

    publish(b"1st").await;
    let fetched = fetcher().fetch(&Source::parse(&written).unwrap()).await.unwrap();
    let verdict = judge(&fetched, &trust);
    let package = |fetched: &Fetched, verdict: &Verdict, consent: Consent<'_>| {
        let (signatures, source) = (fetched.signatures.as_slice(), Some(fetched.source.as_str()));
        store.install(Package { bytes: &fetched.bytes, verdict, signatures, source }, consent)
    };
    package(&fetched, &verdict, Consent::NotAsked).unwrap();

    publish(b"2nd").await;
    let source = store.lock().unwrap().get("acme-adder").unwrap().source.clone().unwrap();
    assert_eq!(source, written, "an update is looked for where the tool came from");
    let newer = fetcher().fetch(&Source::parse(&source).unwrap()).await.unwrap();
    let verdict = judge(&newer, &trust);
    let Err(StoreError::NeedsConsent(difference)) = package(&newer, &verdict, Consent::NotAsked) else {
        panic!("it may write now")
    };
    assert_eq!(
        difference.explain(),
        "`acme-adder`: update from 1.0.0 to 1.1.0\n+ wants `kv` also for: write"
    );
    package(&newer, &verdict, Consent::To(&difference)).unwrap();

    // The first one, once more, by its digest: the signature is good, and it asks all the same.
    let older = fetcher().fetch(&Source::parse(&fetched.pinned).unwrap()).await.unwrap();
    assert_eq!(older.bytes, b"1st");
    let back = package(&older, &judge(&older, &trust), Consent::NotAsked);
    assert!(matches!(back, Err(StoreError::NeedsConsent(_))), "{back:?}");

    let listing = store.list().unwrap();
    assert_eq!((listing.tools[0].entry.version.as_str(), &listing.tools[0].state), ("1.1.0", &State::Whole));
    assert!(listing.tools[0].entry.signed_by.contains(&made.id));
    store.remove("acme-adder").unwrap();
    assert!(store.list().unwrap().tools.is_empty());
}
