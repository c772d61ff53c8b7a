//! What models are shown of lists.

use super::*;

fn resource(n: usize) -> Resource {
    let description = Some("a\u{1b}[2J\nb".repeat(200));
    Resource { uri: format!("x://{n}"), name: format!("{n}"), description, mime_type: None, bytes: Some(7) }
}

fn page(count: usize, from: usize, rest: Option<&str>) -> Value {
    let resources: Vec<Resource> = (0..count).map(resource).collect();
    shown("resources", resources.iter().filter_map(of_resource), from, rest.map(Into::into))
}

#[test]
fn a_long_list_is_shown_in_pages_that_lead_to_its_end() {
    let (mut from, mut seen, mut pages) = (0, Vec::new(), 0);
    loop {
        let page = page(250, from, Some("a list of it has more than 512 entries"));
        assert!(json_bytes(&page) < SHOWN_BYTES_MAX + 100);
        let entries = page["resources"].as_array().unwrap();
        seen.extend(entries.iter().map(|entry| entry["uri"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = page.get("next").and_then(Value::as_u64) else {
            assert!(page["incomplete"].as_str().unwrap().contains("512"));
            break;
        };
        from = usize::try_from(next).unwrap();
    }
    assert_eq!(seen, (0..250).map(|n| format!("x://{n}")).collect::<Vec<_>>());
    assert!(pages >= 3);
    assert_eq!(page(3, 900, None), json!({ "resources": [] }));
}

#[test]
fn words_of_a_list_are_on_one_line_and_addresses_are_exact_or_left_out() {
    let entry = of_resource(&resource(1)).unwrap();
    let description = entry["description"].as_str().unwrap();
    assert!(description.starts_with("a\u{FFFD}[2J b") && description.chars().count() <= SHOWN_CHARS_MAX + 1);
    for uri in ["x://\u{E0041}", &"x".repeat(URI_BYTES_MAX + 1)] {
        assert_eq!(of_resource(&Resource { uri: uri.into(), ..resource(1) }), None);
    }
}

#[test]
fn the_tools_are_there_when_they_are_asked_for_and_only_read() {
    let names = |resources, prompts| {
        let config = ServerConfig { resources, prompts, ..ServerConfig::default() };
        let tools = tools("s", &config);
        assert!(tools.values().all(|(_, tool)| tool.spec.effect == EffectClass::Idempotent));
        tools.into_keys().collect::<Vec<_>>()
    };
    assert!(names(false, false).is_empty());
    assert_eq!(names(true, false), ["s__list_resources", "s__read_resource"]);
    assert_eq!(names(false, true), ["s__get_prompt", "s__list_prompts"]);
    let config = ServerConfig { resources: true, ..ServerConfig::default() };
    for taken in ["read_resource", "list.resources"] {
        assert!(is_taken("s", &config, taken).unwrap().contains("`resources`"), "{taken}");
    }
    assert!(is_taken("s", &config, "get_prompt").is_none());
}

#[test]
fn what_people_cannot_see_is_marked_in_every_text() {
    let hidden = json!([{ "text": "a\u{202E}b", "n": 1 }, "c\n"]);
    assert_eq!(all_visible(hidden), json!([{ "text": "a\u{FFFD}b", "n": 1 }, "c\n"]));
}
