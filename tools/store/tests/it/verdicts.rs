//! Whose signature counts, for what, and when.

use playhouse_tools_store::{Finding, Outcome, Refusal, SecretKey, Signature, Trust, decide};
use tempfile::{TempDir, tempdir};

use crate::kit::{NOW, claims, key, set, signed, trusting};

const BYTES: &[u8] = b"wasm";

fn keys() -> (TempDir, SecretKey, SecretKey) {
    let folder = tempdir().unwrap();
    let (acme, other) = (key(folder.path(), "acme"), key(folder.path(), "other"));
    (folder, acme, other)
}

/// A list with one key, and these lines about it.
fn list(key: &SecretKey, required: bool, lines: &str) -> Trust {
    let line = key.public_line();
    let text = format!("required = {required}\n[[key]]\nname = \"acme\"\nkey = \"{line}\"\n{lines}\n");
    Trust::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_good_signature_is_trusted_and_says_by_whom() {
    let (_folder, acme, _) = keys();
    let claims = claims("adder", "1.0.0", BYTES);
    let verdict = decide(&claims, BYTES, &[signed(&acme, BYTES, &claims)], &trusting(&acme, true), NOW);
    assert_eq!(*verdict.outcome(), Outcome::Trusted);
    assert_eq!(verdict.signed_by(), set(&[&acme.id()]));
    assert_eq!(verdict.explain(), format!("`adder` 1.0.0 is signed by `acme` ({})", acme.id()));
}

#[test]
fn what_nobody_signed_is_refused_only_where_a_signature_is_asked_for() {
    let (_folder, acme, other) = keys();
    let claims = claims("adder", "1.0.0", BYTES);
    let strange = signed(&other, BYTES, &claims);
    for signatures in [&[][..], &[strange]] {
        let asked = decide(&claims, BYTES, signatures, &trusting(&acme, true), NOW);
        assert_eq!(*asked.outcome(), Outcome::Refused(Refusal::NotSigned));
        assert!(asked.explain().contains("add the publisher's key to the list"), "{}", asked.explain());
        let free = decide(&claims, BYTES, signatures, &trusting(&acme, false), NOW);
        assert_eq!((free.outcome(), free.allows(), free.signed_by()), (&Outcome::Unsigned, true, set(&[])));
    }
}

#[test]
fn a_signature_cannot_be_moved() {
    let (_folder, acme, _) = keys();
    let (old, trust) = (claims("adder", "1.0.0", BYTES), trusting(&acme, false));
    let signature = signed(&acme, BYTES, &old);
    let decided = |name: &str, version: &str, bytes: &[u8]| {
        decide(&claims(name, version, bytes), bytes, std::slice::from_ref(&signature), &trust, NOW)
    };
    let tampered = Outcome::Refused(Refusal::Tampered);
    for (name, version, bytes, finding) in [
        ("mailer", "1.0.0", BYTES, Finding::OfAnother),
        ("adder", "1.0.1", BYTES, Finding::OfAnother),
        ("adder", "1.0.0", b"evil".as_slice(), Finding::Broken),
    ] {
        let verdict = decided(name, version, bytes);
        assert_eq!(
            (verdict.outcome(), verdict.judged()[0].finding),
            (&tampered, finding),
            "{name} {version}"
        );
        assert!(verdict.signed_by().is_empty());
    }
    assert_eq!(*decided("adder", "1.0.0", BYTES).outcome(), Outcome::Trusted);
    // Whoever edits the comment breaks the second signature.
    let edited = signature.text().replace("tool:adder", "tool:mailer");
    let edited = Signature::parse(edited.as_bytes()).unwrap();
    let verdict = decide(&claims("mailer", "1.0.0", BYTES), BYTES, &[edited], &trust, NOW);
    assert_eq!((verdict.outcome(), verdict.judged()[0].finding), (&tampered, Finding::Broken));
}

#[test]
fn a_signature_of_minisign_itself_counts_if_its_comment_binds() {
    let (folder, acme, _) = keys();
    let text = std::fs::read_to_string(folder.path().join("acme.key")).unwrap();
    let theirs = minisign::SecretKeyBox::from_string(&text).unwrap().into_unencrypted_secret_key().unwrap();
    let sign = |comment: &str| {
        let made = minisign::sign(None, &theirs, std::io::Cursor::new(BYTES), Some(comment), None).unwrap();
        Signature::parse(made.into_string().as_bytes()).unwrap()
    };
    let claims = claims("adder", "1.0.0", BYTES);
    let bound = playhouse_tools_store::bound(&claims);
    let found = |comment: &str| {
        let verdict = decide(&claims, BYTES, &[sign(comment)], &trusting(&acme, true), NOW);
        verdict.judged()[0].finding
    };
    assert_eq!(found(&bound), Finding::Good);
    assert_eq!(found(&format!("file:adder.wasm {bound} reviewed")), Finding::Good);
    assert_eq!(found("timestamp:1\tfile:adder.wasm"), Finding::OfAnother);
    assert_eq!(found(&format!("{bound} tool:mailer")), Finding::OfAnother, "two names are none");
    assert_eq!(found(&bound.replace("version:1.0.0 ", "")), Finding::OfAnother);
}

#[test]
fn a_key_counts_for_its_tools_and_in_its_time() {
    let (_folder, acme, _) = keys();
    let claims = claims("acme-adder", "1.0.0", BYTES);
    let signature = signed(&acme, BYTES, &claims);
    let found = |lines: &str, now: i64| {
        let trust = list(&acme, true, lines);
        let verdict = decide(&claims, BYTES, std::slice::from_ref(&signature), &trust, now);
        assert_eq!(verdict.allows(), verdict.judged()[0].finding == Finding::Good);
        verdict.judged()[0].finding
    };
    assert_eq!(found("tools = [\"acme-*\"]", NOW), Finding::Good);
    assert_eq!(found("tools = [\"acme\", \"other-*\"]", NOW), Finding::NotForThisTool);
    let limited = "tools = [\"*\"]\nsince = 2026-11-22T14:00:00Z\nuntil = 2026-11-22T15:00:00Z";
    let until = NOW + 3_600;
    assert_eq!(found(limited, NOW - 1), Finding::NotYet(NOW));
    assert_eq!(found(limited, NOW), Finding::Good);
    assert_eq!(found(limited, until - 1), Finding::Good);
    assert_eq!(found(limited, until), Finding::Expired(until));
}

#[test]
fn one_good_signature_is_enough_and_one_forged_is_too_much() {
    let (_folder, acme, other) = keys();
    let claims = claims("adder", "1.0.0", BYTES);
    let trust = trusting(&acme, true);
    let (good, strange) = (signed(&acme, BYTES, &claims), signed(&other, BYTES, &claims));
    let verdict = decide(&claims, BYTES, &[strange.clone(), good.clone()], &trust, NOW);
    assert!(verdict.allows());
    assert!(verdict.explain().contains(&format!("key {} is not on the trust list", other.id())));
    // A key id is no secret: anybody can write it over a signature of their own.
    let mut lines: Vec<&str> = strange.text().lines().collect();
    let own = good.text().lines().nth(1).unwrap();
    let forged_line = format!("{}{}", &own[..14], &lines[1][14..]);
    lines[1] = &forged_line;
    let forged = Signature::parse((lines.join("\n") + "\n").as_bytes()).unwrap();
    let verdict = decide(&claims, BYTES, &[good.clone(), forged], &trust, NOW);
    assert_eq!(*verdict.outcome(), Outcome::Refused(Refusal::Tampered));
    let many = vec![good; 9];
    assert_eq!(*decide(&claims, BYTES, &many, &trust, NOW).outcome(), Outcome::Refused(Refusal::TooMany));
}

#[test]
fn claims_of_other_bytes_or_of_another_form_are_refused() {
    let trust = Trust::nobody(false);
    let verdict = decide(&claims("adder", "1.0.0", b"other"), BYTES, &[], &trust, NOW);
    assert_eq!(*verdict.outcome(), Outcome::Refused(Refusal::OtherBytes));
    for (name, version) in
        [("../adder", "1.0.0"), ("adder", "../1"), ("", "1"), ("adder", ""), ("Adder", "1")]
    {
        let verdict = decide(&claims(name, version, BYTES), BYTES, &[], &trust, NOW);
        assert!(matches!(verdict.outcome(), Outcome::Refused(Refusal::BadClaims(_))), "{name} {version}");
    }
    for word in ["kv\u{202e}daer", "k\u{200b}v", "kv\x1b[2K", "", &"x".repeat(513)] {
        let mut unseen = claims("adder", "1.0.0", BYTES);
        unseen.imports.insert(word.into());
        assert!(!decide(&unseen, BYTES, &[], &trust, NOW).allows(), "{word:?}");
    }
    let odd = decide(&claims("a\n+ trusted", "1", BYTES), BYTES, &[], &trust, NOW).explain();
    assert_eq!(odd.lines().count(), 1, "{odd}");
    let mut empty = claims("adder", "1.0.0", BYTES);
    empty.wants.insert("kv".into(), set(&[]));
    assert!(!decide(&empty, BYTES, &[], &trust, NOW).allows(), "in no way could be read as in every way");
}

#[test]
fn a_list_that_is_not_understood_is_not_used() {
    let (_folder, acme, _) = keys();
    let line = acme.public_line();
    let key = |rest: &str| format!("required = true\n[[key]]\nname = \"acme\"\nkey = \"{line}\"\n{rest}\n");
    assert!(Trust::parse(key("tools = [\"*\"]").as_bytes()).is_ok());
    let twice = key("tools = [\"*\"]") + &key("tools = [\"a\"]").replace("required = true\n", "");
    for (text, says) in [
        ("".to_owned(), "required"),
        ("required = true\nrequire = false".to_owned(), "require"),
        (key(""), "tools"),
        (key("tools = []"), "`tools` is empty"),
        (key("tools = [\"A?\"]"), "`A?`"),
        (key("tools = [\"*\"]\nsince = 12:00:00"), "`since` is no day"),
        (key("tools = [\"*\"]\nsince = 2027-01-01\nuntil = 2026-01-01"), "never count"),
        (key("tools = [\"*\"]").replace(&line, "RWQ"), "not a public key"),
        (twice, "listed twice"),
    ] {
        let said = Trust::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(said.contains(says), "{said} for {text}");
    }
}
