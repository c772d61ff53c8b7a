//! What running calls of a task ask people, and the answers.
//!
//! ```text
//! question 1763848390123   files__move_file asks:
//!          Overwrite notes.txt?
//!          sure (boolean, needed): whether to go on
//!          answer with:  playhouse task answer 01K… --question 1763848390123 '{"sure": …}'
//!          decline with: playhouse task answer 01K… --question 1763848390123 --decline
//! ```

use std::{collections::BTreeSet, process::ExitCode, time::Duration};

use anyhow::bail;
use playhouse_http::wire::{AnswerForm, Question, QuestionList};
use serde_json::Value;

use crate::{cli::AnswerArgs, client::Client, render::shorten};

/// How long nothing happens before a watcher looks whether a call asks something: questions are no events.
pub(super) const QUIET: Duration = Duration::from_secs(1);

/// The open questions that a watcher has shown.
#[derive(Debug, Default)]
pub(super) struct Shown(BTreeSet<u64>);

impl Shown {
    /// What is asked besides, as people read it. A daemon that does not answer now is asked again later.
    pub(super) async fn more(&mut self, client: &Client, id: &str) -> String {
        open(client, id).await.map_or_else(|_| String::new(), |open| self.page(id, &open.questions))
    }

    fn page(&mut self, id: &str, open: &[Question]) -> String {
        let before = std::mem::replace(&mut self.0, open.iter().map(|question| question.number).collect());
        let fresh = open.iter().filter(|question| !before.contains(&question.number));
        fresh.map(|question| page(id, question)).collect()
    }
}

/// What is open, as people or programs read it.
pub(super) async fn list(client: &Client, id: &str, json: bool) -> anyhow::Result<ExitCode> {
    let open = open(client, id).await?;
    print(id, &open, json)
}

/// Answers the question that is meant: the only one, if none is named.
pub(super) async fn answer(client: &Client, args: AnswerArgs, json: bool) -> anyhow::Result<ExitCode> {
    let AnswerArgs { id, answer, question, decline } = args;
    let number = match question {
        Some(number) => number,
        None => only(&open(client, &id).await?.questions, &id)?,
    };
    let answer = match answer {
        None => None,
        Some(Value::Object(fields)) => Some(fields),
        Some(other) => {
            bail!("an answer is an object with the form's fields, such as {{\"sure\": true}}, not {other}")
        }
    };
    let path = format!("/v1/tasks/{id}/questions/{number}");
    let left: QuestionList = client.post(&path, &AnswerForm { answer, decline }, None).await?;
    print(&id, &left, json)
}

async fn open(client: &Client, id: &str) -> anyhow::Result<QuestionList> {
    client.get(&format!("/v1/tasks/{id}/questions"), &[]).await
}

/// The number of the only question.
fn only(questions: &[Question], id: &str) -> anyhow::Result<u64> {
    match questions {
        [one] => Ok(one.number),
        [] => bail!("no call of task {id} asks anything now"),
        many => bail!(
            "{} questions are open: say which with --question; `playhouse task questions {id}` lists them",
            many.len()
        ),
    }
}

#[expect(clippy::print_stdout, reason = "the questions are this command's output")]
fn print(id: &str, open: &QuestionList, json: bool) -> anyhow::Result<ExitCode> {
    match json {
        true => println!("{}", serde_json::to_string_pretty(open)?),
        false => print!("{}", open.questions.iter().map(|question| page(id, question)).collect::<String>()),
    }
    Ok(ExitCode::SUCCESS)
}

/// A stranger's words, each on a line without anything that a terminal obeys.
fn page(id: &str, question: &Question) -> String {
    let Question { number, tool, message, schema, .. } = question;
    let needed = schema["required"].as_array().cloned().unwrap_or_default();
    let none = serde_json::Map::new();
    let fields = schema["properties"].as_object().unwrap_or(&none);
    let is_needed = |name: &str| needed.iter().any(|needed| needed == name);
    let field = |(name, field): (&String, &Value)| {
        let kind = playhouse_schema::kind(schema, field);
        let needed = if is_needed(name) { ", needed" } else { "" };
        let about = field["description"].as_str().or(field["title"].as_str()).unwrap_or_default();
        let about = if about.is_empty() { String::new() } else { format!(": {about}") };
        shorten(&format!("{name} ({kind}{needed}){about}"))
    };
    // What nobody has to give is listed above.
    let asked = fields.keys().filter(|name| needed.is_empty() || is_needed(name));
    let sketch: Vec<String> = asked.map(|name| format!("{}: …", Value::from(name.as_str()))).collect();
    let command = format!("playhouse task answer {id} --question {number}");
    let mut lines = vec![shorten(message)];
    lines.extend(fields.iter().map(field));
    lines.push(format!("answer with:  {command} '{{{}}}'", shorten(&sketch.join(", "))));
    lines.push(format!("decline with: {command} --decline"));
    let lines: String = lines.iter().map(|line| format!("         {line}\n")).collect();
    format!("question {number}   {} asks:\n{lines}", shorten(tool))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn question(number: u64) -> Question {
        Question {
            number,
            effect_id: "T/1.0".into(),
            tool: "s__move".into(),
            message: "Over\u{1b}[2Jwrite\nit?".into(),
            schema: json!({
                "properties": {
                    "how": { "enum": ["a", "b"], "title": "The \u{1b}way" }, "sure": { "type": "boolean" },
                    "who": { "type": "array", "items": { "anyOf": [{ "const": "x", "title": "X" }, { "const": "y" }] } }
                },
                "required": ["sure"]
            }),
            asked_ms: number,
        }
    }

    #[test]
    fn a_question_is_shown_with_its_fields_and_the_commands_that_answer_it() {
        let page = page("T", &question(7));
        for line in [
            "question 7   s__move asks:\n",
            "         Over [2Jwrite it?\n",
            "         how (\"a\" or \"b\"): The  way\n",
            "         sure (boolean, needed)\n",
            "         who (array of \"x\" or \"y\")\n",
            "playhouse task answer T --question 7 '{\"sure\": …}'\n",
            "playhouse task answer T --question 7 --decline\n",
        ] {
            assert!(page.contains(line), "{line:?} is not in {page:?}");
        }
    }

    #[test]
    fn a_watcher_shows_a_question_once() {
        let mut shown = Shown::default();
        assert!(shown.page("T", &[question(7)]).contains("question 7"));
        let more = shown.page("T", &[question(7), question(8)]);
        assert!(more.contains("question 8") && !more.contains("question 7"), "{more}");
        assert_eq!(shown.page("T", &[question(8)]), "");
        assert_eq!(shown.0.len(), 1, "what was answered is forgotten");
    }

    #[test]
    fn without_a_number_the_only_question_is_meant() {
        assert_eq!(only(&[question(7)], "T").unwrap(), 7);
        assert!(only(&[], "T").unwrap_err().to_string().contains("asks anything"));
        let many = only(&[question(7), question(8)], "T").unwrap_err().to_string();
        assert!(many.contains("2 questions") && many.contains("task questions T"), "{many}");
    }
}
