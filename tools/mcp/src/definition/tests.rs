//! Names, effects and refusals.

use super::*;

fn definition(name: &str) -> Definition {
    Definition {
        name: name.into(),
        description: "Does it.".into(),
        input_schema: json!({ "type": "object" }),
        output_schema: None,
        annotations: Hints::default(),
    }
}

#[test]
fn a_tool_is_named_after_its_server() {
    assert_eq!(full_name("files", "read").unwrap(), "files__read");
    assert_eq!(full_name("files", "a.b/c-d_e").unwrap(), "files__a_b_c-d_e");
    let longest = "x".repeat(TOOL_NAME_BYTES_MAX - "files__".len());
    full_name("files", &longest).unwrap();
    assert!(full_name("files", &format!("{longest}x")).unwrap_err().contains("64 characters"));
    for bad in ["", "a b", "ä", "a\nb", "a:b"] {
        assert!(full_name("files", bad).is_err(), "{bad:?}");
    }
}

#[test]
fn an_effect_is_once_unless_somebody_who_is_trusted_says_more() {
    let mut read = definition("read");
    read.annotations.read_only = Some(true);
    let mut put = definition("put");
    put.annotations.idempotent = Some(true);
    let plain = definition("plain");
    let mut config = ServerConfig::default();
    let effects = |config: &ServerConfig| [&read, &put, &plain].map(|tool| tool.effect(config));
    assert_eq!(effects(&config), [EffectClass::Once; 3], "an untrusted word is no word");
    config.trust_annotations = true;
    assert_eq!(effects(&config), [EffectClass::Idempotent, EffectClass::Idempotent, EffectClass::Once]);
    config.effects =
        [("read", EffectClass::Once), ("plain", EffectClass::Pure)].map(|(k, v)| (k.into(), v)).into();
    assert_eq!(effects(&config), [EffectClass::Once, EffectClass::Idempotent, EffectClass::Pure]);
}

#[test]
fn annotations_are_the_worst_unless_somebody_who_is_trusted_says_more() {
    let mut read = definition("read");
    read.annotations =
        Hints { read_only: Some(true), destructive: Some(true), open_world: Some(false), ..read.annotations };
    let mut add = definition("add");
    add.annotations.destructive = Some(false);
    let mut config = ServerConfig::default();
    let worst = Annotations::default();
    let spec = |tool: &Definition, config: &ServerConfig| tool.tool("s", config).unwrap().spec.annotations;
    assert_eq!([&read, &add].map(|tool| spec(tool, &config)), [worst; 2], "an untrusted word is no word");
    config.trust_annotations = true;
    let reads = Annotations { read_only: true, destructive: false, idempotent: true, open_world: false };
    assert_eq!(spec(&read, &config), reads);
    assert_eq!(spec(&add, &config), Annotations { destructive: false, ..worst });
    config.effects =
        [("read", EffectClass::Once), ("add", EffectClass::Pure)].map(|(k, v)| (k.into(), v)).into();
    assert_eq!(spec(&read, &config), worst);
    assert_eq!(spec(&add, &config), Annotations::promised(EffectClass::Pure));
}

#[test]
fn every_part_of_a_definition_counts_for_its_digest() {
    let base = definition("a");
    let mut others = vec![base.clone(); 5];
    others[0].name.push('x');
    others[1].description.push('x');
    others[2].input_schema = json!({ "type": "object", "properties": {} });
    others[3].output_schema = Some(json!({}));
    others[4].annotations.destructive = Some(false);
    for other in others {
        assert_ne!(base.digest(), other.digest(), "{other:?}");
    }
    let text = serde_json::to_string(&base).unwrap();
    assert_eq!(serde_json::from_str::<Definition>(&text).unwrap().digest(), base.digest());
}

#[test]
fn what_people_cannot_see_is_not_offered_to_models() {
    let refused = |change: &dyn Fn(&mut Definition)| {
        let mut tool = definition("a");
        change(&mut tool);
        tool.tool("files", &ServerConfig::default()).map(drop).unwrap_err()
    };
    let hidden = "cannot see";
    assert!(refused(&|tool| tool.description = "ok\u{E0041}\u{E0042}".into()).contains(hidden));
    assert!(refused(&|tool| tool.description = "a\u{202E}b".into()).contains(hidden));
    assert!(refused(&|tool| tool.description = "a\u{1b}[8m".into()).contains(hidden));
    let schema = json!({ "type": "object", "properties": { "a": { "description": "\u{2066}" } } });
    assert!(refused(&|tool| tool.input_schema = schema.clone()).contains(hidden));
    assert!(refused(&|tool| tool.output_schema = Some(schema.clone())).contains(hidden));
    assert!(refused(&|tool| tool.description = "x".repeat(DESCRIPTION_BYTES_MAX + 1)).contains("8192"));
    let mut emoji = definition("a");
    emoji.description = "Größe 👩‍👩‍👧 in m²\n\tok".into();
    emoji.tool("files", &ServerConfig::default()).unwrap();
}
