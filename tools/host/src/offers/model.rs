//! `model`: one question to the model of the task, on the task's account.

use playhouse_core::grant::Capability;
use playhouse_core::message::Message;
use playhouse_core::tool::ToolErrorKind;
use playhouse_ports::ToolQuestion;

use crate::bindings::v1::playhouse::tool::model::Host;
use crate::given::Given;
use crate::guest::Guest;

/// Bytes of one question: more than the windows of most models hold.
const QUESTION_BYTES_MAX: usize = 256 << 10;

impl Host for Guest {
    async fn ask(
        &mut self,
        instructions: String,
        prompt: String,
        max_tokens: u32,
    ) -> wasmtime::Result<Result<String, String>> {
        let given = self.reach(instructions.len() + prompt.len())?;
        let question = self.question(&given, instructions, prompt, max_tokens);
        let answer = match question {
            Ok(question) => self.within(given.caller.ask(question)).await?,
            Err(why) => return Ok(self.hear(Err(why))),
        };
        let answer = answer.map(|reply| reply.message.content).map_err(|error| match error.kind {
            ToolErrorKind::Denied | ToolErrorKind::RateLimited => error.message,
            _ => format!("the model did not answer: {}", error.message),
        });
        // A model may repeat what the task has told it elsewhere.
        let hidden = answer.map(|text| given.leaks.hide(&text).map_or(text, |(without, _)| without));
        Ok(self.bring(hidden))
    }
}

impl Guest {
    /// The question, if it may be asked.
    fn question(
        &mut self,
        given: &Given,
        instructions: String,
        prompt: String,
        max_tokens: u32,
    ) -> Result<ToolQuestion, String> {
        if let Some(why) = given.withheld(Capability::Model) {
            return Err(why);
        }
        let Some(grant) = given.model else { return Err("no model is granted".to_owned()) };
        if self.used.questions >= grant.questions {
            return Err(format!("one call may ask the model {} times", grant.questions));
        }
        let bytes = instructions.len() + prompt.len();
        if bytes > QUESTION_BYTES_MAX {
            return Err(format!("the question has {bytes} bytes, more than {QUESTION_BYTES_MAX}"));
        }
        if let Some(name) = [&instructions, &prompt].iter().find_map(|text| given.leaks.find(text.as_bytes()))
        {
            return Err(format!("the question holds the secret `{name}`, which no model is told"));
        }
        if max_tokens == 0 {
            return Err("an answer of 0 tokens was asked for".to_owned());
        }
        self.used.questions += 1;
        let system = (!instructions.is_empty()).then_some(Message::System { content: instructions });
        let messages = system.into_iter().chain([Message::user(prompt)]).collect();
        Ok(ToolQuestion { messages, max_tokens: max_tokens.min(grant.max_tokens) })
    }
}
